//! G26: a protection made of VMA flags, as `vm_get_page_prot` does in C.
use vmctx::{FaultCtx, Frame, PageProt, PfnMap, Platform, VmFault, platform::VmFlags};

fn fault<'f, P: Platform>(ctx: FaultCtx<'f, P, PfnMap>, frame: Frame<'f, P>) -> VmFault<'f> {
    ctx.insert_pfn_prot(frame, PageProt::from(VmFlags::READ))
}

fn main() {}

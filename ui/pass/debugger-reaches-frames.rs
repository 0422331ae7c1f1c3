//! G19: a debugger reaches what is mapped by number through the `access` hook, and stores only where the user may.
#![forbid(unsafe_code)]
use core::marker::PhantomData;

use vmctx::{
    AccessCtx, Accessed, Errno, FrameSource, Hooks, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount, Platform,
    Remapped, UserAddr, VmOperations,
};
use vmctx_sim::{Machine, Map, Prot};

/// Registers, mapped whole.
struct Uio<P: Platform> {
    memory: P::Iomem,
}

impl<P: Platform> MmapFile for Uio<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let registers = self.memory.range(ctx.pgoff(), ctx.page_count()).ok_or(Errno::EINVAL)?;
        ctx.io().writable().establish(Physical(PhantomData))?.remap_from_first(registers)
    }
}

/// `uio_physical_vm_ops`
struct Physical<P>(PhantomData<P>);

impl<P: Platform> Physical<P> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, Remapped>) -> Result<Accessed<'a>, Errno> {
        ctx.copy_mapped()
    }
}

impl<P: Platform> VmOperations for Physical<P> {
    type Platform = P;
    type Kind = Remapped;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(2)).unwrap();
    memory.write(4094, &[1, 2, 3, 4]).unwrap();
    let (file, process) = (machine.open(Uio { memory: memory.clone() }), machine.process());
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    let last = UserAddr::new(at.get() + 4094);

    // As far as it is mapped, and no further.
    let mut bytes = [9; 4];
    assert_eq!(process.peek(last, &mut bytes).map_err(|error| error.errno()), Err(Some(Errno::EIO)));
    assert_eq!(bytes, [1, 2, 9, 9]);

    process.poke(last, &[5]).unwrap();
    process.mprotect(at, 4096, Prot::READ).unwrap();
    assert_eq!(process.poke(last, &[6]).map_err(|error| error.errno()), Err(Some(Errno::EIO)));
    memory.read(4094, &mut bytes).unwrap();
    assert_eq!(bytes, [5, 2, 3, 4]);
}

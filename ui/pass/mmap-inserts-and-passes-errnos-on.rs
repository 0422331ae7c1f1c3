//! G2, G16: at mmap an insertion gives a `Result`, and the user's call fails with the errno in it; EBUSY is one, too.
#![forbid(unsafe_code)]
use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, Platform};
use vmctx_sim::{Injection, Machine, Map};

struct Doorbell<P: Platform>(P::Page);

impl<P: Platform> MmapFile for Doorbell<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        ctx.writable().without_faults::<Mixed>()?.insert_page(&self.0)?.finish()
    }
}

fn main() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let file = machine.open(Doorbell(page.clone()));
    let process = machine.process();

    for errno in [Errno::EBUSY, Errno::ENOMEM, Errno::EINVAL] {
        machine.inject(Injection::Insertion { after: 0, errno });
        assert_eq!(process.mmap(&file, Map::shared(4096)).unwrap_err().errno(), Some(errno));
    }
    machine.inject(Injection::PageTableAllocation { after: 0 });
    assert_eq!(process.mmap(&file, Map::shared(4096)).unwrap_err().errno(), Some(Errno::ENOMEM));
    assert_eq!(page.map_count(), 0);

    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    process.thread().write_u8(at, 1).unwrap();
    assert_eq!(page.map_count(), 1);
    assert_eq!(machine.statistics().handler_calls, 0);
}

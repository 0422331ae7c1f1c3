//! G11: neighbours first, each by its page offset and each with an outcome to look at; then the fault's own answer.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform, Prefault, UserAddr, VmFault,
    VmOperations,
};
use vmctx_sim::{Machine, Map};

struct Around<P: Platform>(Vec<P::Page>);

impl<P: Platform> MmapFile for Around<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Around::<P>(self.0.clone()))?.fill_later())
    }
}

impl<P: Platform> VmOperations for Around<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let here = ctx.pgoff();
        let mut outcomes = Vec::new();
        for (index, page) in self.0.iter().enumerate() {
            outcomes.push(ctx.prefault_page(PageOffset::new(index), page));
        }
        assert_eq!(
            outcomes,
            [Prefault::OutsideMapping, Prefault::TheFaultItself, Prefault::Inserted, Prefault::OutsideMapping]
        );
        assert_eq!(ctx.prefault_page(PageOffset::new(2), &self.0[2]), Prefault::AlreadyPresent);
        ctx.insert_page(&self.0[here.index()])
    }
}

fn main() {
    let machine = Machine::new();
    let pages: Vec<_> = (0..4).map(|_| machine.alloc_page().unwrap()).collect();
    let file = machine.open(Around(pages));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(2 * 4096).pgoff(PageOffset::new(1))).unwrap();
    let user = process.thread();
    assert_eq!(user.read_u8(at), Ok(0));
    assert_eq!(process.mapped_pages(at, 2 * 4096), PageCount::new(2));
    assert_eq!(user.read_u8(UserAddr::new(at.get() + 4096)), Ok(0));
    assert_eq!(machine.statistics().handler_calls, 1);
}

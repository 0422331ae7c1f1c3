//! G11: the whole window first, which says how many of its pages went in; then the fault's own answer.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform, Prefault, UserAddr, VmFault,
    VmOperations,
};
use vmctx_sim::{Machine, Map};

struct Window<P: Platform>(Vec<P::Page>);

impl<P: Platform> MmapFile for Window<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Window::<P>(self.0.clone()))?.fill_later())
    }
}

impl<P: Platform> VmOperations for Window<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = self.0.get(ctx.pgoff().index()) else { return ctx.fail(Errno::ENXIO) };
        assert_eq!(ctx.prefault_page(PageOffset::new(2), &self.0[2]), Prefault::Inserted);
        // Of six pages the mapping shows four; one of those is the fault's, and one is in.
        assert_eq!(ctx.prefault_pages(PageOffset::ZERO, &self.0), PageCount::new(2));
        // A favour: nobody has to look.
        ctx.prefault_pages(PageOffset::ZERO, &self.0);
        ctx.insert_page(page)
    }
}

fn main() {
    let machine = Machine::new();
    let pages: Vec<_> = (0..6).map(|_| machine.alloc_page().unwrap()).collect();
    let file = machine.open(Window(pages));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4 * 4096).pgoff(PageOffset::new(1))).unwrap();
    let user = process.thread();
    for slot in 0..4 {
        assert_eq!(user.read_u8(UserAddr::new(at.get() + slot * 4096)), Ok(0));
        assert_eq!(process.mapped_pages(at, 4 * 4096), PageCount::new(4));
    }
    assert_eq!(machine.statistics().handler_calls, 1);
}

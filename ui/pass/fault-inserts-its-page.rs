//! G1, G5, G10: a fault is answered by inserting its page, where it was; the user sees the driver's bytes.
#![forbid(unsafe_code)]
use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageRef as _, PageOffset, Platform, UserAddr, VmFault, VmOperations,
};
use vmctx_sim::{Machine, Map, Signal};

#[derive(Clone)]
struct Ring<P: Platform>(Vec<P::Page>);

impl<P: Platform> MmapFile for Ring<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish(Ring::<P>(self.0.clone()))?.fill_later())
    }
}

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.0).ok_or(Errno::ENXIO))
    }
}

fn main() {
    let machine = Machine::new();
    let pages = vec![machine.alloc_page().unwrap(), machine.alloc_page().unwrap()];
    pages[1].write(7, b"second").unwrap();
    let file = machine.open(Ring(pages.clone()));
    let process = machine.process();
    let user = process.thread();

    // From the second page of the object on, so that address and offset differ.
    let at = process.mmap(&file, Map::shared(2 * 4096).pgoff(PageOffset::new(1))).unwrap();
    let mut bytes = [0; 6];
    user.read(UserAddr::new(at.get() + 7), &mut bytes).unwrap();
    assert_eq!(&bytes, b"second");
    user.write_u8(at, 42).unwrap();
    let mut byte = [0];
    pages[1].read(0, &mut byte).unwrap();
    assert_eq!(byte, [42]);

    // Behind the object's end.
    let behind = UserAddr::new(at.get() + 4096);
    assert_eq!(user.read_u8(behind).unwrap_err().signal(), Some(Signal::Sigbus(behind)));

    // One answer to each of the two faults: the second load met an entry.
    let answers = machine.statistics().answers;
    assert_eq!((answers.nopage, answers.sigbus), (1, 1));
}

//! G7: a token may go wherever its hook goes: into a helper, a closure, a structure on the stack, and back.
#![forbid(unsafe_code)]
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Platform, VmFault, VmOperations};
use vmctx_sim::{Machine, Map};

struct Request<'f, 's, P: Platform> {
    ctx: FaultCtx<'f, P, Mixed>,
    pages: &'s [P::Page],
}

impl<'f, P: Platform> Request<'f, '_, P> {
    fn serve(self) -> VmFault<'f> {
        match self.pages.get(self.ctx.pgoff().index()) {
            Some(page) => self.ctx.insert_page(page),
            None => self.ctx.fail(Errno::ENXIO),
        }
    }
}

struct Ring<P: Platform>(Vec<P::Page>);

impl<P: Platform> VmOperations for Ring<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let later = move || Request { ctx, pages: &self.0 };
        let answer = later().serve();
        assert!(!answer.is_error());
        answer
    }
}

impl<P: Platform> MmapFile for Ring<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let mut token = Some(ctx);
        token
            .take()
            .map_or(Err(Errno::EFAULT), |ctx| Ok(ctx.writable().establish(Ring::<P>(self.0.clone()))?.fill_later()))
    }
}

fn main() {
    let machine = Machine::new();
    let file = machine.open(Ring(vec![machine.alloc_page().unwrap()]));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(4096)).unwrap();
    assert_eq!(process.thread().read_u8(at), Ok(0));
}

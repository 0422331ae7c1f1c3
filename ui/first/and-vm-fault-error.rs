//! G4: An answer is tested for the bits of an error.
//! At: `if ret & 0x73`
//! Write instead: `answer.is_error()`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        let Some(page) = ctx.pgoff().of(&self.pages) else { return ctx.fail(Errno::ENXIO) };
        let ret = ctx.insert_page(page);
        if ret & 0x73 != 0 {
            page.write(0, &[1]).ok();
        }
        ret
    }
}

fn main() {}

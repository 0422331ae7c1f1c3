//! G3: A debugger is refused with the errno of C.
//! At: `Err(-EACCES)`
//! Write instead: `Errno::`
use vmctx::*;

struct Dev<P: Platform> {
    pages: Vec<P::Page>,
}

impl<P: Platform> Dev<P> {
    fn access<'a>(&'a self, ctx: AccessCtx<'a, P, Mixed>) -> Result<Accessed<'a>, Errno> {
        if self.pages.is_empty() {
            return Err(-EACCES);
        }
        ctx.copy_page(&self.pages[0])
    }
}

impl<P: Platform> VmOperations for Dev<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
}

fn main() {}

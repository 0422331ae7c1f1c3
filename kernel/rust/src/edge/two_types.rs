//! A state whose type could be taken for another's by subtyping, where each of the two has a kind of its own.
//!
//! With a reference that is covariant in its type, one allocation was established as a mapping of frames and found as one
//! of pages, and the insertion of a page was a `BUG_ON` of the kernel's. The reference does not change its type any more
//! (`LinuxRef` has that as a test), and a mapping is not found by the other type.

use core::marker::PhantomData;

use vmctx::{
    Errno, Mapped, Mixed, MmapCtx, MmapFile, PageOffset, PfnMap, Platform, UnlockedCtx, UserAddr, VmOperations,
};
use vmctx_conformance::devices::Opened;
use vmctx_linux::{Linux, LinuxPage};

use super::{
    requests,
    steering::{Kernel, Steered, Steering},
};

/// A function of this type is one of the type below.
type ForAny = for<'a> fn(&'a ());
type ForStatic = fn(&'static ());

struct State<T>(PhantomData<T>);

impl VmOperations for State<ForAny> {
    type Platform = Linux;
    type Kind = PfnMap;
}

#[expect(coherence_leak_check, reason = "that these are two types is what is tried")]
impl VmOperations for State<ForStatic> {
    type Platform = Linux;
    type Kind = Mixed;
}

struct Object {
    page: LinuxPage,
}

pub(super) fn open(kernel: &Kernel<'_>) -> Result<Opened<Linux>, Errno> {
    let object = Object { page: Linux::alloc_page(&(), kernel.may_sleep())? };
    Ok(Opened::new(File, Steering(Linux::share(object, kernel.may_sleep())?)))
}

impl Steered for Object {
    fn control(&self, ctx: &mut UnlockedCtx<'_, Linux>, request: u32, argument: u64) -> Result<u64, Errno> {
        let address = UserAddr::new(usize::try_from(argument).map_err(|_| Errno::EFAULT)?);
        match request {
            requests::FIND => ctx.find::<State<ForAny>>(address).map(|_| 0),
            requests::FIND_AS_ANOTHER => {
                ctx.find::<State<ForStatic>>(address)?.insert_page(PageOffset::ZERO, &self.page).map(|()| 0)
            }
            _ => Err(Errno::ENOTTY),
        }
    }
}

struct File;

impl MmapFile for File {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish(State::<ForAny>(PhantomData))?.fill_later())
    }
}

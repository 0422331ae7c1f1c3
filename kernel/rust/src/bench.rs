//! The Rust half of the module that `kernel/bench` loads: its border to C.

mod drivers;

use alloc::vec::Vec;
use core::{
    ffi::{c_int, c_void},
    mem::ManuallyDrop,
};

use drivers::{Around, ByMap, ByPage, ByPages, Fault, Object, OnFault, Window};
use vmctx::{Errno, MaySleep, MmapFile, Platform, entry};
use vmctx_linux::{self as linux, Linux, LinuxPage, LinuxRef};

/// The twins of the drivers in C of the same names (`kernel/module/bench.c`).
pub(crate) struct Bench {
    fault: OnFault<Fault>,
    around: OnFault<Around>,
    window: OnFault<Window>,
    page: ByPage,
    pages: ByPages,
    map: ByMap,
}

impl Bench {
    fn new(pages: &[LinuxPage], may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        Ok(Self {
            fault: OnFault(Linux::share(Fault(object(pages)?), may_sleep)?),
            around: OnFault(Linux::share(Around(object(pages)?), may_sleep)?),
            window: OnFault(Linux::share(Window(object(pages)?), may_sleep)?),
            page: ByPage(object(pages)?),
            pages: ByPages(object(pages)?),
            map: ByMap(object(pages)?),
        })
    }
}

/// An object of the same pages.
fn object(pages: &[LinuxPage]) -> Result<Object, Errno> {
    let mut same = Vec::new();
    same.try_reserve_exact(pages.len()).map_err(|_| Errno::ENOMEM)?;
    same.extend(pages.iter().cloned());
    Ok(Object::new(same))
}

/// What C holds.
struct Loaded {
    bench: Bench,
    pages: Vec<LinuxPage>,
}

fn load(count: usize, may_sleep: MaySleep<'_>) -> Result<LinuxRef<Loaded>, Errno> {
    let mut pages = Vec::new();
    pages.try_reserve_exact(count).map_err(|_| Errno::ENOMEM)?;
    for _ in 0..count {
        pages.push(Linux::alloc_page(&(), may_sleep)?);
    }
    Linux::share(Loaded { bench: Bench::new(&pages, may_sleep)?, pages }, may_sleep)
}

/// Makes the drivers, for objects of `count` pages: zero, a handle and the pages, or a negative errno.
///
/// # Safety
/// `bench` and `pages` can be written to. The caller may sleep.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_load(
    count: usize,
    bench: *mut *mut c_void,
    pages: *mut *const LinuxPage,
) -> c_int {
    // SAFETY: by this function's contract.
    let may_sleep = unsafe { entry::may_sleep() };
    linux::code(load(count, may_sleep).map(|loaded| {
        // SAFETY: by this function's contract. A `LinuxPage` is a `struct page *`, and the array stays where it is.
        unsafe { *pages = loaded.pages.as_ptr() };
        // SAFETY: by this function's contract.
        unsafe { *bench = loaded.into_raw() };
    }))
}

/// Drops them, and the pages.
///
/// # Safety
/// `bench` is from [`vmctx_bench_load`], and nobody uses it or the pages any more.
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_unload(bench: *mut c_void) {
    // SAFETY: by this function's contract.
    drop(unsafe { LinuxRef::<Loaded>::from_raw(bench) });
}

/// `f_op->mmap` of the driver that `of` picks.
///
/// # Safety
/// `bench` is loaded; `vma` is the kernel's, in a call of `f_op->mmap` of `file`.
unsafe fn mmap<F: MmapFile<Platform = Linux>>(
    bench: *mut c_void,
    of: fn(&Bench) -> &F,
    file: *mut c_void,
    vma: *mut c_void,
) -> c_int {
    // SAFETY: by this function's contract; the copy is not dropped.
    let loaded = ManuallyDrop::new(unsafe { LinuxRef::<Loaded>::from_raw(bench) });
    // SAFETY: by this function's contract.
    unsafe { linux::mmap(of(&loaded.bench), file, vma) }
}

/// # Safety
/// As [`mmap`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_fault(bench: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(bench, |bench| &bench.fault, file, vma) }
}

/// # Safety
/// As [`mmap`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_around(bench: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(bench, |bench| &bench.around, file, vma) }
}

/// # Safety
/// As [`mmap`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_window(bench: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(bench, |bench| &bench.window, file, vma) }
}

/// # Safety
/// As [`mmap`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_page(bench: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(bench, |bench| &bench.page, file, vma) }
}

/// # Safety
/// As [`mmap`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_pages(bench: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(bench, |bench| &bench.pages, file, vma) }
}

/// # Safety
/// As [`mmap`].
#[unsafe(no_mangle)]
pub(crate) unsafe extern "C" fn vmctx_bench_map(bench: *mut c_void, file: *mut c_void, vma: *mut c_void) -> c_int {
    // SAFETY: by this function's contract.
    unsafe { mmap(bench, |bench| &bench.map, file, vma) }
}

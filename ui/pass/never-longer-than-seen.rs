//! G20: a mapping never shows more than its mmap hook saw, unless that hook lets it grow; then it is moved, and faults
//! look for themselves (CVE-2024-46852 CMA heap, 1c1914d6e8c6 dma-buf heaps, i915 2025).
#![forbid(unsafe_code)]
use vmctx::{Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, PageRef as _, Platform, UserAddr, VmFault, VmOperations};
use vmctx_sim::{Machine, Map, Signal};

/// All buffers of a device lie in one pool; an open file has some of its pages.
struct Buffer<P: Platform> {
    pool: P::Ref<Vec<P::Page>>,
    first: usize,
    count: usize,
    grows: bool,
}

impl<P: Platform> MmapFile for Buffer<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let end = ctx.pgoff().checked_add(ctx.page_count()).ok_or(Errno::EOVERFLOW)?;
        if end.index() > self.count {
            return Err(Errno::EINVAL);
        }
        let pages = self.pool.get(self.first..self.first + self.count).ok_or(Errno::EINVAL)?;
        let ctx = ctx.shared_only()?.writable().establish(Shown::<P>(pages.to_vec()))?;
        Ok(if self.grows { ctx.may_expand() } else { ctx }.fill_later())
    }
}

/// What the fault hook looks into has the bounds of the buffer, not those of the pool.
struct Shown<P: Platform>(Vec<P::Page>);

impl<P: Platform> VmOperations for Shown<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.0).ok_or(Errno::ENXIO))
    }
}

fn main() {
    let machine = Machine::new();
    let pages: Vec<_> = (0..4).map(|_| machine.alloc_page().unwrap()).collect();
    for (index, page) in pages.iter().enumerate() {
        page.write(0, &[index as u8]).unwrap();
    }
    let pool = vmctx_sim::Sim::share(pages, machine.may_sleep()).unwrap();
    let open = |grows| machine.open(Buffer { pool: pool.clone(), first: 0, count: 3, grows });
    let process = machine.process();
    let user = process.thread();
    let page = |at: UserAddr, index: usize| UserAddr::new(at.get() + index * 4096);

    let file = open(false);
    assert_eq!(process.mmap(&file, Map::shared(4 * 4096)).unwrap_err().errno(), Some(Errno::EINVAL));
    let at = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    let errno_of = |old: usize, new: usize| process.mremap(at, old, new, true).unwrap_err().errno();
    // Longer, and once more: not even as far as the buffer goes.
    assert_eq!(errno_of(2 * 4096, 3 * 4096), Some(Errno::EFAULT));
    assert_eq!(errno_of(0, 2 * 4096), Some(Errno::EFAULT));
    assert_eq!((user.read_u8(page(at, 0)), user.read_u8(page(at, 1))), (Ok(0), Ok(1)));
    assert_eq!(user.read_u8(page(at, 2)).unwrap_err().signal(), Some(Signal::Sigsegv(page(at, 2))));
    // Shorter it can be made.
    assert_eq!(process.mremap(at, 2 * 4096, 4096, true), Ok(at));
    assert_eq!(user.read_u8(page(at, 1)).unwrap_err().signal(), Some(Signal::Sigsegv(page(at, 1))));

    let (file, at) = (open(true), UserAddr::new(0x4000_0000));
    process.mmap(&file, Map::shared(2 * 4096).at(at)).unwrap();
    assert_eq!(user.read_u8(page(at, 1)), Ok(1));
    // Not where it is, even with room behind.
    for may_move in [false, true] {
        let grown = process.mremap(at, 2 * 4096, 4 * 4096, may_move);
        assert_eq!(grown.unwrap_err().errno(), Some(Errno::ENOMEM));
    }
    // With something behind it, it moves.
    process.mmap(&open(false), Map::shared(4096).at(page(at, 2))).unwrap();
    let at = process.mremap(at, 2 * 4096, 4 * 4096, true).unwrap();
    for index in 0..3 {
        assert_eq!(user.read_u8(page(at, index)), Ok(index as u8));
    }
    // The next buffer in the pool is somebody else's.
    assert_eq!(user.read_u8(page(at, 3)).unwrap_err().signal(), Some(Signal::Sigbus(page(at, 3))));
}

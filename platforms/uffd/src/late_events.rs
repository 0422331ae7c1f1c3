//! An event that is served late is served for nobody, if its thread has gone on meanwhile.

use std::{
    fs::File,
    os::unix::fs::FileExt as _,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use parking_lot::Mutex;

use vmctx::{
    Errno, FaultCtx, Hooks, Mapped, MmapCtx, MmapFile, Normal, PageCount, PageMkwriteCtx, VmFault, VmOperations,
};
use vmctx_hosted::{Map, Ref};

use crate::{
    kernel::{
        failing::{after_next_read, alone},
        signals::{self, ServeSigbus as _, Signal},
        sys::PAGE_SIZE,
    },
    memory::{Memory, Page},
    serve::in_thread::InThread,
    session::options::Options,
    uffd::Uffd,
};

/// A page that can be stored to, and whose loads fail. The first of them waits.
struct StoreFirst {
    page: Page,
    loads: AtomicUsize,
    called: Sender<()>,
    may_fail: Mutex<Receiver<()>>,
}

impl StoreFirst {
    fn page_mkwrite<'f>(&'f self, ctx: PageMkwriteCtx<'f, Uffd, Normal>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl VmOperations for StoreFirst {
    type Platform = Uffd;
    type Kind = Normal;
    /// Of such mappings one thread may read events while another one serves them.
    const HOOKS: Hooks<Self> = Hooks::NONE.page_mkwrite(Self::page_mkwrite);

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Normal>) -> VmFault<'f> {
        if ctx.is_write() {
            return ctx.deliver(self.page.clone());
        }
        if self.loads.fetch_add(1, Ordering::SeqCst) == 0 {
            self.called.send(()).unwrap();
            self.may_fail.lock().recv().unwrap();
        }
        ctx.fail(Errno::EIO)
    }
}

struct Device(Ref<StoreFirst>);

impl MmapFile for Device {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// A page that shows by faults.
struct Shown(Page);

impl VmOperations for Shown {
    type Platform = Uffd;
    type Kind = Normal;
    const HOOKS: Hooks<Self> = Hooks::NONE;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Uffd, Normal>) -> VmFault<'f> {
        ctx.deliver(self.0.clone())
    }
}

struct ShownFile(Ref<Shown>);

impl MmapFile for ShownFile {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
}

/// Two threads have loaded from one page at once, and the second serves its fault when the first has done so. Whether a
/// store to the page was noted then or not, the next store ends: the thread knows from the entry alone that it has met a
/// protection.
#[test]
fn a_fault_that_is_served_late_leaves_the_protection_that_its_entry_has() {
    alone(|| {
        let memory = Memory::new(PageCount::new(1)).unwrap();
        let state = Ref::new(Shown(memory.alloc_page().unwrap()));
        let session = Options::default().track_stores_by_faults().in_thread().open(&memory).unwrap();
        let at = session.mmap(&session.file(ShownFile(state)), Map::shared(PAGE_SIZE)).unwrap();
        let load = || session.read(at, &mut [0]).unwrap();
        let is_protected = || {
            let locked = session.shared.space.lock_vma(at.get()).unwrap();
            locked.table().is_protected(at.get())
        };
        let agree = || assert_eq!(kernel_protects(at.get()), is_protected());
        load();
        agree();
        assert!(is_protected());
        for _ in 0..2 {
            assert!(InThread::serve(at.get(), false));
            agree();
            session.write(at, &[1]).unwrap();
            agree();
            let _ = session.take_dirty(at, PAGE_SIZE).unwrap();
            agree();
            assert!(is_protected());
        }
    });
}

/// Whether the kernel's entry of an address has a userfaultfd's write protection (`PM_UFFD_WP`).
fn kernel_protects(address: usize) -> bool {
    let mut entry = [0; 8];
    let at = u64::try_from(address / PAGE_SIZE * entry.len()).unwrap();
    File::open("/proc/self/pagemap").unwrap().read_exact_at(&mut entry, at).unwrap();
    u64::from_ne_bytes(entry) & 1 << 57 != 0
}

/// Two threads wait for one page. The event of the second was read, but is not served yet, when the fault of the first
/// fails, which is a SIGBUS for both. Nobody waits any more when the second event is served: so the driver is not asked, and
/// the next access does not find a SIGBUS that was meant for somebody else.
#[test]
fn an_event_whose_thread_has_gone_on_is_served_for_nobody() {
    alone(|| {
        let memory = Memory::new(PageCount::new(2)).unwrap();
        let page = memory.alloc_page().unwrap();
        let (called, was_called) = channel();
        let (fail, may_fail) = channel();
        let loads = AtomicUsize::new(0);
        let state = Ref::new(StoreFirst { page, loads, called, may_fail: Mutex::new(may_fail) });
        let session = Arc::new(Options::default().open(&memory).unwrap());
        let at = session.mmap(&session.file(Device(state.clone())), Map::shared(PAGE_SIZE)).unwrap();
        let (ended, ends) = channel();
        let load = |ended: Sender<Result<(), Signal>>| {
            move || {
                let mut byte = 0_u8;
                // The SIGBUS stays until it is forgotten below, so that neither thread has a second fault.
                // SAFETY: a mapping of the session's, which lives longer.
                ended.send(unsafe { signals::copy(&raw mut byte, at.get() as *const u8, 1) }).unwrap();
            }
        };
        let first = thread::spawn(load(ended.clone()));
        was_called.recv().unwrap();
        // The thread that reads serves this fault. As soon as somebody moves a mapping, another thread reads.
        drop(session.shared.moving.get().unwrap().queue().unwrap().begin_move());
        let (forgotten, was_forgotten) = channel();
        let others = Arc::clone(&session);
        after_next_read(move || {
            fail.send(()).unwrap();
            assert_eq!([(); 2].map(|()| ends.recv().unwrap()), [Err(Signal::Bus(at.get())); 2]);
            others.retry(at);
            forgotten.send(()).unwrap();
        });
        let second = thread::spawn(load(ended));
        first.join().unwrap();
        second.join().unwrap();
        was_forgotten.recv().unwrap();
        assert_eq!(session.write(at, &[7]), Ok(()));
        assert_eq!(state.loads.load(Ordering::SeqCst), 1);
    });
}

//! An event that is served late is served for nobody, if its thread has gone on meanwhile.

use std::{
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
        signals::{self, Signal},
        sys::PAGE_SIZE,
    },
    memory::{Memory, Page},
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

struct File(Ref<StoreFirst>);

impl MmapFile for File {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.writable().establish_shared(self.0.clone())?.fill_later())
    }
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
        let at = session.mmap(&session.file(File(state.clone())), Map::shared(PAGE_SIZE)).unwrap();
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

//! A peer finds what its driver has, or a SIGBUS, at no moment zeros, and whatever the kernel refuses.

use std::{
    ops::Range,
    os::fd::OwnedFd,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use vmctx::{Errno, FaultCtx, Mixed, PageCount, PageOffset, PageRef as _, UserAddr, VmFault, VmOperations};

use crate::{
    kernel::{
        failing::{alone, fail, stop_failing},
        ioctl::{self, MODE_MISSING},
        open::{self, Purpose},
        signals,
        sys::{self, PAGE_SIZE},
    },
    memory::{Memory, Page},
    serve::in_thread::InThread,
};

use super::{
    adopted::Adopted,
    peer::Peer,
    regions::{Region, Regions},
};

const PAGES: usize = 8;

/// Pages that are all there.
struct Pages(Vec<Page>);

impl VmOperations for Pages {
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, mut ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        let first = ctx.pgoff().index() / 4 * 4;
        ctx.prefault_pages(PageOffset::new(first), &self.0[first..first + 4]);
        ctx.insert_page_with(|at| at.pgoff().of(&self.0).ok_or(Errno::ENXIO))
    }
}

/// Memory of this process's that is registered with a userfaultfd, as a peer has it.
struct Own {
    at: usize,
    uffd: OwnedFd,
    rounds: AtomicUsize,
    done: AtomicBool,
    wrong: AtomicUsize,
}

impl Own {
    fn new() -> Self {
        let at = sys::map_zeros(PAGES * PAGE_SIZE).unwrap().expose_provenance();
        let uffd = open::userfaultfd(Purpose::default()).unwrap().fd;
        ioctl::register(&uffd, &(at..at + PAGES * PAGE_SIZE), MODE_MISSING).unwrap();
        let (rounds, done, wrong) = (AtomicUsize::new(0), AtomicBool::new(false), AtomicUsize::new(usize::MAX));
        Self { at, uffd, rounds, done, wrong }
    }

    fn range(&self) -> Range<usize> {
        self.at..self.at + PAGES * PAGE_SIZE
    }

    /// Touches everything all the time, and survives the signals.
    fn touch(&self) {
        while !self.done.load(Ordering::SeqCst) {
            for page in 0..PAGES {
                let mut found = 0_u8;
                let from = std::ptr::with_exposed_provenance(self.at + page * PAGE_SIZE + 1);
                // SAFETY: memory of its own.
                let loaded = unsafe { signals::copy(&raw mut found, from, 1) };
                if loaded.is_ok() && found != number(page) && !self.done.load(Ordering::SeqCst) {
                    self.wrong.store(page, Ordering::SeqCst);
                }
            }
            self.rounds.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// Returns when everything was touched once more.
    fn wait(&self) {
        let now = self.rounds.load(Ordering::SeqCst);
        while self.rounds.load(Ordering::SeqCst) < now + 2 {
            thread::yield_now();
        }
        assert_eq!(self.wrong.load(Ordering::SeqCst), usize::MAX, "this page has what no driver has inserted");
    }
}

fn number(page: usize) -> u8 {
    10 + u8::try_from(page).unwrap()
}

/// Has the `n`th system call fail. Whether there was one.
fn once(n: u64) -> bool {
    let memory = Memory::new(PageCount::new(PAGES)).unwrap();
    let pages: Vec<Page> = (0..PAGES).map(|_| memory.alloc_page().unwrap()).collect();
    for (at, page) in pages.iter().enumerate() {
        page.write(0, &[number(at); PAGE_SIZE]).unwrap();
    }
    let mut own = Own::new();
    let region = Region { base: UserAddr::new(own.at), bytes: PAGES * PAGE_SIZE, offset: 0, page_size: PAGE_SIZE };
    let regions = Regions::new(&[region]).unwrap();
    let uffd = own.uffd.try_clone().unwrap();
    let has_failed = thread::scope(|scope| {
        scope.spawn(|| own.touch());
        fail(n, 0);
        let peer = Peer::adopt(uffd, &regions, Pages(pages.clone()));
        if let Ok(peer) = &peer {
            own.wait();
            let _ = peer.ioctl(|unlocked| {
                let mapped = unlocked.find::<Pages>(UserAddr::new(own.at)).unwrap();
                mapped.insert_pages(PageOffset::ZERO, &pages).map(drop)
            });
            peer.stop().unwrap();
            own.wait();
        }
        drop(peer);
        let has_failed = stop_failing();
        // The userfaultfd is still open here, as the peer has it: what is missing is a SIGBUS, and nobody waits for ever.
        own.wait();
        own.done.store(true, Ordering::SeqCst);
        has_failed
    });
    let range = own.range();
    drop(std::mem::replace(&mut own.uffd, sys::event_fd().unwrap()));
    // SAFETY: memory of its own, which nobody touches any more.
    unsafe { sys::unmap(&range) };
    has_failed
}

#[test]
fn a_peer_finds_no_zeros_when_a_system_call_fails() {
    alone(|| {
        signals::install_handlers::<InThread>().unwrap();
        assert!(!once(0));
        let failed = (1..).take_while(|n| once(*n)).count();
        assert!(failed >= 2, "only {failed} calls were made");
    });
}

//! A hook that waits keeps no other fault from being served, for whatever it waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    FaultCtx, MaySleep, Mixed, Mutex as _, PageRef as _, Platform as _, RwLock as _, SpinLock as _, WaitQueue as _,
};
use vmctx_uffd::{Map, Mutex, Page, RwLock, Session, SpinLock, Uffd, WaitQueue};

use crate::{
    drivers::{PAGE, faulting, number, page_at, pages},
    sessions::{load, session},
    threads::all_at_once,
};

/// More than anybody would have as threads from the start.
#[test]
fn a_hundred_hooks_can_wait_for_one_more_fault() {
    const WAITING: usize = 100;
    let session = session();
    let pages = pages(&session, WAITING + 1);
    let queue = Arc::new(WaitQueue::default());
    let (woken, came) = (Arc::clone(&queue), AtomicBool::new(false));
    let file = faulting::<Mixed, _, _>(&session, move |ctx| {
        let own = ctx.pgoff().index();
        if own == WAITING {
            came.store(true, Ordering::Release);
            woken.wake_all();
            return ctx.insert_page(&pages[own]);
        }
        let ticket = woken.ticket();
        if came.load(Ordering::Acquire) {
            return ctx.insert_page(&pages[own]);
        }
        match ctx.wait(ticket) {
            Ok(waited) => ctx.refault(waited),
            Err(errno) => ctx.fail_or_refault(errno),
        }
    });
    let at = session.mmap(&file, Map::shared((WAITING + 1) * PAGE)).unwrap();
    all_at_once(WAITING + 1, |page| {
        while page == WAITING && queue.sleepers() < WAITING {
            thread::yield_now();
        }
        assert_eq!(load(&session, page_at(at, page)), Ok(number(page)));
    });
    assert_eq!(session.take_errors(), []);
}

/// The hooks of all pages but the last wait, each like this. Meanwhile the thread that they wait for touches the last page.
fn while_hooks_wait(
    session: &Session,
    pages: &[Page],
    wait: impl for<'f> Fn(&FaultCtx<'f, Uffd, Mixed>) + Send + Sync + 'static,
    hold: impl FnOnce(&dyn Fn()),
) {
    let last = pages.len() - 1;
    let waiting = Arc::new(AtomicUsize::new(0));
    let (all, asked) = (pages.to_vec(), Arc::clone(&waiting));
    let file = faulting::<Mixed, _, _>(session, move |ctx| {
        let own = ctx.pgoff().index();
        if own != last {
            asked.fetch_add(1, Ordering::AcqRel);
            wait(&ctx);
        }
        ctx.insert_page(&all[own])
    });
    let at = session.mmap(&file, Map::shared(pages.len() * PAGE)).unwrap();
    thread::scope(|scope| {
        hold(&|| {
            for page in 0..last {
                scope.spawn(move || assert_eq!(load(session, page_at(at, page)), Ok(number(page))));
                while waiting.load(Ordering::Acquire) <= page {
                    thread::yield_now();
                }
            }
            assert_eq!(load(session, page_at(at, last)), Ok(number(last)));
        });
    });
    assert_eq!(session.take_errors(), []);
}

fn sleeping(session: &Session) -> MaySleep<'_> {
    session.memory().may_sleep()
}

#[test]
fn a_hook_that_waits_for_a_lock_is_replaced() {
    let session = session();
    let pages = pages(&session, 4);
    let lock = Arc::new(RwLock::new((), sleeping(&session)).unwrap());
    let hooks = Arc::clone(&lock);
    let wait = move |ctx: &FaultCtx<'_, Uffd, Mixed>| drop(hooks.read(ctx.may_sleep()));
    while_hooks_wait(&session, &pages, wait, |touch| {
        let _held = lock.write(sleeping(&session));
        touch();
    });
    let hooks = Arc::clone(&lock);
    let wait = move |ctx: &FaultCtx<'_, Uffd, Mixed>| drop(hooks.write(ctx.may_sleep()));
    while_hooks_wait(&session, &pages, wait, |touch| {
        let _held = lock.read(sleeping(&session));
        touch();
    });
}

#[test]
fn a_hook_that_waits_for_a_mutex_or_a_spin_lock_is_replaced() {
    let session = session();
    let pages = pages(&session, 4);
    let mutex = Arc::new(Mutex::new((), sleeping(&session)).unwrap());
    let hooks = Arc::clone(&mutex);
    let wait = move |ctx: &FaultCtx<'_, Uffd, Mixed>| drop(hooks.lock(ctx.may_sleep()));
    while_hooks_wait(&session, &pages, wait, |touch| {
        let _held = mutex.lock(sleeping(&session));
        touch();
    });
    let spin = Arc::new(SpinLock::new((), sleeping(&session)).unwrap());
    let hooks = Arc::clone(&spin);
    while_hooks_wait(
        &session,
        &pages,
        move |_| drop(hooks.lock()),
        |touch| {
            let _held = spin.lock();
            touch();
        },
    );
}

#[test]
fn a_hook_that_waits_for_a_locked_page_is_replaced() {
    let session = session();
    let pages = pages(&session, 4);
    let locked = Uffd::alloc_page(session.memory(), sleeping(&session)).unwrap();
    locked.write(0, &[1]).unwrap();
    let theirs = locked.clone();
    let wait = move |ctx: &FaultCtx<'_, Uffd, Mixed>| drop(ctx.lock_page(&theirs));
    while_hooks_wait(&session, &pages, wait, |touch| {
        session
            .ioctl(|unlocked| {
                let _held = unlocked.lock_page(&locked);
                touch();
            })
            .unwrap();
    });
}

//! How service ends, and what a peer gets where there is nothing: a SIGBUS, and never zeros.

use std::{
    os::unix::net::UnixStream,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FaultCtx, FrameSource as _, Hooks, Iomem as _, Mixed, PageCount, PageOffset, Release, VmFault, VmOperations,
    WaitQueue as _,
};
use vmctx_uffd::{
    AdoptError, Adopted, Adoption, MappedFile, Memory, Peer, PeerEnd, Region, RegionError, Regions, SessionError,
    WaitQueue,
};

use crate::{
    by_hand::{FORK, Own, PAGE, REMOVE},
    other::Other,
    snapshot::{Snapshot, byte, file},
};

/// A driver with this fault hook.
struct Served<F>(F);

impl<F> VmOperations for Served<F>
where
    F: for<'f> Fn(FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> + Send + Sync + 'static,
{
    type Platform = Adopted;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f> {
        (self.0)(ctx)
    }
}

fn adopt(other: &mut Other, state: impl VmOperations<Platform = Adopted, Kind = Mixed>) -> Peer {
    let (uffd, socket) = other.sent();
    Adoption::default().socket(socket).refaults(100).adopt(uffd, other.regions(), state).unwrap()
}

fn snapshot() -> Snapshot {
    Snapshot::new(&file(16))
}

#[test]
fn a_peer_that_dies_is_the_end() {
    let Some(mut other) = Other::start(REMOVE) else { return };
    let peer = adopt(&mut other, snapshot());
    assert_eq!(other.load(3), Some(byte(3, 1)));
    assert_eq!(peer.end(), None);
    other.kill();
    assert_eq!((peer.wait(), peer.take_errors()), (PeerEnd::Gone, vec![]));
    peer.stop().unwrap();
    assert_eq!(peer.end(), Some(PeerEnd::Gone), "the first end is the end");
}

/// Its process goes on, and none of its memory.
#[test]
fn a_peer_that_runs_another_program_is_the_end() {
    let Some(mut other) = Other::start(REMOVE) else { return };
    let peer = adopt(&mut other, snapshot());
    assert_eq!(other.load(3), Some(byte(3, 1)));
    other.tell("exec 0");
    assert_eq!((peer.wait(), peer.take_errors()), (PeerEnd::Gone, vec![]));
}

/// Firecracker did so before 1.12 (#5122): what was to be said was said.
#[test]
fn a_peer_may_close_its_socket() {
    let Some(own) = Own::new(16, 0) else { return };
    let (ours, theirs) = UnixStream::pair().unwrap();
    drop(theirs);
    let peer = Adoption::default().socket(ours).adopt(own.sent(), &own.regions(), snapshot()).unwrap();
    let found: Vec<u8> = (0..16).map(|page| own.load(page, 1)).collect();
    assert_eq!(found, (0..16).map(|page| byte(page, 1)).collect::<Vec<_>>());
    assert_eq!((peer.end(), peer.take_errors()), (None, vec![]));
}

/// Nobody has a socket of it; its death shows where something is to be copied.
#[test]
fn the_death_of_a_peer_shows_without_a_socket() {
    let Some(mut other) = Other::start(0) else { return };
    let (uffd, _socket) = other.sent();
    let killed = Arc::new(AtomicUsize::new(0));
    let waits = Arc::clone(&killed);
    let serve = of(move |ctx| {
        waits.store(1, Ordering::SeqCst);
        while waits.load(Ordering::SeqCst) != 2 {
            thread::yield_now();
        }
        ctx.insert_zero_page()
    });
    let peer = Peer::adopt(uffd, other.regions(), Served(serve)).unwrap();
    other.tell("load 2");
    while killed.load(Ordering::SeqCst) != 1 {
        thread::yield_now();
    }
    other.kill();
    killed.store(2, Ordering::SeqCst);
    assert_eq!((peer.wait(), peer.take_errors()), (PeerEnd::Gone, vec![]));
}

/// The compiler finds out that it is good for any fault.
fn of<F: for<'f> Fn(FaultCtx<'f, Adopted, Mixed>) -> VmFault<'f>>(serve: F) -> F {
    serve
}

#[test]
fn what_is_missing_when_service_stops_is_a_sigbus() {
    let Some(mut other) = Other::start(REMOVE) else { return };
    let peer = adopt(&mut other, snapshot());
    assert_eq!(other.load(3), Some(byte(3, 1)));
    drop(peer);
    assert_eq!(other.load(3), Some(byte(3, 1)), "what was copied stays");
    assert_eq!((other.load(4), other.signal()), (None, Some(libc::SIGBUS)));
}

/// Somebody waits for a page, whose hook waits for something that never comes.
#[test]
fn whoever_waits_when_service_stops_gets_a_sigbus() {
    let Some(mut other) = Other::start(0) else { return };
    let memory = Memory::new(PageCount::new(1)).unwrap();
    let queue = WaitQueue::new(memory.may_sleep()).unwrap();
    let waited_on = queue.clone();
    let serve = of(move |ctx| match ctx.wait(waited_on.ticket()) {
        Ok(waited) => ctx.refault(waited),
        Err(errno) => ctx.fail(errno),
    });
    let peer = adopt(&mut other, Served(serve));
    other.tell("load 4");
    while queue.sleepers() == 0 {
        thread::yield_now();
    }
    drop(peer);
    assert_eq!((other.hear().as_str(), other.signal()), ("", Some(libc::SIGBUS)));
}

/// What a hook cannot serve is a SIGBUS, and its owner is told why.
#[test]
fn what_cannot_be_served_is_a_sigbus() {
    let gets_a_sigbus = |state: Box<dyn Fn(&mut Other) -> Peer>| {
        let mut other = Other::start(REMOVE)?;
        let peer = state(&mut other);
        let found = other.load(5);
        assert_eq!((found, other.signal()), (None, Some(libc::SIGBUS)));
        peer.stop().unwrap();
        assert_eq!(peer.statistics().failed, 1);
        Some(peer.take_errors())
    };
    let refused = gets_a_sigbus(Box::new(|other| adopt(other, Served(of(|ctx| ctx.fail(Errno::EIO))))));
    assert!(matches!(refused.as_deref(), None | Some([])));
    let panics = gets_a_sigbus(Box::new(|other| adopt(other, Served(of(|_| panic!("not today"))))));
    assert!(
        panics.is_none_or(
            |errors| matches!(&*errors, [SessionError::Panicked { message, .. }] if message == "not today")
        )
    );
    let forever = gets_a_sigbus(Box::new(|other| adopt(other, Served(of(|ctx| ctx.fail_or_refault(Errno::EAGAIN))))));
    assert!(forever.is_none_or(|errors| matches!(*errors, [SessionError::RefaultsForever { refaults: 100, .. }])));
    let out_of_memory = gets_a_sigbus(Box::new(|other| adopt(other, Served(of(|ctx| ctx.fail(Errno::ENOMEM))))));
    assert!(out_of_memory.is_none_or(|errors| matches!(*errors, [SessionError::OutOfMemory { .. }])));
    // The file has become shorter: the kernel finds nothing to copy.
    let file = file(16);
    let shorter = gets_a_sigbus(Box::new(move |other| {
        let state = Snapshot::new(&file);
        file.set_len(PAGE as u64).unwrap();
        adopt(other, state)
    }));
    let is_fault =
        |error: &SessionError| matches!(error, SessionError::Kernel { error, .. } if error.raw() == libc::EFAULT);
    assert!(shorter.is_none_or(|errors| errors.len() == 1 && errors.iter().all(is_fault)));
}

/// What is registered and was not told of is nobody's.
#[test]
fn a_fault_outside_the_regions_is_a_sigbus() {
    let Some(mut other) = Other::start(0) else { return };
    let (uffd, socket) = other.sent();
    let base = other.base();
    let first = Regions::new(&[Region { base, bytes: PAGE, offset: 0, page_size: PAGE }]).unwrap();
    let peer = Adoption::default().socket(socket).adopt(uffd, &first, snapshot()).unwrap();
    assert_eq!(other.load(0), Some(byte(0, 1)));
    assert_eq!((other.load(5), other.signal()), (None, Some(libc::SIGBUS)));
    let address = |error: &SessionError| match error {
        SessionError::OutsideRegions { address } => Some(address.get() / PAGE * PAGE),
        _ => None,
    };
    let found: Vec<_> = peer.take_errors().iter().map(address).collect();
    assert_eq!(found, [Some(base.get() + 5 * PAGE)]);
}

/// A child of the peer's has what was copied, and a SIGBUS where nothing was: no zeros.
#[test]
fn a_child_of_the_peers_finds_no_zeros() {
    let Some(mut other) = Other::start(FORK) else { return };
    let peer = adopt(&mut other, snapshot());
    assert_eq!(other.load(3), Some(byte(3, 1)));
    other.tell("fork 3");
    assert_eq!(other.hear(), (i32::from(byte(3, 1)) << 8).to_string());
    other.tell("fork 4");
    assert_eq!(other.hear().parse::<i32>().map(|status| status & 0x7f), Ok(libc::SIGBUS));
    assert_eq!(other.load(4), Some(byte(4, 1)), "the peer itself is served");
    assert_eq!((peer.statistics().forks, peer.take_errors()), (2, vec![]));
}

/// A hook that waits is replaced: another one serves the fault that it waits for.
#[test]
fn a_hook_may_wait_for_another_fault() {
    let Some(own) = Own::new(4, 0) else { return };
    let memory = Memory::new(PageCount::new(1)).unwrap();
    let queue = WaitQueue::new(memory.may_sleep()).unwrap();
    let woken = queue.clone();
    let served = Arc::new(AtomicUsize::new(0));
    let done = Arc::clone(&served);
    let serve = of(move |ctx| {
        let ticket = queue.ticket();
        if ctx.pgoff().index() == 3 {
            done.store(1, Ordering::SeqCst);
            queue.wake_all();
            return ctx.insert_zero_page();
        }
        if done.load(Ordering::SeqCst) == 1 {
            return ctx.insert_zero_page();
        }
        match (ctx.pgoff().index(), ctx) {
            // By giving up the lock, and by keeping it.
            (0, ctx) => match ctx.release() {
                Release::Released(released) => {
                    let _ = released.wait(ticket);
                    released.retry()
                }
                Release::NoWait(answer) => answer,
                Release::Keep(ctx) => ctx.insert_zero_page(),
            },
            (_, ctx) => match ctx.wait(ticket) {
                Ok(waited) => ctx.refault(waited),
                Err(errno) => ctx.fail(errno),
            },
        }
    });
    let peer = Peer::adopt(own.sent(), &own.regions(), Served(serve)).unwrap();
    thread::scope(|scope| {
        for page in 0..3 {
            let own = &own;
            scope.spawn(move || assert_eq!(own.load(page, 0), 0));
        }
        while woken.sleepers() != 3 {
            thread::yield_now();
        }
        assert_eq!(own.load(3, 0), 0);
    });
    peer.stop().unwrap();
    assert_eq!((peer.take_errors(), peer.end()), (vec![], Some(PeerEnd::Stopped)));
}

/// A state that wants none of it.
struct Unwilling;

impl VmOperations for Unwilling {
    type Platform = Adopted;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.open(|_| Err(Errno::EPERM));
}

#[test]
fn what_cannot_be_adopted_is_refused() {
    let Some(own) = Own::new(2, 0) else { return };
    let regions = own.regions();
    let error = |fd, error| assert_eq!(Peer::adopt(fd, &regions, snapshot()).map(drop), Err(error));
    error(file(1).into(), AdoptError::NotAUserfaultfd);
    let refused = Peer::adopt(own.sent(), &regions, Unwilling).map(drop);
    assert_eq!(refused, Err(AdoptError::Driver(Errno::EPERM)));
    let huge = Region { page_size: 2 << 20, ..own.region() };
    let error = Regions::new(&[huge]).map(drop).unwrap_err();
    assert_eq!(error, RegionError::PageSize { region: 0, page_size: 2 << 20 });
    assert!(error.to_string().contains("2097152 bytes"), "{error}");
}

/// Frames of a file are read and stored by a driver, too: a store is copied, and the file stays as it is.
#[test]
fn a_mapped_file_is_patched_before_it_is_copied() {
    let Some(own) = Own::new(2, 0) else { return };
    let on_disk = file(2);
    let state = Snapshot::new(&on_disk);
    state.file.write(PAGE + 7, &[1, 2, 3]).unwrap();
    let mut bytes = [0; 4];
    state.file.read(PAGE + 6, &mut bytes).unwrap();
    assert_eq!(bytes, [byte(1, 6), 1, 2, 3]);
    assert!(state.file.read(2 * PAGE - 1, &mut bytes).is_err() && state.file.frame(PageOffset::new(2)).is_none());
    let _peer = Peer::adopt(own.sent(), &own.regions(), state).unwrap();
    assert_eq!([own.load(1, 6), own.load(1, 8)], [byte(1, 6), 2]);
    assert_eq!(MappedFile::new(&on_disk).unwrap().read(PAGE + 7, &mut bytes[..1]).map(|()| bytes[0]), Ok(byte(1, 7)));
    assert_eq!(MappedFile::new(file(0)).map(drop), Err(Errno::EINVAL));
}

//! What is counted of the whole process, and what a child of it inherits: in processes of their own.

use std::{
    fs::{self, File},
    iter,
    os::unix::net::UnixStream,
    thread,
    time::Duration,
};

use vmctx::{FrameSource as _, Iomem as _, PageOffset, UnlockedCtx};
use vmctx_uffd::{Adopted, Adoption, MappedFile, Peer, SyscallError};

use crate::{
    by_hand::{FORK, Own, REMOVE},
    own_process::alone,
    snapshot::{Snapshot, byte, file},
};

fn use_a_peer() {
    let Some(own) = Own::new(32, REMOVE) else { return };
    let regions = own.regions();
    let state = Snapshot { removed: Some(regions.removed()), ..Snapshot::new(&file(32)) };
    let peer = Peer::adopt(own.sent(), &regions, state).unwrap();
    for page in 0..20 {
        assert_eq!(own.load(page, 1), byte(page, 1));
    }
    own.give_back(3..7);
    assert_eq!((own.load(3, 1), peer.take_errors()), (0, vec![]));
}

/// Descriptors, threads and mappings.
fn held() -> [usize; 3] {
    let entries = |of: &str| fs::read_dir(of).unwrap().count();
    let mappings = fs::read_to_string("/proc/self/maps").unwrap().lines().count();
    [entries("/proc/self/fd"), entries("/proc/self/task"), mappings]
}

#[test]
fn a_peer_leaves_nothing_behind() {
    alone(|| {
        // First rounds, after which the runtime has what it keeps for later threads.
        (0..5).for_each(|_| use_a_peer());
        let before = held();
        (0..20).for_each(|_| use_a_peer());
        assert_eq!(held(), before);
    });
}

/// This process may have so many descriptors open from now on.
fn allow_descriptors(most: libc::rlim_t) {
    // SAFETY: two numbers, of this process alone.
    #[expect(unsafe_code, reason = "a limit")]
    unsafe {
        libc::setrlimit(libc::RLIMIT_NOFILE, &libc::rlimit { rlim_cur: most, rlim_max: most });
    }
}

/// A handler that has no descriptor left to know its peer by does not take it for gone when it closes its socket: either that
/// is said, or the peer is served.
#[test]
fn a_handler_without_descriptors_knows_its_peer_or_says_so() {
    alone(|| {
        let Some(own) = Own::new(4, 0) else { return };
        let on_disk = file(4);
        allow_descriptors(64);
        let (mut adopted, mut refused) = (0, 0);
        for left in 0..6 {
            let state = Snapshot::new(&on_disk);
            let (ours, theirs) = UnixStream::pair().unwrap();
            let (sent, regions) = (own.sent(), own.regions());
            let mut all: Vec<File> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
            all.truncate(all.len() - left);
            let peer = Adoption::default().socket(ours).adopt(sent, &regions, state);
            drop((all, theirs));
            let Ok(peer) = peer else {
                refused += 1;
                continue;
            };
            adopted += 1;
            // A thread that takes the peer for gone does so as soon as it runs.
            thread::sleep(Duration::from_millis(50));
            assert_eq!(peer.end(), None, "with {left} descriptors left");
        }
        assert!(adopted != 0 && refused != 0);
    });
}

/// What a child of the handler inherits does nothing there, and the parent and its peer notice nothing.
#[test]
fn a_child_of_the_handlers_has_no_peer() {
    alone(|| {
        let Some(own) = Own::new(4, 0) else { return };
        let file = file(4);
        let state = Snapshot::new(&file);
        let mapped = state.file.clone();
        let peer = Peer::adopt(own.sent(), &own.regions(), state).unwrap();
        assert_eq!(own.load(0, 1), byte(0, 1));
        // SAFETY: the child calls what takes no lock that a thread might hold which is not there, and ends.
        #[expect(unsafe_code, reason = "fork")]
        let child = unsafe { libc::fork() };
        if child == 0 {
            let code = in_a_child(peer, mapped);
            // SAFETY: the child ends, without what its parent would do at its end.
            #[expect(unsafe_code, reason = "a system call")]
            unsafe {
                libc::_exit(code);
            }
        }
        let mut status = 0;
        // SAFETY: the child is this process's.
        #[expect(unsafe_code, reason = "a system call")]
        unsafe {
            libc::waitpid(child, &raw mut status, 0);
        }
        assert_eq!(status >> 8, 0, "which of the child's checks has failed");
        assert_eq!(own.load(1, 1), byte(1, 1), "the peer is served on");
        assert_eq!((peer.end(), peer.take_errors()), (None, vec![]));
    });
}

/// The number of the first check that fails.
fn in_a_child(peer: Peer, mapped: MappedFile) -> i32 {
    let ioctl = peer.ioctl(|_: &mut UnlockedCtx<'_, Adopted>| ());
    let checks = [
        peer.stop() == Err(SyscallError::Forked),
        ioctl == Err(SyscallError::Forked),
        peer.take_errors().is_empty(),
        mapped.read(0, &mut [0]).is_err(),
        mapped.frame(PageOffset::ZERO).is_some(),
    ];
    drop(peer);
    drop(mapped);
    (1..).zip(checks).find(|(_, is_so)| !is_so).map_or(0, |(number, _)| number)
}

/// Who forks waits until a descriptor for its child was read, and its own faults wait with it.
#[test]
fn a_peer_forks_though_its_handler_has_no_descriptors_left() {
    alone(|| {
        let Some(own) = Own::new(4, FORK) else { return };
        let peer = Peer::adopt(own.sent(), &own.regions(), Snapshot::new(&file(4))).unwrap();
        allow_descriptors(64);
        let held: Vec<_> = iter::from_fn(|| File::open("/dev/null").ok()).collect();
        for _ in 0..3 {
            assert!(own.ends_in_a_child(|| ()));
        }
        assert_eq!(own.load(2, 1), byte(2, 1));
        drop(held);
        assert_eq!((peer.statistics().forks, peer.end(), peer.take_errors()), (3, None, vec![]));
    });
}

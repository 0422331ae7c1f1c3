//! Crowds of threads on the simulated machine, where allocations and insertions fail and memory runs out.

use std::sync::atomic::AtomicU64;

use vmctx::{Errno, PageCount};
use vmctx_conformance::history::{Crowd, Subject};
use vmctx_sim::{Injection, Limits, Machine};

use crate::sim::{SimHost, user_of};

/// How many threads crowds have, in turn.
const THREADS: [usize; 6] = [3, 4, 5, 6, 7, 8];

/// Plays a crowd of this seed on a machine of its own, and looks at what is left when everything has gone. Every other
/// machine has hardly more memory than the device takes.
///
/// # Errors
/// What has gone wrong, for people, with the seed.
pub fn play(subject: &Subject, seed: u64, played: &AtomicU64) -> Result<(), String> {
    let turn = usize::try_from(seed).unwrap_or_default();
    let frames = if seed % 2 == 0 { PageCount::new(96) } else { Limits::default().frames };
    let page_tables = if seed % 4 == 0 { 6 } else { Limits::default().page_tables };
    let threads = THREADS.get(turn % THREADS.len()).copied().unwrap_or(3);
    let machine = Machine::with_limits(Limits { frames, page_tables, ..Limits::default() });
    let wrong = |wrong: String| format!("{}, {threads} threads, seed {seed}: {wrong}", subject.name);
    let opened = subject.device.open(&SimHost(machine.clone()));
    let opened = opened.map_err(|errno| wrong(format!("cannot be opened: {errno}")))?;
    let user = user_of(&machine, opened);
    let crowd = Crowd { subject, seed, threads, rounds: 4, steps: 100 };
    crowd.play(user, &|chance| trouble(&machine, chance), played).map_err(wrong)?;
    machine.check_leaks().map_err(|leaks| wrong(leaks.to_string()))
}

/// Lets something fail soon, or nothing any more.
fn trouble(machine: &Machine, chance: Option<u64>) {
    let Some(chance) = chance else { return machine.clear_injections() };
    let after = usize::try_from(chance / 8 % 16).unwrap_or_default();
    let errno = [Errno::ENOMEM, Errno::EBUSY, Errno::EFAULT, Errno::EINVAL];
    let errno = errno.get(after % errno.len()).copied().unwrap_or(Errno::ENOMEM);
    machine.inject(match chance % 8 {
        0 | 1 => Injection::FrameAllocation { after },
        2 => Injection::PageTableAllocation { after },
        3 => Injection::VmaAllocation { after },
        4 | 5 => Injection::Insertion { after, errno },
        6 => Injection::RetryNoWait,
        _ => Injection::NoRetry,
    });
}

//! What the kernel's answers mean, in one place: to a request that works on pages one by one.

use std::{ops::Range, thread};

use super::{
    sys::{PAGE_SIZE, RawErrno},
    userfault::Filled,
};

/// How often a request that has got nowhere is made again.
const PATIENCE: usize = 1000;

/// Why a request did not get to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Something of it is no mapping of ours any more (ENOENT): it is the kernel's to decide, so wake who waits.
    NotOurs,
    /// There is no memory for a page table.
    OutOfMemory,
    /// The process has gone (ESRCH).
    Gone,
    /// The kernel is busy with the address space, time after time.
    Busy,
    /// It cannot be done to this memory: there is no page (EFAULT), or the range is wrong (EINVAL).
    Refused(RawErrno),
}

/// What happens on the way.
pub(super) trait Progress {
    /// These addresses are done, and whoever waited was woken.
    fn done(&mut self, range: Range<usize>);

    /// Something is at this page already: nobody was woken.
    fn present(&mut self, page: Range<usize>);
}

/// Makes a request until all of a range is done. Gives back where it stopped, and why.
#[inline]
pub(super) fn carry_out(
    range: Range<usize>,
    mut request: impl FnMut(&Range<usize>) -> Filled,
    progress: &mut impl Progress,
) -> Result<(), (usize, Stop)> {
    let mut rest = range;
    let mut patience = PATIENCE;
    while !rest.is_empty() {
        let Filled { done, result } = request(&rest);
        // Whatever else it says: this much is done. A part is said with EAGAIN.
        let done = done.min(rest.len()) & !(PAGE_SIZE - 1);
        if done != 0 {
            progress.done(rest.start..rest.start + done);
            rest.start += done;
            patience = PATIENCE;
            if result.is_ok() || result == Err(RawErrno::AGAIN) {
                continue;
            }
        }
        let stop = match result {
            // A success that did nothing would be for ever.
            Ok(()) => Stop::Refused(RawErrno::IO),
            Err(RawErrno::EXIST) => {
                let next = rest.start + PAGE_SIZE;
                progress.present(rest.start..next);
                rest.start = next;
                continue;
            }
            Err(RawErrno::AGAIN) if patience > 0 => {
                patience -= 1;
                thread::yield_now();
                continue;
            }
            Err(RawErrno::AGAIN) => Stop::Busy,
            Err(RawErrno::NOENT) => Stop::NotOurs,
            Err(RawErrno::NOMEM) => Stop::OutOfMemory,
            Err(RawErrno::SRCH) => Stop::Gone,
            Err(errno) => Stop::Refused(errno),
        };
        return Err((rest.start, stop));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "these are lists of ranges")]
mod tests {
    use super::*;

    const START: usize = 0x10_0000;

    #[derive(Default)]
    struct Seen {
        done: Vec<Range<usize>>,
        present: Vec<usize>,
    }

    impl Progress for Seen {
        fn done(&mut self, range: Range<usize>) {
            self.done.push(page(range.start)..page(range.end));
        }

        fn present(&mut self, at: Range<usize>) {
            self.present.push(page(at.start));
        }
    }

    fn page(address: usize) -> usize {
        (address - START) / PAGE_SIZE
    }

    /// Four pages, and a kernel that answers from a list.
    fn ask(answers: &[(usize, Result<(), RawErrno>)]) -> (Result<(), (usize, Stop)>, Seen, usize) {
        let (mut seen, mut calls) = (Seen::default(), 0);
        let result = carry_out(
            START..START + 4 * PAGE_SIZE,
            |_| {
                let (pages, result) = answers[calls.min(answers.len() - 1)];
                calls += 1;
                Filled { done: pages * PAGE_SIZE, result }
            },
            &mut seen,
        );
        (result.map_err(|(at, stop)| (page(at), stop)), seen, calls)
    }

    #[test]
    fn all_done_is_done() {
        let (result, seen, calls) = ask(&[(4, Ok(()))]);
        assert_eq!((result, calls), (Ok(()), 1));
        assert_eq!((seen.done, seen.present), (vec![0..4], vec![]));
    }

    #[test]
    fn a_page_that_is_there_is_told_so_that_its_waiters_are_woken() {
        let (result, seen, _) = ask(&[(1, Err(RawErrno::AGAIN)), (0, Err(RawErrno::EXIST)), (2, Ok(()))]);
        assert_eq!(result, Ok(()));
        assert_eq!((seen.done, seen.present), (vec![0..1, 2..4], vec![1]));
        // Every one of them, too.
        let (result, seen, calls) = ask(&[(0, Err(RawErrno::EXIST))]);
        assert_eq!((result, calls, seen.present), (Ok(()), 4, vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_part_goes_on_from_there() {
        let (result, seen, calls) = ask(&[(1, Err(RawErrno::AGAIN)), (2, Err(RawErrno::AGAIN)), (1, Ok(()))]);
        assert_eq!((result, calls), (Ok(()), 3));
        assert_eq!(seen.done, [0..1, 1..3, 3..4]);
    }

    #[test]
    fn nothing_done_is_tried_again_but_not_for_ever() {
        let (result, _, calls) = ask(&[(0, Err(RawErrno::AGAIN)), (0, Err(RawErrno::AGAIN)), (4, Ok(()))]);
        assert_eq!((result, calls), (Ok(()), 3));
        let (result, _, calls) = ask(&[(0, Err(RawErrno::AGAIN))]);
        assert_eq!((result, calls), (Err((0, Stop::Busy)), PATIENCE + 1));
    }

    /// firecracker #5224, fcvm #961.
    #[test]
    fn a_length_is_never_more_than_was_asked_for() {
        // What userfaultfd 0.9 makes of -11 in the length.
        let (result, seen, _) = ask(&[(usize::MAX / PAGE_SIZE, Ok(()))]);
        assert_eq!((result, seen.done), (Ok(()), vec![0..4]));
    }

    /// ENOENT among them, which buildbuddy #4637 took for a success.
    #[test]
    fn every_other_answer_stops_where_it_was_given() {
        for (errno, stop) in [
            (RawErrno::NOENT, Stop::NotOurs),
            (RawErrno::NOMEM, Stop::OutOfMemory),
            (RawErrno::SRCH, Stop::Gone),
            (RawErrno::FAULT, Stop::Refused(RawErrno::FAULT)),
            (RawErrno::INVAL, Stop::Refused(RawErrno::INVAL)),
            (RawErrno::NOSPC, Stop::Refused(RawErrno::NOSPC)),
        ] {
            let (result, seen, calls) = ask(&[(2, Err(RawErrno::AGAIN)), (0, Err(errno))]);
            assert_eq!((result, calls), (Err((2, stop)), 2));
            assert_eq!(seen.done, vec![0..2]);
        }
        assert_eq!(ask(&[(0, Ok(()))]).0, Err((0, Stop::Refused(RawErrno::IO))));
    }
}

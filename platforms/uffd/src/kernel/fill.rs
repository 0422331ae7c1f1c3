//! Requests that fill a range page by page (CONTINUE, POISON): made until all of it is done, with the one reading of what
//! the kernel answers.

use std::{ops::Range, thread};

use vmctx::Errno;

use crate::error::RawErrno;

use super::{ioctl::Filled, sys};

/// How often a request that has got nowhere is made again.
const PATIENCE: usize = 1000;

/// Why a range was not filled to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FillError {
    /// A part of the range is not registered any more (ENOENT): whoever waits is to be woken, and the kernel decides.
    NotRegistered,
    /// There is no memory for a page table.
    OutOfMemory,
    /// The process has as many mappings as it may: this many.
    OutOfMappings(usize),
    /// The process has gone (ESRCH).
    ProcessGone,
    /// The kernel is busy with the address space, time after time.
    Busy,
    /// It cannot be done to this memory: there is no page (EFAULT), or the range is wrong (EINVAL).
    Refused(RawErrno),
}

impl FillError {
    /// The same, of a system call that cannot be done in part: `mmap` and its likes.
    pub(crate) fn of_call(errno: RawErrno) -> Self {
        match errno {
            RawErrno::NOMEM => sys::mappings_used_up().map_or(Self::OutOfMemory, Self::OutOfMappings),
            RawErrno::SRCH => Self::ProcessGone,
            _ => Self::Refused(errno),
        }
    }

    /// What an insertion outside a fault fails with.
    pub(crate) fn errno(self) -> Errno {
        match self {
            Self::NotRegistered => Errno::EFAULT,
            Self::OutOfMemory | Self::OutOfMappings(_) => Errno::ENOMEM,
            Self::ProcessGone => Errno::ESRCH,
            Self::Busy => Errno::EAGAIN,
            Self::Refused(_) => Errno::EINVAL,
        }
    }
}

/// What becomes of the pages of a range.
pub(crate) trait Progress {
    /// These addresses are done, and whoever waited was woken.
    fn done(&mut self, range: Range<usize>);

    /// Something is at this page already, and whoever waits there was not woken.
    fn present(&mut self, page: Range<usize>);
}

/// Makes a request until all of a range is done, in steps of a page: of `step` bytes, that is.
///
/// # Errors
/// Where it did not go on, and why.
#[inline]
pub(crate) fn fill_range(
    range: Range<usize>,
    step: usize,
    mut request: impl FnMut(&Range<usize>) -> Filled,
    progress: &mut impl Progress,
) -> Result<(), (usize, FillError)> {
    let mut rest = range;
    let mut patience = PATIENCE;
    while !rest.is_empty() {
        let Filled { done, result } = request(&rest);
        // This much is done, whatever else it says: where a part is done, the kernel says EAGAIN.
        let done = done.min(rest.len()) & !(step - 1);
        if done != 0 {
            progress.done(rest.start..rest.start + done);
            rest.start += done;
            patience = PATIENCE;
            if result.is_ok() || result == Err(RawErrno::AGAIN) {
                continue;
            }
        }
        let error = match result {
            // A success that did nothing would be repeated for ever.
            Ok(()) => FillError::Refused(RawErrno::IO),
            Err(RawErrno::EXIST) => {
                let next = rest.start + step;
                progress.present(rest.start..next);
                rest.start = next;
                continue;
            }
            Err(RawErrno::AGAIN) if patience > 0 => {
                patience -= 1;
                thread::yield_now();
                continue;
            }
            Err(RawErrno::AGAIN) => FillError::Busy,
            Err(RawErrno::NOENT) => FillError::NotRegistered,
            Err(RawErrno::NOMEM) => FillError::OutOfMemory,
            Err(RawErrno::SRCH) => FillError::ProcessGone,
            Err(errno) => FillError::Refused(errno),
        };
        return Err((rest.start, error));
    }
    Ok(())
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "these are lists of ranges")]
mod tests {
    use super::{super::sys::PAGE_SIZE, *};

    const START: usize = 0x10_0000;

    #[derive(Default)]
    struct Recorded {
        done: Vec<Range<usize>>,
        present: Vec<usize>,
    }

    impl Progress for Recorded {
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
    fn ask(answers: &[(usize, Result<(), RawErrno>)]) -> (Result<(), (usize, FillError)>, Recorded, usize) {
        let (mut recorded, mut calls) = (Recorded::default(), 0);
        let result = fill_range(
            START..START + 4 * PAGE_SIZE,
            PAGE_SIZE,
            |_| {
                let (pages, result) = answers[calls.min(answers.len() - 1)];
                calls += 1;
                Filled { done: pages * PAGE_SIZE, result }
            },
            &mut recorded,
        );
        (result.map_err(|(at, error)| (page(at), error)), recorded, calls)
    }

    #[test]
    fn all_done_is_done() {
        let (result, recorded, calls) = ask(&[(4, Ok(()))]);
        assert_eq!((result, calls), (Ok(()), 1));
        assert_eq!((recorded.done, recorded.present), (vec![0..4], vec![]));
    }

    #[test]
    fn a_page_that_is_there_is_told_so_that_its_waiters_are_woken() {
        let (result, recorded, _) = ask(&[(1, Err(RawErrno::AGAIN)), (0, Err(RawErrno::EXIST)), (2, Ok(()))]);
        assert_eq!(result, Ok(()));
        assert_eq!((recorded.done, recorded.present), (vec![0..1, 2..4], vec![1]));
        // Every one of them, too.
        let (result, recorded, calls) = ask(&[(0, Err(RawErrno::EXIST))]);
        assert_eq!((result, calls, recorded.present), (Ok(()), 4, vec![0, 1, 2, 3]));
    }

    #[test]
    fn a_part_goes_on_from_there() {
        let (result, recorded, calls) = ask(&[(1, Err(RawErrno::AGAIN)), (2, Err(RawErrno::AGAIN)), (1, Ok(()))]);
        assert_eq!((result, calls), (Ok(()), 3));
        assert_eq!(recorded.done, [0..1, 1..3, 3..4]);
    }

    #[test]
    fn nothing_done_is_tried_again_but_not_for_ever() {
        let (result, _, calls) = ask(&[(0, Err(RawErrno::AGAIN)), (0, Err(RawErrno::AGAIN)), (4, Ok(()))]);
        assert_eq!((result, calls), (Ok(()), 3));
        let (result, _, calls) = ask(&[(0, Err(RawErrno::AGAIN))]);
        assert_eq!((result, calls), (Err((0, FillError::Busy)), PATIENCE + 1));
    }

    /// firecracker #5224, fcvm #961.
    #[test]
    fn a_length_is_never_more_than_was_asked_for() {
        // What userfaultfd 0.9 makes of -11 in the length.
        let (result, recorded, _) = ask(&[(usize::MAX / PAGE_SIZE, Ok(()))]);
        assert_eq!((result, recorded.done), (Ok(()), vec![0..4]));
    }

    /// ENOENT among them, which buildbuddy #4637 took for a success.
    #[test]
    fn every_other_answer_stops_where_it_was_given() {
        for (errno, error) in [
            (RawErrno::NOENT, FillError::NotRegistered),
            (RawErrno::NOMEM, FillError::OutOfMemory),
            (RawErrno::SRCH, FillError::ProcessGone),
            (RawErrno::FAULT, FillError::Refused(RawErrno::FAULT)),
            (RawErrno::INVAL, FillError::Refused(RawErrno::INVAL)),
            (RawErrno::NOSPC, FillError::Refused(RawErrno::NOSPC)),
        ] {
            let (result, recorded, calls) = ask(&[(2, Err(RawErrno::AGAIN)), (0, Err(errno))]);
            assert_eq!((result, calls), (Err((2, error)), 2));
            assert_eq!(recorded.done, vec![0..2]);
        }
        assert_eq!(ask(&[(0, Ok(()))]).0, Err((0, FillError::Refused(RawErrno::IO))));
    }
}

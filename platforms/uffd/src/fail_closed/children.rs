//! A child of fork has nothing of a session's memory, whenever it is forked: other threads, and users, fork as they like.

use std::sync::atomic::{AtomicUsize, Ordering};

use crate::kernel::failing::{alone, before_each};

use super::{How, Served, Whose, by_readers, in_thread, memory_and_pages, use_session};

static FORKED: AtomicUsize = AtomicUsize::new(0);
/// Children that could touch memory of a session's.
static WRONG: AtomicUsize = AtomicUsize::new(0);

/// Forks a child that looks whether it has memory that it could touch.
fn fork() {
    // SAFETY: the child makes system calls, and ends.
    let status = unsafe {
        let child = libc::fork();
        if child == 0 {
            libc::_exit(i32::from(has_memory()));
        }
        let mut status = -1;
        assert_eq!(libc::waitpid(child, &raw mut status, 0), child);
        status
    };
    FORKED.fetch_add(1, Ordering::SeqCst);
    if status != 0 {
        WRONG.fetch_add(1, Ordering::SeqCst);
    }
}

/// Whether this process has a memory object of this crate's mapped, with any rights. Takes no lock, and no memory.
fn has_memory() -> bool {
    const RIGHTS: [&[u8]; 2] = [b" r", b" -w"];
    let mut text = [0_u8; 1 << 16];
    let mut len = 0;
    // SAFETY: reads into what is left of the buffer.
    unsafe {
        let maps = libc::open(c"/proc/self/maps".as_ptr(), libc::O_RDONLY);
        while let Ok(read @ 1..) = usize::try_from(libc::read(maps, text[len..].as_mut_ptr().cast(), text.len() - len))
        {
            len += read;
        }
    }
    let has = |line: &[u8], word: &[u8]| line.windows(word.len()).any(|part| part == word);
    let mut lines = text[..len].split(|byte| *byte == b'\n');
    lines.any(|line| has(line, b"/memfd:vmctx") && RIGHTS.iter().any(|rights| has(line, rights)))
}

#[test]
fn a_child_that_is_forked_at_any_moment_has_nothing() {
    alone(|| {
        for whose in [by_readers(), in_thread(), Whose::Guests] {
            for how in [How::Shared, How::Filled, How::Told, How::Private] {
                before_each(Some(fork));
                let (memory, pages) = memory_and_pages();
                let served = Served::open(whose, &memory);
                match how {
                    How::Told => use_session::<true>(&served, pages, how, true),
                    _ => use_session::<false>(&served, pages, how, true),
                }
                drop(served);
                before_each(None);
            }
        }
        assert!(FORKED.load(Ordering::SeqCst) > 100);
        assert_eq!(WRONG.load(Ordering::SeqCst), 0);
    });
}

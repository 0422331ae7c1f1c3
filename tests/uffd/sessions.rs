//! Sessions, and what their tests have in common.

use std::{
    io::{self, Write},
    process,
};

use vmctx::{PageCount, UserAddr};
use vmctx_uffd::{Answers, Memory, OpenError, Options, Session};

/// A session with memory of its own.
pub(crate) fn session() -> Session {
    open(Options::default(), 1 << 14)
}

/// A session with so many pages.
///
/// Where nobody can have one, that is said, and nothing is tested: it is not the crate that is wrong.
pub(crate) fn open(options: Options, pages: usize) -> Session {
    match options.open(&memory(pages)) {
        Err(error @ (OpenError::NoUserfaultfd(_) | OpenError::MissingFeature { .. })) => {
            // Around the harness, which would keep it to itself.
            let _ = writeln!(io::stderr(), "nothing of `uffd` is tested on this machine: {error}");
            process::exit(0);
        }
        opened => opened.unwrap(),
    }
}

/// Memory of so many pages.
pub(crate) fn memory(pages: usize) -> Memory {
    Memory::new(PageCount::new(pages)).unwrap()
}

pub(crate) fn load(session: &Session, at: UserAddr) -> Result<u8, vmctx_uffd::Trap> {
    let mut byte = [0];
    session.read(at, &mut byte).map(|()| byte[0])
}

/// What hooks have answered: counted before whoever waited goes on.
pub(crate) fn answers(session: &Session) -> Answers {
    session.statistics().answers
}

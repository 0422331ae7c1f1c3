//! The crate by which a run knows which mutant it is. Unlike what [`Choice::write`] writes it can be asked in a `const fn`, which
//! answers as it is written when it is evaluated at compile time, and says which mutants a run has come to.

use std::{io, path::Path};

use vmctx_mutants::Choice;

/// Where a run writes the numbers of the mutants that it has come to.
pub(super) const REACHED: &str = "VMCTX_MUTANTS_REACHED";

const SOURCE: &str = r#"
//! Which mutant is chosen.
#![feature(const_eval_select, core_intrinsics)]
#![allow(internal_features)]
use std::{
    env,
    fs::File,
    io::Write,
    sync::{LazyLock, Mutex, atomic::{AtomicBool, Ordering}},
};

/// Whether it is this one.
pub const fn is(number: u32) -> bool {
    core::intrinsics::const_eval_select((number,), never, is_chosen)
}

const fn never(_: u32) -> bool {
    false
}

static CHOSEN: LazyLock<u32> = LazyLock::new(|| env::var("VMCTX_MUTANT").ok().and_then(|is| is.parse().ok()).unwrap_or(0));
static REACHED: LazyLock<Option<Mutex<File>>> =
    LazyLock::new(|| Some(Mutex::new(File::create(env::var_os("VMCTX_MUTANTS_REACHED")?).unwrap())));
static SEEN: [AtomicBool; 65536] = [const { AtomicBool::new(false) }; 65536];

fn is_chosen(number: u32) -> bool {
    if let Some(reached) = &*REACHED
        && !SEEN[number as usize].swap(true, Ordering::Relaxed)
    {
        reached.lock().unwrap().write_all(format!("{number}\n").as_bytes()).unwrap();
    }
    *CHOSEN == number
}
"#;

/// Writes the crate.
pub(super) fn write_to(folder: &Path) -> io::Result<()> {
    Choice::write_as(folder, SOURCE)
}

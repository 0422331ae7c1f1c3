//! Tests that do something to the whole process, each in a process of its own.

use std::{
    env,
    process::{Command, Output},
    thread,
};

/// Runs this in a process of its own: the test that this thread runs, once more, by the name that the harness knows it by. What
/// came of that process; nothing in that process itself. A test that does so several times has a name for each.
pub(crate) fn in_its_own_process(which: &str, test: impl FnOnce()) -> Option<Output> {
    const ALONE: &str = "VMCTX_TEST_ALONE";
    if let Ok(wanted) = env::var(ALONE) {
        if wanted == which {
            test();
        }
        return None;
    }
    let name = thread::current().name().unwrap().to_owned();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &name, "--nocapture"]).env(ALONE, which);
    Some(command.output().unwrap())
}

/// Runs a test in a process of its own.
pub(crate) fn alone(test: impl FnOnce()) {
    let Some(run) = in_its_own_process("", test) else { return };
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{}: {said}", run.status);
}

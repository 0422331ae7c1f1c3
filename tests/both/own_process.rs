//! Tests that do something to the whole process, each in a process of its own.

use std::{
    env,
    process::{Command, Output},
    thread,
};

/// Runs the test that this thread runs once more, in a process of its own, by the name that the harness knows it by. `None` in
/// that process.
pub(crate) fn in_its_own_process() -> Option<Output> {
    const ALONE: &str = "VMCTX_TEST_ALONE";
    if env::var_os(ALONE).is_some() {
        return None;
    }
    let name = thread::current().name().unwrap().to_owned();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", &name, "--nocapture"]).env(ALONE, "1");
    Some(command.output().unwrap())
}

/// Runs a test in a process of its own.
pub(crate) fn alone(test: impl FnOnce()) {
    let Some(run) = in_its_own_process() else { return test() };
    let said = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    assert!(run.status.success() && said.contains("1 passed"), "{}: {said}", run.status);
}

//! Runs the program as one mutant, a device at a time, until one finds it out.

use std::{
    io::{self, Read},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use vmctx_conformance::Device;
use vmctx_mutants::Choice;

/// How a mutant was found out.
pub(crate) enum Found {
    /// A check has failed: the first that was said.
    Check(String),
    /// The program has not come to its end in time, and was ended.
    Hang,
    /// The program has ended in another way.
    Crash(String),
}

/// The first device that finds the mutant of this number out, and how. Number 0 is none.
pub(crate) fn run(program: &Path, number: usize, patience: Duration) -> io::Result<Option<(Device, Found)>> {
    for device in Device::ALL {
        if let Some(found) = run_on(program, number, *device, patience)? {
            return Ok(Some((*device, found)));
        }
    }
    Ok(None)
}

fn run_on(program: &Path, number: usize, device: Device, patience: Duration) -> io::Result<Option<Found>> {
    let mut child = Command::new(program)
        .arg(device.name())
        .env(Choice::VARIABLE, number.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()?;
    let said = read(child.stdout.take());
    let complained = read(child.stderr.take());
    let Some(ended) = wait(&mut child, patience)? else { return Ok(Some(Found::Hang)) };
    let (said, complained) = (said.join().unwrap_or_default(), complained.join().unwrap_or_default());
    if ended.success() {
        return Ok(None);
    }
    let reason = said.lines().find_map(|line| line.strip_prefix(device.name())?.strip_prefix(": "));
    Ok(Some(match reason {
        Some(reason) => Found::Check(reason.to_owned()),
        None => Found::Crash(complained.lines().find(|line| !line.is_empty()).unwrap_or_default().to_owned()),
    }))
}

/// Reads to the end, in a thread of its own, so that the program never waits for a reader.
fn read(from: Option<impl Read + Send + 'static>) -> thread::JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error is what there is.
        let _ = from.map(|mut from| from.read_to_end(&mut bytes));
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits for the program, and ends it if it takes too long: that is `None`.
fn wait(child: &mut Child, patience: Duration) -> io::Result<Option<std::process::ExitStatus>> {
    let begun = Instant::now();
    loop {
        if let Some(ended) = child.try_wait()? {
            return Ok(Some(ended));
        }
        if begun.elapsed() > patience {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        thread::sleep(Duration::from_millis(5));
    }
}

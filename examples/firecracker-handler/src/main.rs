//! Serves the page faults of microVMs that Firecracker restores from a snapshot.
#![forbid(unsafe_code)]

mod handshake;
mod snapshot;

use std::{
    env,
    error::Error,
    ffi::OsString,
    fs::File,
    os::unix::net::{UnixListener, UnixStream},
    process::ExitCode,
    thread,
    time::Duration,
};

use vmctx_uffd::{Adoption, MappedFile};

use crate::{handshake::Handshake, snapshot::Snapshot};

/// How long it waits for descriptors and threads of others, where there are none left.
const PAUSE: Duration = Duration::from_millis(50);

/// What the command line says.
struct Arguments {
    socket: OsString,
    memory: OsString,
    /// How many pages come at once.
    window: usize,
}

impl Arguments {
    fn of(mut arguments: impl Iterator<Item = OsString>) -> Option<Self> {
        let (socket, memory) = (arguments.next()?, arguments.next()?);
        let window = match arguments.next() {
            Some(window) => window.to_str()?.parse().ok().filter(|window| (1..=512).contains(window))?,
            None => 1,
        };
        arguments.next().is_none().then_some(Self { socket, memory, window })
    }
}

fn main() -> ExitCode {
    let Some(arguments) = Arguments::of(env::args_os().skip(1)) else {
        eprintln!("usage: firecracker-handler SOCKET MEMORY_FILE [PAGES_AT_ONCE, 1 to 512]");
        return ExitCode::FAILURE;
    };
    match run(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn Error>> {
    let memory = MappedFile::new(File::open(&arguments.memory)?)?;
    let listener = UnixListener::bind(&arguments.socket)?;
    loop {
        let (memory, window) = (memory.clone(), arguments.window);
        let started = listener.accept().and_then(|(stream, _)| {
            thread::Builder::new().spawn(move || {
                if let Err(error) = serve(stream, memory, window) {
                    eprintln!("not restored: {error}");
                }
            })
        });
        if let Err(error) = started {
            // Too many connections, or too many threads: the machines that are served are not to end for that.
            eprintln!("not accepted: {error}");
            thread::sleep(PAUSE);
        }
    }
}

/// Serves one microVM until it ends.
fn serve(stream: UnixStream, memory: MappedFile, window: usize) -> Result<(), Box<dyn Error>> {
    let Handshake { regions, uffd } = Handshake::receive(&stream)?;
    let state = Snapshot::new(memory, &regions, window)?;
    let peer = Adoption::default().socket(stream).adopt(uffd, &regions, state)?;
    let end = peer.wait();
    let counted = peer.statistics();
    println!(
        "{end:?}: {} faults, {} pages copied, {} zeroed, {} given back, {} put off",
        counted.faults, counted.copied, counted.zeroed, counted.removed, counted.put_off
    );
    for error in peer.take_errors() {
        eprintln!("{error}");
    }
    Ok(())
}

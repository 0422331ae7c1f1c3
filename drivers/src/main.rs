//! The main job: maps every driver's device on a platform, touches it from several threads, and checks every byte.
#![forbid(unsafe_code)]

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use clap::{Parser, ValueEnum};
#[cfg(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
use vmctx_drivers::job::uffd::UffdSite;
use vmctx_drivers::job::{self, Device, Outcome, sim::SimSite, table::Table};

/// Maps every driver's device, touches it from several threads, and checks every byte
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 if every driver is in order, 1 if one is not, 2 for wrong arguments.")]
struct Arguments {
    /// The drivers to run [default: all]
    #[arg(value_name = "DRIVER", value_enum, hide_possible_values = true)]
    drivers: Vec<Device>,

    /// Where the drivers run
    #[arg(long, value_enum, default_value_t = Platform::Sim)]
    platform: Platform,

    /// How many threads touch a mapping at once, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: u8,

    /// Lists the drivers
    #[arg(long)]
    list: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Platform {
    /// A simulated machine: a software MMU in this process
    Sim,
    /// Real faults of real memory in this process, by Linux's userfaultfd
    Uffd,
}

/// A platform that is there.
enum Found {
    Sim,
    #[cfg(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    Uffd(UffdSite),
}

impl Found {
    #[cfg(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn uffd() -> Result<Self, String> {
        UffdSite::new().map(Self::Uffd).map_err(|error| error.to_string())
    }

    #[cfg(not(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    fn uffd() -> Result<Self, String> {
        Err("it is for Linux on x86-64 and AArch64, with the feature `uffd`".to_owned())
    }

    /// The platform that was asked for.
    fn new(wanted: Platform) -> io::Result<Self> {
        match wanted {
            Platform::Sim => Ok(Self::Sim),
            Platform::Uffd => Self::uffd().map_err(|reason| io::Error::other(format!("no platform uffd: {reason}"))),
        }
    }

    fn run(&self, device: Device, threads: usize) -> Outcome {
        match self {
            Self::Sim => job::run(&SimSite, device, threads),
            #[cfg(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
            Self::Uffd(site) => job::run(site, device, threads),
        }
    }

    /// Which it is.
    fn about(&self) -> &'static str {
        match self {
            Self::Sim => "sim: a simulated machine",
            #[cfg(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
            Self::Uffd(site) if site.is_user_mode_only() => "uffd: real faults of real memory, of user mode only",
            #[cfg(all(feature = "uffd", target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
            Self::Uffd(_) => "uffd: real faults of real memory",
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read the table has gone: nobody is left to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("vmctx-drivers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs what was asked for, and says whether every driver is in order.
fn run(arguments: &Arguments) -> io::Result<bool> {
    let mut out = io::stdout().lock();
    if arguments.list {
        let widest = |column: fn(Device) -> &'static str| Device::ALL.iter().map(|device| column(*device).len()).max();
        let [name, context, kind] = [Device::name, Device::context, Device::kind].map(|of| widest(of).unwrap_or(0) + 2);
        for device in Device::ALL {
            writeln!(out, "{device:<name$}{:<context$}{:<kind$}{}", device.context(), device.kind(), device.about())?;
        }
        return Ok(true);
    }
    let wanted = |device: &&Device| arguments.drivers.is_empty() || arguments.drivers.contains(device);
    let devices: Vec<Device> = Device::ALL.iter().filter(wanted).copied().collect();
    let threads = usize::from(arguments.threads);
    let platform = Found::new(arguments.platform)?;
    let mut outcomes: Vec<Outcome> = Vec::new();
    for (done, device) in devices.iter().enumerate() {
        progress(&format!("[{}/{}] {}", done + 1, devices.len(), device.name()))?;
        outcomes.push(platform.run(*device, threads));
    }
    progress("")?;
    writeln!(out, "{}platform {}", Table(&outcomes), platform.about())?;
    out.flush()?;
    Ok(outcomes.iter().all(Outcome::is_ok))
}

/// Shows what is being done, in the terminal's last line; nothing if it is not a terminal.
fn progress(doing: &str) -> io::Result<()> {
    let mut terminal = io::stderr();
    if terminal.is_terminal() {
        write!(terminal, "\r\x1b[K{doing}")?;
        terminal.flush()?;
    }
    Ok(())
}

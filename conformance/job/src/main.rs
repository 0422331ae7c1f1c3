//! The main job: maps every driver's device on a platform, touches it from several threads, and checks every byte.
#![forbid(unsafe_code)]

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use clap::{
    Parser, ValueEnum,
    builder::{PossibleValue, PossibleValuesParser, TypedValueParser},
};
use vmctx_conformance::{Device, Outcome, Runner, Site};
use vmctx_job::{report, sim::SimSite};

/// Maps every driver's device, touches it from several threads, and checks every byte
#[derive(Parser)]
#[command(version, after_help = "Exit status: 0 if every driver is in order, 1 if one is not, 2 for wrong arguments.")]
struct Arguments {
    /// The drivers to run [default: all]
    #[arg(value_name = "DRIVER", value_parser = one_driver(), hide_possible_values = true)]
    drivers: Vec<Device>,

    /// Where the drivers run [default: uffd, or sim where that cannot be had]
    #[arg(long, value_enum)]
    platform: Option<Platform>,

    /// How many threads touch a mapping at once, 1 to 64
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: u8,

    /// After how many seconds without a check a driver hangs: it is named, and the program ends
    #[arg(long, value_name = "SECONDS", default_value_t = Runner::PATIENCE.as_secs(),
        value_parser = clap::value_parser!(u64).range(1..))]
    patience: u64,

    /// Lists the drivers
    #[arg(long)]
    list: bool,
}

/// A driver by its name.
fn one_driver() -> impl TypedValueParser<Value = Device> {
    let names = Device::ALL.iter().map(|device| PossibleValue::new(device.name()).help(device.about()));
    PossibleValuesParser::new(names).try_map(|name| Device::from_name(&name).ok_or("no such driver"))
}

#[derive(Clone, Copy, ValueEnum)]
enum Platform {
    /// Real faults of real memory in this process, by Linux's userfaultfd
    Uffd,
    /// A simulated machine: a software MMU in this process
    Sim,
}

/// Runs these devices, and says before each which it is.
type RunAll = dyn Fn(Runner, &[Device], &mut dyn FnMut(Device)) -> Vec<Outcome>;

/// A platform that is there.
struct Found {
    /// Which it is, for people.
    about: String,
    run_all: Box<RunAll>,
}

impl Found {
    fn on(about: &str, site: impl Site) -> Self {
        let site = Arc::new(site);
        let run_all = move |runner: Runner, devices: &[Device], begins: &mut dyn FnMut(Device)| -> Vec<Outcome> {
            runner.run_all(&site, devices.iter().copied(), begins)
        };
        Self { about: about.to_owned(), run_all: Box::new(run_all) }
    }

    fn sim() -> Self {
        Self::on("sim: a simulated machine", SimSite)
    }

    #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
    fn uffd() -> Result<Self, String> {
        let site = vmctx_job::uffd::UffdSite::new().map_err(|error| format!("no platform uffd: {error}"))?;
        let only = if site.is_user_mode_only() { ", of user mode only" } else { "" };
        Ok(Self::on(&format!("uffd: real faults of real memory{only}"), site))
    }

    #[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
    fn uffd() -> Result<Self, String> {
        Err("no platform uffd: it is for Linux on x86-64 and AArch64".to_owned())
    }

    /// The platform that was asked for; if none was, real memory where that can be had.
    fn new(wanted: Option<Platform>) -> Result<Self, String> {
        match wanted {
            Some(Platform::Sim) => Ok(Self::sim()),
            Some(Platform::Uffd) => Self::uffd(),
            None => Ok(Self::uffd().unwrap_or_else(|reason| {
                let sim = Self::sim();
                Self { about: format!("{}\n{reason}; so this ran on the simulated machine", sim.about), ..sim }
            })),
        }
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        // Whoever read the table has closed the pipe, so there is nobody to tell.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("vmctx-job: {error}");
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
    let platform = Found::new(arguments.platform).map_err(io::Error::other)?;
    let runner = Runner::new(arguments.threads.into()).patience(Duration::from_secs(arguments.patience));
    let (mut done, mut shown) = (0, Ok(()));
    let outcomes = (platform.run_all)(runner, &devices, &mut |device| {
        done += 1;
        if shown.is_ok() {
            shown = progress(&format!("[{done}/{}] {device}", devices.len()));
        }
    });
    shown?;
    progress("")?;
    report(&mut out, &outcomes, &platform.about)
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

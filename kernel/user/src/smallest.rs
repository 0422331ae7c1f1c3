//! The smallest module (`platforms/linux/smallest`): loaded, mapped twice, unloaded.

use std::{
    fs::{File, OpenOptions},
    os::fd::AsRawFd,
    process::Command,
};

use vmctx::Errno;
use vmctx_conformance::user::Refusal;

use crate::{
    calls::{self, PAGE},
    edges::requests::FIND,
    trap,
};

/// How often it is loaded and unloaded.
const TIMES: usize = 1000;

const TEXT: [u8; 19] = *b"the smallest module";

pub(crate) fn run() -> Result<(), String> {
    let loaded = Command::new("insmod").arg("/smallest.ko").status().map_err(|error| error.to_string())?;
    if !loaded.success() {
        return Err(format!("insmod smallest.ko: {loaded}"));
    }
    let refusal = |refusal: Refusal| format!("smallest: {refusal}");
    let file = OpenOptions::new().read(true).write(true).open("/dev/smallest").map_err(|error| error.to_string())?;
    let both = libc::PROT_READ | libc::PROT_WRITE;
    let map = |pages: usize| calls::mmap(file.as_raw_fd(), pages * PAGE, both, libc::MAP_SHARED, 0);
    if map(2).is_ok() {
        return Err("smallest: two pages are mapped of one".into());
    }
    let (one, other) = (map(1).map_err(refusal)?, map(1).map_err(refusal)?);
    let mut found = [0; TEXT.len()];
    trap::read(one, &mut found).map_err(|trap| trap.to_string())?;
    if found != TEXT {
        return Err(format!("smallest: the page holds {found:?}"));
    }
    trap::write(one, b"THE").map_err(|trap| trap.to_string())?;
    trap::read(other, &mut found).map_err(|trap| trap.to_string())?;
    if !found.starts_with(b"THE smallest") {
        return Err("smallest: the mappings do not share the page".into());
    }
    // Each module has the crate in it. What the other one has mapped is nothing of its own.
    let another = OpenOptions::new().read(true).open("/dev/vmctx-two_types").map_err(|error| error.to_string())?;
    let found = calls::gauge(another.as_raw_fd(), FIND.into(), one.get());
    if found != Err(Refusal::Errno(Errno::EINVAL)) {
        return Err(format!("smallest: the other module's lookup of its mapping is {found:?}"));
    }
    drop(another);
    calls::munmap(one, PAGE).map_err(refusal)?;
    calls::munmap(other, PAGE).map_err(refusal)?;
    drop(file);
    calls::unload("smallest").map_err(refusal)?;
    println!("smallest module: loaded, mapped, unloaded");

    // Beside the module of all devices, which has the same crate in it.
    let module = File::open("/smallest.ko").map_err(|error| error.to_string())?;
    let before = of_modules()?;
    for _ in 0..TIMES {
        calls::load(&module).map_err(refusal)?;
        calls::unload("smallest").map_err(refusal)?;
    }
    // A page that is not given back each time would be a thousand of them.
    let more = of_modules()?.saturating_sub(before);
    if more > TIMES * PAGE / 1024 / 2 {
        return Err(format!("smallest: {more} KiB are left when it was loaded and unloaded {TIMES} times"));
    }
    println!("smallest module: loaded and unloaded {TIMES} times");
    Ok(())
}

/// KiB that the kernel has in use for itself, as far as modules could leave some: what it has mapped, and small objects.
fn of_modules() -> Result<usize, String> {
    let info = std::fs::read_to_string("/proc/meminfo").map_err(|error| error.to_string())?;
    let line = |name: &str| {
        info.lines().find_map(|line| {
            line.strip_prefix(name)?.trim_start_matches(':').split_whitespace().next()?.parse::<usize>().ok()
        })
    };
    Ok(line("VmallocUsed").unwrap_or(0) + line("SUnreclaim").unwrap_or(0))
}

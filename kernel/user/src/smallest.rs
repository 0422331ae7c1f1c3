//! The smallest module (`platforms/linux/smallest`): loaded, mapped twice, unloaded.

use std::{fs::OpenOptions, os::fd::AsRawFd, process::Command};

use vmctx_conformance::user::Refusal;

use crate::{
    calls::{self, PAGE},
    trap,
};

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
    calls::munmap(one, PAGE).map_err(refusal)?;
    calls::munmap(other, PAGE).map_err(refusal)?;
    drop(file);
    calls::unload("smallest").map_err(refusal)?;
    println!("smallest module: loaded, mapped, unloaded");
    Ok(())
}

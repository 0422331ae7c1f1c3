//! A copy of the repository, in which files differ.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

/// The crate by which a program in the copy knows which change is chosen.
#[derive(Debug)]
pub struct Choice;

const SWITCH: &str = r#"
//! Which change is chosen.
use std::{env, sync::OnceLock};

/// Whether it is this one.
pub fn is(number: u32) -> bool {
    static CHOSEN: OnceLock<Option<u32>> = OnceLock::new();
    *CHOSEN.get_or_init(|| env::var("VMCTX_MUTANT").ok()?.parse().ok()) == Some(number)
}
"#;

const SWITCH_MANIFEST: &str = r#"
[workspace]
[package]
name = "vmctx_mutant"
version = "0.1.0"
edition = "2024"
"#;

impl Choice {
    /// By what a program is told its choice: a number, from 1 on.
    pub const VARIABLE: &str = "VMCTX_MUTANT";

    /// Its name.
    pub const NAME: &str = "vmctx_mutant";

    /// Writes the crate.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write(folder: &Path) -> io::Result<()> {
        Self::write_as(folder, SWITCH)
    }

    /// The same, with this source, which has to define `is`.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn write_as(folder: &Path, source: &str) -> io::Result<()> {
        write(&folder.join("Cargo.toml"), SWITCH_MANIFEST)?;
        write(&folder.join("src/lib.rs"), source)
    }

    /// A manifest that depends on the crate as well, which stands in `folder`.
    #[must_use]
    pub fn depended_on(manifest: &str, folder: &Path) -> String {
        let depends = format!("[dependencies]\nvmctx_mutant = {{ path = {:?} }}\n", folder.display().to_string());
        manifest.replacen("[dependencies]\n", &depends, 1)
    }
}

/// Copies a file or a folder, and takes edited files as they are to be, by their names from the root of the repository.
/// What is the same already is left alone, so that it is not compiled again; so is a `Cargo.lock` that is there, as cargo
/// adds the crate that chooses to it.
///
/// # Errors
/// If something cannot be read or written.
pub fn copy(from: &Path, to: &Path, name: &Path, edited: &BTreeMap<PathBuf, String>) -> io::Result<()> {
    if from.is_dir() {
        fs::create_dir_all(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            let file = entry.file_name();
            if file != "target" {
                copy(&entry.path(), &to.join(&file), &name.join(&file), edited)?;
            }
        }
        return Ok(());
    }
    match edited.get(name) {
        Some(text) => write(to, text),
        None if name.ends_with("Cargo.lock") && to.exists() => Ok(()),
        None => write(to, fs::read(from)?),
    }
}

/// Writes a file, unless it is as it is to be.
///
/// # Errors
/// If it cannot be written.
pub fn write(to: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    if fs::read(to).is_ok_and(|there| there == bytes.as_ref()) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, bytes)
}

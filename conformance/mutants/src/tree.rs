//! The sources with all mutants in them, and the program that is built of these.
//!
//! A copy of the repository has at every place that a mutant changes both expressions, and a choice between them:
//! a program is built once, and is told by its environment which mutant it is. The sources that are published have no
//! such choice in them.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
};

use crate::mutant::{Edit, Mutant};

/// By what the program is told which mutant it is: its place in the list, from 1 on.
pub(crate) const CHOICE: &str = "VMCTX_MUTANT";

/// What is copied.
const COPIED: [&str; 11] = [
    "Cargo.toml",
    "Cargo.lock",
    "README.md",
    "rust-toolchain.toml",
    "src",
    "docs",
    "ui",
    "platforms",
    "drivers",
    "conformance",
    "examples/platform",
];

/// The packages in which there are mutants, by the folders of their manifests.
const PACKAGES: [&str; 3] = [".", "platforms/hosted", "examples/platform"];

/// The crate that chooses.
const SWITCH: &str = r#"
//! Which mutant this program is.
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

/// Makes the program, and gives back where it is.
pub(crate) fn build(root: &Path, mutants: &[Mutant]) -> Result<PathBuf, String> {
    let folder = root.join("target/mutants");
    let tree = folder.join("tree");
    let edited = edit(root, mutants)?;
    for name in COPIED {
        copy(&root.join(name), &tree.join(name), Path::new(name), &edited)
            .map_err(|error| format!("{name} cannot be copied: {error}"))?;
    }
    let switch = tree.join("mutant");
    let written = fs::create_dir_all(switch.join("src"))
        .and_then(|()| write(&switch.join("Cargo.toml"), SWITCH_MANIFEST))
        .and_then(|()| write(&switch.join("src/lib.rs"), SWITCH));
    written.map_err(|error| format!("the crate that chooses cannot be written: {error}"))?;
    let status = Command::new("cargo")
        .args(["build", "--manifest-path", "examples/platform/Cargo.toml", "--target-dir"])
        .arg(folder.join("build"))
        .current_dir(&tree)
        // Code that a mutant leaves out may leave something unused.
        .env("RUSTFLAGS", "--cap-lints allow")
        .env("CARGO_PROFILE_DEV_OPT_LEVEL", "1")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .status();
    match status {
        Ok(status) if status.success() => Ok(folder.join("build/debug/example-platform")),
        Ok(_) => Err("the mutants do not compile".to_owned()),
        Err(error) => Err(format!("no cargo: {error}")),
    }
}

/// The texts of the files that differ, by their paths.
fn edit(root: &Path, mutants: &[Mutant]) -> Result<BTreeMap<PathBuf, String>, String> {
    let mut places: BTreeMap<&str, Vec<(u32, &Mutant, &Edit)>> = BTreeMap::new();
    for (number, mutant) in (1..).zip(mutants) {
        for edit in &mutant.edits {
            places.entry(edit.file).or_default().push((number, mutant, edit));
        }
    }
    let mut edited = BTreeMap::new();
    for (file, edits) in places {
        let text = fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))?;
        edited.insert(PathBuf::from(file), choices(&text, &edits)?);
    }
    let switch = root.join("target/mutants/tree/mutant");
    for package in PACKAGES {
        let manifest = Path::new(package).join("Cargo.toml");
        let text = fs::read_to_string(root.join(&manifest)).map_err(|error| format!("{package}: {error}"))?;
        let depends = format!("[dependencies]\nvmctx_mutant = {{ path = {:?} }}\n", switch.display().to_string());
        edited.insert(manifest, text.replacen("[dependencies]\n", &depends, 1));
    }
    Ok(edited.into_iter().map(|(path, text)| (path.strip_prefix(".").unwrap_or(&path).to_owned(), text)).collect())
}

/// A file with a choice at the place of each edit.
fn choices(text: &str, edits: &[(u32, &Mutant, &Edit)]) -> Result<String, String> {
    let mut places: BTreeMap<(usize, usize), Vec<(u32, &str)>> = BTreeMap::new();
    for (number, mutant, edit) in edits {
        let wrong = |reason: &str| format!("{}: {reason} in {}: {}", mutant.name, edit.file, edit.keeps);
        let (before, rest) = edit.keeps.split_once('«').unwrap_or(("", edit.keeps));
        let (kept, behind) = rest.split_once('»').unwrap_or((rest, ""));
        let whole = format!("{before}{kept}{behind}");
        let mut found = text.match_indices(&whole);
        let at = match (found.next(), found.next()) {
            (Some((at, _)), None) => at + before.len(),
            (None, _) => return Err(wrong("not found")),
            (Some(_), Some(_)) => return Err(wrong("there twice")),
        };
        places.entry((at, at + kept.len())).or_default().push((*number, edit.breaks));
    }
    let mut chosen = String::new();
    let mut done = 0;
    for ((start, end), choices) in places {
        let (Some(between), Some(kept)) = (text.get(done..start), text.get(start..end)) else {
            return Err(format!("two mutants overlap at: {}", choices.first().map_or("", |(_, breaks)| breaks)));
        };
        chosen += between;
        let choices: String = choices
            .iter()
            .map(|(number, breaks)| format!("if ::vmctx_mutant::is({number}) {{ {breaks} }} else "))
            .collect();
        chosen += &format!("{{ {choices}{{ {kept} }} }}");
        done = end;
    }
    Ok(chosen + text.get(done..).unwrap_or_default())
}

/// Copies a file or a folder, and takes edited files as they are to be. What is the same already is left alone, so that
/// it is not compiled again.
fn copy(from: &Path, to: &Path, name: &Path, edited: &BTreeMap<PathBuf, String>) -> io::Result<()> {
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
        // The example's dependencies are not those that are locked there, as it has one more.
        None if name.ends_with("platform/Cargo.lock") && to.exists() => Ok(()),
        None => write(to, fs::read(from)?),
    }
}

fn write(to: &Path, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    if fs::read(to).is_ok_and(|there| there == bytes.as_ref()) {
        return Ok(());
    }
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(to, bytes)
}

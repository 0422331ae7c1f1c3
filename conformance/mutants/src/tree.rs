//! The sources with all mutants in them, and the program that is built of these.
//!
//! A copy of the repository has at every place that a mutant changes both expressions, and a choice between them:
//! a program is built once, and is told by its environment which mutant it is. The sources that are published have no
//! such choice in them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use vmctx_mutants::{Choice, Place, copy, with_choices};

use crate::mutant::Mutant;

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

/// Makes the program, and gives back where it is.
pub(crate) fn build(root: &Path, mutants: &[Mutant]) -> Result<PathBuf, String> {
    let folder = root.join("target/mutants");
    let tree = folder.join("tree");
    let edited = edit(root, mutants)?;
    for name in COPIED {
        copy(&root.join(name), &tree.join(name), Path::new(name), &edited)
            .map_err(|error| format!("{name} cannot be copied: {error}"))?;
    }
    Choice::write(&tree.join("mutant"))
        .map_err(|error| format!("the crate that chooses cannot be written: {error}"))?;
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
    let mut texts = BTreeMap::new();
    let mut places: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
    for (number, mutant) in (1..).zip(mutants) {
        for edit in &mutant.edits {
            if !texts.contains_key(edit.file) {
                let text =
                    fs::read_to_string(root.join(edit.file)).map_err(|error| format!("{}: {error}", edit.file))?;
                texts.insert(edit.file, text);
            }
            let text = texts.get(edit.file).map_or("", String::as_str);
            let bytes = edit.place(text).map_err(|error| format!("{}: {error}", mutant.name))?;
            places.entry(edit.file).or_default().push(Place { number, bytes, breaks: edit.breaks });
        }
    }
    let mut edited = BTreeMap::new();
    for (file, places) in places {
        let text = texts.get(file).map_or("", String::as_str);
        edited.insert(PathBuf::from(file), with_choices(text, &places)?);
    }
    let switch = root.join("target/mutants/tree/mutant");
    for package in PACKAGES {
        let manifest = Path::new(package).join("Cargo.toml");
        let text = fs::read_to_string(root.join(&manifest)).map_err(|error| format!("{package}: {error}"))?;
        edited.insert(manifest, Choice::depended_on(&text, &switch));
    }
    Ok(edited.into_iter().map(|(path, text)| (path.strip_prefix(".").unwrap_or(&path).to_owned(), text)).collect())
}

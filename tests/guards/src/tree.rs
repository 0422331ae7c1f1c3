//! Copies of the repository whose core is weakened.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use vmctx_mutants::{Choice, Place, copy, with_choices, write};

use crate::{listed, weakening::Weakening};

/// What is not copied, beside what cargo makes.
const LEFT_OUT: [&str; 2] = [".git", "target"];

/// A copy of the repository.
pub(crate) struct Tree {
    root: PathBuf,
    folder: PathBuf,
}

impl Tree {
    /// A copy of this name, as the repository is.
    pub(crate) fn new(root: &Path, name: &str) -> Result<Self, String> {
        Self::with(root, name, &BTreeMap::new())
    }

    /// A copy of this name, with these files instead of those of the same names.
    pub(crate) fn with(root: &Path, name: &str, edited: &BTreeMap<PathBuf, String>) -> Result<Self, String> {
        let tree = Self { root: root.to_owned(), folder: root.join("target/guards").join(name) };
        tree.copy(edited)?;
        Ok(tree)
    }

    /// A copy in which all these weakenings are chosen from, by their numbers.
    pub(crate) fn with_choices(root: &Path, name: &str, weakenings: &[(u32, &Weakening)]) -> Result<Self, String> {
        let tree = Self { root: root.to_owned(), folder: root.join("target/guards").join(name) };
        let mut places: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
        for (number, weakening) in weakenings {
            for edit in &weakening.edits {
                let bytes = edit.place(&tree.original(edit.file)?)?;
                places.entry(edit.file).or_default().push(Place { number: *number, bytes, breaks: edit.breaks });
            }
        }
        let mut edited = BTreeMap::new();
        for (file, places) in places {
            edited.insert(PathBuf::from(file), with_choices(&tree.original(file)?, &places)?);
        }
        // Not in the copy, where it would be a member of its workspace.
        let switch = root.join("target/guards/choice");
        edited.insert(PathBuf::from("Cargo.toml"), Choice::depended_on(&tree.original("Cargo.toml")?, &switch));
        tree.copy(&edited)?;
        Choice::write(&switch).map_err(|error| format!("the crate that chooses cannot be written: {error}"))?;
        Ok(tree)
    }

    fn copy(&self, edited: &BTreeMap<PathBuf, String>) -> Result<(), String> {
        let failed = |error| format!("the repository cannot be copied: {error}");
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            if !LEFT_OUT.iter().any(|left_out| name == *left_out) {
                copy(&self.root.join(&name), &self.folder.join(&name), Path::new(&name), edited).map_err(failed)?;
            }
        }
        Ok(())
    }

    fn original(&self, file: &str) -> Result<String, String> {
        fs::read_to_string(self.root.join(file)).map_err(|error| format!("{file}: {error}"))
    }

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Changes this copy, for as long as the weakening is looked at.
    pub(crate) fn weaken(&self, weakening: &Weakening) -> Result<(), String> {
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        for edit in &weakening.edits {
            let mut text = texts.remove(edit.file).map_or_else(|| self.original(edit.file), Ok)?;
            text.replace_range(edit.place(&text)?, edit.breaks);
            texts.insert(edit.file, text);
        }
        texts.iter().try_for_each(|(file, text)| {
            write(&self.path(file), text).map_err(|error| format!("{file} cannot be written: {error}"))
        })
    }

    /// Makes it as it was.
    pub(crate) fn mend(&self, weakening: &Weakening) -> Result<(), String> {
        weakening.edits.iter().try_for_each(|edit| {
            write(&self.path(edit.file), self.original(edit.file)?).map_err(|error| format!("{}: {error}", edit.file))
        })
    }

    /// A cargo command here.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Result<Output, String> {
        let mut command = Command::new("cargo");
        command
            .args(arguments)
            .current_dir(&self.folder)
            .env("CARGO_TARGET_DIR", self.folder.join("target"))
            .env("CARGO_INCREMENTAL", "0")
            .env("CARGO_PROFILE_DEV_DEBUG", "0")
            // What is left out may leave something unused, and what is added has no page.
            .env("RUSTFLAGS", "--cap-lints allow")
            .env("RUSTC_BOOTSTRAP", listed::NAME)
            .stdin(Stdio::null());
        command.output().map_err(|error| format!("no cargo: {error}"))
    }

    /// Checks a package and gives back what cargo has made of it and its dependencies, by their crates' names.
    pub(crate) fn check(&self, arguments: &[&str]) -> Result<BTreeMap<String, PathBuf>, String> {
        let arguments = [&["check", "--message-format", "json"], arguments].concat();
        let output = self.cargo(&arguments)?;
        let said = String::from_utf8_lossy(&output.stdout);
        if !output.status.success() {
            return Err(first_error(&said).unwrap_or_else(|| String::from_utf8_lossy(&output.stderr).into_owned()));
        }
        Ok(said.split_inclusive('\n').filter_map(artifact).collect())
    }
}

/// The first error of the compiler's in the messages of a cargo command.
fn first_error(said: &str) -> Option<String> {
    let line = said.lines().find(|line| line.contains("\"level\":\"error\""))?;
    text(line, "\"rendered\":\"").map(|rendered| rendered.replace("\\n", "\n").replace("\\\"", "\""))
}

/// The crate and its file, of a message that names one.
fn artifact(line: &str) -> Option<(String, PathBuf)> {
    let target = line.strip_prefix("{\"reason\":\"compiler-artifact\"").and_then(|rest| rest.split_once("\"target\":"));
    let (_, target) = target?;
    let name = text(target, "\"name\":\"")?.replace('-', "_");
    let (_, files) = target.split_once("\"filenames\":[")?;
    let file = files.split('"').find(|file| file.ends_with(".rmeta"))?;
    Some((name, PathBuf::from(file)))
}

/// The string that begins behind `key`, with its escapes.
fn text<'a>(json: &'a str, key: &str) -> Option<&'a str> {
    let (_, rest) = json.split_once(key)?;
    let mut escaped = false;
    let end = rest.find(|character| {
        let ends = character == '"' && !escaped;
        escaped = character == '\\' && !escaped;
        ends
    })?;
    rest.get(..end)
}

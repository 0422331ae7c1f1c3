//! Copies of the repository whose core is weakened.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use vmctx_mutants::{Choice, Place, copy, with_choices, write};

use crate::weakening::Weakening;

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
        let mut places: BTreeMap<&str, Vec<Place<'_>>> = BTreeMap::new();
        for (number, weakening) in weakenings {
            for edit in &weakening.edits {
                let bytes = edit.place(&original(root, edit.file)?)?;
                places.entry(edit.file).or_default().push(Place { number: *number, bytes, breaks: edit.breaks });
            }
        }
        let mut edited = BTreeMap::new();
        for (file, places) in places {
            edited.insert(PathBuf::from(file), with_choices(&original(root, file)?, &places)?);
        }
        // Not in the copy, where it would be a member of its workspace.
        let switch = root.join("target/guards/choice");
        edited.insert(PathBuf::from("Cargo.toml"), Choice::depended_on(&original(root, "Cargo.toml")?, &switch));
        Choice::write(&switch).map_err(|error| format!("the crate that chooses cannot be written: {error}"))?;
        Self::with(root, name, &edited)
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

    pub(crate) fn path(&self, file: &str) -> PathBuf {
        self.folder.join(file)
    }

    /// Changes this copy, for as long as the weakening is looked at.
    pub(crate) fn weaken(&self, weakening: &Weakening) -> Result<(), String> {
        let mut texts: BTreeMap<&str, String> = BTreeMap::new();
        for edit in &weakening.edits {
            let mut text = texts.remove(edit.file).map_or_else(|| original(&self.root, edit.file), Ok)?;
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
            write(&self.path(edit.file), original(&self.root, edit.file)?)
                .map_err(|error| format!("{}: {error}", edit.file))
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
            // The crate that chooses may use what is unstable, and no other.
            .env("RUSTC_BOOTSTRAP", Choice::NAME)
            .stdin(Stdio::null());
        command.output().map_err(|error| format!("no cargo: {error}"))
    }

    /// The same, and its messages.
    pub(crate) fn cargo_says(&self, arguments: &[&str]) -> Result<Said, String> {
        let output = self.cargo(&[arguments, &["--message-format", "json"]].concat())?;
        let lines = String::from_utf8_lossy(&output.stdout);
        Ok(Said {
            succeeded: output.status.success(),
            messages: lines.lines().filter_map(|line| serde_json::from_str(line).ok()).collect(),
            errors: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Checks a package and gives back what cargo has made of it and its dependencies, by their crates' names.
    pub(crate) fn check(&self, arguments: &[&str]) -> Result<BTreeMap<String, PathBuf>, String> {
        let said = self.cargo_says(&[&["check"], arguments].concat())?.or_error()?;
        Ok(said.messages.iter().filter_map(artifact).collect())
    }

    /// Compiles programs and gives them back.
    pub(crate) fn programs(&self, arguments: &[&str]) -> Result<Vec<Program>, String> {
        Ok(self.cargo_says(arguments)?.or_error()?.messages.iter().filter_map(Program::of).collect())
    }
}

/// What a cargo command has said.
pub(crate) struct Said {
    pub(crate) succeeded: bool,
    /// Cargo's and the compiler's messages.
    pub(crate) messages: Vec<Value>,
    /// What stands beside these.
    errors: String,
}

impl Said {
    /// This, if the command has succeeded; else the first error of the compiler's, or what cargo says.
    pub(crate) fn or_error(self) -> Result<Self, String> {
        if self.succeeded {
            return Ok(self);
        }
        let rendered = |message: &Value| {
            let error = message.get("message").filter(|message| is_error(message))?;
            Some(error.get("rendered")?.as_str()?.to_owned())
        };
        Err(self.messages.iter().find_map(rendered).unwrap_or(self.errors))
    }
}

/// A program that cargo has made.
pub(crate) struct Program {
    /// The name of its target, with underscores.
    pub(crate) name: String,
    pub(crate) is_test: bool,
    pub(crate) file: PathBuf,
}

impl Program {
    fn of(message: &Value) -> Option<Self> {
        Some(Self {
            name: target(message)?,
            is_test: message.pointer("/profile/test")?.as_bool()?,
            file: PathBuf::from(message.get("executable")?.as_str()?),
        })
    }
}

/// The text of a file of the repository.
pub(crate) fn original(root: &Path, file: &str) -> Result<String, String> {
    fs::read_to_string(root.join(file)).map_err(|error| format!("{file}: {error}"))
}

/// Whether it is an error that the compiler says.
pub(crate) fn is_error(message: &Value) -> bool {
    message.get("level").is_some_and(|level| level == "error")
}

fn target(message: &Value) -> Option<String> {
    Some(message.pointer("/target/name")?.as_str()?.replace('-', "_"))
}

/// The crate and its file, of a message that names one.
fn artifact(message: &Value) -> Option<(String, PathBuf)> {
    let files = message.get("filenames")?.as_array()?;
    let file = files.iter().filter_map(Value::as_str).find(|file| file.ends_with(".rmeta"))?;
    Some((target(message)?, PathBuf::from(file)))
}

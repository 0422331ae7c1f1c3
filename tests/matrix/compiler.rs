//! Cargo and rustc, and what they say.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
};

use serde_json::Value;

use crate::programs::{Cell, Sort, crate_of, number_at};

/// Where everything of this test is.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/matrix")
}

/// The core, compiled.
pub(crate) struct Core(PathBuf);

impl Core {
    pub(crate) fn new() -> Self {
        let mut check = Command::new(env!("CARGO"));
        check.args(["check", "--locked", "--package", "vmctx", "--features", "alloc", "--message-format", "json"]);
        let output = in_place(&mut check).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let messages = String::from_utf8(output.stdout).unwrap();
        let file = messages.lines().find_map(|line| {
            let message: Value = serde_json::from_str(line).unwrap();
            let is_core = message["reason"] == "compiler-artifact" && message["target"]["name"] == "vmctx";
            let files = message["filenames"].as_array().filter(|_| is_core)?;
            files.iter().find_map(|file| file.as_str().filter(|file| file.ends_with(".rmeta")).map(PathBuf::from))
        });
        Self(file.expect("cargo names no file of the core's"))
    }

    /// The errors of each cell: its code and its first line. The cells are compiled in two halves at a time, as rustc has
    /// one thread for what it does here.
    pub(crate) fn errors(&self, name: &str, cells: &[Cell], sort: Sort) -> BTreeMap<usize, Vec<String>> {
        let middle = cells.len() / 2;
        let (first, second) = cells.split_at(middle);
        let (first, second) = thread::scope(|scope| {
            let other = scope.spawn(|| self.errors_of(&format!("{name}_2"), second, sort));
            (self.errors_of(name, first, sort), other.join().unwrap())
        });
        first.into_iter().chain(second.into_iter().map(|(number, errors)| (middle + number, errors))).collect()
    }

    fn errors_of(&self, name: &str, cells: &[Cell], sort: Sort) -> BTreeMap<usize, Vec<String>> {
        let source = folder().join(name).with_extension("rs");
        fs::write(&source, crate_of(cells, sort)).unwrap();
        let output = Command::new("rustc")
            .args(["--edition", "2024", "--crate-type", "lib", "--emit", "metadata", "--error-format", "json"])
            .arg("--out-dir")
            .arg(folder())
            .arg("--extern")
            .arg(format!("vmctx={}", self.0.display()))
            .arg(format!("-Ldependency={}", self.0.parent().unwrap().display()))
            .arg(&source)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let mut errors: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let said = String::from_utf8(output.stderr).unwrap();
        for line in said.lines() {
            let message: Value = serde_json::from_str(line).unwrap();
            // The last error says how many there were.
            let Some(span) =
                message["spans"].as_array().and_then(|spans| spans.iter().find(|span| span["is_primary"] == true))
            else {
                continue;
            };
            if message["level"] != "error" {
                continue;
            }
            let at = usize::try_from(span["line_start"].as_u64().unwrap()).unwrap();
            let number = number_at(at).unwrap_or_else(|| panic!("an error before the cells: {}", message["message"]));
            let code = message["code"]["code"].as_str().unwrap_or("no code");
            let text = message["message"].as_str().unwrap();
            errors.entry(number).or_default().push(format!("{code}: {text}"));
        }
        assert_eq!(output.status.success(), errors.is_empty(), "{said}");
        errors
    }
}

fn in_place(command: &mut Command) -> &mut Command {
    command
        .arg("--target-dir")
        .arg(folder())
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."))
        .stdin(Stdio::null())
        .env_remove("RUSTFLAGS")
        .env_remove("RUSTDOCFLAGS")
}

/// The methods that the docs of the core show, by their types. rustdoc says so in a format that is not stable yet, which
/// the pinned toolchain writes if it is told to.
pub(crate) fn documented_methods() -> BTreeMap<String, Vec<String>> {
    let mut rustdoc = Command::new(env!("CARGO"));
    rustdoc.args(["rustdoc", "--locked", "--package", "vmctx", "--features", "alloc"]);
    in_place(&mut rustdoc).args(["--", "-Z", "unstable-options", "--output-format", "json"]);
    let output = rustdoc.env("RUSTC_BOOTSTRAP", "1").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let docs = fs::read_to_string(folder().join("doc/vmctx.json")).unwrap();
    let docs: Value = serde_json::from_str(&docs).unwrap();
    let item = |id: &Value| &docs["index"][id.to_string()];
    let mut methods = BTreeMap::new();
    for (_, one) in docs["index"].as_object().unwrap() {
        let Some(impls) = one["inner"]["struct"]["impls"].as_array() else { continue };
        let inherent = impls.iter().map(item).filter(|one| one["inner"]["impl"]["trait"].is_null());
        let items = inherent.flat_map(|one| one["inner"]["impl"]["items"].as_array().into_iter().flatten().map(item));
        let functions = items.filter(|one| one["inner"]["function"].is_object());
        let names: Vec<String> = functions.map(|one| one["name"].as_str().unwrap().to_owned()).collect();
        methods.insert(one["name"].as_str().unwrap().to_owned(), names);
    }
    methods
}

//! What is public: the items of the core, one a line, are those in `vmctx.txt` beside this file, and no published crate
//! shows a type of another crate's.
//!
//! `BLESS=1 cargo test -p vmctx-api` writes the list anew: whoever changes it reads the difference as a user would, and
//! says in the changelog what it means for them.
#![cfg(test)]

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use public_api::PublicApi;

/// Those that `cargo add` finds.
const PUBLISHED: [&str; 7] =
    ["vmctx", "vmctx-hosted", "vmctx-sim", "vmctx-uffd", "vmctx-linux", "vmctx-drivers", "vmctx-conformance"];
/// Whose names public items may have in them, beside those of the published crates.
const EVERYBODYS: [&str; 3] = ["core", "alloc", "std"];

/// The folder with rustdoc's descriptions of the published crates.
fn descriptions() -> &'static Path {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    FOLDER.get_or_init(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        let target = root.join("target/api");
        let mut rustdoc = Command::new(env!("CARGO"));
        rustdoc.args(["doc", "--quiet", "--locked", "--no-deps", "--all-features", "--target-dir"]).arg(&target);
        for package in PUBLISHED {
            rustdoc.args(["--package", package]);
        }
        // The format is not stable, so it takes the version of `public-api` that reads the pinned toolchain's.
        rustdoc.env("RUSTC_BOOTSTRAP", "1").env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
        assert!(rustdoc.current_dir(&root).status().unwrap().success(), "rustdoc has failed");
        target.join("doc")
    })
}

fn public_items(package: &str) -> PublicApi {
    let description = descriptions().join(package.replace('-', "_")).with_extension("json");
    let builder = public_api::Builder::from_rustdoc_json(description);
    builder.omit_blanket_impls(true).omit_auto_trait_impls(true).build().unwrap()
}

#[test]
fn the_public_items_of_the_core_are_those_listed() {
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("vmctx.txt");
    let items = public_items("vmctx").to_string();
    if env::var_os("BLESS").is_some() {
        fs::write(&list, &items).unwrap();
    }
    let listed = fs::read_to_string(&list).unwrap();
    let changed = |these: &str, those: &str, sign: &str| -> String {
        let only = these.lines().filter(|item| !those.lines().any(|other| other == *item));
        only.map(|item| format!("{sign} {item}\n")).collect()
    };
    let (gone, new) = (changed(&listed, &items, "-"), changed(&items, &listed, "+"));
    assert!(listed == items, "if this is meant, `BLESS=1 cargo test -p vmctx-api`:\n{gone}{new}");
}

#[test]
fn each_name_of_the_core_is_public_for_a_reason() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/stability.md")).unwrap();
    let (_, rows) = page.split_once("| what | why it is public |").unwrap();
    let items = public_items("vmctx").to_string();
    let name = |item: &str| {
        let item = item.trim_start_matches("pub ").trim_start_matches("unsafe ");
        let path = ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| item.strip_prefix(kind))?;
        let path = path.split(|of: char| !(of.is_alphanumeric() || of == '_' || of == ':')).next()?;
        let (modules, name) = path.trim_end_matches(':').rsplit_once("::")?;
        // What belongs to a type or a trait has its reason.
        let is_of_a_module = modules.split("::").all(|part| part.starts_with(char::is_lowercase));
        (is_of_a_module && modules.starts_with("vmctx")).then(|| name.to_owned())
    };
    let names: Vec<_> = items.lines().filter_map(name).collect();
    assert!(names.len() > 100, "next to no names: {names:?}");
    for name in names {
        assert!(rows.contains(&format!("`{name}`")), "docs/stability.md says no reason for {name}");
    }
}

#[test]
fn no_published_crate_shows_a_type_of_another_crate() {
    let ours = PUBLISHED.map(|package| package.replace('-', "_"));
    for package in PUBLISHED {
        let items = public_items(package).to_string();
        assert!(items.lines().count() > 100, "{package} is described as having next to no items");
        for (line, path) in items.lines().flat_map(|line| paths(line).map(move |path| (line, path))) {
            let known = EVERYBODYS.contains(&path) || ours.iter().any(|name| name == path);
            assert!(known, "{package} shows what is `{path}`'s: {line}");
        }
    }
}

/// The crates that the paths of an item begin with.
fn paths(item: &str) -> impl Iterator<Item = &str> {
    let words = item.split(|of: char| !(of.is_alphanumeric() || of == '_' || of == ':'));
    // A type's associated item begins with a capital letter, or with `Self`.
    words
        .filter_map(|word| word.split_once("::"))
        .map(|(first, _)| first)
        .filter(|first| first.starts_with(|of: char| of.is_lowercase()))
}

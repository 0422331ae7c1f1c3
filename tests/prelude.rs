//! The preludes of the platforms have the same names, and leave none out that takes a platform.

use std::{fs, path::Path};

/// The platforms: folder, type, and whether the package has the feature `alloc` of `vmctx`.
const PLATFORMS: [(&str, &str, bool); 3] = [("sim", "Sim", true), ("uffd", "Uffd", true), ("linux", "Linux", false)];

const ALLOC: &str = "\n// What the feature `alloc`";

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[expect(clippy::unwrap_used, reason = "a test ends where a file cannot be read")]
fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

#[test]
fn preludes_differ_in_the_platform_alone() {
    let texts = PLATFORMS.map(|(folder, platform, has_alloc)| {
        let text = read(&format!("platforms/{folder}/src/prelude.rs"));
        assert_eq!(text.contains(ALLOC), has_alloc, "{folder}");
        let text = text.split(ALLOC).next().unwrap();
        text.replace(&format!("use vmctx_{folder}::prelude::*;\n//!\n"), "use vmctx_sim::prelude::*;\n//!\n")
            .replace(platform, "Sim")
    });
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
}

/// The name of a public structure or enumeration that takes a platform, declared in this line.
fn takes_a_platform(line: &str) -> Option<&str> {
    let rest = line.strip_prefix("pub struct ").or_else(|| line.strip_prefix("pub enum "))?;
    let (name, parameters) = rest.split_once('<')?;
    parameters.contains("P: Platform").then_some(name)
}

#[test]
fn preludes_have_all_that_takes_a_platform() {
    let exported = read("src/lib.rs");
    let exported = exported.split("pub use access").nth(1).unwrap();
    let is_exported = |name: &str| exported.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    let prelude = read("platforms/sim/src/prelude.rs");
    let mut count = 0;
    for file in fs::read_dir(root().join("src")).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            continue;
        }
        for name in fs::read_to_string(&path).unwrap().lines().filter_map(takes_a_platform) {
            // A framework makes no prepare hook, it passes on a file's own.
            if !is_exported(name) || name == "PrepareHook" {
                continue;
            }
            count += 1;
            let (alias, with_parameters) = (format!("pub type {name} ="), format!("pub type {name}<"));
            assert!(prelude.contains(&alias) || prelude.contains(&with_parameters), "no prelude has {name}");
        }
    }
    assert!(count > 30, "only {count} types were looked at");
}

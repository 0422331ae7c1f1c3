//! Makes Rust of what the kernel's headers say: `facts.rs`, with the structures as far as they are used, and constants.
//!
//! With `VMCTX_FACTS`, which the script `object` sets, that is the assembler file of `shim/facts.c`. Without, there is no
//! kernel: the same structures and constants have made-up numbers, with which the crate can be checked and documented,
//! but not linked into a module.

use std::{collections::BTreeMap, env, error::Error, fs, path::Path};

/// A structure of the kernel's.
#[derive(Default)]
struct Structure {
    /// By offset: name, size and type.
    fields: BTreeMap<usize, (String, usize, String)>,
    size: Option<usize>,
}

#[derive(Default)]
struct Facts {
    structures: BTreeMap<String, Structure>,
    values: Vec<(String, u64)>,
    /// Expressions of the core's, and what they are to the kernel.
    of_core: Vec<(String, u64)>,
    /// How many errnos there are among them.
    errnos: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-env-changed=VMCTX_FACTS");
    println!("cargo:rustc-check-cfg=cfg(vmctx_kernel)");
    println!("cargo:rustc-check-cfg=cfg(vmctx_mmap_prepare)");
    let facts = if let Ok(path) = env::var("VMCTX_FACTS") {
        println!("cargo:rerun-if-changed={path}");
        println!("cargo:rustc-cfg=vmctx_kernel");
        of_kernel(&fs::read_to_string(path)?)?
    } else {
        println!("cargo:rerun-if-changed=shim/facts.c");
        of_names(&fs::read_to_string("shim/facts.c")?)
    };
    if facts.structures.contains_key("vm_area_desc") {
        println!("cargo:rustc-cfg=vmctx_mmap_prepare");
    }
    fs::write(Path::new(&env::var("OUT_DIR")?).join("facts.rs"), rust(&facts))?;
    Ok(())
}

/// What the assembler file says. Its lines are `.ascii "->field STRUCTURE FIELD OFFSET SIZE TYPE"`, and so on.
fn of_kernel(assembler: &str) -> Result<Facts, Box<dyn Error>> {
    let mut facts = Facts::default();
    for line in assembler.lines().filter_map(|line| Some(line.split_once("\"->")?.1.split_once('"')?.0)) {
        // Assemblers write numbers with a mark before them.
        let line = line.replace(['$', '#'], "");
        match *line.splitn(6, ' ').collect::<Vec<_>>() {
            ["field", structure, field, offset, bytes, kind] => {
                let fields = &mut facts.structures.entry(structure.to_owned()).or_default().fields;
                fields.insert(offset.parse()?, (field.to_owned(), bytes.parse()?, kind.to_owned()));
            }
            ["size", structure, bytes] => {
                facts.structures.entry(structure.to_owned()).or_default().size = Some(bytes.parse()?);
            }
            ["value", name, value] => facts.values.push((name.to_owned(), value.parse::<u64>()?)),
            ["same_if_there", _, _, "0"] => {}
            ["same" | "same_if_there", kind, name, value] => {
                let is_errno = kind == "Errno";
                facts.errnos += usize::from(is_errno);
                let number = if is_errno { "to_raw" } else { "bits" };
                facts.of_core.push((format!("{kind}::{name}.{number}()"), value.parse::<u64>()?));
            }
            _ => return Err(format!("no fact: {line}").into()),
        }
    }
    if facts.values.is_empty() { Err("VMCTX_FACTS has no facts".into()) } else { Ok(facts) }
}

/// The structures and constants that `facts.c` names, each field in a word of its own, and each constant another.
fn of_names(source: &str) -> Facts {
    let mut facts = Facts::default();
    for line in source.lines() {
        let Some((what, rest)) = line.trim().strip_suffix(");").and_then(|line| line.split_once('(')) else { continue };
        match (what, rest.splitn(3, ", ").collect::<Vec<_>>().as_slice()) {
            ("FIELD", &[structure, field, kind]) => {
                let fields = &mut facts.structures.entry(structure.to_owned()).or_default().fields;
                fields.insert(8 * fields.len(), (field.to_owned(), 0, kind.to_owned()));
            }
            ("ERRNO", _) => facts.errnos += 1,
            ("VALUE", &[name]) => {
                let number = if name == "PAGE_SHIFT" { 12 } else { facts.values.len() as u64 };
                facts.values.push((name.to_owned(), number));
            }
            _ => {}
        }
    }
    facts
}

fn rust(facts: &Facts) -> String {
    let mut text = String::new();
    for (name, structure) in &facts.structures {
        let (mut fields, mut checks, mut end) = (String::new(), String::new(), 0);
        for (&offset, (field, bytes, kind)) in &structure.fields {
            if offset > end {
                fields += &format!("    pub(crate) _before_{field}: [u8; {}],\n", offset - end);
            }
            fields += &format!("    pub(crate) {field}: {kind},\n");
            checks += &format!("const _: () = assert!(core::mem::offset_of!({name}, {field}) == {offset});\n");
            if *bytes != 0 {
                checks += &format!("const _: () = assert!(size_of::<{kind}>() == {bytes});\n");
            }
            end = offset + if *bytes == 0 { 8 } else { *bytes };
        }
        if let Some(size) = structure.size {
            fields += &format!("    pub(crate) _end: [u8; {}],\n", size - end);
            checks += &format!("const _: () = assert!(size_of::<{name}>() == {size});\n");
        }
        let what = "as far as it is used; what is between is left out";
        text +=
            &format!("/// `struct {name}`, {what}.\n#[repr(C)]\npub(crate) struct {name} {{\n{fields}}}\n{checks}\n");
    }
    for (name, value) in &facts.values {
        text += &format!("pub(crate) const {name}: u64 = {value:#x};\n");
    }
    for (of_core, value) in &facts.of_core {
        text += &format!("const _: () = assert!({of_core} as u64 == {value:#x});\n");
    }
    text += &format!("pub(crate) const ERRNOS: usize = {};\n", facts.errnos);
    text
}

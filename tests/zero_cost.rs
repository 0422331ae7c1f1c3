//! The tokens cost nothing: typed hooks and their hand-written twins (`tests/twins`) compile to the same instructions.

use std::{fs, path::PathBuf, process::Command};

/// The instructions of one function, a line each, without directives. Empty if it is not there.
fn instructions(assembly: &str, function: &str) -> Vec<String> {
    assembly
        .lines()
        .skip_while(|line| *line != format!("{function}:"))
        .skip(1)
        .take_while(|line| !line.trim_start().starts_with(".size"))
        .map(str::trim)
        .filter(|line| !line.starts_with('.') || is_local_label(line))
        .map(str::to_owned)
        .collect()
}

fn is_local_label(line: &str) -> bool {
    line.starts_with(".LBB") && line.ends_with(':')
}

/// The names of the instructions, sorted: two functions that do the same may differ in their registers, and in the
/// order of instructions that do not depend on each other.
fn opcodes(instructions: &[String]) -> Vec<&str> {
    let mut names: Vec<&str> = instructions
        .iter()
        .filter(|line| !is_local_label(line))
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    names.sort_unstable();
    names
}

/// How many instructions the loop over the pages has. It is the shortest jump back to a label that has a call in
/// between, because the loop calls the insertion.
fn loop_length(instructions: &[String]) -> Option<usize> {
    let labels = instructions.iter().enumerate().filter(|(_, line)| is_local_label(line));
    let loops = labels.flat_map(|(start, label)| {
        let label = label.trim_end_matches(':');
        let jumps_back = move |line: &&String| line.starts_with('j') && line.ends_with(label);
        (start..instructions.len())
            .filter(move |end| instructions.get(*end).is_some_and(|line| jumps_back(&line)))
            .filter_map(move |end| instructions.get(start..=end))
    });
    loops
        .filter(|body| body.iter().any(|line| line.starts_with("call")))
        .map(|body| body.iter().filter(|line| !is_local_label(line)).count())
        .min()
}

#[expect(clippy::expect_used, reason = "a test's set-up")]
fn assembly_of_the_twins() -> String {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("zero-cost");
    let asm = target.join("twins.s");
    let output = Command::new(env!("CARGO"))
        .args(["rustc", "--release", "--locked", "--offline", "-p", "vmctx-twins", "--lib", "--target-dir"])
        .arg(&target)
        .args(["--", "-C", "codegen-units=1", "--emit"])
        .arg(format!("asm={}", asm.display()))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env_remove("RUSTFLAGS")
        .output()
        .expect("cargo can be run");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    fs::read_to_string(asm).expect("the twins' assembly was written")
}

#[test]
#[cfg(target_arch = "x86_64")]
fn typed_hooks_compile_to_the_instructions_of_their_untyped_twins() {
    let assembly = assembly_of_the_twins();

    let typed = instructions(&assembly, "typed_fault");
    let untyped = instructions(&assembly, "untyped_fault");
    assert!(typed.len() > 10, "the typed hook is there: {typed:?}");
    assert_eq!(opcodes(&typed), opcodes(&untyped), "typed:\n{}\nuntyped:\n{}", typed.join("\n"), untyped.join("\n"));

    let typed = instructions(&assembly, "typed_mmap");
    let untyped = instructions(&assembly, "untyped_mmap");
    let typed_loop = loop_length(&typed).expect("the typed hook loops over its pages");
    let untyped_loop = loop_length(&untyped).expect("the untyped hook loops over its pages");
    assert!(
        typed_loop <= untyped_loop,
        "{typed_loop} instructions a page against {untyped_loop}, typed:\n{}\nuntyped:\n{}",
        typed.join("\n"),
        untyped.join("\n")
    );

    // The token comes back in a `Result`, from which nothing of it has to be put together again.
    let looked = instructions(&assembly, "typed_mmap_looked");
    let looked_loop = loop_length(&looked).expect("this hook loops over its pages, too");
    assert!(
        looked_loop <= typed_loop,
        "{looked_loop} instructions a page of those looked up at once, against {typed_loop}:\n{}",
        looked.join("\n")
    );
}

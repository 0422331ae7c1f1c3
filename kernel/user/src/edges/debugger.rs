//! A debugger's loads and stores, by `/proc/self/mem` and by ptrace, of what only an access hook reaches.

use vmctx::{Errno, UserAddr};
use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, Trap, User},
};

use super::{
    access::{open, page, touch},
    requests::ARRIVED,
};
use crate::{
    calls::{self, PAGE},
    device::Process,
};

/// How many pages the devices have, and how many of them are mapped here.
const PAGES: usize = 4;
const MAPPED: usize = 2;

/// A mapping of the first pages, with nothing behind it, where the device goes on.
fn mapped(process: &Process) -> Result<UserAddr, Refusal> {
    let at = process.map(Map::shared(PAGES))?;
    process.unmap(page(at, MAPPED), PAGES - MAPPED)?;
    Ok(at)
}

fn pattern(from: usize, len: usize) -> Vec<u8> {
    (from..from + len).map(devices::pattern).collect()
}

fn eio<T>() -> Result<T, Refusal> {
    Err(Refusal::Errno(Errno::EIO))
}

/// Frames. The hook looks neither at rights nor at bounds, and reaches no further than the user all the same.
pub(super) fn frames(checks: &mut Checks) -> Result<(), Refusal> {
    const LAST: usize = MAPPED * PAGE - 16;
    let process = open("debugger_frames")?;
    let at = mapped(&process)?;
    let byte = |offset: usize| UserAddr::new(at.get() + offset);
    let asked = || process.number(ARRIVED, 0);

    // Nobody has touched it, and nobody faults it in.
    checks.equal("a load", &calls::peek_some(byte(5), 3), &Ok(pattern(5, 3)));
    checks.equal("calls of the hook for a load", &asked()?, &1);
    // The kernel's length reaches past the VMA, and past the page.
    checks.equal("a load over the end", &calls::peek_some(byte(LAST), 64), &Ok(pattern(LAST, 16)));
    checks.equal("calls of the hook for a load over the end", &asked()?, &2);
    checks.equal("a load over a page's end", &calls::peek_some(byte(PAGE - 8), 16), &Ok(pattern(PAGE - 8, 16)));
    checks.equal("calls of the hook for two pages", &asked()?, &4);
    checks.equal("a load behind the end", &calls::peek_some(byte(MAPPED * PAGE), 1), &eio());
    checks.equal("calls of the hook for what is behind the end", &asked()?, &4);

    checks.equal("a store over the end", &calls::poke_some(byte(LAST), &[0x5a; 64]), &Ok(16));
    let again = process.map(Map::shared(PAGES))?;
    let mut seen = [0; 20];
    checks.success("what was stored", process.read(UserAddr::new(again.get() + LAST), &mut seen));
    let mut wanted = vec![0x5a; 16];
    wanted.extend(pattern(LAST + 16, 4));
    checks.equal("what was stored, and what lies behind", &seen.as_slice(), &wanted.as_slice());
    process.unmap(again, PAGES)?;

    let before = asked()?;
    calls::mprotect(at, MAPPED * PAGE, libc::PROT_READ)?;
    checks.equal("a store where the user may only read", &calls::poke_some(byte(0), &[1]), &eio());
    checks.equal("calls of the hook for a store that is refused", &asked()?, &before);
    checks.equal("the byte after that", &calls::peek_some(byte(0), 1), &Ok(pattern(0, 1)));
    calls::mprotect(at, MAPPED * PAGE, libc::PROT_NONE)?;
    checks.equal("a load where the user may not read", &calls::peek_some(byte(1), 2), &Ok(pattern(1, 2)));
    calls::mprotect(at, MAPPED * PAGE, libc::PROT_READ)?;

    // process_vm_readv knows of no hook.
    let before = asked()?;
    checks.success("the user's load", process.read(at, &mut [0]));
    checks.equal("process_vm_readv", &calls::copied(at), &Err(Refusal::Errno(Errno::EFAULT)));
    checks.equal("calls of the hook for process_vm_readv", &asked()?, &before);

    traced(checks, &process, at)?;
    process.unmap(at, MAPPED)
}

/// The same by ptrace, which asks for a word, of another process.
fn traced(checks: &mut Checks, process: &Process, at: UserAddr) -> Result<(), Refusal> {
    let Some(child) = process.fork().transpose()? else { return Ok(()) };
    let pid = child.pid().unwrap_or(0);
    calls::attach(pid)?;
    let word = |offset: usize| {
        pattern(offset, 8).try_into().map(i64::from_ne_bytes).map_err(|_| Refusal::Other("no word".into()))
    };
    let at = |offset: usize| UserAddr::new(at.get() + offset);
    checks.equal("PTRACE_PEEKDATA", &calls::peek_word(pid, at(PAGE)), &word(PAGE));
    checks.equal("PTRACE_PEEKDATA over a page's end", &calls::peek_word(pid, at(PAGE - 4)), &word(PAGE - 4));
    checks.equal("PTRACE_PEEKDATA over the end", &calls::peek_word(pid, at(MAPPED * PAGE - 4)), &eio());
    checks.equal("PTRACE_POKEDATA where the user may only read", &calls::poke_word(pid, at(PAGE), 0), &eio());
    checks.equal("the word after that", &calls::peek_word(pid, at(PAGE)), &word(PAGE));
    calls::detach(pid)
}

/// Pages. Where there is one the hook is not asked, and where the fault fails it is.
pub(super) fn pages(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("debugger_pages")?;
    let at = mapped(&process)?;
    let byte = |offset: usize| UserAddr::new(at.get() + offset);
    checks.equal("a load of a page", &calls::peek_some(byte(3), 2), &Ok(pattern(3, 2)));
    checks.equal("a store to a page", &calls::poke_some(byte(3), &[0x5a]), &Ok(1));
    checks.equal("calls of the hook for a page", &process.number(ARRIVED, 0)?, &0);
    let second = page(at, 1);
    checks.equal("a user's load of what fails", &touch(&process, second), &Err(Trap::Sigbus(second)));
    checks.equal("a debugger's load of both", &calls::peek_some(byte(PAGE - 1), 3), &Ok(pattern(PAGE - 1, 3)));
    checks.equal("a debugger's store to what fails", &calls::poke_some(second, &[0x5b]), &Ok(1));
    checks.equal("what was stored", &calls::peek_some(second, 1), &Ok(vec![0x5b]));
    checks.equal("calls of the hook for what fails", &process.number(ARRIVED, 0)?, &3);
    process.unmap(at, MAPPED)
}

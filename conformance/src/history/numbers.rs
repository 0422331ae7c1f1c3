//! Calls whose numbers are at the extremes: nothing that a user can say may end a platform.

use std::{format, panic::AssertUnwindSafe, panic::catch_unwind, string::String, vec, vec::Vec};

use vmctx::{PageOffset, Platform, UserAddr};
use vmctx_hosted::{Map, Missing, Prot, Refusal, Trap, UserSide};

use super::random::{Choices, Random};
use crate::process::ProcessUser;

/// How many mappings are kept at most: then one goes before the next comes.
const MAPPINGS: usize = 32;

/// Makes so many calls of a user's, with addresses, lengths and offsets at the extremes, beside, before and behind what
/// is mapped, and at the ends of what can be. What they come to is not asked, but each comes to an errno or to a signal,
/// and none to a panic.
///
/// It is for a build that checks for overflows.
///
/// # Errors
/// The first call that has not come to that, for people.
pub fn play_numbers<S: UserSide>(user: &ProcessUser<S>, seed: u64, calls: usize) -> Result<(), String> {
    play(user, Choices::Random(Random::new(seed)), calls).map_err(|wrong| format!("seed {seed}: {wrong}"))
}

/// The same calls, but these bytes decide which: for a fuzzer, which learns from what came of them. It ends with the bytes.
///
/// # Errors
/// As [`play_numbers`].
pub fn play_given_numbers<S: UserSide>(user: &ProcessUser<S>, given: &[u8]) -> Result<(), String> {
    play(user, Choices::Given(given), given.len())
}

fn play<S: UserSide>(user: &ProcessUser<S>, choices: Choices<'_>, calls: usize) -> Result<(), String> {
    let mut numbers = Numbers { choices, mapped: Vec::new(), page: S::Platform::PAGE_SIZE };
    for call in 0..calls {
        if numbers.choices.is_at_its_end() {
            break;
        }
        let made = catch_unwind(AssertUnwindSafe(|| numbers.call(user)));
        made.unwrap_or_else(|_| Err("has panicked".into()))
            .map_err(|wrong| format!("call {call} {wrong}, with these mapped: {:x?}", numbers.mapped))?;
    }
    Ok(())
}

/// Numbers of users', and what they have mapped: where, and how many bytes.
struct Numbers<'a> {
    choices: Choices<'a>,
    mapped: Vec<(usize, usize)>,
    page: usize,
}

impl Numbers<'_> {
    /// A number that is likely to be one too many somewhere.
    fn extreme(&mut self) -> usize {
        let power = 1_usize.wrapping_shl(u32::try_from(self.choices.below(64)).unwrap_or(0));
        let page = self.page;
        let near = match self.choices.below(8) {
            0 => 0,
            1 => usize::MAX,
            2 => isize::MAX.unsigned_abs(),
            3 => power,
            4 => power.wrapping_neg(),
            // The end of what a process has, on x86-64 and AArch64.
            5 => 1_usize.wrapping_shl(47),
            6 => page,
            _ => usize::try_from(self.choices.next()).unwrap_or(0),
        };
        let off = self.off();
        near.wrapping_add(off)
    }

    /// Nothing, or a little, or a page, up or down.
    fn off(&mut self) -> usize {
        let page = self.page;
        let offs = [0, 0, 0, 1, page, page + 1, page - 1, 2 * page];
        let off = offs.get(self.choices.below(offs.len())).copied().unwrap_or(0);
        if self.choices.percent(50) { off } else { off.wrapping_neg() }
    }

    /// An address: of what is mapped or beside it, or an extreme one, most of them a page's.
    fn address(&mut self) -> usize {
        let mapped = self.mapped.get(self.choices.below(self.mapped.len())).copied();
        let address = match mapped.filter(|_| self.choices.percent(70)) {
            Some((at, bytes)) => {
                let end = if self.choices.percent(50) { bytes } else { 0 };
                let off = self.off();
                at.wrapping_add(end).wrapping_add(off)
            }
            None => self.extreme(),
        };
        if self.choices.percent(80) { address & !(self.page - 1) } else { address }
    }

    /// A length: of few pages, or an extreme one.
    fn length(&mut self) -> usize {
        if self.choices.percent(60) { self.choices.below(5 * self.page) } else { self.extreme() }
    }

    fn prot(&mut self) -> Prot {
        let prots = [Prot::NONE, Prot::READ, Prot::WRITE, Prot::EXEC, Prot::READ | Prot::WRITE];
        prots.get(self.choices.below(prots.len())).copied().unwrap_or(Prot::READ)
    }

    fn call<S: UserSide>(&mut self, user: &ProcessUser<S>) -> Result<(), String> {
        let (process, at) = (user.process(), self.address());
        let address = UserAddr::new(at);
        match self.choices.below(12) {
            0..3 => self.map(user, at),
            3 => {
                let bytes = self.length();
                let unmapped = process.munmap(address, bytes);
                if unmapped.is_ok() {
                    self.forget(at, bytes);
                }
                refused(unmapped, "munmap")
            }
            4 => {
                let (bytes, prot) = (self.length(), self.prot());
                refused(process.mprotect(address, bytes, prot), "mprotect")
            }
            5 => {
                let (old, new) = (self.length(), self.length());
                match process.mremap(address, old, new) {
                    Err(Missing(_)) => Ok(()),
                    Ok(moved) => {
                        // What is there by now is not asked, but unmapped as a whole.
                        if let Ok(to) = &moved {
                            self.forget(at, old);
                            self.mapped.push((to.get(), new));
                        }
                        refused(moved, "mremap")
                    }
                }
            }
            6 => {
                let (bytes, to) = (self.length(), self.address());
                match process.move_to(address, bytes, UserAddr::new(to)) {
                    Err(Missing(_)) => Ok(()),
                    Ok(moved) => {
                        if moved.is_ok() {
                            self.forget(at, bytes);
                            self.mapped.push((to, bytes));
                        }
                        refused(moved, "mremap with MREMAP_FIXED")
                    }
                }
            }
            7 | 8 => {
                let mut bytes = self.buffer();
                signalled(process.read(address, &mut bytes), "load")
            }
            9 => {
                let bytes = self.buffer();
                signalled(process.write(address, &bytes), "store")
            }
            10 => {
                let mut bytes = self.buffer();
                process.peek(address, &mut bytes).map_or(Ok(()), |peeked| refused(peeked, "a debugger's load"))
            }
            _ => {
                let bytes = self.buffer();
                process.poke(address, &bytes).map_or(Ok(()), |poked| refused(poked, "a debugger's store"))
            }
        }
    }

    fn map<S: UserSide>(&mut self, user: &ProcessUser<S>, at: usize) -> Result<(), String> {
        if self.mapped.len() >= MAPPINGS {
            let (at, bytes) = self.mapped.swap_remove(self.choices.below(MAPPINGS));
            refused(user.process().munmap(UserAddr::new(at), bytes), "munmap of what was mapped")?;
        }
        let bytes = self.length();
        let map = if self.choices.percent(50) { Map::shared(bytes) } else { Map::private(bytes) };
        let map = map.prot(self.prot());
        let map = match self.choices.below(3) {
            0 => map.offset_bytes(self.extreme() as u64),
            1 => map.pgoff(PageOffset::new(self.extreme())),
            _ => map.pgoff(PageOffset::new(self.choices.below(64))),
        };
        let map = if self.choices.percent(30) { map.at(UserAddr::new(at)) } else { map };
        let mapped = user.process().mmap(user.file(), map);
        if let Ok(at) = &mapped {
            self.mapped.push((at.get(), bytes));
        }
        refused(mapped, "mmap")
    }

    /// These are unmapped, whole or in part: what was mapped there is unmapped at the end anyway.
    fn forget(&mut self, at: usize, bytes: usize) {
        self.mapped.retain(|mapped| *mapped != (at, bytes));
    }

    fn buffer(&mut self) -> Vec<u8> {
        let len = if self.choices.percent(90) { self.choices.below(16) } else { 3 * self.page + 1 };
        vec![1; len]
    }
}

/// A call gives an errno, and nothing else, if it fails.
fn refused<T>(result: Result<T, Refusal>, call: &str) -> Result<(), String> {
    match result {
        Ok(_) | Err(Refusal::Errno(_)) => Ok(()),
        Err(Refusal::Other(other)) => Err(format!("({call}) has failed with {other}")),
    }
}

/// An access gives a signal, and nothing else, if it fails.
fn signalled(result: Result<(), Trap>, access: &str) -> Result<(), String> {
    match result {
        Ok(()) | Err(Trap::Sigbus(_) | Trap::Sigsegv(_)) => Ok(()),
        // Memory runs out where as much was mapped as can be.
        Err(Trap::Other(other)) if other.contains("SIGKILL") => Ok(()),
        Err(Trap::Other(other)) => Err(format!("({access}) has ended with {other}")),
    }
}

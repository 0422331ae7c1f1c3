//! One user action, done to a typed driver and then to a C driver that is wrong in one way (`kernel/module/wrong.c`).
//!
//! The typed driver answers with success, an errno or a signal, and the kernel says nothing. The C driver makes it
//! complain: where, `kernel/wrong` reads in the log of the machine, which is good for one case.

use std::{
    os::fd::AsRawFd,
    process::Command,
    ptr,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use vmctx::{Errno, UserAddr};
use vmctx_conformance::{
    devices,
    user::{Refusal, Trap},
};

use crate::{
    calls::{self, PAGE},
    device::Process,
    trap,
};

/// What a user does: maps, touches the first page, unmaps.
struct Case {
    /// The C driver: `/dev/vmctx-wrong-NAME`.
    name: &'static str,
    /// The typed driver to which the same is done.
    typed: &'static str,
    map: Map,
    touch: Touch,
    /// What the typed driver has to answer.
    wanted: Outcome,
}

struct Map {
    pages: usize,
    at: Offset,
    prot: i32,
    flags: i32,
}

enum Offset {
    Page(usize),
    /// Where the registers of `dev_mem` are.
    Registers,
}

#[derive(Clone, Copy)]
enum Touch {
    No,
    Load,
    Store,
    LoadAndStore,
    LoadAndCopied,
    /// The kernel does, for a system call that copies from the mapping (`get_user_pages`).
    Copied,
    /// A thread loads while another one changes the address space.
    LoadBesideMmap,
}

#[derive(Debug, PartialEq)]
enum Outcome {
    Served,
    Refused(Errno),
    Sigbus,
    /// The system call that copies says EFAULT.
    NotCopied,
    Other(String),
}

const READ: i32 = libc::PROT_READ;
const BOTH: i32 = libc::PROT_READ | libc::PROT_WRITE;
const SHARED: i32 = libc::MAP_SHARED;
/// Behind the end of the relay buffer, which is as long.
const BEHIND: Map =
    Map { pages: devices::relay::PAGES, at: Offset::Page(devices::relay::PAGES), prot: READ, flags: SHARED };
const LAZY: Map = Map {
    pages: devices::vgem::LAZY.pages,
    at: Offset::Page(devices::vgem::LAZY.fake_offset.index()),
    prot: READ,
    flags: SHARED,
};
const WHOLE: Map = Map { pages: devices::kcov::PAGES, at: Offset::Page(0), prot: BOTH, flags: SHARED };
const BLOCKS: Map = Map { pages: 1, at: Offset::Page(0), prot: READ, flags: SHARED };
const SOURCES: Map = Map { pages: 4, at: Offset::Page(4), prot: READ, flags: SHARED };
/// Room for a huge entry.
const HUGE: Map = Map { pages: 1024, at: Offset::Page(0), prot: BOTH, flags: SHARED };
const REGISTERS: Map = Map { pages: 1, at: Offset::Registers, prot: READ, flags: SHARED };

const CASES: &[Case] = &[
    Case { name: "page_in_fault", typed: "vgem", map: LAZY, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "pages_in_fault", typed: "vgem", map: LAZY, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "page_among_frames", typed: "kcov", map: WHOLE, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "pages_among_frames", typed: "kcov", map: WHOLE, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "frame_without_kind", typed: "xive", map: SOURCES, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "frame_of_both_kinds", typed: "dax", map: BLOCKS, touch: Touch::Load, wanted: Outcome::Served },
    Case {
        name: "cow_of_frames",
        typed: "xive",
        map: Map { prot: BOTH, flags: libc::MAP_PRIVATE, ..SOURCES },
        touch: Touch::Store,
        wanted: Outcome::Refused(Errno::EINVAL),
    },
    Case { name: "frame_of_page", typed: "dax", map: BLOCKS, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "remap_twice", typed: "dev_mem", map: REGISTERS, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "remap_unaligned", typed: "dev_mem", map: REGISTERS, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "remap_nothing", typed: "dev_mem", map: REGISTERS, touch: Touch::Load, wanted: Outcome::Served },
    Case {
        name: "remap_beyond",
        typed: "dev_mem",
        // The last of the frames that a processor can have, and the one after it.
        map: Map { pages: 2, at: Offset::Page((1 << 40) - 1), prot: READ, flags: SHARED },
        touch: Touch::No,
        wanted: Outcome::Refused(Errno::EINVAL),
    },
    Case {
        name: "remap_fails",
        typed: "dev_mem",
        map: Map { prot: libc::PROT_NONE, ..REGISTERS },
        touch: Touch::No,
        wanted: Outcome::Refused(Errno::EACCES),
    },
    Case { name: "remap_in_fault", typed: "xive", map: SOURCES, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "huge_without_kind", typed: "dax", map: BLOCKS, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "giant_without_kind", typed: "dax", map: BLOCKS, touch: Touch::Load, wanted: Outcome::Served },
    Case {
        name: "huge_looked_at",
        typed: "huge_mixed",
        map: HUGE,
        touch: Touch::LoadAndCopied,
        wanted: Outcome::NotCopied,
    },
    Case {
        name: "huge_other_frame",
        typed: "huge_told",
        map: HUGE,
        touch: Touch::LoadAndStore,
        wanted: Outcome::Served,
    },
    Case { name: "sleep_in_map_pages", typed: "around", map: BLOCKS, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "moved_start", typed: "kcov", map: WHOLE, touch: Touch::Load, wanted: Outcome::Served },
    Case { name: "no_page", typed: "relay", map: BEHIND, touch: Touch::Load, wanted: Outcome::Sigbus },
    Case { name: "fallback", typed: "relay", map: BEHIND, touch: Touch::Load, wanted: Outcome::Sigbus },
    Case { name: "fallback_in_gup", typed: "relay", map: BEHIND, touch: Touch::Copied, wanted: Outcome::NotCopied },
    Case {
        name: "errno_as_answer",
        typed: "relay",
        map: BEHIND,
        touch: Touch::LoadBesideMmap,
        wanted: Outcome::Sigbus,
    },
    Case { name: "retry_with_the_lock", typed: "vgem", map: LAZY, touch: Touch::Load, wanted: Outcome::Served },
];

fn find(name: &str) -> Result<&'static Case, String> {
    CASES.iter().find(|case| case.name == name).ok_or_else(|| format!("there is no case {name}"))
}

/// Runs a case: the typed driver, then the wrong one. The second does not return, because the machine ends with the
/// kernel's complaint.
pub(crate) fn run(name: &str) -> Result<(), String> {
    let case = find(name)?;
    // A lock that is never given back shows when somebody waits for it, which the kernel reports after this long.
    for (knob, seconds) in [("hung_task_timeout_secs", "2"), ("hung_task_check_interval_secs", "1")] {
        std::fs::write(format!("/proc/sys/kernel/{knob}"), seconds).map_err(|error| format!("{knob}: {error}"))?;
    }
    let typed = process("wrong-typed", name).status().map_err(|error| error.to_string())?;
    if !typed.success() {
        return Err(format!("the typed driver: {typed}"));
    }
    if let Some(complaint) = complaint()? {
        return Err(format!("the kernel complains about the typed driver: {complaint}"));
    }
    println!("\ntyped driver: {:?}, and the kernel has no complaint", case.wanted);
    let loaded = Command::new("insmod").arg("/vmctx_wrong.ko").status().map_err(|error| error.to_string())?;
    if !loaded.success() {
        return Err(format!("insmod: {loaded}"));
    }
    // The kernel's warnings, too, go to the console from here on: the complaint is the last that this machine says.
    const CONSOLE_LEVEL: i32 = 8;
    // SAFETY: this action takes no buffer.
    unsafe { libc::klogctl(CONSOLE_LEVEL, ptr::null_mut(), 5) };
    let mut wrong = process("wrong-c", name).spawn().map_err(|error| error.to_string())?;
    // How often it was seen asleep, in a row.
    let mut asleep = 0;
    loop {
        if let Some(status) = wrong.try_wait().map_err(|error| error.to_string())? {
            return Err(format!("the wrong driver gets by, {status}"));
        }
        // A thread that waits for a lock that nobody gives back can still be killed, and the kernel does not report
        // such waits. Killed, it waits for the same lock in its exit, and that is reported. A thread that waits for one
        // that works is seen asleep only now and then.
        asleep = if is_asleep(wrong.id()) { asleep + 1 } else { 0 };
        if asleep == 1000 {
            wrong.kill().map_err(|error| error.to_string())?;
        }
        thread::yield_now();
    }
}

/// Whether the process's first thread is in a sleep that no signal ends ("D").
fn is_asleep(process: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{process}/stat")).is_ok_and(|stat| stat.contains(") D "))
}

/// Does the action to the typed driver, which has to answer as the case wants it.
pub(crate) fn act_on_typed(name: &str) -> Result<(), String> {
    let case = find(name)?;
    let found = act(case, case.typed).unwrap_or_else(|refusal| Outcome::Other(refusal.to_string()));
    if found == case.wanted { Ok(()) } else { Err(format!("{:?} was to be, it is {found:?}", case.wanted)) }
}

/// Does the action to the wrong driver. What it answers does not matter: the kernel's complaint does.
pub(crate) fn act_on_wrong(name: &str) -> Result<(), String> {
    let case = find(name)?;
    act(case, &format!("wrong-{name}")).map(drop).map_err(|refusal| refusal.to_string())
}

fn process(role: &str, case: &str) -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.args([role, case]);
    command
}

/// An address where nothing is mapped, aligned for a huge entry.
const PLACE: UserAddr = UserAddr::new(0x3000_0000_0000);

fn act(case: &Case, device: &str) -> Result<Outcome, Refusal> {
    let offset = match case.map.at {
        Offset::Page(page) => page,
        Offset::Registers => Process::open("dev_mem", 0)
            .map_err(|error| calls::refusal(&error))?
            .number(devices::dev_mem::REGISTERS, 0)? as usize,
    };
    let file = Process::open(device, 0).map_err(|error| calls::refusal(&error))?.file;
    // As an ordinary user: what root may do is no proof.
    // SAFETY: changes who this process is, and nothing else.
    unsafe { libc::setuid(65534) };
    let len = case.map.pages * PAGE;
    let at = match calls::mmap_near(PLACE, file.as_raw_fd(), len, case.map.prot, case.map.flags, offset * PAGE) {
        Err(Refusal::Errno(errno)) => return Ok(Outcome::Refused(errno)),
        mapped => mapped?,
    };
    let outcome = touch(case.touch, at);
    calls::munmap(at, len)?;
    outcome
}

fn touch(touch: Touch, at: UserAddr) -> Result<Outcome, Refusal> {
    let mut byte = [0];
    let touched = match touch {
        Touch::No => Ok(()),
        Touch::Load => trap::read(at, &mut byte),
        Touch::Store => trap::write(at, &byte),
        Touch::LoadAndStore => trap::read(at, &mut byte).and_then(|()| trap::write(at, &byte)),
        Touch::Copied => return Ok(copied(at)),
        Touch::LoadAndCopied => match trap::read(at, &mut byte) {
            Ok(()) => return Ok(copied(at)),
            trapped => trapped,
        },
        Touch::LoadBesideMmap => {
            let done = AtomicBool::new(false);
            thread::scope(|scope| {
                let loading = scope.spawn(|| {
                    let touched = trap::read(at, &mut [0]);
                    done.store(true, Ordering::SeqCst);
                    touched
                });
                while !done.load(Ordering::SeqCst) {
                    let other = calls::mmap(-1, PAGE, READ, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, 0)?;
                    calls::munmap(other, PAGE)?;
                }
                Ok::<_, Refusal>(loading.join().unwrap_or_else(|_| Err(Trap::Other("the thread has panicked".into()))))
            })?
        }
    };
    Ok(match touched {
        Ok(()) => Outcome::Served,
        Err(Trap::Sigbus(address)) if address == at => Outcome::Sigbus,
        Err(other) => Outcome::Other(other.to_string()),
    })
}

/// What became of a system call that copies from there.
fn copied(at: UserAddr) -> Outcome {
    match calls::copied(at) {
        Ok(()) => Outcome::Served,
        Err(Refusal::Errno(Errno::EFAULT)) => Outcome::NotCopied,
        Err(other) => Outcome::Other(other.to_string()),
    }
}

/// The first complaint in the kernel's log.
fn complaint() -> Result<Option<String>, String> {
    let log = calls::log().map_err(|refusal| refusal.to_string())?;
    let is_one = |line: &&str| {
        ["kernel BUG at", "WARNING: ", "BUG: ", "blocked for more"].iter().any(|head| line.contains(head))
    };
    Ok(log.lines().find(is_one).map(str::to_owned))
}

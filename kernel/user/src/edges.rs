//! What only a kernel has: locks that are given up, two threads in one handler, memory that runs out, modules that
//! are unloaded.
//!
//! Waiting is for a condition that the module counts, never for time.

use std::{
    fs,
    os::{fd::AsRawFd, unix::fs::FileExt},
    process::Command,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use vmctx::{Errno, PageOffset, UserAddr};
use vmctx_conformance::{
    Checks, Device, devices,
    user::{Map, Refusal, Trap, User},
};

use crate::{
    calls::{self, PAGE},
    device::Process,
};

mod access;
mod around;
mod debugger;
mod described;
mod established;
mod huge;
mod moving;
mod opening;
pub(crate) mod requests;
mod revoked;
mod stores;

use access::{open, touch};
use requests::{ALREADY_PRESENT, ARRIVED, DROPPED, GO, OUTLIVED, RELEASED};

// Counts of `platforms/linux/shim/vmctx.h`.
const PAGES_HELD: u32 = 20;
const RELEASED_MMAP: u32 = 22;
const RELEASED_VMA: u32 = 23;
const PREPARED: u32 = 24;

/// The first byte of the edge devices' page.
const BYTE: u8 = 0xe5;

type Edge = fn(&mut Checks) -> Result<(), Refusal>;

const EDGES: &[(&str, Edge)] = &[
    ("release_mmap_lock", |checks| release(checks, "release", RELEASED_MMAP)),
    ("release_vma_lock", |checks| {
        // Before 6.4 there are no locks of single VMAs.
        release(checks, "release_vma_lock", if calls::kernel_has(6, 4) { RELEASED_VMA } else { RELEASED_MMAP })
    }),
    ("munmap_of_released_mmap_lock", |checks| munmap_while_released(checks, "release")),
    ("munmap_of_released_vma_lock", |checks| munmap_while_released(checks, "release_vma_lock")),
    ("race_for_a_page", race),
    ("mprotect_of_frames", mprotect_of_frames),
    ("neighbours", neighbours),
    ("bad_input", bad_input),
    ("munmap_under_faults", munmap_under_faults),
    ("mremap_and_split", mremap_and_split),
    ("fork_of_a_forked_mapping", fork_twice),
    ("stores_told_to_page_mkwrite", |checks| stores::told(checks, "stores_to_pages")),
    ("stores_told_to_pfn_mkwrite", |checks| stores::told(checks, "stores_to_frames")),
    ("stores_for_kvm", stores::for_kvm),
    ("stores_to_a_mixed_mapping", stores::mixed),
    ("private_stores", stores::private),
    ("fault_around", around::fills_the_window),
    ("window_in_a_fault", around::a_window_in_a_fault),
    ("fault_around_from_many_threads", around::from_many_threads),
    ("huge_entries", huge::fills_a_large_entry),
    ("huge_entries_cut_and_moved", huge::cut_and_moved),
    ("huge_entries_looked_at", huge::looked_at),
    ("huge_entries_and_stores", huge::stores),
    ("huge_entries_beside_small_ones", huge::beside_small),
    ("no_huge_entries_of_mixed_mappings", huge::mixed),
    ("established_inserts_and_zaps", established::inserts_and_zaps),
    ("established_is_cut_and_moved", established::cut_and_moved),
    ("established_is_gone", established::gone),
    ("established_is_found", established::found),
    ("established_while_it_changes", established::while_it_changes),
    ("established_is_not_of_another_type", established::not_of_another_type),
    ("revoked_under_loads", revoked::under_loads),
    ("moved_under_loads_and_stores", moving::under_loads_and_stores),
    ("open_hook_of_pages", |checks| opening::opened_and_refused(checks, "opening")),
    ("open_hook_of_a_remapped_range", |checks| opening::opened_and_refused(checks, "opening_remapped")),
    ("filled_before_there_is_a_state", described::filled_before_there_is_a_state),
    ("debugger_reaches_frames", debugger::frames),
    ("debugger_reaches_pages", debugger::pages),
    ("no_memory_for_page_tables", no_memory),
    ("unload_while_mapped", unload_while_mapped),
];

/// Runs every edge whose name begins with `names`, and prints a line for each. Gives back whether all are in order.
pub(crate) fn run(names: &str) -> bool {
    let mut all = true;
    for (name, edge) in EDGES.iter().filter(|(name, _)| name.starts_with(names)) {
        if name.contains("huge_entries") && !calls::kernel_has(6, 6) {
            println!("edge {name:<30} does not concern it: before 6.6 no driver is asked for large entries");
            continue;
        }
        let mut checks = Checks::default();
        let aborted = edge(&mut checks).err();
        let ok = aborted.is_none() && checks.failed().is_empty() && checks.made() > 0;
        let verdict = if ok { "ok" } else { "FAILED" };
        println!("edge {name:<30} {verdict}, {} checks", checks.made());
        for failure in checks.failed() {
            println!("  {failure}");
        }
        if let Some(refusal) = aborted {
            println!("  a system call failed: {refusal}");
        }
        all &= ok;
    }
    all
}

/// Waits until one of the module's counts has got there.
fn wait_for(process: &Process, which: u32, at_least: u64) -> Result<(), Refusal> {
    while process.number(which, 0)? < at_least {
        thread::yield_now();
    }
    Ok(())
}

/// The outcome of another thread's access.
fn joined(thread: thread::ScopedJoinHandle<'_, Result<u8, Trap>>) -> Result<u8, Trap> {
    thread.join().unwrap_or_else(|_| Err(Trap::Other("the thread has panicked".into())))
}

/// A fault gives up its lock, waits, and is repeated: the access succeeds.
fn release(checks: &mut Checks, device: &str, lock: u32) -> Result<(), Refusal> {
    let process = open(device)?;
    let before = process.number(lock, 0)?;
    let at = process.map(Map::shared(1))?;
    thread::scope(|scope| {
        let thread = scope.spawn(|| touch(&process, at));
        wait_for(&process, RELEASED, 1)?;
        checks.equal("the lock that the fault has given up", &process.number(lock, 0)?, &(before + 1));
        // The lock is free: a system call that takes it for write comes through while the handler waits.
        let other = process.map(Map::shared(1))?;
        process.unmap(other, 1)?;
        process.number(GO, 0)?;
        checks.equal("the byte after RETRY", &joined(thread), &Ok(BYTE));
        Ok::<(), Refusal>(())
    })?;
    process.unmap(at, 1)
}

/// mprotect leaves frames cached as the driver has them. Where the kernel would not (arm64), they are brought anew.
fn mprotect_of_frames(checks: &mut Checks) -> Result<(), Refusal> {
    const PAGES: usize = 4;
    let process = open("huge")?;
    let at = process.map(Map::shared(PAGES))?;
    let load = |checks: &mut Checks, faults: u64| {
        for number in 0..PAGES {
            let address = UserAddr::new(at.get() + number * PAGE);
            checks.equal(format!("page {number}"), &touch(&process, address), &Ok(devices::pattern(number * PAGE)));
        }
        checks.equal("faults", &process.number(requests::FAULTS, 0)?, &faults);
        Ok::<(), Refusal>(())
    };
    let brought = PAGES as u64;
    load(checks, brought)?;
    process.protect(at, PAGES, false).transpose()?;
    let again = if cfg!(target_arch = "aarch64") { brought } else { 0 };
    load(checks, brought + again)?;
    process.protect(at, PAGES, true).transpose()?;
    load(checks, brought + 2 * again)?;
    process.unmap(at, PAGES)
}

/// munmap while a handler runs without its lock: the mapping goes, its state stays until the handler has returned.
fn munmap_while_released(checks: &mut Checks, device: &str) -> Result<(), Refusal> {
    let process = open(device)?;
    let at = process.map(Map::shared(1))?;
    thread::scope(|scope| {
        let thread = scope.spawn(|| touch(&process, at));
        wait_for(&process, RELEASED, 1)?;
        process.unmap(at, 1)?;
        checks.equal("states dropped under a running handler", &process.number(DROPPED, 0)?, &0);
        process.number(GO, 0)?;
        checks.equal("the access to a mapping that is gone", &joined(thread), &Err(Trap::Sigsegv(at)));
        Ok::<(), Refusal>(())
    })?;
    checks.equal("handlers that found their state", &process.number(OUTLIVED, 0)?, &1);
    checks.equal("states dropped in the end", &process.number(DROPPED, 0)?, &1);
    Ok(())
}

/// Two threads in the handler for one page: both accesses succeed, one insertion found the other's entry.
fn race(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("race")?;
    let at = process.map(Map::shared(1))?;
    // The handler waits with its lock held, and a thread's stack needs that lock: both are there before either touches.
    let both = Barrier::new(2);
    thread::scope(|scope| {
        let touching = || {
            both.wait();
            touch(&process, at)
        };
        let threads = [scope.spawn(touching), scope.spawn(touching)];
        for thread in threads {
            checks.equal("an access that raced", &joined(thread), &Ok(BYTE));
        }
    });
    checks.equal("faults in the handler", &process.number(ARRIVED, 0)?, &2);
    checks.equal("insertions that found an entry", &process.number(ALREADY_PRESENT, 0)?, &1);
    process.unmap(at, 1)
}

/// Linux must not merge mappings that lie side by side: each keeps its own state, which is dropped at its end.
fn neighbours(checks: &mut Checks) -> Result<(), Refusal> {
    const COUNT: usize = 4;
    let process = open("neighbours")?;
    let place = calls::mmap(-1, COUNT * PAGE, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, 0)?;
    calls::munmap(place, COUNT * PAGE)?;
    for page in 0..COUNT {
        let at = UserAddr::new(place.get() + page * PAGE);
        process.map_at(Map::shared(1).at(PageOffset::new(page)), at)?;
        checks.equal(format!("the byte of mapping {page}"), &touch(&process, at), &Ok(BYTE));
    }
    checks.equal("mappings side by side", &mappings(), &COUNT);
    process.unmap(place, COUNT)?;
    checks.equal("states dropped", &process.number(DROPPED, 0)?, &(COUNT as u64));
    Ok(())
}

/// What is mapped of the module's devices, from `/proc/self/maps`.
fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").map_or(usize::MAX, |maps| maps.matches("/dev/vmctx-").count())
}

/// Each wrong argument is refused with the errno that C would give, and nothing is left mapped.
fn bad_input(checks: &mut Checks) -> Result<(), Refusal> {
    let (shared, both) = (libc::MAP_SHARED, libc::PROT_READ | libc::PROT_WRITE);
    for device in Device::ALL {
        let name = device.name();
        let process = open(name)?;
        let fd = process.file.as_raw_fd();
        let errno = |errno| Err(Refusal::Errno(errno));
        checks.equal(format!("{name}: length 0"), &calls::mmap(fd, 0, both, shared, 0), &errno(Errno::EINVAL));
        let unaligned = calls::mmap(fd, PAGE, both, shared, 0x123);
        checks.equal(format!("{name}: an unaligned offset"), &unaligned, &errno(Errno::EINVAL));
        // The last page offset that the system call can say: with a second page it overflows.
        let last = (PAGE as i64).wrapping_neg();
        let overflow = calls::mmap(fd, 2 * PAGE, both, shared, last);
        checks.equal(format!("{name}: an offset that overflows"), &overflow, &errno(Errno::EOVERFLOW));
        let huge = calls::mmap(fd, usize::MAX & !0xfff, both, shared, 0);
        checks.equal(format!("{name}: a length beyond all memory"), &huge, &errno(Errno::ENOMEM));
    }
    checks.equal("mappings left", &mappings(), &0);

    // Two open files are two devices, which share nothing.
    let (first, second) = (open("kcov")?, open("kcov")?);
    let (one, other) = (first.map(Map::shared(devices::kcov::PAGES))?, second.map(Map::shared(devices::kcov::PAGES))?);
    checks.success("a store to the first", first.write(one, b"first"));
    checks.equal("the second's first byte", &touch(&second, other), &Ok(devices::pattern(0)));
    first.unmap(one, devices::kcov::PAGES)?;
    second.unmap(other, devices::kcov::PAGES)?;

    // kcov does not forbid PROT_EXEC, so it can be mapped, as in C.
    let executable =
        calls::mmap(first.file.as_raw_fd(), devices::kcov::PAGES * PAGE, both | libc::PROT_EXEC, shared, 0)?;
    checks.equal("the first byte of an executable mapping", &touch(&first, executable), &Ok(b'f'));
    first.unmap(executable, devices::kcov::PAGES)?;
    checks.equal("mappings left at the end", &mappings(), &0);
    Ok(())
}

/// One thread maps and unmaps what others touch: they get the bytes or the signal, and nothing else.
fn munmap_under_faults(checks: &mut Checks) -> Result<(), Refusal> {
    const ROUNDS: usize = 50;
    let process = open("vgem")?;
    let map = Map::shared(devices::vgem::LAZY.pages).at(devices::vgem::LAZY.fake_offset);
    let first = devices::pattern(devices::vgem::EAGER.pages * PAGE);
    let done = AtomicBool::new(false);
    // Where it is mapped is known before: the mapping is made and unmade in one place.
    let at = process.map(map)?;
    // A thread that starts maps memory for itself, which must not take that place: all have started before.
    let started = Barrier::new(4);
    let (mut read, mut trapped) = (0, 0);
    thread::scope(|scope| {
        let touchers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let (mut read, mut trapped, mut wrong) = (0_usize, 0_usize, Vec::new());
                    started.wait();
                    while !done.load(Ordering::Relaxed) {
                        match touch(&process, at) {
                            Ok(byte) if byte == first => read += 1,
                            Err(Trap::Sigsegv(address)) if address == at => trapped += 1,
                            other => wrong.push(format!("{other:?}")),
                        }
                    }
                    (read, trapped, wrong)
                })
            })
            .collect();
        started.wait();
        for _ in 0..ROUNDS {
            process.unmap(at, map.pages)?;
            checks.equal("the mapping's place", &process.map_at(map, at), &Ok(at));
        }
        done.store(true, Ordering::Relaxed);
        for toucher in touchers {
            let (ok, signals, wrong) = toucher.join().unwrap_or_default();
            (read, trapped) = (read + ok, trapped + signals);
            checks.equal("what else an access got", &wrong, &Vec::<String>::new());
        }
        Ok::<(), Refusal>(())
    })?;
    println!("  {read} loads, {trapped} SIGSEGV in {ROUNDS} rounds");
    process.unmap(at, map.pages)
}

/// A mapping moved with its pages, cut in the middle, and touched on both sides.
fn mremap_and_split(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("rockchip_gem")?;
    let pages = devices::rockchip_gem::PAGES;
    let at = process.map(Map::shared(pages))?;
    // Moved to a place that was reserved for it.
    let moved = process.move_to_somewhere(at, pages)?;
    checks.equal("the old place", &touch(&process, at), &Err(Trap::Sigsegv(at)));
    let page = |index: usize| UserAddr::new(moved.get() + index * PAGE);
    for index in 0..pages {
        checks.equal(
            format!("page {index} after the move"),
            &touch(&process, page(index)),
            &Ok(devices::pattern(index * PAGE)),
        );
    }
    process.unmap(page(5), 1)?;
    checks.equal("the page that was cut out", &touch(&process, page(5)), &Err(Trap::Sigsegv(page(5))));
    for index in [4, 6] {
        checks.equal(
            format!("page {index} beside the cut"),
            &touch(&process, page(index)),
            &Ok(devices::pattern(index * PAGE)),
        );
    }
    process.unmap(moved, 5)?;
    process.unmap(page(6), pages - 6)?;
    checks.equal("references of page 0", &process.number(0, 0)?, &1);
    checks.equal("references of page 23", &process.number(0, 23)?, &1);
    checks.equal("mappings left", &mappings(), &0);
    Ok(())
}

/// Two children at once share the mapping's state with their parent, which unmaps first.
fn fork_twice(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("relay")?;
    let pages = devices::relay::PAGES;
    let at = process.map(Map::shared(pages))?;
    let children = [process.fork(), process.fork()].into_iter().flatten().collect::<Result<Vec<_>, _>>()?;
    process.unmap(at, pages)?;
    checks.equal("children", &children.len(), &2);
    for child in &children {
        let last = UserAddr::new(at.get() + (pages - 1) * PAGE);
        checks.equal(
            "a fault in a child whose parent has unmapped",
            &touch(child, last),
            &Ok(devices::pattern((pages - 1) * PAGE)),
        );
    }
    checks.equal("references with two mappings", &process.number(0, pages - 1)?, &3);
    drop(children);
    checks.equal("references at the end", &process.number(0, pages - 1)?, &1);
    Ok(())
}

/// In a cgroup without room for page tables mmap fails with ENOMEM and leaves nothing half made, and succeeds again when
/// there is room.
fn no_memory(checks: &mut Checks) -> Result<(), Refusal> {
    let before = open("kcov")?.number(PAGES_HELD, 0)?;
    let status = Command::new("/proc/self/exe").arg("no-memory").status();
    checks.equal("the status of the process without memory", &status.ok().and_then(|status| status.code()), &Some(0));
    checks.equal("page references that are held", &open("kcov")?.number(PAGES_HELD, 0)?, &before);
    Ok(())
}

/// The process that has no memory.
pub(crate) fn without_memory() -> Result<(), Box<dyn std::error::Error>> {
    const CGROUP: &str = "/sys/fs/cgroup/tight";
    fs::write("/sys/fs/cgroup/cgroup.subtree_control", "+memory")?;
    fs::create_dir_all(CGROUP)?;
    // This process must not be killed for want of memory, so that its system calls fail instead.
    fs::write("/proc/self/oom_score_adj", "-1000")?;
    fs::write(format!("{CGROUP}/cgroup.procs"), std::process::id().to_string())?;
    let process = Process::open("kcov", 0)?;
    let map = Map::shared(devices::kcov::PAGES);
    // Far from each other, so that each needs page tables of its own.
    let place = |index: usize| UserAddr::new(0x1000_0000_0000 + (index << 31));
    // Made before the limit, so that what the loop below needs is page tables and nothing else; and opened before,
    // because a process without memory cannot open what would give it some.
    let mut made = Vec::with_capacity(4096);
    let limit = fs::OpenOptions::new().write(true).open(format!("{CGROUP}/memory.max"))?;
    let current: u64 = fs::read_to_string(format!("{CGROUP}/memory.current"))?.trim().parse()?;
    limit.write_all_at((current + (1 << 20)).to_string().as_bytes(), 0)?;
    let refused = loop {
        match process.map_at(map, place(made.len())) {
            Ok(at) if made.len() < 4000 => made.push(at),
            Ok(_) => return Err("memory does not run out".into()),
            Err(refused) => break refused,
        }
    };
    limit.write_all_at(b"max", 0)?;
    if refused != Refusal::Errno(Errno::ENOMEM) {
        return Err(format!("{refused} after {} mappings, not ENOMEM", made.len()).into());
    }
    if mappings() != made.len() {
        return Err(format!("{} mappings are there, {} were made", mappings(), made.len()).into());
    }
    let whole = |at: UserAddr| {
        (0..devices::kcov::PAGES)
            .all(|page| touch(&process, UserAddr::new(at.get() + page * PAGE)) == Ok(devices::pattern(page * PAGE)))
    };
    if !made.iter().all(|at| whole(*at)) {
        return Err("a mapping that was made is not whole".into());
    }
    // Nothing is where the failed one was to be.
    let failed = place(made.len());
    if touch(&process, failed) != Err(Trap::Sigsegv(failed)) {
        return Err("something is left of the mapping that failed".into());
    }
    let references = process.number(0, 0).map_err(|error| error.to_string())?;
    if references != made.len() as u64 + 1 {
        return Err(format!("page 0 has {references} references with {} mappings", made.len()).into());
    }
    println!("  ENOMEM after {} mappings", made.len());
    for at in made.drain(..) {
        process.unmap(at, map.pages)?;
    }
    let again = process.map_at(map, failed)?;
    if !whole(again) {
        return Err("no mapping after the shortage".into());
    }
    Ok(())
}

/// A module is not unloaded under a mapping, even if every file is closed.
fn unload_while_mapped(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("relay")?;
    let map = Map::shared(devices::relay::PAGES);
    let at = process.map(map)?;
    drop(process);
    let refused = calls::unload("vmctx");
    checks.equal("delete_module with a mapping", &refused, &Err(Refusal::Errno(Errno::EAGAIN)));
    let mut byte = [0];
    checks.success("a fault without any file open", crate::trap::read(at, &mut byte));
    checks.equal("its byte", &byte, &[devices::pattern(0)]);
    calls::munmap(at, map.pages * PAGE)
}

/// Touches a mapping whose driver panics: this is the last thing that the machine does.
pub(crate) fn touch_what_panics() -> Result<u8, Refusal> {
    let process = open("panic")?;
    let at = process.map(Map::shared(1))?;
    touch(&process, at).map_err(|trap| Refusal::Other(trap.to_string()))
}

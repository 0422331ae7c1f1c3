//! Large entries.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    thread,
};

use vmctx::{Errno, PageOffset, UserAddr};
use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, User},
};

use super::{
    access::{open, page, range, touch},
    requests::{FAULTS, HUGE, INSERT, STORES, UNMAP},
};
use crate::{
    calls::{self, PAGE},
    device::Process,
};

/// How many pages the object has: two large entries.
const PAGES: usize = 2 * ENTRY;
/// How many pages one large entry has: as many as a page has room for entries.
const ENTRY: usize = PAGE / 8;
/// How often an entry of a PUD is asked for: once for a place, by kernels that have such entries.
const GIANT: u64 = if cfg!(target_arch = "x86_64") { 1 } else { 0 };
/// An address for which even an entry of 1 GiB would be asked.
const PLACE: UserAddr = UserAddr::new(0x3000_0000_0000);

/// Calls of `huge_fault` for an entry of a PMD and of a PUD, and of `fault`.
fn calls(process: &Process) -> Result<[u64; 3], Refusal> {
    Ok([process.number(HUGE, 0)?, process.number(HUGE, 1)?, process.number(FAULTS, 0)?])
}

/// Loads a byte of each of these pages of a mapping, whose first page is this one of the object.
fn load(checks: &mut Checks, process: &Process, at: UserAddr, first: usize, pages: impl Iterator<Item = usize>) {
    let wrong = pages
        .filter(|number| touch(process, page(at, *number)) != Ok(devices::pattern((first + number) * PAGE)))
        .collect::<Vec<_>>();
    checks.equal("pages with a wrong byte", &wrong, &Vec::new());
}

/// One fault brings a whole large entry, where that can be; else small ones.
pub(super) fn fills_a_large_entry(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("huge")?;
    let at = process.map_at(Map::shared(PAGES), PLACE)?;
    load(checks, &process, at, 0, 7..8);
    checks.equal("calls for the first load", &calls(&process)?, &[1, GIANT, 0]);
    load(checks, &process, at, 0, 0..ENTRY);
    checks.equal("calls for one large entry", &calls(&process)?, &[1, GIANT, 0]);
    // The first access is a store.
    let second = page(at, ENTRY + 3);
    checks.success("a store", process.write(second, &[0x77]));
    checks.equal("the byte stored", &touch(&process, second), &Ok(0x77));
    checks.equal("calls for a store", &calls(&process)?, &[2, GIANT, 0]);
    // A slot that a large entry covers counts as present.
    let busy = process.number(INSERT, range(9, 1));
    checks.equal("insert_pfn under a huge entry", &busy, &Err(Refusal::Errno(Errno::EBUSY)));
    // Unmapped and touched again, it shows what was stored: the store has reached the object.
    process.number(UNMAP, range(0, PAGES as u32))?;
    checks.equal("the byte after unmap", &touch(&process, second), &Ok(0x77));
    checks.equal("calls after unmap", &calls(&process)?, &[3, GIANT, 0]);
    process.unmap(at, PAGES)?;

    // No large entry where object and addresses are not aligned alike, nor where it would reach out of the mapping.
    let odd = process.map_at(Map::shared(PAGES - 1).at(PageOffset::new(1)), PLACE)?;
    load(checks, &process, odd, 1, 0..4);
    let short = process.map_at(Map::shared(ENTRY - 1), page(PLACE, 2 * PAGES))?;
    load(checks, &process, short, 0, 0..4);
    let [_, _, small] = calls(&process)?;
    checks.equal("faults of small entries", &small, &8);
    process.unmap(odd, PAGES - 1)?;
    process.unmap(short, ENTRY - 1)
}

/// munmap, mprotect, mremap and fork of what has a huge entry.
pub(super) fn cut_and_moved(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("huge")?;
    let at = process.map_at(Map::shared(PAGES), PLACE)?;
    load(checks, &process, at, 0, 0..PAGES);
    if let Some(child) = process.fork().transpose()? {
        load(checks, &child, at, 0, 0..PAGES);
        checks.equal("calls for a child", &calls(&process)?, &[2, GIANT, 0]);
    }
    // The whole entry is moved.
    let to = page(PLACE, 4 * PAGES);
    checks.equal("mremap", &calls::mremap(at, PAGES * PAGE, to, PAGES * PAGE), &Ok(to));
    load(checks, &process, to, 0, 0..PAGES);
    checks.equal("calls after a move", &calls(&process)?, &[2, GIANT, 0]);
    // A part of an entry is moved.
    let part = page(PLACE, 8 * PAGES);
    checks.equal("mremap of a part", &calls::mremap(to, 100 * PAGE, part, 100 * PAGE), &Ok(part));
    load(checks, &process, part, 0, 0..100);
    load(checks, &process, to, 0, 100..PAGES);
    // A page in the middle of an entry is unmapped.
    process.unmap(page(to, 700), 1)?;
    load(checks, &process, to, 0, (100..700).chain(701..PAGES));
    // A part of an entry becomes read-only, and writable again.
    let half = page(to, 701);
    calls::mprotect(half, 100 * PAGE, libc::PROT_READ)?;
    checks.verdict(process.write(half, &[1]).is_ok().then(|| "a store to what is read-only".into()));
    calls::mprotect(half, 100 * PAGE, libc::PROT_READ | libc::PROT_WRITE)?;
    checks.success("a store", process.write(half, &[1]));
    checks.equal("the byte stored", &touch(&process, half), &Ok(1));
    process.unmap(to, PAGES)?;
    process.unmap(part, 100)
}

/// The kernel's own ways to look at what is mapped: none takes the entry for one with pages.
pub(super) fn looked_at(checks: &mut Checks) -> Result<(), Refusal> {
    for device in ["huge", "huge_mixed"] {
        let process = open(device)?;
        let at = process.map_at(Map::shared(PAGES), PLACE)?;
        load(checks, &process, at, 0, (0..PAGES).step_by(ENTRY));
        let refused = calls::copied(at);
        checks.equal(format!("{device}: process_vm_readv"), &refused, &Err(Refusal::Errno(Errno::EFAULT)));
        let mut entries = vec![0; PAGES * 8];
        let pagemap = File::open("/proc/self/pagemap");
        let read = pagemap.and_then(|file| file.read_exact_at(&mut entries, (at.get() / PAGE * 8) as u64));
        checks.success(format!("{device}: /proc/self/pagemap"), read);
        for file in ["smaps", "numa_maps"] {
            let path = format!("/proc/self/{file}");
            // Not every kernel has each of these.
            checks.verdict(fs::read(&path).err().filter(|_| fs::exists(&path).unwrap_or(false)).map(|e| e.to_string()));
        }
        for advice in [libc::MADV_COLD, libc::MADV_PAGEOUT, libc::MADV_DONTNEED, libc::MADV_FREE, libc::MADV_HUGEPAGE] {
            // SAFETY: the range is a mapping of a device's; whether the advice is taken does not matter.
            unsafe { libc::madvise(at.get() as *mut libc::c_void, PAGES * PAGE, advice) };
        }
        load(checks, &process, at, 0, (0..PAGES).step_by(ENTRY));
        process.unmap(at, PAGES)?;
    }
    Ok(())
}

/// Stores to an entry that is not writable, because the driver is told of them or because the kernel tracks them.
pub(super) fn stores(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("huge_told")?;
    let at = process.map_at(Map::shared(PAGES), PLACE)?;
    load(checks, &process, at, 0, 0..ENTRY);
    checks.equal("calls for loads", &calls(&process)?, &[1, GIANT, 0]);
    checks.success("a store", process.write(at, &[1]));
    checks.equal("stores told", &process.number(STORES, 0)?, &1);
    checks.success("another", process.write(at, &[2]));
    checks.success("one to another page", process.write(page(at, 5), &[3]));
    checks.equal("stores told of two pages", &process.number(STORES, 0)?, &2);
    // How often a large entry was asked for in vain depends on which lock the fault came with.
    let [_, _, faults] = calls(&process)?;
    checks.equal("small entries for stores", &faults, &2);
    checks.equal("the byte stored", &touch(&process, at), &Ok(2));
    process.unmap(at, PAGES)?;

    let process = open("huge")?;
    let at = process.map_at(Map::shared(PAGES), PLACE)?;
    // From here on the kernel notes what is dirty: new entries are not writable, and stores make them so.
    fs::write("/proc/self/clear_refs", "4").map_err(|error| calls::refusal(&error))?;
    load(checks, &process, at, 0, 0..1);
    checks.equal("calls with soft-dirty tracking", &calls(&process)?, &[1, GIANT, 0]);
    checks.success("a store", process.write(at, &[1]));
    checks.equal("the byte stored", &touch(&process, at), &Ok(1));
    let second = page(at, ENTRY);
    checks.success("a store that comes first", process.write(second, &[2]));
    checks.equal("the byte stored by it", &touch(&process, second), &Ok(2));
    let [_, _, faults] = calls(&process)?;
    checks.equal("small entries for stores", &faults, &0);
    process.unmap(at, PAGES)
}

/// Loads bring huge entries and stores small ones, while both are taken away.
pub(super) fn beside_small(checks: &mut Checks) -> Result<(), Refusal> {
    const ROUNDS: usize = 200;
    let process = open("huge_told")?;
    let at = process.map_at(Map::shared(PAGES), PLACE)?;
    let (done, steps) = (AtomicBool::new(false), AtomicUsize::new(0));
    let wrong = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (process, done, steps) = (&process, &done, &steps);
                scope.spawn(move || {
                    let own = page(at, 10 + thread);
                    let (mut wrong, mut last) = (0, devices::pattern((10 + thread) * PAGE));
                    let mut step = thread;
                    while !done.load(Ordering::Relaxed) {
                        step += 1;
                        let other = 20 + step * 37 % (PAGES - 20);
                        wrong += usize::from(touch(process, page(at, other)) != Ok(devices::pattern(other * PAGE)));
                        if thread % 2 == 0 {
                            last = step as u8;
                            wrong += usize::from(process.write(own, &[last]).is_err());
                        }
                        wrong += usize::from(touch(process, own) != Ok(last));
                        steps.fetch_add(1, Ordering::Relaxed);
                    }
                    wrong
                })
            })
            .collect();
        for round in 0..ROUNDS {
            let first = if round % 2 == 0 { 0 } else { 10 };
            let before = steps.load(Ordering::Relaxed);
            if process.number(UNMAP, range(first, PAGES as u32)).is_err() {
                break;
            }
            while steps.load(Ordering::Relaxed) < before + 4 {
                thread::yield_now();
            }
        }
        done.store(true, Ordering::Relaxed);
        threads.into_iter().map(|thread| thread.join().unwrap_or(usize::MAX)).max()
    });
    checks.equal("wrong accesses", &wrong, &Some(0));
    // What the kernel says if an insertion finds no place for a page table.
    checks.equal("faults that ended as OOM", &calls::log()?.contains("VM_FAULT_OOM"), &false);
    let [huge, _, small] = calls(&process)?;
    println!("  {huge} calls of huge_fault, {small} of fault");
    process.unmap(at, PAGES)
}

/// In a mixed mapping all entries are small ones.
pub(super) fn mixed(checks: &mut Checks) -> Result<(), Refusal> {
    let process = open("huge_mixed")?;
    for map in [Map::shared(PAGES), Map::private(PAGES)] {
        let [asked, _, before] = calls(&process)?;
        let at = process.map_at(map, PLACE)?;
        load(checks, &process, at, 0, 0..4);
        let [asked_now, _, faults] = calls(&process)?;
        checks.equal(format!("{map}: faults"), &(faults - before), &4);
        checks.verdict((asked_now == asked).then(|| format!("{map}: no large entry was asked for")));
        process.unmap(at, PAGES)?;
    }
    Ok(())
}

//! What the typed drivers cost: `kernel/bench`, inside. Each node of the bench module is measured beside its twin in C,
//! in one boot.
//!
//! A measurement is a counter of the processor's around all touches of a mapping, or around one system call. Where every
//! emulated instruction takes a nanosecond (`-icount shift=0`) that is a number of instructions, the same in every pass but
//! for those into which the timer's tick falls, or in which the kernel fills up a cache of its own: hence the least of them.

use std::{
    fs::{File, OpenOptions},
    io,
    os::fd::AsRawFd,
    ptr, thread,
    time::Duration,
};

use crate::calls::{PAGE, kernel_has};

/// A page table's reach.
const TABLE: usize = PAGE / 8 * PAGE;
/// How many pages a fault of the `around` and `window` drivers brings.
const AROUND: usize = 16;
/// Pages of a mapping that is measured by its faults, and of one that is filled as a whole.
const PAGES: usize = 256;
/// The lengths at which growth is looked at. The module has as many pages as the last.
const LENGTHS: [usize; 4] = [16, 256, 4096, (256 << 20) / PAGE];
const PASSES: usize = 15;
/// Of the longest mappings, each of which sees several ticks anyway.
const LONG_PASSES: usize = 7;

/// The most that a typed driver may cost, as a multiple of C.
const BOUND: f64 = 1.01;
/// The most that a window of pages may cost, as a multiple of C's loop of `vm_insert_page`. How dear a page of a batch is
/// differs: on Arm, and between kernels.
fn window_bound() -> f64 {
    let is_6_12 = kernel_has(6, 12) && !kernel_has(6, 13);
    if cfg!(target_arch = "x86_64") && is_6_12 { 0.65 } else { 0.72 }
}

/// The most that `fill_at_pgoff` may cost, as a multiple of C's `vm_map_pages`, which inserts batches itself on newer
/// kernels.
fn fill_bound() -> f64 {
    if kernel_has(6, 13) { BOUND } else { 0.9 }
}

/// By how much of the cost at 256 pages that at another length may differ.
const FLAT: f64 = 0.03;

/// Where mappings are put: at the same address each time, in page tables that the first of them finds there.
struct Place(usize);

impl Place {
    fn find() -> io::Result<Self> {
        let len = LENGTHS.iter().max().unwrap_or(&0) * PAGE + 2 * TABLE;
        let found = map(None, -1, len, libc::PROT_NONE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS)?;
        unmap(found, len)?;
        let neighbour = found.next_multiple_of(TABLE);
        // The neighbour keeps the page table: what is measured is an insertion, not the allocation of a table for it.
        map(Some(neighbour), -1, PAGE, libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS)?;
        // SAFETY: the page has just been mapped.
        unsafe { ptr::write_volatile(neighbour as *mut u8, 1) };
        Ok(Self(neighbour + AROUND * PAGE))
    }
}

fn map(at: Option<usize>, fd: i32, len: usize, prot: i32, flags: i32) -> io::Result<usize> {
    let fixed = if at.is_some() { libc::MAP_FIXED_NOREPLACE } else { 0 };
    let at = at.unwrap_or(0) as *mut libc::c_void;
    // SAFETY: no memory of the program's is replaced.
    let mapped = unsafe { libc::mmap(at, len, prot, flags | fixed, fd, 0) };
    if mapped == libc::MAP_FAILED { Err(io::Error::last_os_error()) } else { Ok(mapped as usize) }
}

fn unmap(at: usize, len: usize) -> io::Result<()> {
    // SAFETY: the range was mapped here, and nobody has a reference into it.
    match unsafe { libc::munmap(at as *mut libc::c_void, len) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Nanoseconds, and so instructions, since some time.
#[cfg(target_arch = "x86_64")]
fn now() -> u64 {
    // SAFETY: every x86-64 has the counter, and Linux lets programs read it.
    unsafe { std::arch::x86_64::_rdtsc() }
}

/// The same, in the steps of a counter that is slower: 16 nanoseconds in QEMU.
#[cfg(target_arch = "aarch64")]
fn now() -> u64 {
    let (count, per_second): (u64, u64);
    // SAFETY: Linux lets programs read both.
    unsafe {
        std::arch::asm!("isb", "mrs {}, cntvct_el0", "mrs {}, cntfrq_el0", out(reg) count, out(reg) per_second);
    }
    (u128::from(count) * 1_000_000_000 / u128::from(per_second.max(1))) as u64
}

/// A driver in C and its twin.
struct Twins {
    c: File,
    rust: File,
}

impl Twins {
    fn open(c: &str, rust: &str) -> io::Result<Self> {
        let open = |path: String| OpenOptions::new().read(true).write(true).open(path);
        Ok(Self { c: open(format!("/dev/vmctx-bench-c-{c}"))?, rust: open(format!("/dev/vmctx-bench-rust-{rust}"))? })
    }

    /// The least of what `measure` sees of each in `passes` passes, one after the other in each.
    fn compare(&self, passes: usize, measure: impl Fn(&File, &mut Vec<u64>) -> io::Result<()>) -> io::Result<Cost> {
        let (mut c, mut rust) = (Vec::new(), Vec::new());
        // The first pass warms caches up, and does not count.
        measure(&self.c, &mut Vec::new())?;
        measure(&self.rust, &mut Vec::new())?;
        for _ in 0..passes {
            measure(&self.c, &mut c)?;
            measure(&self.rust, &mut rust)?;
        }
        Ok(Cost { c: least(&c), rust: least(&rust) })
    }
}

fn least(seen: &[u64]) -> f64 {
    seen.iter().min().map_or(f64::NAN, |least| *least as f64)
}

/// Instructions for a unit.
#[derive(Clone, Copy)]
struct Cost {
    c: f64,
    rust: f64,
}

impl Cost {
    fn per(self, units: usize) -> Self {
        Self { c: self.c / units as f64, rust: self.rust / units as f64 }
    }

    fn without(self, other: Self) -> Self {
        Self { c: self.c - other.c, rust: self.rust - other.rust }
    }

    fn ratio(self) -> f64 {
        self.rust / self.c
    }
}

/// The cost of touching every `step`th page from `first` on. All of them in one figure: the kernel counts pages in
/// batches (`rss_stat`), so that some touches cost more than others.
fn touches(place: &Place, file: &File, first: usize, step: usize, seen: &mut Vec<u64>) -> io::Result<()> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let at = map(Some(place.0), file.as_raw_fd(), PAGES * PAGE, prot, libc::MAP_SHARED)?;
    let before = now();
    for page in (first..PAGES).step_by(step) {
        let touched = (at + page * PAGE) as *const u8;
        // SAFETY: the page is of the mapping.
        unsafe { ptr::read_volatile(touched) };
    }
    seen.push(now() - before);
    unmap(at, PAGES * PAGE)
}

/// The cost of one mmap.
fn mapping(place: &Place, file: &File, pages: usize, seen: &mut Vec<u64>) -> io::Result<()> {
    let prot = libc::PROT_READ | libc::PROT_WRITE;
    let before = now();
    let at = map(Some(place.0), file.as_raw_fd(), pages * PAGE, prot, libc::MAP_SHARED)?;
    seen.push(now() - before);
    unmap(at, pages * PAGE)
}

/// A table of which a line can be out of bounds. Printed at the end: the console's interrupts are none of a driver's.
struct Report {
    table: String,
    kept: bool,
    worst: f64,
}

impl Report {
    fn line(&mut self, what: &str, cost: Cost, bound: f64) {
        let kept = cost.ratio() <= bound;
        let verdict = if kept { "" } else { "  OUT OF BOUNDS" };
        self.table += &format!("{what:<58} {:>9.1} {:>9.1} {:>7.4}{verdict}\n", cost.c, cost.rust, cost.ratio());
        self.kept &= kept;
        self.worst = self.worst.max(cost.ratio());
    }

    fn title(&mut self, title: &str) {
        self.table += &format!("\n{title:<58} {:>9} {:>9} {:>7}\n", "C", "Rust", "ratio");
    }
}

fn measure() -> io::Result<bool> {
    // The kernel still tests its ciphers after booting, in a thread that would get every other time slice.
    thread::sleep(Duration::from_secs(2));
    let place = Place::find()?;
    let fault = Twins::open("fault", "fault")?;
    let around = Twins::open("around", "around")?;
    let page = Twins::open("page", "page")?;
    let mut report = Report { table: String::new(), kept: true, worst: 0.0 };

    report.title("instructions per unit");
    let cost = fault.compare(PASSES, |file, seen| touches(&place, file, 0, 1, seen))?;
    report.line("fault", cost.per(PAGES), BOUND);
    let window = Twins::open("window", "window")?;
    let batched = Twins::open("around", "window")?;
    for (what, twins, first, bound) in [
        ("fault that brings 16 pages: a loop, prefault_page", &around, 0, BOUND),
        ("  the same: vm_insert_pages, prefault_pages", &window, 0, BOUND),
        ("  the same: vm_insert_page in a loop, prefault_pages", &batched, 0, window_bound()),
        ("  the same, touched in the middle", &batched, AROUND / 2, window_bound()),
    ] {
        let cost = twins.compare(PASSES, |file, seen| touches(&place, file, first, AROUND, seen))?;
        report.line(what, cost.per(PAGES / AROUND), bound);
    }
    let filled = |twins: &Twins| twins.compare(PASSES, |file, seen| mapping(&place, file, PAGES, seen));
    let empty = filled(&fault)?;
    report.line("mmap that inserts nothing", empty, BOUND);
    let by_page = filled(&page)?;
    report.line("page populated, of 256 (insert_page)", by_page.per(PAGES), BOUND);
    report.line("  the same without the mmap itself", by_page.without(empty).per(PAGES), BOUND);
    for (what, c, rust, bound) in [
        ("page of 256: vm_insert_pages, insert_pages", "pages", "pages", BOUND),
        ("page of 256: vm_map_pages, fill_at_pgoff", "map", "map", fill_bound()),
        ("page of 256: vm_insert_page in a loop, insert_pages", "page", "pages", 0.9),
    ] {
        report.line(what, filled(&Twins::open(c, rust)?)?.per(PAGES), bound);
    }

    report.title("growth: instructions per page populated, without the mmap");
    let mut grown = Vec::new();
    for pages in LENGTHS {
        let passes = if pages > 8 * TABLE / PAGE { LONG_PASSES } else { PASSES };
        let of = |twins: &Twins| twins.compare(passes, |file, seen| mapping(&place, file, pages, seen));
        let cost = of(&page)?.without(of(&fault)?).per(pages);
        report.line(&format!("{pages} pages"), cost, BOUND);
        grown.push(cost.rust);
    }
    let [_, level, ..] = grown[..] else { return Ok(false) };
    let flat = grown.iter().all(|cost| (cost / level - 1.0).abs() <= FLAT);
    let spread = grown.iter().map(|cost| (cost / level - 1.0) * 100.0);
    println!(
        "{}growth is {}: {}",
        report.table,
        if flat { "flat" } else { "NOT FLAT" },
        spread.map(|percent| format!("{percent:+.1} %")).collect::<Vec<_>>().join(", ")
    );
    println!("worst: {:.4}", report.worst);
    Ok(report.kept && flat)
}

/// Measures, prints the table, and says whether every bound was kept.
pub(crate) fn run() -> bool {
    measure().unwrap_or_else(|error| {
        println!("bench: {error}");
        false
    })
}

//! What this program has allocated.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    collections::HashMap,
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

use crate::{Table, crates, machine};

struct Counting;

static ALLOCATED: AtomicUsize = AtomicUsize::new(0);
/// Whether that is counted: threads that are measured would meet in the count.
static COUNTS: AtomicBool = AtomicBool::new(false);

fn count(bytes: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        ALLOCATED.fetch_add(bytes, Ordering::Relaxed);
    }
}

// SAFETY: the system's allocator does all of it.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: by this function's contract.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: by this function's contract.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        count(layout.size().wrapping_neg());
        // SAFETY: by this function's contract.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Bytes that inserting pages has left allocated, for each.
fn inserting<T: Table>(pages: usize) -> f64 {
    let mut table = T::new(pages);
    let before = ALLOCATED.load(Ordering::Relaxed);
    table.insert_all(pages);
    (ALLOCATED.load(Ordering::Relaxed) - before) as f64 / pages as f64
}

/// Bytes that the machine has allocated for its frames, for each.
fn frames(pages: usize) -> f64 {
    let before = ALLOCATED.load(Ordering::Relaxed);
    let machine = machine::machine(pages);
    let pages: Vec<_> = (0..pages).map(|_| machine.alloc_page().expect("memory")).collect();
    let handles = size_of_val(&pages[..]);
    (ALLOCATED.load(Ordering::Relaxed) - before - handles) as f64 / pages.len() as f64
}

pub(crate) fn print(most: u32) {
    COUNTS.store(true, Ordering::Relaxed);
    println!("| pages | `sim` | its frames | `page_table_multiarch` | `x86_64` | `HashMap` |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for power in (10..=most).step_by(4) {
        let pages = 1 << power;
        let [sim, multiarch, x86, hash_map] = [
            inserting::<machine::Mapped>(pages),
            inserting::<crates::Multiarch>(pages),
            inserting::<crates::X86>(pages),
            inserting::<HashMap<usize, (u64, u8)>>(pages),
        ];
        let frames = frames(pages);
        println!("| 2^{power} | {sim:.1} | {frames:.1} | {multiarch:.1} | {x86:.1} | {hash_map:.1} |");
    }
}

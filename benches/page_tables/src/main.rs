//! What a page costs on the simulated machine, beside page tables that kernels use and beside a `HashMap`:
//! `cargo run --release --manifest-path benches/page_tables/Cargo.toml`. It prints the tables of `docs/cost.md`.
//!
//! All of a row is measured in turn, pass by pass, and each figure is the least of its passes: what else runs on the
//! computer makes a pass longer and never shorter. With a number as its argument it goes up to that power of two.

mod bytes;
mod crates;
mod machine;
mod mappings;

use std::{collections::HashMap, env, hint::black_box, time::Instant};

/// Bytes in a page.
const PAGE: usize = 4096;

/// Where the pages are that are entered by hand.
const BASE: usize = 0x7000_0000_0000;

/// What page numbers are entered into.
trait Table {
    /// One with nothing in it. It may be asked for pages of these many.
    fn new(pages: usize) -> Self;

    /// Enters all pages, and gives back how many nanoseconds that took.
    fn insert_all(&mut self, pages: usize) -> f64;

    /// The frame of a page.
    fn look_up(&self, page: usize) -> u64;
}

impl Table for HashMap<usize, (u64, u8)> {
    fn new(_pages: usize) -> Self {
        Self::new()
    }

    fn insert_all(&mut self, pages: usize) -> f64 {
        timed(|| {
            for page in 0..pages {
                self.insert(BASE + page * PAGE, (page as u64, 3));
            }
        })
    }

    fn look_up(&self, page: usize) -> u64 {
        self[&(BASE + page * PAGE)].0
    }
}

fn timed(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64() * 1e9
}

/// The least that passes have taken.
struct Least(f64);

impl Least {
    const NONE: Self = Self(f64::INFINITY);

    fn pass(&mut self, took: f64) {
        self.0 = self.0.min(took);
    }
}

/// Nanoseconds for each page that is inserted, and for each that is looked up in no order.
struct Row {
    insert: Least,
    look_up: Least,
}

impl Row {
    const NONE: Self = Self { insert: Least::NONE, look_up: Least::NONE };

    fn pass<T: Table>(&mut self, pages: usize) {
        let mut table = T::new(pages);
        self.insert.pass(table.insert_all(pages) / pages as f64);
        let count = pages.clamp(1 << 12, 1 << 20);
        let look_up = || {
            let mut seen = 0;
            for turn in 0..count {
                // Steps of a large odd number meet every page of a power of two, in no order that a cache could guess.
                seen ^= table.look_up(turn.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 7 & (pages - 1));
            }
            black_box(seen);
        };
        self.look_up.pass(timed(look_up) / count as f64);
    }
}

fn print_pages(most: u32) {
    println!("| pages | `sim` | `page_table_multiarch` | `x86_64` | `HashMap` | `sim` / `HashMap` |");
    println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
    for power in (4..=most).step_by(2) {
        let pages = 1 << power;
        let [mut sim, mut multiarch, mut x86, mut hash_map] = [Row::NONE; 4];
        for _ in 0..((1 << 22) / pages).clamp(5, 400) {
            sim.pass::<machine::Mapped>(pages);
            multiarch.pass::<crates::Multiarch>(pages);
            x86.pass::<crates::X86>(pages);
            hash_map.pass::<HashMap<usize, (u64, u8)>>(pages);
        }
        let cells =
            [&sim, &multiarch, &x86, &hash_map].map(|row| format!("{:.1} / {:.1}", row.insert.0, row.look_up.0));
        let ratio = |of: fn(&Row) -> f64| of(&sim) / of(&hash_map);
        let (insert, look_up) = (ratio(|row| row.insert.0), ratio(|row| row.look_up.0));
        println!("| 2^{power} | {} | {insert:.2} / {look_up:.2} |", cells.join(" | "));
    }
}

fn main() {
    let most = env::args().nth(1).and_then(|power| power.parse().ok()).unwrap_or(22_u32).clamp(4, 22);
    println!("ns to insert a page / to look one up:\n");
    print_pages(most);
    println!("\nns for a fault that inserts a page:\n");
    machine::print_faults(most);
    println!("\nns for a call, by how many mappings there are:\n");
    mappings::print();
    println!("\nbytes for a page that is mapped, beside its 4096:\n");
    bytes::print(most);
}

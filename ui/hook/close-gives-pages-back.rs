//! G21, G23: `close` gives the pages back to their pool, while other VMAs show them (CVE-2026-23056, uacce).
use std::sync::{Arc, Mutex};
use vmctx::{Hooks, Mixed, Platform, UniquePage, VmOperations};

struct Queue<P: Platform> {
    page: P::Page,
    pool: Arc<Mutex<Vec<UniquePage<P>>>>,
}

impl<P: Platform> VmOperations for Queue<P> {
    type Platform = P;
    type Kind = Mixed;
    const HOOKS: Hooks<Self> = Hooks::NONE.close(|queue| {
        if let Ok(mut pool) = queue.pool.lock() {
            pool.push(queue.page.clone());
        }
    });
}

fn main() {}

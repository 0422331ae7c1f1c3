//! Scratch memory, which counts who has it mapped, and which pages were stored to if it was opened so.
#![forbid(unsafe_code)]

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use framework::prelude::*;

/// The driver.
pub struct Scratch {
    /// How many pages a file has.
    pub pages: usize,
    /// Whether stores are counted. A mapping whose stores nobody counts takes no faults for them.
    pub counts_stores: bool,
    /// What is counted.
    pub counts: Arc<Counts>,
}

/// What happens in the mappings.
#[derive(Default)]
pub struct Counts {
    /// First stores to pages.
    pub stores: AtomicUsize,
    /// VMAs.
    pub mapped: AtomicUsize,
}

struct File {
    pages: Arc<[Page]>,
    counts_stores: bool,
    counts: Arc<Counts>,
}

impl Driver for Scratch {
    fn open(&self, memory: &Memory, may_sleep: MaySleep<'_>) -> Result<Box<dyn MmapFile<Platform = Platform>>, Errno> {
        let pages = (0..self.pages).map(|_| Platform::alloc_page(memory, may_sleep)).collect::<Result<_, _>>()?;
        Ok(Box::new(File { pages, counts_stores: self.counts_stores, counts: Arc::clone(&self.counts) }))
    }
}

impl MmapFile for File {
    type Platform = Platform;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m>) -> Result<Mapped<'m>, Errno> {
        let view = View {
            pages: Arc::clone(&self.pages),
            counts_stores: self.counts_stores,
            counts: Arc::clone(&self.counts),
        };
        map(ctx.writable(), Box::new(view))
    }
}

struct View {
    pages: Arc<[Page]>,
    counts_stores: bool,
    counts: Arc<Counts>,
}

impl Mapping for View {
    fn fault<'f>(&'f self, ctx: FaultCtx<'f, Mixed>) -> VmFault<'f> {
        ctx.insert_page_with(|at| at.pgoff().of(&self.pages).ok_or(Errno::ENXIO))
    }

    fn optional(&self) -> Optional {
        Optional { store: self.counts_stores, open: true }
    }

    fn store<'f>(&'f self, ctx: PageMkwriteCtx<'f, Mixed>) -> VmFault<'f> {
        self.counts.stores.fetch_add(1, Ordering::Relaxed);
        ctx.allow()
    }

    fn open(&self) -> Result<(), Errno> {
        self.counts.mapped.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn close(&self) {
        self.counts.mapped.fetch_sub(1, Ordering::Relaxed);
    }
}

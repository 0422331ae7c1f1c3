//! G24: an entry of the range that the driver would like to have.
use std::marker::PhantomData;

use vmctx::{HugeEntry, HugeFaultCtx, PageOffset, PageRange, PfnMap, Platform, VmFault};

fn huge_fault<'f, P: Platform>(ctx: HugeFaultCtx<'f, P, PfnMap>, bar: &'f P::Iomem) -> VmFault<'f> {
    let pages = ctx.page_count().get();
    let range = PageRange { start: PageOffset::ZERO, end: PageOffset::new(pages) };
    ctx.insert_huge_with(|_, _| HugeEntry { range, brand: PhantomData }.of(bar))
}

fn main() {}

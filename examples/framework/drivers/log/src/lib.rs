//! A log that users read and nobody writes: the whole of it is there when it is mapped.
#![forbid(unsafe_code)]

use framework::prelude::*;

/// The driver: a page for each text.
pub struct Log(pub Vec<&'static str>);

struct File {
    pages: Vec<Page>,
}

impl Driver for Log {
    fn open(&self, memory: &Memory, may_sleep: MaySleep<'_>) -> Result<Box<dyn MmapFile<Platform = Platform>>, Errno> {
        let page_of = |text: &&str| {
            let page = Platform::alloc_page(memory, may_sleep)?;
            page.write(0, text.as_bytes()).map_err(|_| Errno::EINVAL)?;
            Ok(page)
        };
        Ok(Box::new(File { pages: self.0.iter().map(page_of).collect::<Result<_, Errno>>()? }))
    }
}

impl MmapFile for File {
    type Platform = Platform;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m>) -> Result<Mapped<'m>, Errno> {
        // Writing is not granted, so neither mmap nor mprotect gives it to anybody.
        ctx.without_faults::<Mixed>()?.fill_at_pgoff(&self.pages)
    }
}

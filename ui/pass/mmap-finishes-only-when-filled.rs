//! G6: success over an empty slot is ENXIO, unless the hook says that it is filled later; a failure leaves nothing.
#![forbid(unsafe_code)]
use vmctx::{Errno, InsertPagesError, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform};
use vmctx_sim::{Injection, Machine, Map, Signal, Sim};

type Page = <Sim as Platform>::Page;

enum Way {
    Finish,
    FillLater,
    MapPages,
    InsertPages,
}

struct Device(Vec<Page>, Way);

impl MmapFile for Device {
    type Platform = Sim;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        let mut ctx = ctx.writable().without_faults::<Mixed>()?;
        match self.1 {
            Way::MapPages => return ctx.fill_at_pgoff(&self.0),
            Way::InsertPages => {
                return match ctx.insert_pages(&self.0) {
                    Ok(ctx) => ctx.finish(),
                    // The token is gone, and with it any way to claim success.
                    Err(InsertPagesError { errno, inserted, .. }) => {
                        assert_eq!((errno, inserted), (Errno::EINVAL, PageCount::new(1)));
                        Err(errno)
                    }
                };
            }
            Way::Finish | Way::FillLater => {}
        }
        for page in &self.0 {
            if ctx.is_full() {
                break;
            }
            ctx = ctx.insert_page(page)?;
        }
        if let Way::FillLater = self.1 { Ok(ctx.fill_later()) } else { ctx.finish() }
    }
}

fn main() {
    let machine = Machine::new();
    let pages: Vec<_> = (0..2).map(|_| machine.alloc_page().unwrap()).collect();
    let process = machine.process();
    let mmap = |way, map| process.mmap(&machine.open(Device(pages.clone(), way)), map);
    let nothing_mapped = || pages.iter().all(|page| page.map_count() == 0);

    for way in [Way::Finish, Way::MapPages] {
        assert_eq!(mmap(way, Map::shared(3 * 4096)).unwrap_err().errno(), Some(Errno::ENXIO));
        assert!(nothing_mapped());
    }
    machine.inject(Injection::Insertion { after: 1, errno: Errno::EINVAL });
    assert_eq!(mmap(Way::InsertPages, Map::shared(2 * 4096)).unwrap_err().errno(), Some(Errno::EINVAL));
    assert!(nothing_mapped());
    assert_eq!(machine.statistics().page_tables_in_use, 0);

    let at = mmap(Way::MapPages, Map::shared(4096).pgoff(PageOffset::new(1))).unwrap();
    assert_eq!((pages[0].map_count(), pages[1].map_count()), (0, 1));
    process.munmap(at, 4096).unwrap();

    let at = mmap(Way::FillLater, Map::shared(3 * 4096)).unwrap();
    let empty = vmctx::UserAddr::new(at.get() + 2 * 4096);
    assert_eq!(process.thread().read_u8(at), Ok(0));
    assert_eq!(process.thread().read_u8(empty).unwrap_err().signal(), Some(Signal::Sigbus(empty)));
}

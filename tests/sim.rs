//! The simulator: what a user of a driver's mappings sees.
#![forbid(unsafe_code)]

use vmctx::{
    Errno, FaultCtx, Mapped, Mixed, MmapCtx, MmapFile, Page as _, UserAddr, VmFault, VmOperations,
    sim::{AccessError, Machine, Map, Page, Signal, Sim},
};

#[derive(Clone)]
struct Ring(Vec<Page>);
impl VmOperations for Ring {
    type Platform = Sim;
    type Mapping = Mixed;
    fn fault<'f>(&self, ctx: FaultCtx<'f, Sim, Mixed>) -> VmFault<'f> {
        match self.0.get(ctx.pgoff().index()) {
            Some(p) => ctx.insert_page(p),
            None => ctx.fail(Errno::ENXIO),
        }
    }
}
impl MmapFile for Ring {
    type Platform = Sim;
    fn mmap<'m>(&self, ctx: MmapCtx<'m, Sim>) -> Result<Mapped<'m>, Errno> {
        Ok(ctx.establish(self.clone())?.fill_later())
    }
}

#[test]
fn a_shared_mapping_shows_the_drivers_page() {
    let machine = Machine::new();
    let page = machine.alloc_page().unwrap();
    let file = machine.open(Ring(vec![page.clone()]));
    let process = machine.process();
    let at = process.mmap(&file, Map::shared(8192)).unwrap();
    let thread = process.thread();
    thread.write(at, b"hi").unwrap();
    let mut b = [0; 2];
    page.read(0, &mut b).unwrap();
    assert_eq!(&b, b"hi");
    let behind = UserAddr::new(at.get() + 4096);
    assert_eq!(thread.read_u8(behind), Err(AccessError::Signal(Signal::Sigbus(behind))));
    process.munmap(at, 8192).unwrap();
    assert_eq!(thread.read_u8(at), Err(AccessError::Signal(Signal::Sigsegv(at))));
    drop(file);
    assert_eq!(page.references(), 1);
    println!("{:?}", machine.statistics());
}

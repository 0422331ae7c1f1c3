//! G21: what is looked up in a table at mmap becomes the mapping's own: a part of the device's memory, which its state
//! keeps from everybody else until the last user has let go (6eb6ebcc8590 omapfb, CVE-2024-0582 by number).
#![forbid(unsafe_code)]
use std::sync::{Arc, Mutex};
use vmctx::{
    Errno, FaultCtx, IomemPart, Mapped, MmapCtx, MmapFile, PageCount, PfnMap, Platform, RwLock, UserAddr, VmFault,
    VmOperations,
};
use vmctx_sim::{Machine, Map, Signal, Sim};

/// The parts of the device's memory that nobody has.
type Heap<P> = Arc<Mutex<Vec<IomemPart<P>>>>;

/// An object in the heap, and the state of its mappings: all of them share it.
struct Object<P: Platform> {
    part: Option<IomemPart<P>>,
    heap: Heap<P>,
}

impl<P: Platform> Object<P> {
    fn new(heap: &Heap<P>, pages: usize) -> Option<Self> {
        let mut free = heap.lock().unwrap();
        let first_fit = free.iter().position(|part| part.page_count() >= pages)?;
        let part = match free.swap_remove(first_fit).split_at(PageCount::new(pages)) {
            Ok((part, rest)) => {
                free.push(rest);
                part
            }
            Err(all_of_it) => all_of_it,
        };
        Some(Self { part: Some(part), heap: heap.clone() })
    }

    fn part(&self) -> Result<&IomemPart<P>, Errno> {
        self.part.as_ref().ok_or(Errno::ENXIO)
    }
}

/// Nobody has it mapped any more, and nobody has its number.
impl<P: Platform> Drop for Object<P> {
    fn drop(&mut self) {
        self.heap.lock().unwrap().extend(self.part.take());
    }
}

impl<P: Platform> VmOperations for Object<P> {
    type Platform = P;
    type Kind = PfnMap;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, PfnMap>) -> VmFault<'f> {
        ctx.insert_pfn_with(|at| self.part()?.frame(at.pgoff()).ok_or(Errno::ENXIO))
    }
}

/// The objects by their numbers. What is taken out of it stays where it is mapped.
struct Device<P: Platform>(P::Ref<P::RwLock<Vec<Option<P::Ref<Object<P>>>>>>);

impl<P: Platform> MmapFile for Device<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let object = self.0.read(ctx.may_sleep()).iter().flatten().next().cloned().ok_or(Errno::ENOENT)?;
        Ok(ctx.shared_only()?.writable().establish_shared::<Object<P>>(object)?.fill_later())
    }
}

fn main() {
    let machine = Machine::new();
    let memory = machine.device_memory(PageCount::new(4)).unwrap();
    let heap: Heap<Sim> = Arc::new(Mutex::new(vec![IomemPart::whole(memory)]));
    let object = || Object::new(&heap, 2).map(|object| Sim::share(object, machine.may_sleep()).unwrap());
    let table: <Sim as Platform>::RwLock<_> = RwLock::new(vec![object()], machine.may_sleep()).unwrap();
    let table = Sim::share(table, machine.may_sleep()).unwrap();
    let file = machine.open(Device(table.clone()));
    let process = machine.process();
    let user = process.thread();

    let mine = process.mmap(&file, Map::shared(3 * 4096)).unwrap();
    user.write(mine, b"mine").unwrap();
    // Behind the part there is somebody else's, and no frame for it.
    let behind = UserAddr::new(mine.get() + 2 * 4096);
    assert_eq!(user.read_u8(behind).unwrap_err().signal(), Some(Signal::Sigbus(behind)));

    // The object is taken out of the table while it is mapped, and the next one gets other memory.
    let next = object();
    table.write(machine.may_sleep())[0] = next;
    let yours = process.mmap(&file, Map::shared(2 * 4096)).unwrap();
    user.write(yours, b"yours").unwrap();
    let mut bytes = [0; 5];
    user.read(mine, &mut bytes).unwrap();
    assert_eq!(&bytes, b"mine\0");
    // There is no third while the first is mapped.
    assert!(object().is_none());

    // A child's mapping keeps it as well, and the last one gives it back.
    let child = process.fork().unwrap();
    process.munmap(mine, 3 * 4096).unwrap();
    assert!(object().is_none());
    child.exit().unwrap();
    assert!(object().is_some());
}

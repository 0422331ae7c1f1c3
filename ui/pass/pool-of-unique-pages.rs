//! G21: a driver's pool has pages that nobody else has; one that a user still has mapped comes back when it has gone
//! from there (CVE-2024-0582 io_uring, CVE-2024-53148 and CVE-2024-47674 comedi, 6eb6ebcc8590 omapfb).
#![forbid(unsafe_code)]
use std::sync::{Arc, Mutex};
use vmctx::{Errno, FaultCtx, Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Platform, UniquePage, VmFault, VmOperations};
use vmctx_sim::{Machine, Map, Sim};

struct Pool<P: Platform> {
    free: Vec<UniquePage<P>>,
    /// Given back by their rings, while users still have them.
    lingering: Vec<P::Page>,
}

impl<P: Platform> Pool<P> {
    fn new(count: usize, memory: &P::Memory, may_sleep: MaySleep<'_>) -> Result<Self, Errno> {
        let free = (0..count).map(|_| UniquePage::alloc(memory, may_sleep)).collect::<Result<_, _>>()?;
        Ok(Self { free, lingering: Vec::new() })
    }

    fn take(&mut self) -> Option<P::Page> {
        for page in std::mem::take(&mut self.lingering) {
            self.give_back(page);
        }
        let page = self.free.pop()?;
        // What the last user has left in it is nobody else's business.
        page.write(0, &[0; 64]).ok()?;
        Some(page.into_page())
    }

    fn give_back(&mut self, page: P::Page) {
        match UniquePage::claim(page) {
            Ok(page) => self.free.push(page),
            Err(page) => self.lingering.push(page),
        }
    }
}

/// An open file: the ring that is registered, if one is.
struct Rings<P: Platform> {
    pool: Arc<Mutex<Pool<P>>>,
    ring: Mutex<Option<P::Page>>,
}

impl<P: Platform> Rings<P> {
    fn register(&self) -> bool {
        let mut ring = self.ring.lock().unwrap();
        *ring = self.pool.lock().unwrap().take();
        ring.is_some()
    }

    /// Nobody asks whether it is mapped: the pool does.
    fn unregister(&self) {
        if let Some(page) = self.ring.lock().unwrap().take() {
            self.pool.lock().unwrap().give_back(page);
        }
    }
}

struct File<P: Platform>(Arc<Rings<P>>);

impl<P: Platform> MmapFile for File<P> {
    type Platform = P;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
        let ctx = ctx.shared_only()?.writable().establish_with(|_| {
            self.0.ring.lock().map_err(|_| Errno::EIO)?.clone().map(Shown::<P>).ok_or(Errno::EINVAL)
        })?;
        Ok(ctx.fill_later())
    }
}

struct Shown<P: Platform>(P::Page);

impl<P: Platform> VmOperations for Shown<P> {
    type Platform = P;
    type Kind = Mixed;

    fn fault<'f>(&'f self, ctx: FaultCtx<'f, P, Mixed>) -> VmFault<'f> {
        ctx.insert_page(&self.0)
    }
}

fn main() {
    let machine = Machine::new();
    let pool = Arc::new(Mutex::new(Pool::<Sim>::new(2, &machine, machine.may_sleep()).unwrap()));
    let open = || Arc::new(Rings { pool: pool.clone(), ring: Mutex::default() });
    let in_pool = || {
        let pool = pool.lock().unwrap();
        (pool.free.len(), pool.lingering.len())
    };
    let (mine, yours, third) = (open(), open(), open());

    assert!(mine.register());
    let me = machine.process();
    let at = me.mmap(&machine.open(File(mine.clone())), Map::shared(4096)).unwrap();
    me.thread().write(at, b"mine").unwrap();
    mine.unregister();
    assert_eq!(in_pool(), (1, 1));

    // The next one gets another page, and what is written there I do not see.
    assert!(yours.register());
    let you = machine.process();
    let yours_at = you.mmap(&machine.open(File(yours.clone())), Map::shared(4096)).unwrap();
    you.thread().write(yours_at, b"a secret").unwrap();
    let mut bytes = [0; 8];
    me.thread().read(at, &mut bytes).unwrap();
    assert_eq!(&bytes, b"mine\0\0\0\0");
    // While I have mine there is none for a third.
    assert!(!third.register());
    assert_eq!(in_pool(), (0, 1));

    // A child that has it mapped is a user as well.
    let child = me.fork().unwrap();
    me.munmap(at, 4096).unwrap();
    assert!(!third.register());
    child.exit().unwrap();
    assert!(third.register());
    let last = machine.process();
    let at = last.mmap(&machine.open(File(third)), Map::shared(4096)).unwrap();
    last.thread().read(at, &mut bytes).unwrap();
    assert_eq!(bytes, [0; 8]);
}

//! Memory of 2 MiB pages: one fault brings one, and what is smaller is refused.

use std::{
    io::{self, Write as _},
    sync::{
        Mutex, MutexGuard,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use vmctx::{
    Errno, FrameSource as _, Hooks, HugeFaultCtx, HugeSize, Iomem as _, Mapped, MmapCtx, MmapFile, PageCount,
    PageOffset, PfnMap, PfnMkwriteCtx, SharedObject, UserAddr, VmFault, VmOperations,
};
use vmctx_uffd::{DeviceMemory, Map, Memory, OpenError, Options, Prot, Ref, Session, SyscallError, Trap, Uffd};

use crate::{drivers::PAGE, sessions::load};

const HUGE: usize = 512 * PAGE;

/// The system has few such pages: whoever has this uses them.
static ALONE: Mutex<()> = Mutex::new(());

/// Memory of so many large pages. Where the system has none to give, that is said, and nothing is tested.
fn huge(count: usize) -> Option<(MutexGuard<'static, ()>, Memory)> {
    let alone = ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    match Memory::of_huge_pages(PageCount::new(count)) {
        Ok(memory) => Some((alone, memory)),
        Err(error) => {
            assert!(matches!(error, OpenError::HugePages { wanted, .. } if wanted == count), "{error}");
            let _ = writeln!(io::stderr(), "large pages are not tested on this machine: {error}");
            None
        }
    }
}

/// All of a device's memory.
struct Large {
    memory: DeviceMemory,
    object: SharedObject<Uffd>,
    calls: AtomicUsize,
    /// From this page of the object on there is nothing.
    end: PageOffset,
}

impl Large {
    fn huge_fault<'f>(&'f self, ctx: HugeFaultCtx<'f, Uffd, PfnMap>) -> VmFault<'f> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        assert_eq!((ctx.size(), ctx.page_count()), (HugeSize::Pmd, PageCount::new(512)));
        ctx.insert_huge_with(|ctx, entry| if ctx.pgoff() < self.end { entry.of(&self.memory) } else { None })
    }
}

impl VmOperations for Large {
    type Platform = Uffd;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.huge_fault(Self::huge_fault).object(|large: &Self| Some(&large.object));
}

fn large(memory: &Memory, count: usize) -> Ref<Large> {
    Ref::new(Large {
        memory: memory.device_memory(PageCount::new(count * 512)).unwrap(),
        object: SharedObject::new(memory.may_sleep()).unwrap(),
        calls: AtomicUsize::new(0),
        end: PageOffset::new(count * 512),
    })
}

fn at(start: UserAddr, bytes: usize) -> UserAddr {
    UserAddr::new(start.get() + bytes)
}

fn first_byte(memory: &DeviceMemory, offset: usize) -> u8 {
    let mut byte = [0];
    memory.read(offset, &mut byte).unwrap();
    byte[0]
}

fn ways() -> [Options; 3] {
    [Options::default(), Options::default().readers(2), Options::default().in_thread()]
}

fn open(options: Options, memory: &Memory) -> Session {
    // Where there is no session to be had, that is said there.
    drop(crate::sessions::session());
    options.open(memory).unwrap()
}

#[test]
fn who_asks_for_more_than_there_is_is_told_what_to_do() {
    let wanted = 1 << 30;
    let error = Memory::of_huge_pages(PageCount::new(wanted)).map(drop).unwrap_err();
    assert!(matches!(error, OpenError::HugePages { wanted: told, .. } if told == wanted), "{error}");
    assert!(error.to_string().contains("vm.nr_hugepages"), "{error}");
}

#[test]
fn one_fault_brings_two_mebibytes() {
    for options in ways() {
        let Some((_alone, memory)) = huge(2) else { return };
        let session = open(options, &memory);
        let state = large(&memory, 2);
        let start = session.map(&state, Map::shared(2 * HUGE)).unwrap();
        assert_eq!(start.get() % HUGE, 0);
        let before = session.statistics();
        for page in (0..1024).rev() {
            session.write(at(start, page * PAGE + 5), &[u8::try_from(page % 251).unwrap()]).unwrap();
        }
        for page in 0..1024 {
            assert_eq!(first_byte(&state.memory, page * PAGE + 5), u8::try_from(page % 251).unwrap());
        }
        state.memory.write(HUGE + 9, &[99]).unwrap();
        assert_eq!(load(&session, at(start, HUGE + 9)), Ok(99));
        let after = session.statistics();
        assert_eq!((after.events - before.events, state.calls.load(Ordering::SeqCst)), (2, 2));
        assert_eq!(after.inserted - before.inserted, 2);
        // What is taken away is taken away whole, and comes again.
        state.object.unmap_once(PageOffset::new(700), PageCount::new(1), memory.may_sleep());
        assert_eq!(load(&session, at(start, 5)), Ok(0));
        assert_eq!(state.calls.load(Ordering::SeqCst), 2);
        assert_eq!(load(&session, at(start, HUGE + 9)), Ok(99));
        assert_eq!(state.calls.load(Ordering::SeqCst), 3);
        assert_eq!(session.take_errors(), []);
    }
}

#[test]
fn many_threads_have_one_page() {
    let Some((_alone, memory)) = huge(1) else { return };
    let session = open(Options::default().readers(2), &memory);
    let state = large(&memory, 1);
    let start = session.map(&state, Map::shared(HUGE)).unwrap();
    for round in 0..20 {
        thread::scope(|scope| {
            for thread in 0..8_usize {
                let session = &session;
                scope.spawn(move || session.write(at(start, thread * 64 * PAGE), &[round]).unwrap());
            }
        });
        assert!((0..8).all(|thread| first_byte(&state.memory, thread * 64 * PAGE) == round));
        state.object.unmap_once(PageOffset::ZERO, PageCount::new(512), memory.may_sleep());
    }
    assert_eq!(session.take_errors(), []);
}

#[test]
fn what_is_smaller_than_a_large_page_is_refused() {
    let Some((_alone, memory)) = huge(3) else { return };
    let session = open(Options::default(), &memory);
    assert_eq!(memory.alloc_page().map(drop), Err(Errno::ENOMEM));
    assert_eq!(memory.device_memory(PageCount::new(100)).map(drop), Err(Errno::EINVAL));
    // Of two devices: the second does not lie where a mapping of the first would have it.
    let second = large(&memory, 2);
    let first = large(&memory, 1);
    assert_eq!(memory.device_memory(PageCount::new(512)).map(drop), Err(Errno::ENOMEM));
    let refused: Result<UserAddr, SyscallError> = Err(Errno::EINVAL.into());
    for map in [
        Map::shared(HUGE - 1 - PAGE),
        Map::shared(HUGE + PAGE),
        Map::shared(HUGE).pgoff(PageOffset::new(8)),
        Map::shared(HUGE).at(UserAddr::new(0x2000_0000_1000)),
        Map::private(HUGE),
    ] {
        assert_eq!(session.map(&second, map), refused, "{map:?}");
    }
    let fixed = UserAddr::new(0x2000_0000_0000);
    assert_eq!(session.map(&first, Map::shared(HUGE).at(fixed)), Ok(fixed));
    let start = session.map(&second, Map::shared(2 * HUGE)).unwrap();
    session.write(fixed, &[1]).unwrap();
    session.write(start, &[2]).unwrap();
    session.write(at(start, HUGE), &[3]).unwrap();
    assert_eq!((first_byte(&first.memory, 0), first_byte(&second.memory, HUGE)), (1, 3));
    for bytes in [PAGE, HUGE + PAGE] {
        assert_eq!(session.munmap(start, bytes), Err(Errno::EINVAL.into()));
        assert_eq!(session.mprotect(start, bytes, Prot::READ), Err(Errno::EINVAL.into()));
    }
    session.mprotect(at(start, HUGE), HUGE, Prot::READ).unwrap();
    assert_eq!(session.write(at(start, HUGE), &[4]), Err(Trap::Sigsegv(at(start, HUGE))));
    assert_eq!(load(&session, at(start, HUGE)), Ok(3));
    session.munmap(start, HUGE).unwrap();
    assert_eq!(load(&session, start), Err(Trap::Sigsegv(start)));
    assert_eq!(load(&session, at(start, HUGE)), Ok(3));
    assert_eq!(session.take_errors(), []);
}

/// A driver that is told of first stores.
struct Told;

impl Told {
    fn pfn_mkwrite<'f>(&'f self, ctx: PfnMkwriteCtx<'f, Uffd, PfnMap>) -> VmFault<'f> {
        ctx.allow()
    }
}

impl VmOperations for Told {
    type Platform = Uffd;
    type Kind = PfnMap;
    const HOOKS: Hooks<Self> = Hooks::NONE.pfn_mkwrite(Self::pfn_mkwrite);
}

/// One that inserts single frames, at mmap.
struct Small(DeviceMemory);

impl MmapFile for Small {
    type Platform = Uffd;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Uffd>) -> Result<Mapped<'m>, Errno> {
        let frames = self.0.range(PageOffset::ZERO, PageCount::new(512)).ok_or(Errno::ENXIO)?;
        ctx.writable().without_faults::<vmctx::Remapped>()?.remap_from_first(frames)
    }
}

#[test]
fn what_the_hook_does_not_bring_is_a_sigbus() {
    let Some((_alone, memory)) = huge(1) else { return };
    let device = memory.device_memory(PageCount::new(512)).unwrap();
    for options in ways() {
        let session = open(options, &memory);
        let state = Ref::new(Large {
            memory: device.clone(),
            object: SharedObject::new(memory.may_sleep()).unwrap(),
            calls: AtomicUsize::new(0),
            end: PageOffset::new(512),
        });
        let start = session.map(&state, Map::shared(2 * HUGE)).unwrap();
        let behind = at(start, HUGE + 3 * PAGE);
        for calls in 1..=2 {
            assert_eq!(load(&session, behind), Err(Trap::Sigbus(behind)));
            // The access has had its signal, and the next one asks again.
            assert_eq!(state.calls.load(Ordering::SeqCst), calls);
        }
        assert_eq!(load(&session, start).map(drop), Ok(()));
        // No driver is told of stores, and nothing that is smaller is mapped.
        let told = session.map(&Ref::new(Told), Map::shared(HUGE));
        assert_eq!(told, Err(Errno::EINVAL.into()));
        assert_eq!(session.mmap(&session.file(Small(device.clone())), Map::shared(HUGE)), Err(Errno::EINVAL.into()));
        session.stop().unwrap();
        assert_eq!(load(&session, behind), Err(Trap::Sigbus(behind)));
        assert_eq!(load(&session, start).map(drop), Ok(()), "what is mapped stays");
        assert_eq!(session.take_errors(), []);
    }
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    assert_eq!(Session::open_for(&memory, ours).map(drop), Err(OpenError::GuestHugePages));
}

/// Memory of pages of the usual size has no large entries.
#[test]
fn where_there_are_no_large_pages_the_hook_is_not_called() {
    let session = crate::sessions::session();
    let state = large(session.memory(), 1);
    let start = session.map(&state, Map::shared(HUGE)).unwrap();
    assert_eq!(load(&session, start), Err(Trap::Sigbus(start)), "and it has no other");
    assert_eq!(state.calls.load(Ordering::SeqCst), 0);
}

//! The platforms that every test runs on, and what differs between them.

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use vmctx::{MaySleep, MmapFile, PageCount, Platform, UserAddr};
use vmctx_hosted::{AccessError, Answers, Counts, Map, Trap, UserSide, WaitQueue};
use vmctx_sim::{Limits, Machine, Process, Sim};

use crate::drivers::{PAGE, PageOf, System};

/// Makes tests of generic functions: one for each platform. A function that is in no list is dead code to the compiler.
macro_rules! on_each_platform {
    ($($test:ident),+ $(,)?) => {
        mod sim {
            $(#[test]
            fn $test() {
                super::$test::<$crate::beds::Simulated>();
            })+
        }

        #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
        mod uffd {
            $(#[test]
            fn $test() {
                if $crate::beds::uffd::is_available() {
                    super::$test::<$crate::beds::uffd::ServingThread>();
                }
            })+
        }

        #[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
        mod uffd_in_thread {
            $(#[test]
            fn $test() {
                if $crate::beds::uffd::is_available() {
                    super::$test::<$crate::beds::uffd::FaultingThread>();
                }
            })+
        }
    };
}

/// The frames of a test bed's devices.
pub(crate) type IomemOf<B> = <<B as System>::Platform as Platform>::Iomem;

/// A platform with memory, drivers, and one process into which their files are mapped.
pub(crate) trait TestBed:
    System<Platform: Platform<WaitQueue = WaitQueue>> + Sized + Send + Sync + 'static
{
    /// The process.
    type User: UserSide<Platform = Self::Platform, File = Self::File>;

    /// Whether other code takes addresses of the process, too.
    const SHARES_ADDRESSES: bool;

    /// One that knows nothing of any other.
    fn new() -> Self;

    /// One where an access may be repeated so many times, and then that is said.
    fn with_refaults(refaults: usize) -> Self;

    fn user(&self) -> &Arc<Self::User>;

    fn device_memory(&self, pages: usize) -> IomemOf<Self>;

    /// How many mappings the process has.
    fn mapping_count(&self) -> usize;

    /// How many pages drivers have, and on `sim` users copies of them.
    fn pages_in_use(&self) -> usize;

    /// How many accesses found nothing that allowed them.
    fn faults(&self) -> u64;

    /// How many faults were repeated with nothing changed.
    fn refaults(&self) -> u64;

    /// How often `page_mkwrite` and `pfn_mkwrite` were called.
    fn mkwrite_calls(&self) -> u64;

    /// An access during which the driver panics, with this message.
    fn assert_panics(&self, at: UserAddr, message: &str, access: impl FnOnce() -> Result<(), Trap>);

    /// What an access at `at` ended with is that it was repeated so many times, and nothing ever changed.
    fn assert_repeated(&self, at: UserAddr, refaults: usize, ended: Result<u8, Trap>);

    /// In how many places a page is mapped, if the platform tells.
    fn map_count(page: &PageOf<Self>) -> Option<usize> {
        let _ = page;
        None
    }

    /// How many pages of a range are mapped, if the platform tells.
    fn mapped_pages(&self, at: UserAddr, pages: usize) -> Option<usize> {
        let _ = (at, pages);
        None
    }

    /// How many page tables there are, if the platform tells.
    fn page_tables_in_use(&self) -> Option<usize> {
        None
    }

    /// How many pages were copied for stores to private mappings, if the platform tells.
    fn copies(&self) -> Option<u64> {
        None
    }

    /// How many faults gave up their lock and were begun anew, if the platform tells.
    fn retries(&self) -> Option<u64> {
        None
    }

    fn mmap(&self, file: &Self::File, map: Map) -> UserAddr {
        self.user().mmap(file, map).unwrap()
    }

    fn munmap(&self, at: UserAddr, bytes: usize) {
        self.user().munmap(at, bytes).unwrap();
    }

    fn load(&self, at: UserAddr) -> Result<u8, Trap> {
        let mut byte = [0];
        self.user().read(at, &mut byte).map(|()| byte[0])
    }

    fn store(&self, at: UserAddr, byte: u8) -> Result<(), Trap> {
        self.user().write(at, &[byte])
    }

    fn references(page: &PageOf<Self>) -> usize {
        Self::User::references(page).unwrap()
    }

    fn counts(&self) -> Counts {
        self.user().counts().unwrap()
    }

    fn answers(&self) -> Answers {
        self.counts().answers
    }

    /// Nothing has gone wrong that users have not seen.
    fn assert_no_complaints(&self) {
        assert_eq!(self.user().complaints(), [""; 0]);
    }
}

/// What a platform tells, if it tells that.
#[track_caller]
pub(crate) fn if_told<T: PartialEq + std::fmt::Debug>(told: Option<T>, expected: T) {
    if let Some(told) = told {
        assert_eq!(told, expected);
    }
}

/// A machine of `sim`'s, with a process.
pub(crate) struct Simulated {
    machine: Machine,
    process: Arc<Process>,
}

impl Simulated {
    fn with_limits(limits: Limits) -> Self {
        let machine = Machine::with_limits(limits);
        let process = Arc::new(machine.process());
        Self { machine, process }
    }
}

impl System for Simulated {
    type Platform = Sim;
    type File = vmctx_sim::File;

    fn open(&self, driver: impl MmapFile<Platform = Sim>) -> Self::File {
        self.machine.open(driver)
    }

    fn memory(&self) -> &Machine {
        &self.machine
    }

    fn may_sleep(&self) -> MaySleep<'_> {
        self.machine.may_sleep()
    }
}

impl TestBed for Simulated {
    type User = Process;
    const SHARES_ADDRESSES: bool = false;

    fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    fn with_refaults(refaults: usize) -> Self {
        Self::with_limits(Limits { refaults, ..Limits::default() })
    }

    fn user(&self) -> &Arc<Process> {
        &self.process
    }

    fn device_memory(&self, pages: usize) -> IomemOf<Self> {
        self.machine.device_memory(PageCount::new(pages)).unwrap()
    }

    fn mapping_count(&self) -> usize {
        self.process.mapping_count().unwrap()
    }

    fn pages_in_use(&self) -> usize {
        self.machine.statistics().frames_in_use
    }

    fn faults(&self) -> u64 {
        self.machine.statistics().faults
    }

    fn refaults(&self) -> u64 {
        self.machine.statistics().refaults
    }

    fn mkwrite_calls(&self) -> u64 {
        self.machine.statistics().mkwrite_calls
    }

    /// The driver's panic is the access's, whose thread it ran on.
    fn assert_panics(&self, _: UserAddr, message: &str, access: impl FnOnce() -> Result<(), Trap>) {
        let payload = catch_unwind(AssertUnwindSafe(access)).unwrap_err();
        let said = payload.downcast_ref::<String>().map(String::as_str);
        assert_eq!(said.or_else(|| payload.downcast_ref::<&str>().copied()), Some(message));
    }

    fn assert_repeated(&self, address: UserAddr, refaults: usize, ended: Result<u8, Trap>) {
        assert_eq!(ended, Err(AccessError::RefaultsForever { address, refaults }.into()));
    }

    fn map_count(page: &vmctx_sim::Page) -> Option<usize> {
        Some(page.map_count())
    }

    fn mapped_pages(&self, at: UserAddr, pages: usize) -> Option<usize> {
        Some(self.process.mapped_pages(at, pages * PAGE).get())
    }

    fn page_tables_in_use(&self) -> Option<usize> {
        Some(self.machine.statistics().page_tables_in_use)
    }

    fn retries(&self) -> Option<u64> {
        Some(self.machine.statistics().retries)
    }

    fn copies(&self) -> Option<u64> {
        Some(self.machine.statistics().copies)
    }
}

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
pub(crate) mod uffd {
    //! Sessions of `uffd`, by who serves their faults.

    use std::{
        io::{self, Write as _},
        sync::{Arc, OnceLock},
    };

    use vmctx::{MaySleep, MmapFile, PageCount, UserAddr};
    use vmctx_hosted::{Hook, Trap};
    use vmctx_uffd::{Memory, OpenError, Options, Session, SessionError, Uffd};

    use super::{IomemOf, System, TestBed};

    /// A thread of the session's serves.
    pub(crate) type ServingThread = UffdBed<false>;

    /// Whoever faults serves itself.
    pub(crate) type FaultingThread = UffdBed<true>;

    pub(crate) struct UffdBed<const IN_THREAD: bool>(Arc<Session>);

    /// Whether faults can be served here. Where nobody can have a userfaultfd, that is said, and nothing is tested: it is
    /// not the crate that is wrong.
    pub(crate) fn is_available() -> bool {
        static AVAILABLE: OnceLock<bool> = OnceLock::new();
        *AVAILABLE.get_or_init(|| match Options::default().open(&memory(1)) {
            Err(error @ (OpenError::NoUserfaultfd(_) | OpenError::MissingFeature { .. })) => {
                // Around the harness, which would keep it to itself.
                let _ = writeln!(io::stderr(), "nothing of `uffd` is tested on this machine: {error}");
                false
            }
            opened => {
                drop(opened.unwrap());
                true
            }
        })
    }

    fn memory(pages: usize) -> Memory {
        Memory::new(PageCount::new(pages)).unwrap()
    }

    impl<const IN_THREAD: bool> UffdBed<IN_THREAD> {
        fn open(options: Options) -> Self {
            let options = if IN_THREAD { options.in_thread() } else { options };
            Self(Arc::new(options.open(&memory(1 << 14)).unwrap()))
        }
    }

    impl<const IN_THREAD: bool> System for UffdBed<IN_THREAD> {
        type Platform = Uffd;
        type File = vmctx_uffd::File;

        fn open(&self, driver: impl MmapFile<Platform = Uffd>) -> Self::File {
            self.0.file(driver)
        }

        fn memory(&self) -> &Memory {
            self.0.memory()
        }

        fn may_sleep(&self) -> MaySleep<'_> {
            self.0.memory().may_sleep()
        }
    }

    impl<const IN_THREAD: bool> TestBed for UffdBed<IN_THREAD> {
        type User = Session;
        const SHARES_ADDRESSES: bool = true;

        fn new() -> Self {
            Self::open(Options::default())
        }

        fn with_refaults(refaults: usize) -> Self {
            Self::open(Options::default().refaults(refaults))
        }

        fn user(&self) -> &Arc<Session> {
            &self.0
        }

        fn device_memory(&self, pages: usize) -> IomemOf<Self> {
            self.0.memory().device_memory(PageCount::new(pages)).unwrap()
        }

        fn mapping_count(&self) -> usize {
            self.0.mapping_count()
        }

        fn pages_in_use(&self) -> usize {
            self.0.memory().pages_in_use().get()
        }

        fn faults(&self) -> u64 {
            self.0.statistics().events
        }

        fn refaults(&self) -> u64 {
            self.0.statistics().refaults
        }

        fn mkwrite_calls(&self) -> u64 {
            self.0.statistics().mkwrite_calls
        }

        /// A SIGBUS for the user, and an error for the session's owner.
        fn assert_panics(&self, at: UserAddr, message: &str, access: impl FnOnce() -> Result<(), Trap>) {
            assert_eq!(access(), Err(Trap::Sigbus(at)));
            let panicked = SessionError::Panicked { hook: Hook::Fault, address: at, message: message.to_owned() };
            assert_eq!(self.0.take_errors(), [panicked]);
        }

        fn assert_repeated(&self, address: UserAddr, refaults: usize, ended: Result<u8, Trap>) {
            assert_eq!(ended, Err(Trap::Sigbus(address)));
            assert_eq!(self.0.take_errors(), [SessionError::RefaultsForever { address, refaults }]);
        }
    }
}

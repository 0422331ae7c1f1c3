//! What the tokens and answers must **not** implement, and how small they are. If somebody adds such an impl, it is
//! noticed here, and by no tool that compares versions of an API.

use std::{
    borrow::Borrow,
    cell::Cell,
    fmt::{Debug, Display},
    hash::Hash,
    mem::size_of,
    sync::Arc,
};

use static_assertions::{assert_eq_size, assert_impl_all, assert_not_impl_any, assert_obj_safe, const_assert_eq};
use vmctx::{
    AccessCtx, Accessed, Backing, Direction, Epoch, Errno, EstablishedCtx, FaultCtx, Frame, FramePoint, FrameRange,
    FrameSlots, FrameSource, Handle, HugeFaultCtx, InsertPagesError, InsertPoint, IomemPart, LockedPage, MapPagesCtx,
    Mapped, MaySleep, Mixed, MmapCtx, MmapFile, Moved, Mutex, Normal, PageCount, PageLock, PageMkwriteCtx, PageOffset,
    PageProt, PageRange, PfnMap, PfnMkwriteCtx, Platform, Prefault, PrepareCtx, Prepared, ReadInto, RefaultReason,
    Release, Released, Remapped, Resident, Revocable, RevocablePoint, Revoked, RwLock, SharedObject, SpinLock, Spot,
    Ticket, Undecided, UniquePage, UnlockedCtx, Unmapped, UserAddr, VmFault, Waited, WriteFrom,
    kind::{
        DeliversPages, Expands, FilledAtMmap, FilledLater, HoldsFrames, HoldsMixed, HoldsPages, HoldsRevocable, Kind,
        MapsByNumber, MapsFrames, MapsPages, Populated, RemapsWhole, StillUndecided,
    },
    platform::{FaultCode, VmFlags},
};
use vmctx_sim::{self as sim, Sim};

/// Memory that can be taken back, of which there is one.
struct Place(sim::Page);

impl Backing for Place {
    type Platform = Sim;

    fn spot(&self, at: PageCount) -> Result<Spot<'_, Sim>, Errno> {
        if at == PageCount::ZERO { Ok(Spot::Page(&self.0)) } else { Err(Errno::ENXIO) }
    }
}

/// G7: whoever has taken a lock gives it back, so its guard stays with that thread. The value goes with the lock.
macro_rules! assert_lock {
    ($platform:ty) => {
        assert_not_impl_any!(<<$platform as Platform>::RwLock<u8> as RwLock<u8>>::Read<'static>: Send, Clone, Copy);
        assert_not_impl_any!(<<$platform as Platform>::RwLock<u8> as RwLock<u8>>::Write<'static>: Send, Clone, Copy);
        assert_not_impl_any!(<<$platform as Platform>::Mutex<u8> as Mutex<u8>>::Guard<'static>: Send, Clone, Copy);
        assert_not_impl_any!(<<$platform as Platform>::SpinLock<u8> as SpinLock<u8>>::Guard<'static>: Send, Clone, Copy);
        assert_impl_all!(<$platform as Platform>::Mutex<Cell<u8>>: Send, Sync);
        assert_impl_all!(<$platform as Platform>::SpinLock<Cell<u8>>: Send, Sync);
    };
}

assert_lock!(Sim);
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
assert_lock!(vmctx_uffd::Uffd);

/// G7: a token stays with its thread, cannot be copied, and cannot be made up.
macro_rules! assert_token {
    ($($token:ty),* $(,)?) => {$(
        assert_not_impl_any!($token: Send, Sync, Clone, Copy, Default, Debug, PartialEq, Hash, From<Errno>, From<()>);
    )*};
}

assert_token!(
    PrepareCtx<'static, Sim>,
    MmapCtx<'static, Sim, Undecided>,
    MmapCtx<'static, Sim, Normal>,
    MmapCtx<'static, Sim, Mixed>,
    MmapCtx<'static, Sim, PfnMap>,
    MmapCtx<'static, Sim, Remapped>,
    FaultCtx<'static, Sim, Normal>,
    FaultCtx<'static, Sim, Mixed>,
    FaultCtx<'static, Sim, PfnMap>,
    FaultCtx<'static, Sim, Remapped>,
    Released<'static, Sim, Mixed>,
    Release<'static, Sim, Mixed>,
    LockedPage<'static, Sim>,
    PageLock<'static, Sim>,
    PageMkwriteCtx<'static, Sim, Normal>,
    PageMkwriteCtx<'static, Sim, Mixed>,
    PfnMkwriteCtx<'static, Sim, Mixed>,
    PfnMkwriteCtx<'static, Sim, PfnMap>,
    HugeFaultCtx<'static, Sim, Mixed>,
    HugeFaultCtx<'static, Sim, PfnMap>,
    MapPagesCtx<'static, Sim, Normal>,
    MapPagesCtx<'static, Sim, Mixed>,
    AccessCtx<'static, Sim, Normal>,
    AccessCtx<'static, Sim, Mixed>,
    AccessCtx<'static, Sim, PfnMap>,
    AccessCtx<'static, Sim, Remapped>,
    ReadInto<'static>,
    WriteFrom<'static>,
    Direction<'static>,
    UnlockedCtx<'static, Sim>,
    EstablishedCtx<'static, Sim, Normal>,
    EstablishedCtx<'static, Sim, Mixed>,
    EstablishedCtx<'static, Sim, PfnMap>,
    EstablishedCtx<'static, Sim, Remapped>,
    Resident<'static, Sim, Place>,
    Revoked<'static, Sim, Place>,
);
assert_not_impl_any!(MaySleep<'static>: Send, Sync, Default, From<()>);

// G3, G4: an answer is neither made nor unmade, nor looked into.
assert_not_impl_any!(VmFault<'static>: From<Errno>, From<u32>, From<i32>, From<FaultCode>, From<Prefault>, From<Mapped<'static>>,
    From<Result<(), Errno>>, From<InsertPagesError>, From<Waited<'static>>, From<()>);
assert_not_impl_any!(VmFault<'static>: Clone, Copy, Default, Debug, Display, PartialEq, PartialOrd, Hash, AsRef<u32>);
assert_not_impl_any!(VmFault<'static>: Into<Errno>, Into<u32>, Into<i32>, Into<FaultCode>, Into<Mapped<'static>>);
// What stands for C's constants is good for nothing.
assert_not_impl_any!(vmctx::NoCode: Into<VmFault<'static>>, Into<FaultCode>, Into<Errno>, vmctx::IntoErrno);
assert_not_impl_any!(vmctx::NoErrno: Into<VmFault<'static>>, Into<FaultCode>, Into<Errno>, vmctx::IntoErrno);
assert_not_impl_any!(vmctx::NoFlag: Into<VmFlags>, Into<FaultCode>, Into<PageProt>);
assert_not_impl_any!(Errno: From<VmFault<'static>>, From<Prefault>, From<i32>, From<u16>, From<FaultCode>, Default);
assert_not_impl_any!(FaultCode: From<Errno>, From<VmFault<'static>>, Into<Errno>);

// G19: how many bytes a debugger's access has copied is counted, and neither made up nor looked into.
assert_not_impl_any!(Accessed<'static>: From<usize>, From<u32>, From<i32>, From<()>, From<Errno>, From<VmFault<'static>>,
    Into<usize>, Into<i32>, Into<Errno>);
assert_not_impl_any!(Accessed<'static>: Clone, Copy, Default, Debug, Display, PartialEq, PartialOrd, Hash, AsRef<usize>);

// G6: a success of mmap is not made up.
assert_not_impl_any!(Mapped<'static>: Clone, Copy, Default, Debug, From<()>, From<VmFault<'static>>);

// G25: nor is a description, and it is neither that success nor kept.
assert_not_impl_any!(Prepared<'static, Sim, Mixed>: Clone, Copy, Default, Debug, From<()>, From<Errno>, From<Mapped<'static>>,
    From<PrepareCtx<'static, Sim>>, From<MmapCtx<'static, Sim>>, Into<Mapped<'static>>, Into<Prepared<'static, Sim, Normal>>);
assert_not_impl_any!(PrepareCtx<'static, Sim>: From<MmapCtx<'static, Sim>>, Into<MmapCtx<'static, Sim>>);

// G9: one kind at a time, and each has what Linux gives it.
assert_not_impl_any!(Undecided: Kind, HoldsPages, HoldsMixed, HoldsFrames, RemapsWhole, DeliversPages, FilledAtMmap, FilledLater,
    Populated);
assert_not_impl_any!(Normal: StillUndecided, HoldsPages, HoldsMixed, HoldsFrames, RemapsWhole, FilledAtMmap, Populated);
assert_not_impl_any!(Mixed: StillUndecided, HoldsFrames, RemapsWhole);
assert_not_impl_any!(PfnMap: StillUndecided, HoldsPages, HoldsMixed, RemapsWhole, DeliversPages);
assert_not_impl_any!(Remapped: StillUndecided, HoldsPages, HoldsMixed, HoldsFrames, DeliversPages, FilledLater);
assert_impl_all!(Normal: Kind, DeliversPages, FilledLater);
assert_impl_all!(Mixed: Kind, HoldsPages, HoldsMixed, DeliversPages, FilledAtMmap, FilledLater, Populated);
assert_impl_all!(PfnMap: Kind, HoldsFrames, FilledAtMmap, FilledLater, Populated);
assert_impl_all!(Remapped: Kind, RemapsWhole, FilledAtMmap, Populated);

// G19: frames that are mapped by number are copied for a debugger, and pages need no copying.
assert_impl_all!(PfnMap: MapsByNumber);
assert_impl_all!(Remapped: MapsByNumber);
assert_not_impl_any!(Undecided: MapsByNumber);
assert_not_impl_any!(Normal: MapsByNumber);
assert_not_impl_any!(Mixed: MapsByNumber);

// G20: one kind can be allowed to grow.
assert_impl_all!(Mixed: Expands);
assert_not_impl_any!(Undecided: Expands);
assert_not_impl_any!(Normal: Expands);
assert_not_impl_any!(PfnMap: Expands);
assert_not_impl_any!(Remapped: Expands);

// G9: the hooks that each kind has, and memory that moves.
assert_impl_all!(Normal: MapsPages);
assert_impl_all!(Mixed: MapsPages, MapsFrames, HoldsRevocable);
assert_impl_all!(PfnMap: MapsFrames, HoldsRevocable);
assert_not_impl_any!(Undecided: MapsPages, MapsFrames, HoldsRevocable);
assert_not_impl_any!(Normal: MapsFrames, HoldsRevocable);
assert_not_impl_any!(PfnMap: MapsPages);
assert_not_impl_any!(Remapped: MapsPages, MapsFrames, HoldsRevocable);

// G10: an address, an offset and a count are three things.
assert_not_impl_any!(PageOffset: From<usize>, From<u64>, From<UserAddr>, From<PageCount>, Into<usize>);
assert_not_impl_any!(PageCount: From<usize>, From<PageOffset>, Into<usize>);
assert_not_impl_any!(UserAddr: From<usize>, From<PageOffset>, Into<usize>, Default);

// G26: a protection is cached in another way, never made.
assert_not_impl_any!(PageProt: Default, From<bool>, From<u32>, From<u64>, From<VmFlags>);

// G11: a prefault is no answer, and neither is how many there were.
assert_not_impl_any!(Prefault: Into<VmFault<'static>>, Into<Errno>, Into<FaultCode>);
assert_not_impl_any!(PageCount: Into<VmFault<'static>>, Into<Errno>, Into<FaultCode>);

// G12: a locked page is locked once, and by the fault whose answer it is.
assert_not_impl_any!(LockedPage<'static, Sim>: Clone, Copy, Default, From<PageLock<'static, Sim>>);
assert_not_impl_any!(PageLock<'static, Sim>: Send, Sync, Clone, Copy, Default, From<LockedPage<'static, Sim>>,
    From<sim::Page>, std::ops::Deref, std::ops::DerefMut);

// G13: no number becomes a frame.
assert_not_impl_any!(Frame<'static, Sim>: From<u64>, From<usize>, From<PageOffset>, Default);
assert_not_impl_any!(FrameRange<'static, Sim>: From<u64>, From<std::ops::Range<u64>>, Default);

// G4: evidence is not made up, and good for one refault.
assert_not_impl_any!(Waited<'static>: Clone, Copy, Default, From<Ticket<'static, sim::WaitQueue>>, From<Errno>);
assert_not_impl_any!((): RefaultReason<'static>);
assert_impl_all!(Unmapped<'static>: RefaultReason<'static>);
assert_not_impl_any!(Unmapped<'static>: Clone, Copy, Default, From<()>, From<Errno>, From<Waited<'static>>);
assert_not_impl_any!(Ticket<'static, sim::WaitQueue>: RefaultReason<'static>, Clone, Copy, Default, From<u64>);
assert_not_impl_any!(Errno: RefaultReason<'static>);
assert_impl_all!(Moved<'static>: RefaultReason<'static>);
assert_not_impl_any!(Moved<'static>: Clone, Copy, Default, Debug, From<()>, From<Errno>, From<Waited<'static>>,
    From<Epoch<'static, 'static, Sim, Place>>);
assert_not_impl_any!(Epoch<'static, 'static, Sim, Place>: RefaultReason<'static>, Clone, Copy, Default, Debug, From<()>,
    From<u64>);
assert_not_impl_any!(Resident<'static, Sim, Place>: RefaultReason<'static>);

// G13: memory that moves is inserted by faults, and nobody else.
assert_impl_all!(FaultCtx<'static, Sim, PfnMap>: RevocablePoint);
assert_not_impl_any!(MmapCtx<'static, Sim, PfnMap>: RevocablePoint);
assert_not_impl_any!(EstablishedCtx<'static, Sim, PfnMap>: RevocablePoint);
assert_not_impl_any!(MapPagesCtx<'static, Sim, Mixed>: RevocablePoint);
assert_not_impl_any!(HugeFaultCtx<'static, Sim, PfnMap>: RevocablePoint);
assert_not_impl_any!(PageMkwriteCtx<'static, Sim, Mixed>: RevocablePoint);
assert_not_impl_any!(PfnMkwriteCtx<'static, Sim, PfnMap>: RevocablePoint);
assert_not_impl_any!(Released<'static, Sim, PfnMap>: RevocablePoint);
assert_not_impl_any!(Resident<'static, Sim, Place>: std::ops::DerefMut, AsMut<Place>);
assert_not_impl_any!(Revoked<'static, Sim, Place>: RevocablePoint, Clone, Copy);
assert_not_impl_any!(Revocable<Sim, Place>: std::ops::Deref, std::ops::DerefMut, Clone, Default);

// G14: a handle and an object are kept and shared, but not made up; and a handle has its mapping's kind.
assert_impl_all!(Handle<Sim, Mixed>: Send, Sync);
assert_not_impl_any!(Handle<Sim, Mixed>: Clone, Copy, Default, From<UserAddr>, From<Handle<Sim, PfnMap>>, From<sim::Handle>);
assert_impl_all!(SharedObject<Sim>: Send, Sync, Clone);
assert_not_impl_any!(SharedObject<Sim>: Default, From<sim::Object>, AsRef<sim::Object>);

// G15: the right to sleep comes from nothing that `map_pages` has.
assert_not_impl_any!(MaySleep<'static>: From<MapPagesCtx<'static, Sim, Mixed>>, From<PageOffset>, Debug);

// G17: nothing but the two tokens is an insertion point.
assert_impl_all!(MmapCtx<'static, Sim, Mixed>: InsertPoint);
assert_impl_all!(FaultCtx<'static, Sim, Mixed>: InsertPoint);
assert_not_impl_any!(Mapped<'static>: InsertPoint);
assert_not_impl_any!(VmFault<'static>: InsertPoint);
assert_not_impl_any!(Released<'static, Sim, Mixed>: InsertPoint);
assert_not_impl_any!(&'static mut FaultCtx<'static, Sim, Mixed>: InsertPoint);
assert_not_impl_any!(PageMkwriteCtx<'static, Sim, Mixed>: InsertPoint);
assert_not_impl_any!(PfnMkwriteCtx<'static, Sim, Mixed>: InsertPoint);
assert_not_impl_any!(HugeFaultCtx<'static, Sim, Mixed>: InsertPoint);
assert_not_impl_any!(MapPagesCtx<'static, Sim, Mixed>: InsertPoint);
assert_not_impl_any!(EstablishedCtx<'static, Sim, Mixed>: InsertPoint);

// G21: frames are inserted where they are borrowed from who outlives the mapping, for as long as the token says.
assert_impl_all!(MmapCtx<'static, Sim, Mixed>: FramePoint<'static>);
assert_impl_all!(FaultCtx<'static, Sim, Mixed>: FramePoint<'static>);
assert_not_impl_any!(EstablishedCtx<'static, Sim, Mixed>: FramePoint<'static>);
assert_not_impl_any!(FrameSlots<'static, Sim, Mixed>: FramePoint<'static>, InsertPoint, Clone, Copy, Default, From<()>);
assert_not_impl_any!(Released<'static, Sim, Mixed>: FramePoint<'static>);
assert_not_impl_any!(MapPagesCtx<'static, Sim, Mixed>: FramePoint<'static>);

// G21: what inserts frames beside a state stays with its thread; what is owned has one owner, and is not made up.
assert_not_impl_any!(FrameSlots<'static, Sim, PfnMap>: Send, Sync);
assert_not_impl_any!(UniquePage<Sim>: Clone, Copy, Default, From<sim::Page>, AsRef<sim::Page>, Borrow<sim::Page>, std::ops::Deref,
    std::ops::DerefMut, PartialEq);
assert_not_impl_any!(sim::Page: Into<UniquePage<Sim>>, From<UniquePage<Sim>>);
assert_not_impl_any!(IomemPart<Sim>: Clone, Copy, Default, From<sim::DeviceMemory>, FrameSource, AsRef<sim::DeviceMemory>,
    Borrow<sim::DeviceMemory>, std::ops::Deref, std::ops::DerefMut);
assert_impl_all!(UniquePage<Sim>: Send, Sync);
assert_impl_all!(IomemPart<Sim>: Send, Sync);

// A state's reference keeps the state's type: an `Arc` can become one of another type.
assert_not_impl_any!(vmctx_hosted::Ref<Place>: From<Arc<Place>>, Into<Arc<Place>>, AsRef<Arc<Place>>, AsMut<Place>,
    std::ops::DerefMut, Default);

// A framework keeps files of any driver.
assert_obj_safe!(MmapFile<Platform = Sim>);
assert_impl_all!(sim::Page: Send, Sync);
assert_impl_all!(Errno: std::error::Error, Send, Sync, Copy);
assert_impl_all!(InsertPagesError: std::error::Error, Into<Errno>);

// Sizes: a token is what it must carry, and an error beside it is free.
const WORD: usize = size_of::<usize>();
const_assert_eq!(size_of::<FaultCtx<'static, Sim, Mixed>>(), WORD);
const_assert_eq!(size_of::<PageMkwriteCtx<'static, Sim, Mixed>>(), WORD);
const_assert_eq!(size_of::<PfnMkwriteCtx<'static, Sim, PfnMap>>(), WORD);
const_assert_eq!(size_of::<HugeFaultCtx<'static, Sim, PfnMap>>(), WORD);
const_assert_eq!(size_of::<MapPagesCtx<'static, Sim, Mixed>>(), WORD);
assert_eq_size!(UnlockedCtx<'static, Sim>, <Sim as Platform>::Caller);
// What the platform has, and where the object begins.
assert_eq_size!(EstablishedCtx<'static, Sim, Mixed>, (<Sim as Platform>::EstablishedVma, PageOffset));
assert_eq_size!(Handle<Sim, Mixed>, (<Sim as Platform>::Handle, PageOffset));
const_assert_eq!(size_of::<Moved<'static>>(), 0);
// A VMA, two places in it, and where the object begins.
const_assert_eq!(size_of::<MmapCtx<'static, Sim, Mixed>>(), 4 * WORD);
assert_eq_size!(Result<MmapCtx<'static, Sim, Mixed>, Errno>, MmapCtx<'static, Sim, Mixed>);
const_assert_eq!(size_of::<VmFault<'static>>(), 4);
const_assert_eq!(size_of::<Mapped<'static>>(), 0);
const_assert_eq!(size_of::<Result<Mapped<'static>, Errno>>(), 2);
assert_eq_size!(Frame<'static, Sim>, u64);
const_assert_eq!(size_of::<MaySleep<'static>>(), 0);
const_assert_eq!(size_of::<PageProt>(), 3);

#[test]
fn every_errno_has_its_name_its_number_and_a_text() {
    assert_eq!(Errno::ALL.len(), 150);
    for errno in Errno::ALL {
        assert_eq!(Errno::from_raw(errno.to_raw()), Some(*errno));
        let text = errno.to_string();
        let (name, description) = text.split_once(": ").expect("name and description");
        assert_eq!(name, format!("{errno:?}"));
        assert!(!description.is_empty() && !description.ends_with('.'), "{text}");
        assert!(errno.to_raw() > 0);
    }
    assert!(Errno::ALL.is_sorted_by_key(|errno| errno.to_raw()));
    for not_one in [i32::MIN, -12, 0, 41, 58, 134, 511, 520, 532, i32::MAX] {
        assert_eq!(Errno::from_raw(not_one), None);
    }
    assert_eq!(Errno::EWOULDBLOCK, Errno::EAGAIN);
    assert_eq!(Errno::ERESTARTSYS.to_string(), "ERESTARTSYS: restart the system call after the signal");
    assert_eq!(Errno::EHWPOISON.to_raw(), 133);
}

/// The running system numbers its errnos as the table does.
#[test]
#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "riscv64")))]
fn the_numbers_are_the_running_systems() {
    use std::io::{Error, ErrorKind};
    for (errno, kind) in [
        (Errno::ENOENT, ErrorKind::NotFound),
        (Errno::EACCES, ErrorKind::PermissionDenied),
        (Errno::ENOMEM, ErrorKind::OutOfMemory),
        (Errno::EBUSY, ErrorKind::ResourceBusy),
        (Errno::EINTR, ErrorKind::Interrupted),
        (Errno::EAGAIN, ErrorKind::WouldBlock),
        (Errno::EDEADLK, ErrorKind::Deadlock),
        (Errno::ENOSPC, ErrorKind::StorageFull),
    ] {
        assert_eq!(Error::from_raw_os_error(errno.to_raw()).kind(), kind, "{errno}");
    }
}

#[test]
fn a_count_of_pages_is_compared_with_numbers() {
    let three = PageCount::new(3);
    assert_eq!(
        [2, 3, 4].map(|pages| (three < pages, three == pages, three > pages)),
        [(false, false, true), (false, true, false), (true, false, false)]
    );
}

/// The pages of a range are what the numbers of a `Range<usize>` are, by every way to walk them.
#[test]
fn a_page_range_is_walked_as_a_range_of_numbers_is() {
    const NUMBERS: [usize; 9] = [0, 1, 2, 3, 5, 8, usize::MAX / 2, usize::MAX - 1, usize::MAX];
    let page = PageOffset::new;
    for (start, end) in NUMBERS.into_iter().flat_map(|start| NUMBERS.map(|end| (start, end))) {
        let pages = PageRange::new(page(start), page(end));
        assert_eq!(pages.into_iter().count(), (start..end).count());
        assert_eq!(pages.into_iter().len(), (start..end).len());
        assert_eq!(pages.into_iter().last(), (start..end).last().map(page));
        assert_eq!(pages.is_empty(), (start..end).is_empty());
        for number in NUMBERS {
            assert_eq!(pages.contains(page(number)), (start..end).contains(&number));
        }
        // Steps of any length, from both ends in turn, and what is left between.
        for (far, near) in NUMBERS.into_iter().flat_map(|far| NUMBERS.map(|near| (far, near))) {
            let (mut walked, mut expected) = (pages.into_iter(), start..end);
            for _ in 0..3 {
                assert_eq!(walked.nth(near), expected.nth(near).map(page), "{start}..{end}: nth({near})");
                assert_eq!(walked.nth_back(far), expected.nth_back(far).map(page), "{start}..{end}: nth_back({far})");
                assert_eq!(walked.next(), expected.next().map(page));
                assert_eq!(walked.next_back(), expected.next_back().map(page));
                assert_eq!(walked.size_hint(), expected.size_hint());
            }
        }
    }
}

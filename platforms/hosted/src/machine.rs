//! The machine whose memory is mapped: frames by number, and what it counts and limits.

use std::{fmt, marker::PhantomData, panic::Location};

use vmctx::{Errno, FrameSource, Iomem, OutOfFrames, OutOfPage, PageCount, Platform, platform::FaultFlags};

use crate::{
    answers::{Counts, Event},
    atomic::might_sleep,
    hold::Holds,
    report::{MightSleep, Reports},
    trace::Traces,
};

/// What a frame number leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FrameKind {
    /// A page: memory with a count of references.
    Ram,
    /// The zero page, which everybody shares and nobody may write.
    Zero,
    /// Memory of a device: bytes without a count of references.
    Device,
}

/// How a file is mapped that has a [prepare hook](vmctx::PrepareFile). The others have their mmap hook called.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MmapOrder {
    /// The prepare hook, then the VMA, which is on its object's list from now on, then what the hook has named to be
    /// done, then `mapped`: Linux 7. A VMA for which one of the last two fails is unmapped as others are.
    #[default]
    Prepare,
    /// A mmap hook does all that (`compat_vma_mmap`), for a VMA that nobody knows of until the hook has returned.
    Compat,
}

/// The machine that address spaces are of. Clones are the same machine.
///
/// Its frames, of [`PAGE_SIZE`](vmctx::Platform::PAGE_SIZE) bytes, are named by numbers, as in a page table entry. A
/// number that leads nowhere, or to a frame of another machine, has no [kind](Self::kind), and is never mapped. So where
/// there can be several machines, each needs numbers that no other ever has: a driver keeps frames as numbers.
///
/// All of it may be called by many threads at once, and everything but [`lock`](Self::lock) and
/// [`unlock`](Self::unlock) with the lock of a page table entry held: none of it may sleep for long, or touch page
/// tables.
///
/// What is `unsafe` here changes counts and locks that other code relies on: a frame whose last reference is put is
/// free for whoever allocates next.
#[expect(unsafe_code, reason = "counts of references are promises that cannot be checked")]
pub trait Machine: Clone + Send + Sync + 'static {
    /// Whether the two are one machine.
    fn is(&self, other: &Self) -> bool;

    /// What is there, or `None` for a hole or another machine's frame.
    fn kind(&self, pfn: u64) -> Option<FrameKind>;

    /// Whether `count` frames from `first` on are all RAM, or all of one device: whether a large entry can map them.
    ///
    /// Default: whether they are all of the same kind, for a machine whose devices do not lie side by side.
    fn are_there(&self, first: u64, count: usize) -> bool {
        let kind = self.kind(first);
        kind.is_some() && (first..).take(count).all(|pfn| self.kind(pfn) == kind)
    }

    /// The number of the zero page: its [kind](Self::kind) is [`Zero`](FrameKind::Zero), and it reads as zeros.
    fn zero_page(&self) -> u64;

    /// A fresh frame of RAM, zeroed, with one reference, which is the caller's. An `anonymous` one is for a private
    /// copy, and [stays so](Self::is_anonymous) until it is free again.
    ///
    /// # Errors
    /// ENOMEM.
    fn allocate(&self, anonymous: bool) -> Result<u64, Errno>;

    /// Whether the frame is a private copy (`PageAnon`), which no driver may insert.
    fn is_anonymous(&self, pfn: u64) -> bool;

    /// One more reference, which is the caller's (`get_page`). Nothing where there is no RAM.
    ///
    /// # Safety
    /// Somebody has a reference to the frame, and keeps it until this returns.
    unsafe fn get(&self, pfn: u64);

    /// A reference to a frame that may be free (`get_page_unless_zero`); `false` if it is. The reference is the
    /// caller's.
    fn get_unless_free(&self, pfn: u64) -> bool;

    /// Puts a reference (`put_page`). The last one frees the frame. Nothing where there is no RAM.
    ///
    /// # Safety
    /// The reference is the caller's, who does not have it any more.
    unsafe fn put(&self, pfn: u64);

    /// How many references there are (`page_count`): handles of drivers, page table entries, faults at work. Zero where
    /// there is no RAM.
    fn references(&self, pfn: u64) -> usize;

    /// How many frames of RAM somebody has a reference to, private copies included: what is left behind shows in it.
    fn pages_in_use(&self) -> usize;

    /// An entry that holds a reference comes, or goes. For [`map_count`](Self::map_count); need not be counted.
    ///
    /// # Safety
    /// The caller has just made such an entry of the frame, or taken one away.
    unsafe fn count_mapping(&self, pfn: u64, comes: bool) {
        let _ = (pfn, comes);
    }

    /// An entry that holds a reference comes: a [reference](Self::get) that is [counted](Self::count_mapping).
    ///
    /// # Safety
    /// As of both.
    unsafe fn get_mapped(&self, pfn: u64) {
        // SAFETY: by this function's contract.
        unsafe {
            self.get(pfn);
            self.count_mapping(pfn, true);
        }
    }

    /// An entry that held a reference is gone: the reference is [put](Self::put), and [counted](Self::count_mapping) no
    /// more.
    ///
    /// # Safety
    /// As of both.
    unsafe fn put_mapped(&self, pfn: u64) {
        // SAFETY: by this function's contract.
        unsafe {
            self.count_mapping(pfn, false);
            self.put(pfn);
        }
    }

    /// A driver is about to insert a page, here, into a mapping of this `user`: all mappings with one state are one. It
    /// is for reports.
    fn note_insertion(&self, pfn: u64, user: u64, inserted: &'static Location<'static>) {
        let _ = (pfn, user, inserted);
    }

    /// How many entries hold a reference (`page_mapcount`), if that is counted.
    fn map_count(&self, pfn: u64) -> usize {
        let _ = pfn;
        0
    }

    /// `lock_page`: sleeps until whoever has the page locked unlocks it. Nothing where there is no RAM.
    fn lock(&self, pfn: u64);

    /// `unlock_page`. Nothing where there is no RAM.
    ///
    /// # Safety
    /// The caller has locked the page, and has not unlocked it since.
    unsafe fn unlock(&self, pfn: u64);

    /// Copies bytes of a frame out, from byte `offset` on. `false`, and nothing copied, if there is no such frame, or
    /// the bytes do not all lie in it. Users and drivers may load and store the same bytes at the same time.
    fn read(&self, pfn: u64, offset: usize, into: &mut [u8]) -> bool;

    /// Copies bytes into a frame. As [`read`](Self::read).
    fn write(&self, pfn: u64, offset: usize, from: &[u8]) -> bool;

    /// Copies a whole frame, as copy-on-write does. Nothing is copied from where there is nothing.
    ///
    /// Default: reads and writes piece by piece, up to where the frame ends.
    fn copy(&self, from: u64, to: u64) {
        let mut piece = [0; 512];
        let copied = |at: &usize| self.read(from, *at, &mut piece) && self.write(to, *at, &piece);
        (0..).step_by(512).take_while(copied).for_each(drop);
    }

    /// Something has happened, which may be counted. Whoever has the machine can call it, too, so it is good for tests
    /// and reports, and for nothing that must be right.
    #[inline]
    fn count(&self, event: Event) {
        let _ = event;
    }

    /// What was counted so far, if that is done.
    fn counts(&self) -> Option<Counts> {
        None
    }

    /// Where it is reported what drivers do wrong on this machine, if that is collected.
    fn reports(&self) -> Option<&Reports> {
        None
    }

    /// Where it stands which threads are to be held on this machine, if that can be asked for.
    fn holds(&self) -> Option<&Holds> {
        None
    }

    /// Where calls of hooks are noted on this machine, if that can be asked for.
    fn traces(&self) -> Option<&Traces> {
        None
    }

    /// A driver is about to insert a page or a frame. A machine that injects errors lets it fail here.
    ///
    /// # Errors
    /// What the insertion is to fail with.
    #[inline]
    fn before_insertion(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// The flags with which a fault hook is called, instead of these, if the fault was not tried before. A machine that
    /// tests drivers takes [`ALLOW_RETRY`](FaultFlags::ALLOW_RETRY) away, or adds
    /// [`RETRY_NOWAIT`](FaultFlags::RETRY_NOWAIT).
    #[inline]
    fn fault_flags(&self, flags: FaultFlags) -> FaultFlags {
        flags
    }

    /// The serial number of the next fault ([`Platform::fault_serial`]); zero without serial numbers.
    #[inline]
    fn next_fault(&self) -> u32 {
        0
    }

    /// How many mappings one address space may have (`vm.max_map_count`).
    fn max_mappings(&self) -> usize {
        65_530
    }

    /// Whether a file's [prepare hook](vmctx::PrepareFile) is called as such, or by a mmap hook.
    fn mmap_order(&self) -> MmapOrder {
        MmapOrder::Compat
    }

    /// Called before memory for a VMA is allocated: after the prepare hook, or after the mmap hook.
    ///
    /// # Errors
    /// ENOMEM, which ends the mmap.
    fn before_vma(&self) -> Result<(), Errno> {
        Ok(())
    }

    /// How many times one access is repeated with nothing changed at its address, before it is
    /// [reported](crate::AccessError::RefaultsForever).
    fn max_refaults(&self) -> usize {
        1000
    }
}

/// A page of RAM with a reference held. Cloning takes a reference, dropping puts it, and the last one frees the page.
pub struct Page<M: Machine> {
    machine: M,
    pfn: u64,
}

impl<M: Machine> Page<M> {
    /// A fresh page of zeros, as a driver allocates one.
    ///
    /// # Errors
    /// ENOMEM.
    #[track_caller]
    pub fn alloc(machine: &M) -> Result<Self, Errno> {
        might_sleep(MightSleep::Allocation);
        Ok(Self { pfn: machine.allocate(false)?, machine: machine.clone() })
    }

    /// Takes over a reference.
    ///
    /// # Safety
    /// The caller has a reference to the frame, and does not have it any more.
    #[must_use]
    #[expect(unsafe_code, reason = "a reference is a promise that cannot be checked")]
    pub unsafe fn adopt(machine: M, pfn: u64) -> Self {
        Self { machine, pfn }
    }

    /// How many references there are: handles of the driver's, page table entries, faults at work (`page_count`).
    #[must_use]
    pub fn references(&self) -> usize {
        self.machine.references(self.pfn)
    }

    /// How many page table entries map the page and hold a reference to it (`page_mapcount`).
    #[must_use]
    pub fn map_count(&self) -> usize {
        self.machine.map_count(self.pfn)
    }

    /// The page's frame number.
    #[must_use]
    pub fn pfn(&self) -> u64 {
        self.pfn
    }

    /// The machine that it is a page of.
    pub(crate) fn machine(&self) -> &M {
        &self.machine
    }

    /// Whether it is this page of this machine.
    pub(crate) fn is(&self, machine: &M, pfn: u64) -> bool {
        self.pfn == pfn && self.is_of(machine)
    }

    /// Whether it is a page of this machine.
    pub(crate) fn is_of(&self, machine: &M) -> bool {
        self.machine.is(machine)
    }

    /// `lock_page`
    pub(crate) fn lock(&self) {
        self.machine.lock(self.pfn);
    }

    /// `unlock_page`
    ///
    /// # Safety
    /// The caller has locked it.
    #[expect(unsafe_code, reason = "who has locked a page cannot be checked")]
    pub(crate) unsafe fn unlock(&self) {
        // SAFETY: by this function's contract.
        unsafe { self.machine.unlock(self.pfn) };
    }
}

impl<M: Machine> Clone for Page<M> {
    fn clone(&self) -> Self {
        // SAFETY: `self` has a reference.
        #[expect(unsafe_code, reason = "the reference is there: see above")]
        unsafe {
            self.machine.get(self.pfn);
        }
        Self { machine: self.machine.clone(), pfn: self.pfn }
    }
}

impl<M: Machine> Drop for Page<M> {
    fn drop(&mut self) {
        // SAFETY: the reference is this value's, which is gone.
        #[expect(unsafe_code, reason = "the reference is there: see above")]
        unsafe {
            self.machine.put(self.pfn);
        }
    }
}

impl<M: Machine> fmt::Debug for Page<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Page({:#x}, {} references)", self.pfn, self.references())
    }
}

impl<M: Machine> vmctx::PageRef for Page<M> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage> {
        let len = into.len();
        if self.machine.read(self.pfn, offset, into) { Ok(()) } else { Err(OutOfPage { offset, len }) }
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage> {
        let len = from.len();
        if self.machine.write(self.pfn, offset, from) { Ok(()) } else { Err(OutOfPage { offset, len }) }
    }
}

/// Frames by number, one behind the other: the registers and the memory of a device, with real bytes and no
/// `struct page`. The device's own side of it are [`read`](Iomem::read) and [`write`](Iomem::write).
pub struct DeviceMemory<P, M> {
    machine: M,
    base: u64,
    count: PageCount,
    platform: PhantomData<fn(P) -> P>,
}

impl<P: Platform, M: Machine> DeviceMemory<P, M> {
    /// `count` frames from `base` on.
    ///
    /// # Safety
    /// `base + count` does not overflow. No frame among them is given another use as long as there may be a mapping of
    /// it, even if this value is gone by then ([`FrameSource`]). Numbers that lead nowhere may be among them.
    #[must_use]
    #[expect(unsafe_code, reason = "what frames are used for cannot be checked")]
    pub unsafe fn new(machine: M, base: u64, count: PageCount) -> Self {
        Self { machine, base, count, platform: PhantomData }
    }

    /// The frames that `len` bytes from `offset` on lie in, piece by piece: number, offset in the frame, length.
    fn pieces(
        &self,
        offset: usize,
        len: usize,
    ) -> Result<impl Iterator<Item = (u64, usize, usize)> + use<P, M>, OutOfFrames> {
        let error = OutOfFrames { offset, len };
        let end = offset.checked_add(len).ok_or(error)?;
        if end.div_ceil(P::PAGE_SIZE) > self.count.get() {
            return Err(error);
        }
        let (base, mut at) = (self.base, offset);
        Ok(std::iter::from_fn(move || {
            let piece = (end - at).min(P::PAGE_SIZE - at % P::PAGE_SIZE);
            let found = (base + (at / P::PAGE_SIZE) as u64, at % P::PAGE_SIZE, piece);
            at += piece;
            (piece != 0).then_some(found)
        }))
    }
}

impl<P, M: Machine> Clone for DeviceMemory<P, M> {
    fn clone(&self) -> Self {
        Self { machine: self.machine.clone(), platform: PhantomData, ..*self }
    }
}

impl<P, M> fmt::Debug for DeviceMemory<P, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DeviceMemory({:#x}, {} frames)", self.base, self.count.get())
    }
}

impl<P: Platform, M: Machine> Iomem for DeviceMemory<P, M> {
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfFrames> {
        let error = OutOfFrames { offset, len: into.len() };
        let mut rest = into;
        for (pfn, at, len) in self.pieces(offset, rest.len())? {
            let (piece, left) = rest.split_at_mut(len);
            if !self.machine.read(pfn, at, piece) {
                return Err(error);
            }
            rest = left;
        }
        Ok(())
    }

    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfFrames> {
        let error = OutOfFrames { offset, len: from.len() };
        let mut rest = from;
        for (pfn, at, len) in self.pieces(offset, rest.len())? {
            let (piece, left) = rest.split_at(len);
            // The zero page is everybody's, and stays what it is.
            if pfn == self.machine.zero_page() || !self.machine.write(pfn, at, piece) {
                return Err(error);
            }
            rest = left;
        }
        Ok(())
    }
}

// SAFETY: base and count are set once, and `new`'s contract is that the frames keep their use. Whatever is done with
// the numbers, bytes are reached through the machine alone, which checks them.
#[expect(unsafe_code, reason = "the promise about the frames cannot be checked")]
unsafe impl<P: Platform, M: Machine> FrameSource for DeviceMemory<P, M> {
    type Platform = P;

    fn base(&self) -> u64 {
        self.base
    }

    fn count(&self) -> PageCount {
        self.count
    }
}

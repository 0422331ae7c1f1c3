//! Telling the kernel what a table has: by runs, with one request for pages that lie together in the memory object and in
//! the mapping.

use std::{
    ops::Range,
    sync::{Arc, atomic::Ordering},
};

use vmctx::platform::VmFlags;

use crate::{
    error::RawErrno,
    kernel::{
        clock,
        fill::{FillError, Progress, fill_range},
        queue::Queue,
        sys::{HUGE_PAGES, ProtFlags, View, prot_of},
        userfaultfd::Userfaultfd,
    },
};

use super::{
    backing::{Backing, NOWHERE},
    page_table::Table,
    pte::{COUNTED, INSTALLED, PFN, POISONED, PRESENT, Pte},
};

impl Table {
    /// Tells the kernel of the entries at these addresses that it does not know yet; if `again`, also of those that it was
    /// told of before. Wakes whoever waits at a page of which the kernel is told.
    ///
    /// # Errors
    /// What the kernel refuses is taken out of the table; the first refusal is given back.
    #[inline(always)]
    pub(crate) fn install<'a>(
        &self,
        addresses: impl Iterator<Item = &'a Range<usize>>,
        flags: VmFlags,
        again: bool,
    ) -> Result<(), FillError> {
        let mut kernel = self.kernel.lock();
        let mut refused = Ok(());
        let is_new = |bits: u64| bits & PRESENT != 0 && (bits & INSTALLED == 0 || again);
        for addresses in addresses {
            let Range { start: mut at, end } = self.whole(self.slots_of(addresses));
            while let [first, behind @ ..] = self.part(&(at..end)) {
                let first = first.entry.load(Ordering::Acquire);
                if !is_new(first) {
                    at += 1;
                    continue;
                }
                let protected = self.wants_protection(first);
                let zero = self.is_kernels_zero_page(first);
                // The zero page is the same in each slot.
                let step = if zero { 0 } else { 1 };
                let (mut run_end, mut poisoned) = (at + 1, first & POISONED);
                for slot in behind {
                    let bits = slot.entry.load(Ordering::Acquire);
                    let next = first + step * (run_end - at) as u64;
                    // Most entries of a run have the same flags, so that one comparison tells.
                    if bits != next {
                        if !is_new(bits) || bits & PFN != next & PFN || self.wants_protection(bits) != protected {
                            break;
                        }
                        poisoned |= bits & POISONED;
                    }
                    run_end += 1;
                }
                let run = Run { slots: at..run_end, pfn: first & PFN, zero, poisoned: poisoned != 0, protected };
                if let Err(error) = self.install_run(&mut kernel, &run, flags) {
                    refused = refused.and(Err(error));
                }
                at = run_end;
            }
        }
        refused
    }

    #[inline(always)]
    fn install_run(&self, kernel: &mut Backing, run: &Run, flags: VmFlags) -> Result<(), FillError> {
        let slots = &run.slots;
        let shown = self.show_run(kernel, run, flags).map_err(|raw| (slots.start, FillError::of_call(raw)));
        let fill = |from: usize| {
            let request = |rest: &Range<usize>| match run.zero {
                // A request is for one mapping of the kernel's, and private ones may lie side by side here.
                true => {
                    let mapping = kernel.end_of(self.slot_of(rest.start)).unwrap_or(slots.end);
                    let end = self.addresses_of(&(slots.start..mapping.min(slots.end))).end;
                    self.uffd().map_zero_page(&(rest.start..end))
                }
                false => self.uffd().map_existing(rest, run.protected),
            };
            let mut progress = Installing { table: self, protected: run.protected };
            fill_range(self.addresses_of(&(from..slots.end)), self.step(), request, &mut progress)
                .map_err(|(at, error)| (self.slot_of(at), error))
        };
        let mut installed = shown.and_then(|()| fill(slots.start));
        let mut given = None;
        while let Err((slot, FillError::Refused(RawErrno::FAULT))) = installed {
            // If it is taken away again at once, that is not to go on for ever.
            if given == Some(slot) || !self.give_memory(slot) {
                break;
            }
            given = Some(slot);
            installed = fill(slot);
        }
        let (refused, error) = match installed {
            Ok(()) => return Ok(()),
            Err(refused) => refused,
        };
        // What was not installed is taken out. Whoever touches it faults again, and then the driver is asked again.
        self.empty(kernel, refused..slots.end);
        self.wake(&self.addresses_of(&(refused..slots.end)));
        Err(error)
    }

    /// A user has taken the memory of a page away, past the session (`MADV_REMOVE`), perhaps through another mapping. The page
    /// is there all the same, of zeros from then on, as in a kernel. Gives it memory. Whether it has some now.
    #[cold]
    fn give_memory(&self, slot: usize) -> bool {
        let bits = self.bits(slot);
        // A frame that is inserted by its number may be nobody's page.
        bits & COUNTED != 0 && !self.huge && self.memory.populate(bits & PFN).is_ok()
    }

    /// Has the kernel's mapping show the frames of a run. Where it shows others, those of the run are mapped in their
    /// place.
    fn show_run(&self, kernel: &mut Backing, run: &Run, flags: VmFlags) -> Result<(), RawErrno> {
        let Run { slots, pfn, poisoned, .. } = run;
        if *poisoned {
            // SAFETY: addresses of this table's, at which there are no pages yet.
            unsafe { self.owner.zap(&self.addresses_of(slots)) }?;
        }
        if run.zero {
            return self.show_nothing(kernel, slots, prot_of(flags));
        }
        if kernel.shows(slots, *pfn) {
            return Ok(());
        }
        let wanted = |slot: usize| pfn + (slot - slots.start) as u64;
        let mut at = slots.start;
        while at < slots.end {
            if kernel.frame(at) == Some(wanted(at)) {
                at += 1;
                continue;
            }
            let end = (at..slots.end).find(|slot| kernel.frame(*slot) == Some(wanted(*slot))).unwrap_or(slots.end);
            self.map_frames(kernel, &(at..end), wanted(at), prot_of(flags))?;
            at = end;
        }
        Ok(())
    }

    /// Maps frames from `first` on, one after the other, and registers them. All of the slots have them.
    ///
    /// Between the two the pages can be touched without a fault: whoever has the mapping may touch it at any time, and must
    /// not be sent a SIGSEGV. They are the pages that were inserted there, so that does no harm, except where a driver is
    /// told of stores: it would not be told of that one. There they are mapped and registered elsewhere, and then moved
    /// into place.
    fn map_frames(
        &self,
        kernel: &mut Backing,
        slots: &Range<usize>,
        first: u64,
        prot: ProtFlags,
    ) -> Result<(), RawErrno> {
        let range = self.addresses_of(slots);
        self.misplaced.store(true, Ordering::Relaxed);
        let mapped = if let Some(moving) = self.moving.get() {
            self.map_aside(range.len(), first, prot).and_then(|aside| {
                let _moving = moving.queue().map(Queue::begin_move);
                // SAFETY: both are this table's, and nobody knows of the first.
                let moved = unsafe { self.owner.move_to(&aside, range.start) };
                if moved.is_err() {
                    // SAFETY: it was not moved, and nobody knows of it.
                    unsafe { self.owner.unmap(&aside) };
                }
                moved
            })
        } else {
            // SAFETY: reserved when this table was made.
            unsafe { self.map_registered(&range, first, prot) }
        };
        if let Err(errno) = mapped {
            // It may be mapped without being registered, and then nobody would serve its faults.
            self.close_off(kernel, slots)?;
            return Err(errno);
        }
        kernel.set(slots, Some(first));
        Ok(())
    }

    fn map_aside(&self, len: usize, first: u64, prot: ProtFlags) -> Result<Range<usize>, RawErrno> {
        let start = self.owner.reserve(len, None)?;
        let aside = start..start + len;
        // Nobody was told of these addresses, but somebody may guess them: nothing can be touched there before it is
        // registered.
        // SAFETY: reserved just now.
        unsafe {
            let mapped = self.map_registered(&aside, first, ProtFlags::empty());
            let opened = mapped.and_then(|()| self.owner.protect(&aside, prot));
            if opened.is_err() {
                self.owner.unmap(&aside);
            }
            opened.map(|()| aside)
        }
    }

    /// # Safety
    /// The range is this platform's.
    unsafe fn map_registered(&self, range: &Range<usize>, first: u64, prot: ProtFlags) -> Result<(), RawErrno> {
        let view = View { fd: self.memory.fd(), offset: self.memory.offset(first), shared: self.shared, prot };
        // SAFETY: by this function's contract.
        unsafe { self.owner.replace(range, view) }?;
        self.uffd().register(range, self.protects.load(Ordering::Relaxed))
    }

    /// Maps the frames from `first` on, one after the other, and registers them; where there are no such frames, nothing that
    /// will ever be anything. None of it can be touched yet.
    ///
    /// # Safety
    /// The slots are a part of a range that is reserved.
    unsafe fn map_piece(&self, kernel: &mut Backing, slots: &Range<usize>, first: Option<u64>) -> Result<(), RawErrno> {
        let frames = first.map_or(0, |first| self.memory.has(first, slots.len()));
        let (shown, nothing) = (slots.start..slots.start + frames, slots.start + frames..slots.end);
        if let Some(first) = first.filter(|_| !shown.is_empty()) {
            // SAFETY: by this function's contract.
            unsafe { self.map_registered(&self.addresses_of(&shown), first, ProtFlags::empty()) }?;
            kernel.set(&shown, Some(first));
        }
        if !nothing.is_empty() {
            let range = self.addresses_of(&nothing);
            // SAFETY: by this function's contract.
            unsafe { self.map_nothing(&range, ProtFlags::empty()) }?;
            kernel.set(&nothing, Some(NOWHERE + nothing.start as u64));
        }
        Ok(())
    }

    /// Maps the whole range for the first time, and registers it. A slot that is filled shows its frame. An empty one
    /// shows the frame that follows that of the slot before it; if no slot before it is filled, the one that fits the first
    /// filled slot, or `guess` if there is none.
    ///
    /// Nobody was told of the addresses yet, but somebody may guess them, and what an empty slot shows is nobody's: so
    /// nothing can be touched before all of it is registered.
    ///
    /// With `protects`, or where stores are noted, the mapping is registered for write protection, because stores must be
    /// seen. With `moving`, it is
    /// registered with that userfaultfd, because a driver is told of stores.
    pub(crate) fn map_all(
        &self,
        guess: Option<u64>,
        flags: VmFlags,
        protects: bool,
        moving: Option<&Arc<Userfaultfd>>,
    ) -> Result<(), RawErrno> {
        self.protects.store(protects || self.tracks, Ordering::Relaxed);
        if let Some(moving) = moving {
            let _ = self.moving.set(Arc::clone(moving));
        }
        let mut kernel = self.kernel.lock();
        let pages = self.slots.len();
        // The frame of slot 0, if the frames of all slots followed each other.
        let mut linear = guess.filter(|first| !self.huge || first % HUGE_PAGES as u64 == 0);
        // The kernel's zero page takes no frame of the memory's.
        let frame = |slot: usize| {
            let bits = self.bits(slot);
            Pte::from_bits(bits).filter(|_| !self.is_kernels_zero_page(bits)).map(|pte| pte.pfn)
        };
        let mut used = self.used(&(0..pages)).flatten();
        if let Some((slot, pfn)) = used.find_map(|slot| Some((slot, frame(slot)?))) {
            linear = pfn.checked_sub(slot as u64);
        }
        let mut at = 0;
        while at < pages {
            let first = frame(at).or_else(|| linear.and_then(|linear| linear.checked_add(at as u64)));
            let follows = |slot: usize| first.is_some_and(|first| first + (slot - at) as u64 == self.bits(slot) & PFN);
            let is_other = |slot: &usize| frame(*slot).is_some() && !follows(*slot);
            let end = self.used(&(at + 1..pages)).flatten().find(is_other).unwrap_or(pages);
            // SAFETY: reserved when this table was made. If it fails, the caller lets nothing of the mapping stay.
            unsafe { self.map_piece(&mut kernel, &(at..end), first) }?;
            linear = first.map_or(linear, |first| first.checked_sub(at as u64));
            at = end;
        }
        // SAFETY: reserved when this table was made, and all of it is mapped and registered by now.
        unsafe { self.owner.protect(&self.range, prot_of(flags)) }?;
        drop(kernel);
        let filled: Vec<_> = self.used(&(0..pages)).map(|slots| self.addresses_of(&slots)).collect();
        self.install(filled.iter(), flags, false).map_err(|error| RawErrno::from_raw_os_error(error.errno().to_raw()))
    }
}

/// Slots whose entries lie together in memory, and of which the kernel is to be told.
struct Run {
    slots: Range<usize>,
    /// The frame of the first slot.
    pfn: u64,
    /// All of them have the [kernel's zero page](Table::is_kernels_zero_page).
    zero: bool,
    /// At least one of them is poisoned.
    poisoned: bool,
    /// The kernel is to write-protect them.
    protected: bool,
}

/// Notes which slots the kernel was told of.
struct Installing<'a> {
    table: &'a Table,
    protected: bool,
}

impl Installing<'_> {
    fn mark(&self, range: &Range<usize>) {
        let now = clock::now();
        for slot in self.table.part(&self.table.slots_of(range)) {
            let entry = slot.entry.load(Ordering::Relaxed);
            if entry & PRESENT != 0 {
                slot.entry.store(entry & !POISONED | INSTALLED, Ordering::Release);
            }
            slot.served.set(now);
        }
    }
}

impl Progress for Installing<'_> {
    fn done(&mut self, range: Range<usize>) {
        self.mark(&range);
    }

    fn present(&mut self, page: Range<usize>) {
        let Self { table, protected } = *self;
        let slot = table.slot_of(page.start);
        let is_wp_async = table.uffd().is_wp_async();
        // The kernel has protected this page since it was told of it, unless it takes protections away without being asked.
        let is_known_protected = table.bits(slot) & INSTALLED != 0 && !is_wp_async;
        self.mark(&page);
        let protects = table.protects.load(Ordering::Relaxed) && !is_wp_async;
        let notes = protected && table.only_notes_stores() && !is_known_protected;
        if notes {
            // It may have been stored to since it was mapped.
            table.note_store_locked(slot);
        }
        // What is there has the protection that it had before, and the entry may have become writable since. A copy may have
        // kept a protection that the kernel would not take away when it was asked to. A thread that serves its own faults
        // knows only from the entry whether it has met a protection, so the two must agree.
        if protected && !notes {
            let _ = table.uffd().write_protect(&page);
        } else if protects {
            let _ = table.uffd().unprotect(&page, false);
        }
        table.wake(&page);
    }
}

//! A debugger's loads and stores in another process (`__access_remote_vm`, as ptrace and `/proc/pid/mem` call it, with
//! `FOLL_FORCE`): through pages where there are some, else through the driver's `access` hook.

use std::ops::Range;

use vmctx::{
    Errno, PageOffset, Platform,
    platform::{AccessBuffer, AccessedVma, VmFlags},
};

use crate::{
    access::Patience,
    answers::Event,
    fault::{self, By, Next},
    hook::Hook,
    machine::{FrameKind, Machine},
    mm::Mm,
    paged::Paged,
    paging::{Entry, PageTable, Pte},
    serving::Fault,
    vma::Vma,
};

/// Copies bytes, to or from `address` on. Gives back how many of the first were copied.
pub(crate) fn copy<P: Paged + Platform<Fault = Fault<P>>>(
    mm: &Mm<P>,
    address: usize,
    buffer: AccessBuffer<'_>,
) -> usize {
    let (len, mut rest) = (buffer.len(), buffer);
    while !rest.is_empty() {
        let at = address.wrapping_add(len - rest.len());
        let in_page = rest.len().min(P::PAGE_SIZE - at % P::PAGE_SIZE);
        let copied = if through_page(mm, at, rest.reborrow().split_at(in_page).0) {
            in_page
        } else {
            through_hook(mm, at, rest.reborrow())
        };
        if copied == 0 {
            break;
        }
        rest = rest.split_at(copied).1;
    }
    len - rest.len()
}

/// What an entry is to `get_user_pages`.
enum Seen {
    /// A page, and the bytes were copied.
    Copied,
    /// There, and no page.
    Special,
    /// Missing, or not yet writable: a fault.
    Faults,
}

/// `get_user_pages_remote`, and the copy. `false` if there is no page to be had.
fn through_page<P: Paged + Platform<Fault = Fault<P>>>(
    mm: &Mm<P>,
    address: usize,
    mut buffer: AccessBuffer<'_>,
) -> bool {
    let write = buffer.is_write();
    let mut patience = Patience::new(mm, address);
    let mut tried = false;
    while !mm.is_killed() {
        let lock = mm.read_lock();
        let Some(vma) = lock.vmas().find(address).filter(|vma| may(vma.flags(), write)) else { return false };
        let forced = write && !vma.flags().contains(VmFlags::WRITE);
        match look(mm, address, forced, buffer.reborrow()) {
            Seen::Copied => return true,
            Seen::Special => return false,
            Seen::Faults => drop(lock),
        }
        let Ok(next) = fault::serve(mm, address, write, tried, By::Debugger) else { return false };
        tried = next == Next::Retry;
        if patience.repeat(mm, address, tried).is_err() {
            return false;
        }
    }
    false
}

/// `check_vma_flags`: what may be forced is a load that mprotect could allow, and a store that would be copied.
fn may(flags: VmFlags, write: bool) -> bool {
    if flags.intersects(VmFlags::IO | VmFlags::PFNMAP) {
        return false;
    }
    if write {
        flags.contains(VmFlags::WRITE) || flags.is_cow()
    } else {
        flags.intersects(VmFlags::READ | VmFlags::MAYREAD)
    }
}

/// `follow_page_pte`, and the copy, with the entry's lock held.
fn look<P: Paged>(mm: &Mm<P>, address: usize, forced: bool, mut buffer: AccessBuffer<'_>) -> Seen {
    let (machine, table, write) = (mm.machine(), mm.table(), buffer.is_write());
    let small = table.with(address, |entry| {
        let Some(pte) = entry.pte() else { return Seen::Faults };
        // `can_follow_write_pte`: a store that is forced goes to the user's own copy, which stays read-only.
        if write && !pte.writable && !(forced && fault::is_own_copy(machine, pte)) {
            return Seen::Faults;
        }
        if !(pte.counted || (!write && pte.pfn == machine.zero_page()))
            || !copy_frame(machine, pte.pfn, address % P::PAGE_SIZE, buffer.reborrow())
        {
            return Seen::Special;
        }
        if write && !pte.dirty {
            entry.set(Some(Pte { dirty: true, ..pte }));
        }
        Seen::Copied
    });
    // Large entries are of frames by number.
    small.unwrap_or_else(|| if table.huge(address).is_some() { Seen::Special } else { Seen::Faults })
}

/// Copies between a frame's bytes from `at` on, and a buffer.
fn copy_frame<M: Machine>(machine: &M, pfn: u64, at: usize, buffer: AccessBuffer<'_>) -> bool {
    match buffer {
        AccessBuffer::Read(into) => machine.read(pfn, at, into),
        AccessBuffer::Write(from) => machine.write(pfn, at, from),
    }
}

/// `vm_ops->access`, which is given all that is left, as in Linux. Gives back how many bytes were copied.
fn through_hook<P: Paged>(mm: &Mm<P>, address: usize, buffer: AccessBuffer<'_>) -> usize {
    let lock = mm.read_lock();
    let Some(vma) = lock.vmas().find(address).filter(|vma| vma.is_live() && vma.registered().access) else { return 0 };
    mm.machine().count(Event::Call(Hook::Access));
    // SAFETY: the VMA is this one, and `lock` is its mmap lock.
    #[expect(unsafe_code, reason = "the lock is held: see above")]
    let copied = unsafe { vma.access(&Reached(vma), address, buffer) };
    copied.unwrap_or(0)
}

/// The VMA that a debugger reaches into.
struct Reached<'a, P: Paged>(&'a Vma<P>);

impl<P: Paged> AccessedVma for Reached<'_, P> {
    fn range(&self) -> Range<usize> {
        self.0.range()
    }

    fn pgoff(&self) -> PageOffset {
        PageOffset::new(self.0.pgoff())
    }

    fn flags(&self) -> VmFlags {
        self.0.flags()
    }

    /// RAM cannot be reached so, because `ioremap` refuses it: neither a private copy nor a page that was inserted by
    /// its number.
    fn copy_mapped(&self, address: usize, mut buffer: AccessBuffer<'_>) -> Result<(), Errno> {
        let table = self.0.table();
        let mut through = |pte: Pte| {
            if buffer.is_write() && !pte.writable {
                return Err(Errno::EINVAL);
            }
            if table.machine().kind(pte.pfn) != Some(FrameKind::Device) {
                return Err(Errno::ENOMEM);
            }
            let copied = copy_frame(table.machine(), pte.pfn, address % P::PAGE_SIZE, buffer.reborrow());
            if copied { Ok(()) } else { Err(Errno::ENOMEM) }
        };
        if let Some(done) = table.with(address, |entry| entry.pte().map_or(Err(Errno::EINVAL), &mut through)) {
            return done;
        }
        let part = (address % P::Table::TABLE_SPAN / P::PAGE_SIZE) as u64;
        table.look_at_huge(address, |pte| through(Pte { pfn: pte.pfn + part, ..pte })).unwrap_or(Err(Errno::EINVAL))
    }
}

//! The fault that is being served: what a hook is told, what it inserts, and what its answer does.

use super::{DEFAULTS, FAULT, INSERT, MEMORY, PLATFORM, QUEUE, SERVING};
use crate::mutant::{Mutant, mutant};

pub(super) fn mutants() -> Vec<Mutant> {
    let mut all = told();
    all.extend(inserted());
    all.extend(answered());
    all
}

/// What a hook is told of its fault.
fn told() -> Vec<Mutant> {
    vec![
        mutant(
            "address-of-the-page",
            "fault_address: all bits of the address",
            PLATFORM,
            "fault.address()",
            "fault.address() & !((1 << Self::PAGE_SHIFT) - 1)",
        ),
        mutant(
            "pgoff-from-the-mapping",
            "fault_pgoff: counts from the object's start",
            PLATFORM,
            "fault.pgoff()",
            "PageOffset::new(fault.pgoff().index() - fault.vma_pgoff().index())",
        ),
        mutant(
            "vma-longer",
            "fault_vma_range: vm_start..vm_end",
            PLATFORM,
            "fault.vma_range()",
            "fault.vma_range().start..fault.vma_range().end + (1 << Self::PAGE_SHIFT)",
        ),
        mutant(
            "never-tried",
            "fault_flags: TRIED after a RETRY",
            FAULT,
            "if self.tried { flags | FaultFlags::TRIED } else { flags }",
            "flags",
        ),
        mutant("never-a-store", "fault_flags: WRITE of a store", FAULT, "«flags = flags | FaultFlags::WRITE»;", "()"),
        mutant(
            "never-of-the-user",
            "fault_flags: USER of a user's access",
            FAULT,
            "FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE | FaultFlags::USER",
            "FaultFlags::ALLOW_RETRY | FaultFlags::KILLABLE | FaultFlags::INTERRUPTIBLE",
        ),
        mutant(
            "page-prot-of-any",
            "fault_page_prot: the protection of the VMA",
            PLATFORM,
            "fault.page_prot()",
            "PageProt::of_vma(true, Cache::Noncached)",
        ),
        mutant(
            "page-of-no-store",
            "fault_page: the page that page_mkwrite is asked about",
            SERVING,
            "self.serving().page.clone().unwrap_or_else(zero_page)",
            "zero_page()",
        ),
        mutant(
            "every-object",
            "fault_is_of: whether the VMA maps the object",
            PLATFORM,
            "fault.is_of(mappings)",
            "true",
        ),
        mutant("no-object", "fault_is_of: whether the VMA maps the object", PLATFORM, "fault.is_of(mappings)", "false"),
        mutant("no-serial", "fault_serial: differs from fault to fault", PLATFORM, "fault.serial()", "0")
            .unnoticed("zero is the default; only unsound code can give an answer to another fault"),
        mutant(
            "around-stores",
            "map_pages is asked for loads",
            FAULT,
            "registered.map_pages && !self.write",
            "registered.map_pages",
        ),
        mutant(
            "window-over-the-end",
            "map_pages: the window lies in the mapping",
            FAULT,
            "behind.min(vma.pages() - in_vma)",
            "behind",
        ),
    ]
}

/// What a hook inserts.
fn inserted() -> Vec<Mutant> {
    vec![
        mutant(
            "own-prot-ignored",
            "vmf_insert_pfn: a protection of its own",
            SERVING,
            "prot.unwrap_or(area.prot)",
            "area.prot",
        ),
        mutant(
            "presence-untold",
            "vmf_insert_page: ALREADY_PRESENT",
            SERVING,
            "FaultCode::from_insertion(insert(&self.area()))",
            "FaultCode::from_insertion(insert(&self.area())).without(FaultCode::ALREADY_PRESENT)",
        ),
        mutant(
            "failure-untold",
            "vmf_insert_page: SIGBUS for what may not be mapped",
            SERVING,
            "FaultCode::from_insertion(insert(&self.area()))",
            "{ drop(insert(&self.area())); FaultCode::NOPAGE }",
        ),
        mutant(
            "pages-stop-at-present",
            "vmf_insert_pages: goes on behind a filled slot",
            DEFAULTS,
            "if «code.contains(FaultCode::OOM)» {",
            "code.intersects(FaultCode::OOM | FaultCode::ALREADY_PRESENT)",
        ),
        mutant(
            "present-pages-counted",
            "vmf_insert_pages: says how many went in",
            DEFAULTS,
            "code.contains(FaultCode::NOPAGE) && !code.contains(FaultCode::ALREADY_PRESENT)",
            "code.contains(FaultCode::NOPAGE)",
        ),
        mutant(
            "mkwrite-without-write",
            "vmf_insert_mixed with mkwrite: writable at once",
            INSERT,
            "let pte = «if mkwrite { self.make_writable(pte) } else { pte }»;",
            "pte",
        ),
        mutant(
            "mkwrite-in-private",
            "vmf_insert_mixed with mkwrite: not in private mappings",
            INSERT,
            "pte.writable || self.flags.contains(VmFlags::SHARED | VmFlags::WRITE)",
            "true",
        ),
        mutant(
            "mkwrite-not-of-present",
            "vmf_insert_mixed with mkwrite: of a frame in place, too",
            INSERT,
            "mkwrite && present.pfn == pte.pfn",
            "false",
        )
        .unnoticed("only where two faults race for the slot, and then the store comes back as a first one"),
        mutant(
            "mkwrite-of-another-frame",
            "vmf_mixed_mkwrite: another frame is left alone",
            INSERT,
            "entry.pte().filter(|present| present.pfn == pfn)",
            "entry.pte()",
        ),
        mutant(
            "mixed-mkwrite-nothing",
            "vmf_mixed_mkwrite: makes the entry writable",
            SERVING,
            "serving.area().make_mixed_writable(serving.address & !(P::PAGE_SIZE - 1), pfn)",
            "()",
        ),
        mutant(
            "large-of-other-frames",
            "vmf_insert_pfn_huge: of these frames",
            INSERT,
            "let first = «frames.first().pfn()»;\n        let pages",
            "frames.first().pfn() + frames.count().get() as u64",
        ),
        mutant(
            "large-without-write",
            "vmf_insert_pfn_huge: has the mapping's protection",
            INSERT,
            "if write { self.make_writable(pte) } else { pte }",
            "Pte { writable: false, ..pte }",
        ),
        mutant(
            "large-over-the-end",
            "vmf_insert_pfn_huge: all of it lies in the VMA",
            INSERT,
            "let fits = «self.range.end - address >= pages * P::PAGE_SIZE»",
            "true",
        )
        .unnoticed("the token asks for no entry that reaches over the mapping"),
        mutant(
            "tables-under-rcu",
            "vmf_map_page: makes no page table",
            SERVING,
            "insert(&area.without_new_tables().within::<P>(area.table))",
            "insert(area)",
        )
        .unnoticed("to sleep under RCU is what the kernel would complain of; users get their page"),
    ]
}

/// What becomes of the answer, and what a hook waits for.
fn answered() -> Vec<Mutant> {
    vec![
        mutant(
            "errors-ignored",
            "an error ends the access with a signal",
            FAULT,
            "code.intersects(FaultCode::ERROR)",
            "false",
        ),
        mutant(
            "page-stays-locked",
            "LOCKED: the page is unlocked when it is mapped",
            FAULT,
            "let mapped = map_locked(serving, page, copy);\n    «unlock(page)»;",
            "()",
        ),
        mutant(
            "page-lock-nothing",
            "lock_page: one at a time",
            MEMORY,
            "mem::forget(self.ram(pfn).map(|frame| frame.lock.lock()))",
            "()",
        )
        .and(MEMORY, "unsafe { frame.lock.force_unlock() }", "()"),
        mutant(
            "lock-kept",
            "release: gives up the lock that the fault holds",
            SERVING,
            "let lock = self.serving().lock.borrow_mut().take();\n        «drop(lock)»;",
            "std::mem::forget(lock)",
        ),
        mutant(
            "wait-returns",
            "wait: sleeps until the count is another",
            PLATFORM,
            "fault.wait(queue, wakes)",
            "Ok(())",
        ),
        mutant(
            "call-wait-returns",
            "caller_wait: sleeps until the count is another",
            PLATFORM,
            "queue.wait(wakes)",
            "Ok(())",
        ),
        mutant(
            "wakes-lost",
            "wait: not if the queue was woken since",
            QUEUE,
            "if self.state.lock().wakes != wakes { Ok(()) } else { wait(|| self.sleep_now(wakes, killed)) }",
            "{ let now = self.state.lock().wakes; wait(|| self.sleep_now(now, killed)) }",
        ),
        mutant(
            "one-is-woken",
            "wake_all: wakes all",
            QUEUE,
            "self.queue.state.lock().wakes += 1;\n        «self.queue.woken.notify_all()»",
            "usize::from(self.queue.woken.notify_one())",
        ),
        mutant("wakes-uncounted", "wake_all: counts", QUEUE, "«self.queue.state.lock().wakes += 1»;", "()"),
    ]
}

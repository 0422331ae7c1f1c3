//! Established mappings: how they are found, locked, filled and emptied.

use super::{DEFAULTS, ESTABLISHED};
use crate::mutant::{Mutant, mutant};

pub(super) fn mutants() -> Vec<Mutant> {
    vec![
        mutant(
            "handle-of-any",
            "lock_handle: the mapping with the handle's state",
            ESTABLISHED,
            "let any = || «lock.vmas().find_with_state(self.state, &(0..usize::MAX), Vma::is_live)»",
            "lock.vmas().iter().find(|vma| vma.is_live())",
        ),
        mutant(
            "handle-stays-behind",
            "lock_handle: wherever the mapping is by now",
            ESTABLISHED,
            "hinted.or_else(any)",
            "hinted",
        ),
        mutant(
            "try-lock-waits",
            "lock_handle: EAGAIN instead of waiting",
            ESTABLISHED,
            "if wait { wait_for(&space)? } else { ReadLock::by(&space, MmapLock::try_read).ok_or(Errno::EAGAIN)? }",
            "wait_for(&space)?",
        ),
        mutant(
            "deadlock-untold",
            "lock_handle: EDEADLK for a lock order that a hook could meet",
            ESTABLISHED,
            "if hook::in_the_way().is_some() || order::holds_a_hooks_lock() { Err(Errno::EDEADLK) } else { Ok(()) }",
            "Ok(())",
        )
        .unnoticed("only a wrong driver meets it, and Linux says nothing either: lockdep does"),
        mutant(
            "any-state-found",
            "lock_at: EINVAL for another type of state",
            ESTABLISHED,
            "!state.is::<V>()",
            "false",
        ),
        mutant(
            "offset-of-the-start",
            "established_pgoff: the page at the address",
            ESTABLISHED,
            "Some(PageOffset::new(self.vma_at(address)?.pgoff_at(address)))",
            "Some(PageOffset::new(self.vma_at(address)?.pgoff()))",
        ),
        mutant(
            "slots-from-the-beginning",
            "established_slots: from the page that is asked for on",
            ESTABLISHED,
            "let (start, first) = (vma.start(), «vma.pgoff().max(from)»)",
            "vma.pgoff()",
        ),
        mutant(
            "slots-of-another",
            "established_slots: of the mapping that was asked for",
            ESTABLISHED,
            "self.vma_at(address).filter(|vma| «vma.pgoff_at(address) == page»)",
            "vma.pgoff_at(address) > page",
        ),
        mutant(
            "requested-pages-in-lost",
            "established_insert_pages: says how many are in",
            DEFAULTS,
            "Self::established_insert_page(vma, at, page).map_err(|errno| (errno, done))",
            "Self::established_insert_page(vma, at, page).map_err(|errno| (errno, done.min(0)))",
        ),
        mutant(
            "zaps-nothing",
            "established_zap: takes away what is mapped",
            ESTABLISHED,
            "self.everywhere(addresses, |table, addresses| table.zap(addresses, true))",
            "()",
        ),
        mutant(
            "zap-leaves-copies",
            "established_zap: private copies, too",
            ESTABLISHED,
            "self.everywhere(addresses, |table, addresses| table.zap(addresses, true))",
            "self.everywhere(addresses, |table, addresses| table.zap(addresses, false))",
        ),
        mutant(
            "zaps-one-place",
            "established_zap: wherever the mapping shows the slots",
            ESTABLISHED,
            "act(vma.table(), &vma.place().addresses(&pages))",
            "if vma.range().contains(&addresses.start) { act(vma.table(), &vma.place().addresses(&pages)) }",
        ),
    ]
}

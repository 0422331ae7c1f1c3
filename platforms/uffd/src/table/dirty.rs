//! Which pages were stored to: as the kernel has noted it, or, where it has not, as faults have.

use std::ops::Range;

use crate::error::RawErrno;

use super::{
    backing::Backing,
    page_table::Table,
    pte::{INSTALLED, STORED, WRITABLE},
};

impl Table {
    /// Which slots were stored to at these addresses since they were last protected, as ranges that do not touch each
    /// other. If `protect`, they are protected again when this returns: what is stored from then on is seen the next time.
    ///
    /// # Errors
    /// What the kernel refuses. What was found until then may be protected again: all of it is to be taken for stored to.
    pub(crate) fn dirty(&self, addresses: &Range<usize>, protect: bool) -> Result<Vec<Range<usize>>, RawErrno> {
        let slots = self.slots_of(addresses);
        let mut found = Found::default();
        if self.uffd().is_wp_async() {
            self.written(&slots, protect, &mut found)?;
        } else if self.only_notes_stores() {
            self.noted(&slots, protect, &mut found);
        } else {
            // A driver is told, and sees to it that it is told again. Whoever has stored may go on before it is noted that
            // the kernel was told, but not before the lock was taken for that.
            let kernel = self.kernel.lock();
            self.each_noted(&slots, |slot| found.add(slot..slot + 1));
            drop(kernel);
            for dirty in found.0.iter().filter(|_| protect) {
                self.write_protect_slots(dirty, false);
            }
        }
        Ok(found.0)
    }

    /// As the kernel has it. It also says so where it has nothing; only of a slot whose page it was told of does that
    /// mean that it has forgotten it, and whether it was stored to.
    fn written(&self, slots: &Range<usize>, protect: bool, found: &mut Found) -> Result<(), RawErrno> {
        let kernel = self.kernel.lock();
        for used in self.used(slots) {
            // What does not show the memory object cannot be stored to, though the kernel says that its zero page was. And
            // to protect an empty entry there leaves a marker in it, above which the zero page cannot be mapped any more.
            for shown in kernel.showing_frames(&used) {
                self.owner.written(&self.addresses_of(&shown), protect, |written| {
                    for slot in self.slots_of(&written) {
                        let bits = self.bits(slot);
                        if bits & INSTALLED == 0 {
                            continue;
                        }
                        found.add(slot..slot + 1);
                        if protect {
                            self.set_bits(slot, bits & !WRITABLE);
                        }
                    }
                })?;
            }
        }
        Ok(())
    }

    /// As faults have noted it.
    fn noted(&self, slots: &Range<usize>, protect: bool, found: &mut Found) {
        let mut kernel = self.kernel.lock();
        self.each_noted(slots, |slot| {
            found.add(slot..slot + 1);
            if protect {
                self.set_bits(slot, self.bits(slot) & !WRITABLE);
            }
        });
        for dirty in found.0.iter().filter(|_| protect) {
            self.protect_again(&mut kernel, dirty);
        }
    }

    fn each_noted(&self, slots: &Range<usize>, mut each: impl FnMut(usize)) {
        let is_stored = |slot: &usize| {
            let bits = self.bits(*slot);
            bits & INSTALLED != 0 && bits & (WRITABLE | STORED) != 0
        };
        self.used(slots).flatten().filter(is_stored).for_each(&mut each);
    }

    /// The next store to these slots is a fault. Where that cannot be had, the next access is.
    fn protect_again(&self, kernel: &mut Backing, slots: &Range<usize>) {
        if self.uffd().write_protect(&self.addresses_of(slots)).is_err() {
            self.empty(kernel, slots.clone());
        }
    }
}

/// Ranges of slots, in their order, as few as there can be.
#[derive(Default)]
struct Found(Vec<Range<usize>>);

impl Found {
    fn add(&mut self, slots: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == slots.start => last.end = slots.end,
            _ => self.0.push(slots),
        }
    }
}

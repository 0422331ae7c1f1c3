// Part of the module `ops`, which includes this file: see `guidance.rs`.

use crate::guidance::{AskedWhenChanged, RegistersItsFaults};

/// What C has among `vm_ops`, and is said elsewhere here. Constants are made of them, so they cannot fail otherwise.
#[doc(hidden)]
#[expect(clippy::must_use_candidate, reason = "cannot be called")]
impl<V: VmOperations> Hooks<V> {
    pub const fn mremap<A: Copy>(self, _: A) -> Self
    where
        Self: AskedWhenChanged,
    {
        self
    }

    pub const fn mprotect<A: Copy>(self, _: A) -> Self
    where
        Self: AskedWhenChanged,
    {
        self
    }

    pub const fn fault<A: Copy>(self, _: A) -> Self
    where
        Self: RegistersItsFaults,
    {
        self
    }
}

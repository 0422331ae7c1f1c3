//! The rights of a mapping's user.

use std::ops::BitOr;

use vmctx::platform::VmFlags;

/// What a user may do with a mapping: `PROT_READ` and so on, combined with `|`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prot(VmFlags);

impl Prot {
    /// `PROT_NONE`
    pub const NONE: Self = Self(VmFlags::NONE);
    /// `PROT_READ`
    pub const READ: Self = Self(VmFlags::READ);
    /// `PROT_WRITE`; as on x86 it lets read, too.
    pub const WRITE: Self = Self(VmFlags::WRITE);
    /// `PROT_EXEC`; as on x86 it lets read, too.
    pub const EXEC: Self = Self(VmFlags::EXEC);

    /// Both, for what is constant.
    pub const READ_WRITE: Self = Self(VmFlags::from_bits(VmFlags::READ.bits() | VmFlags::WRITE.bits()));

    /// The same as VMA flags: `VM_READ`, `VM_WRITE`, `VM_EXEC`.
    #[must_use]
    pub const fn flags(self) -> VmFlags {
        self.0
    }
}

impl BitOr for Prot {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

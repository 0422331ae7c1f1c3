//! Linux's numbers: VMA flags, fault flags, and the codes that a fault answers.

use core::{fmt, ops::BitOr};

use crate::errno::Errno;

/// Gives a newtype of flag bits its constants, its operations and a `Debug` that names the flags.
macro_rules! flag_bits {
    ($name:ident: $number:ident { $($(#[$doc:meta])* $flag:ident = $bits:literal;)* }) => {
        impl $name {
            $($(#[$doc])* pub const $flag: Self = Self($bits);)*

            /// No flag at all.
            pub const NONE: Self = Self(0);

            /// The bits, as Linux has them.
            #[must_use]
            pub const fn bits(self) -> $number {
                self.0
            }

            /// Flags from Linux's bits; those without a name here are kept.
            #[must_use]
            pub const fn from_bits(bits: $number) -> Self {
                Self(bits)
            }

            /// Whether all of `flags` are set.
            #[must_use]
            pub const fn contains(self, flags: Self) -> bool {
                self.0 & flags.0 == flags.0
            }

            /// Whether any of `flags` is set.
            #[must_use]
            pub const fn intersects(self, flags: Self) -> bool {
                self.0 & flags.0 != 0
            }

            /// These flags without `flags`.
            #[must_use]
            pub const fn without(self, flags: Self) -> Self {
                Self(self.0 & !flags.0)
            }
        }

        impl BitOr for $name {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let mut left = *self;
                let mut separator = "";
                $(
                    if left.intersects(Self::$flag) {
                        write!(f, "{separator}{}", stringify!($flag))?;
                        separator = " | ";
                        left = left.without(Self::$flag);
                    }
                )*
                if left != Self::NONE || separator.is_empty() {
                    write!(f, "{separator}{:#x}", left.0)?;
                }
                Ok(())
            }
        }
    };
}

/// `vm_flags`: those bits of `include/linux/mm.h` that mmap hooks look at or set, and room for all that a 64-bit machine
/// has (`vma_flags_t`).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct VmFlags(u64);

flag_bits!(VmFlags: u64 {
    /// The user may read.
    READ = 0x1;
    /// The user may write.
    WRITE = 0x2;
    /// The user may execute.
    EXEC = 0x4;
    /// Stores reach the object.
    SHARED = 0x8;
    /// `mprotect` may allow reading.
    MAYREAD = 0x10;
    /// `mprotect` may allow writing.
    MAYWRITE = 0x20;
    /// `mprotect` may allow executing.
    MAYEXEC = 0x40;
    /// `MAP_SHARED` was asked for.
    MAYSHARE = 0x80;
    /// Frames without a managed `struct page`.
    PFNMAP = 0x400;
    /// Memory-mapped I/O: no core dump, no `get_user_pages`.
    IO = 0x4000;
    /// fork does not copy the mapping.
    DONTCOPY = 0x2_0000;
    /// mremap may not make the mapping longer.
    DONTEXPAND = 0x4_0000;
    /// Not in core dumps.
    DONTDUMP = 0x400_0000;
    /// Pages and frames, side by side.
    MIXEDMAP = 0x1000_0000;
    /// A guest may map it uncached in any way (`VM_ALLOW_ANY_UNCACHED`). KVM on arm64 looks at it.
    ALLOW_ANY_UNCACHED = 0x80_0000_0000;
});

impl VmFlags {
    /// `VM_SPECIAL`: flags with any of which a VMA is not merged with a neighbour.
    pub const SPECIAL: Self = Self(Self::IO.0 | Self::DONTEXPAND.0 | Self::PFNMAP.0 | Self::MIXEDMAP.0);

    /// `is_cow_mapping`: private, and writable or able to become so.
    #[must_use]
    pub const fn is_cow(self) -> bool {
        self.contains(Self::MAYWRITE) && !self.contains(Self::SHARED)
    }
}

/// `vmf->flags`: `enum fault_flag` of `include/linux/mm_types.h`.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct FaultFlags(u32);

flag_bits!(FaultFlags: u32 {
    /// The access was a store.
    WRITE = 0x1;
    /// An existing page is to become writable.
    MKWRITE = 0x2;
    /// The handler may give up the lock and answer RETRY.
    ALLOW_RETRY = 0x4;
    /// A RETRY must not wait, and must not give up the lock.
    RETRY_NOWAIT = 0x8;
    /// The waiting thread can be killed.
    KILLABLE = 0x10;
    /// The fault was tried before.
    TRIED = 0x20;
    /// The access came from user mode.
    USER = 0x40;
    /// The access is another process's.
    REMOTE = 0x80;
    /// The access was an instruction fetch.
    INSTRUCTION = 0x100;
    /// The wait can be interrupted by any signal.
    INTERRUPTIBLE = 0x200;
    /// The fault holds the VMA lock, not the mmap lock.
    VMA_LOCK = 0x1000;
});

impl FaultFlags {
    /// `fault_flag_allow_retry_first`: RETRY is allowed, and this is the first try.
    #[must_use]
    pub(crate) const fn allow_retry_first(self) -> bool {
        self.contains(Self::ALLOW_RETRY) && !self.contains(Self::TRIED)
    }
}

/// A `vm_fault_t` as the platform sees it: the raw operations answer it, [`entry::fault`](crate::entry::fault) returns
/// it. No driver can turn one into a [`VmFault`](crate::VmFault).
///
/// Bits as in `include/linux/mm_types.h`; no bit at all means that a page was [delivered](crate::Platform::deliver).
/// [What each obliges to](crate::guide::platforms#what-a-code-obliges-to).
#[derive(Clone, Copy, Default, PartialEq, Eq)]
#[repr(transparent)]
pub struct FaultCode(u32);

flag_bits!(FaultCode: u32 {
    /// Out of memory.
    OOM = 0x1;
    /// The access gets a SIGBUS.
    SIGBUS = 0x2;
    /// The fault had to wait for I/O: accounting.
    MAJOR = 0x4;
    /// The page's memory is broken.
    HWPOISON = 0x10;
    /// The access gets a SIGSEGV.
    SIGSEGV = 0x40;
    /// The handler installed an entry, or the access is to be repeated.
    NOPAGE = 0x100;
    /// A page was delivered, and it is locked.
    LOCKED = 0x200;
    /// The lock was given up; the fault is to be repeated from the start.
    RETRY = 0x400;
    /// No large entry: a smaller size is to be asked for.
    FALLBACK = 0x800;
    /// Not Linux's, and [`entry::fault`](crate::entry::fault) never returns it. Beside NOPAGE: an entry was there
    /// already.
    ALREADY_PRESENT = 0x10_0000;
    /// Not Linux's. Beside SIGBUS: the handler returned the answer to another fault. Only a platform with serial
    /// numbers sees it ([`Platform::fault_serial`](crate::Platform::fault_serial)).
    FOREIGN = 0x8000_0000;
});

impl FaultCode {
    /// The codes that say that the access cannot be served.
    pub const ERROR: Self = Self(Self::OOM.0 | Self::SIGBUS.0 | Self::SIGSEGV.0 | Self::HWPOISON.0);

    /// What the result of an insertion means in a fault, by `vmf_insert_page`'s rule: success and EBUSY are NOPAGE,
    /// ENOMEM is OOM, the rest SIGBUS.
    #[must_use]
    pub const fn from_insertion(inserted: Result<(), Errno>) -> Self {
        match inserted {
            Ok(()) => Self::NOPAGE,
            Err(Errno::EBUSY) => Self(Self::NOPAGE.0 | Self::ALREADY_PRESENT.0),
            Err(Errno::ENOMEM) => Self::OOM,
            Err(_) => Self::SIGBUS,
        }
    }

    /// `vmf_error`: ENOMEM is OOM, EHWPOISON is HWPOISON, the rest SIGBUS.
    #[must_use]
    pub const fn from_errno(errno: Errno) -> Self {
        match errno {
            Errno::ENOMEM => Self::OOM,
            Errno::EHWPOISON => Self::HWPOISON,
            _ => Self::SIGBUS,
        }
    }
}

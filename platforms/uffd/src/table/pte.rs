//! Page table entries, as bits of one atomic.

/// An entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pte {
    pub(crate) pfn: u64,
    pub(crate) writable: bool,
    /// The entry holds a reference to its page.
    pub(crate) counted: bool,
}

pub(crate) const PRESENT: u64 = 1 << 63;
pub(crate) const COUNTED: u64 = 1 << 62;
pub(crate) const WRITABLE: u64 = 1 << 61;
/// The kernel was told of the entry.
pub(crate) const INSTALLED: u64 = 1 << 60;
/// The kernel makes every access a SIGBUS: in a slot that is empty, or filled and not yet installed.
pub(crate) const POISONED: u64 = 1 << 59;
/// The entry was writable before its driver had it protected again: who asks which pages were stored to was not told yet.
pub(crate) const STORED: u64 = 1 << 58;
pub(crate) const PFN: u64 = (1 << 52) - 1;

impl Pte {
    pub(crate) fn bits(self) -> u64 {
        let flag = |set: bool, bit: u64| if set { bit } else { 0 };
        self.pfn & PFN | PRESENT | flag(self.writable, WRITABLE) | flag(self.counted, COUNTED)
    }

    pub(crate) fn from_bits(bits: u64) -> Option<Self> {
        let pte = Self { pfn: bits & PFN, writable: bits & WRITABLE != 0, counted: bits & COUNTED != 0 };
        if bits & PRESENT != 0 { Some(pte) } else { None }
    }
}

/// What a fault finds in a slot.
pub(crate) enum SlotState {
    Empty,
    /// Every access is a SIGBUS.
    Poisoned,
    /// There is an entry, and the kernel was not told of it yet.
    New,
    /// There is an entry, and the kernel was told of it. It may have forgotten it since.
    Installed,
}

impl SlotState {
    #[inline]
    pub(crate) fn of_bits(bits: u64) -> Self {
        if bits & PRESENT == 0 {
            if bits & POISONED == 0 { Self::Empty } else { Self::Poisoned }
        } else if bits & INSTALLED == 0 {
            Self::New
        } else {
            Self::Installed
        }
    }
}

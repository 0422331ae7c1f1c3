//! What users do, one after the other.

/// Where the pages are that users map, in every process: far from everything that a program or a kernel puts somewhere
/// by itself.
pub const BASE: usize = 0x10_0000_0000;

/// How many pages from there on are used.
pub const PAGES: usize = 28;

/// How many processes there can be at once. The first opens the device; it does not exit.
pub const PROCESSES: usize = 4;

/// One step. Places are pages from [`BASE`] on, or bytes of them, and processes are numbers below [`PROCESSES`]; what a
/// process is to do that is not there is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the arguments are those of the calls")]
#[non_exhaustive]
pub enum Step {
    /// `mmap`, there and nowhere else.
    Map { process: usize, at: usize, pages: usize, pgoff: usize, shared: bool, writable: bool },
    /// `munmap`
    Unmap { process: usize, at: usize, pages: usize },
    /// `mprotect`
    Protect { process: usize, at: usize, pages: usize, writable: bool },
    /// `mremap` with `MREMAP_FIXED`, of the same length.
    Move { process: usize, at: usize, pages: usize, to: usize },
    /// `mremap` in place. It does not grow: a device's mapping may not.
    Resize { process: usize, at: usize, pages: usize, to: usize },
    /// Loads of so many bytes.
    Load { process: usize, at: usize, len: usize },
    /// Stores of so many bytes, this one first, the others counting up.
    Store { process: usize, at: usize, len: usize, byte: u8 },
    /// A debugger's loads.
    Peek { process: usize, at: usize, len: usize },
    /// A debugger's stores.
    Poke { process: usize, at: usize, len: usize, byte: u8 },
    /// The device's own loads, `at` bytes from the start of its memory.
    DeviceLoad { at: usize, len: usize },
    /// The device's own stores.
    DeviceStore { at: usize, len: usize, byte: u8 },
    /// A request of the device's.
    Control { process: usize, request: u32, argument: u64 },
    /// `fork`. Nothing is done if there is such a child.
    Fork { process: usize, child: usize },
    /// Its exit.
    Exit { process: usize },
    /// Everything that can be seen: every byte of every page in every process, and of the device's memory.
    Look,
}

/// How many bytes a step loads or stores at most.
pub const MOST_BYTES: usize = 8;

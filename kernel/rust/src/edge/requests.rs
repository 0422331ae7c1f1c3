//! Requests of the edge devices (`VMCTX_GAUGE` of `kernel/module/devices.h`): both sides of the border have this file.
//!
//! A range of pages, where one is the argument, has the first in the high half and their number in the low one.

/// Calls of the fault hook.
pub(crate) const FAULTS: u32 = 1;
/// Calls of `page_mkwrite` or `pfn_mkwrite`.
pub(crate) const STORES: u32 = 2;
/// Calls of `map_pages`.
pub(crate) const AROUND: u32 = 3;
/// Calls of `huge_fault`: for 2 MiB with the argument 0, for 1 GiB with 1.
pub(crate) const HUGE: u32 = 4;
/// Takes pages out of all mappings of the object: a range.
pub(crate) const UNMAP: u32 = 5;
/// Inserts the object's pages into the mapping that was made last: a range. How many are in, and in the high half what
/// stopped it.
pub(crate) const INSERT: u32 = 6;
/// Takes pages out of the mapping that was made last: a range.
pub(crate) const ZAP: u32 = 7;
/// Write-protects pages of the mapping that was made last: a range.
pub(crate) const PROTECT: u32 = 8;
/// Which page of the object shows at an address, the argument, if the mapping there runs this device's operations.
pub(crate) const FIND: u32 = 9;
/// Lets the handlers that wait go on.
pub(crate) const GO: u32 = 10;
/// Faults, or a debugger's accesses, that have arrived in their hook.
pub(crate) const ARRIVED: u32 = 11;
/// Faults that have given up their lock.
pub(crate) const RELEASED: u32 = 12;
/// Insertions that found an entry in place.
pub(crate) const ALREADY_PRESENT: u32 = 13;
/// States of mappings that were dropped.
pub(crate) const DROPPED: u32 = 14;
/// Handlers that have found their state after their lock was gone.
pub(crate) const OUTLIVED: u32 = 15;
/// Switches something off with the argument 0, and on with another.
pub(crate) const SWITCH: u32 = 16;
/// Calls of the open hook.
pub(crate) const OPENED: u32 = 17;
/// Calls of the close hook.
pub(crate) const CLOSED: u32 = 18;
/// The same by another type of state, and inserts a page there.
pub(crate) const FIND_AS_ANOTHER: u32 = 19;

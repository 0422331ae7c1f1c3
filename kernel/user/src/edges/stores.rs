//! First stores that are told to a hook.

use std::os::fd::AsRawFd;

use vmctx::{Errno, PageOffset, UserAddr};
use vmctx_conformance::{
    Checks, devices,
    user::{Map, Refusal, Trap, User},
};

use super::{
    access::{open, page, range, touch},
    requests::{FAULTS, PROTECT, STORES, UNMAP},
};
use crate::{
    calls::{self, PAGE},
    device::Process,
};

/// The first half of the object is mapped by faults, the second by the mmap hook.
const HALF: usize = 4;
/// The page to which no store is allowed.
const REFUSED: usize = 3;

/// Accesses, and how often the hooks are to be called for each.
struct Told<'c> {
    process: Process,
    checks: &'c mut Checks,
    faults: u64,
    stores: u64,
}

impl Told<'_> {
    /// A load finds this byte.
    fn load(&mut self, at: UserAddr, byte: u8, faults: u64) -> Result<(), Refusal> {
        self.checks.equal(format!("the byte at {at}"), &touch(&self.process, at), &Ok(byte));
        self.told(format!("a load at {at}"), faults, 0)
    }

    /// A store succeeds.
    fn store(&mut self, at: UserAddr, byte: u8, faults: u64, stores: u64) -> Result<(), Refusal> {
        self.checks.success(format!("a store at {at}"), self.process.write(at, &[byte]));
        self.told(format!("a store at {at}"), faults, stores)?;
        self.load(at, byte, 0)
    }

    /// KVM's fault for a store of a guest's ends so.
    fn store_for_kvm(
        &mut self,
        at: UserAddr,
        ends: Result<(), Refusal>,
        faults: u64,
        stores: u64,
    ) -> Result<(), Refusal> {
        let what = format!("a store for KVM at {at}");
        self.checks.equal(what.clone(), &calls::store_for_kvm(self.process.file.as_raw_fd(), at), &ends);
        self.told(what, faults, stores)
    }

    fn told(&mut self, what: String, faults: u64, stores: u64) -> Result<(), Refusal> {
        self.faults += faults;
        self.stores += stores;
        self.checks.equal(format!("{what}: faults"), &self.process.number(FAULTS, 0)?, &self.faults);
        self.checks.equal(format!("{what}: stores told"), &self.process.number(STORES, 0)?, &self.stores);
        Ok(())
    }
}

/// The driver is told of one store to each page, and of one more after its entry was taken away.
pub(super) fn told(checks: &mut Checks, device: &str) -> Result<(), Refusal> {
    let mut told = Told { process: open(device)?, checks, faults: 0, stores: 0 };
    let at = told.process.map(Map::shared(HALF))?;
    told.load(at, devices::pattern(0), 1)?;
    told.store(at, 1, 0, 1)?;
    told.store(at, 2, 0, 0)?;
    // Pages that were not loaded before.
    told.store(page(at, 1), 3, 1, 1)?;
    told.store(page(at, 2), 4, 1, 1)?;
    told.store(page(at, 1), 5, 0, 0)?;
    // The hook refuses this store.
    let refused = page(at, REFUSED);
    told.load(refused, devices::pattern(REFUSED * PAGE), 1)?;
    told.checks.equal("a store that is refused", &told.process.write(refused, &[6]), &Err(Trap::Sigbus(refused)));
    told.told("a store that is refused".into(), 0, 1)?;
    told.load(refused, devices::pattern(REFUSED * PAGE), 0)?;
    // After the entries were taken away the next stores are told again.
    told.process.number(UNMAP, range(0, 2))?;
    told.load(at, 2, 1)?;
    told.store(at, 7, 0, 1)?;
    told.store(page(at, 1), 8, 1, 1)?;
    told.store(page(at, 2), 9, 0, 0)?;
    told.process.number(PROTECT, range(1, 1))?;
    told.store(page(at, 1), 10, 1, 1)?;
    told.store(at, 11, 0, 0)?;
    told.process.unmap(at, HALF)?;

    // What the mmap hook inserts is write-protected, too, so that its first store is told.
    let eager = Map::shared(HALF).at(PageOffset::new(HALF));
    let at = told.process.map(eager)?;
    told.load(at, devices::pattern(HALF * PAGE), 0)?;
    told.store(at, 12, 0, 1)?;
    told.store(page(at, 1), 13, 0, 1)?;
    told.store(page(at, 1), 14, 0, 0)?;
    told.process.unmap(at, HALF)
}

/// One fault is all that KVM has for a guest's store, and then the entry has to be writable: so a frame that is missing is
/// brought, and its store told, in the same.
pub(super) fn for_kvm(checks: &mut Checks) -> Result<(), Refusal> {
    let mut told = Told { process: open("stores_to_frames")?, checks, faults: 0, stores: 0 };
    let at = told.process.map(Map::shared(HALF))?;
    told.store_for_kvm(at, Ok(()), 1, 1)?;
    told.store(at, 1, 0, 0)?;
    told.store_for_kvm(at, Ok(()), 0, 0)?;
    // A frame that was loaded before.
    told.load(page(at, 1), devices::pattern(PAGE), 1)?;
    told.store_for_kvm(page(at, 1), Ok(()), 0, 1)?;
    // The store that is refused.
    let refused = page(at, REFUSED);
    told.store_for_kvm(refused, Err(Refusal::Errno(Errno::EFAULT)), 1, 1)?;
    told.load(refused, devices::pattern(REFUSED * PAGE), 0)?;
    told.store_for_kvm(refused, Err(Refusal::Errno(Errno::EFAULT)), 0, 1)?;
    // A store to a frame that was unmapped, and one to a frame that was write-protected.
    told.process.number(UNMAP, range(0, 2))?;
    told.store_for_kvm(page(at, 1), Ok(()), 1, 1)?;
    told.process.number(PROTECT, range(1, 1))?;
    told.store_for_kvm(page(at, 1), Ok(()), 1, 1)?;
    // And for a store of the user's own it is one fault as well.
    let before = calls::minor_faults();
    let stored = told.process.write(page(at, 2), &[2]);
    let faults = calls::minor_faults() - before;
    told.checks.success("a store to a missing frame", stored);
    told.checks.equal("a store to a missing frame: the kernel's faults", &faults, &1);
    told.told("a store to a missing frame".into(), 1, 1)?;
    told.process.unmap(at, HALF)?;

    // Where nobody may store the frame stays read-only.
    let at = told.process.map(Map::shared(HALF).read_only())?;
    told.load(at, 1, 1)?;
    told.store_for_kvm(at, Err(Refusal::Errno(Errno::EFAULT)), 0, 0)?;
    told.store_for_kvm(page(at, 1), Err(Refusal::Errno(Errno::EFAULT)), 0, 0)?;
    told.process.unmap(at, HALF)
}

/// Frames that a store inserts are writable at once, or told in the same fault; others become so when a store is told.
pub(super) fn mixed(checks: &mut Checks) -> Result<(), Refusal> {
    let mut told = Told { process: open("stores_to_mixed")?, checks, faults: 0, stores: 0 };
    let at = told.process.map(Map::shared(HALF))?;
    told.store(at, 1, 1, 0)?;
    told.load(page(at, 1), devices::pattern(PAGE), 1)?;
    told.store(page(at, 1), 2, 0, 1)?;
    told.store(page(at, 1), 3, 0, 0)?;
    told.load(page(at, REFUSED), devices::pattern(REFUSED * PAGE), 1)?;
    let refused = page(at, REFUSED);
    told.checks.equal("a store that is refused", &told.process.write(refused, &[6]), &Err(Trap::Sigbus(refused)));
    told.told("a store that is refused".into(), 0, 1)?;
    told.process.number(UNMAP, range(0, 2))?;
    told.load(at, 1, 1)?;
    told.store(at, 4, 0, 1)?;
    told.store(page(at, 1), 5, 1, 1)?;
    told.store(page(at, 1), 6, 0, 0)?;
    told.process.unmap(at, HALF)
}

/// A private mapping's stores are its user's own: nobody is told, and they do not reach the object.
pub(super) fn private(checks: &mut Checks) -> Result<(), Refusal> {
    for device in ["stores_to_pages", "stores_to_mixed"] {
        let process = open(device)?;
        let (own, shared) = (process.map(Map::private(HALF))?, process.map(Map::shared(HALF))?);
        checks.equal(format!("{device}: a load before"), &touch(&process, page(own, 1)), &Ok(devices::pattern(PAGE)));
        for at in 0..HALF {
            checks.success(format!("{device}: a private store"), process.write(page(own, at), &[at as u8]));
            checks.equal(format!("{device}: what was stored"), &touch(&process, page(own, at)), &Ok(at as u8));
            let object = touch(&process, page(shared, at));
            checks.equal(format!("{device}: the object"), &object, &Ok(devices::pattern(at * PAGE)));
        }
        checks.equal(format!("{device}: stores told"), &process.number(STORES, 0)?, &0);
        // Unmapping the object leaves private copies alone.
        process.number(UNMAP, range(0, HALF as u32))?;
        checks.equal(format!("{device}: a copy after unmap"), &touch(&process, page(own, 2)), &Ok(2));
        process.unmap(own, HALF)?;
        process.unmap(shared, HALF)?;
    }
    // Write-protecting takes entries away, and must leave private copies alone.
    let process = open("stores_to_pages")?;
    let own = process.map(Map::private(HALF))?;
    checks.success("a private store", process.write(own, &[1]));
    process.number(PROTECT, range(0, HALF as u32))?;
    checks.equal("a copy after write_protect", &touch(&process, own), &Ok(1));
    process.unmap(own, HALF)
}

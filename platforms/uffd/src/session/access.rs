//! Loads and stores of a session's memory that end in an error and not in a signal.

use vmctx::UserAddr;
use vmctx_hosted::hook;

use crate::error::Trap;

use super::calls::Session;

impl Session {
    /// Loads bytes. If one cannot be loaded, that is an error and does not end the process.
    ///
    /// The access is a real one, and so is the signal that it may end with. A SIGBUS that this reports is forgotten: the
    /// next access asks the driver again. One that other code meets stays, until something is inserted or taken away
    /// there, or [`retry`](Self::retry). Eight bytes at a multiple of eight are loaded at once, others one by one: who stores
    /// meanwhile is seen in a part of them.
    ///
    /// # Errors
    /// The signal. Outside this session's mappings it is a SIGSEGV, without an access.
    pub fn read(&self, address: UserAddr, into: &mut [u8]) -> Result<(), Trap> {
        self.accessed(self.shared.space.addresses.load(address, into))
    }

    /// Stores bytes. As [`read`](Self::read).
    ///
    /// # Errors
    /// As there.
    pub fn write(&self, address: UserAddr, from: &[u8]) -> Result<(), Trap> {
        self.accessed(self.shared.space.addresses.store(address, from))
    }

    fn accessed(&self, result: Result<(), Trap>) -> Result<(), Trap> {
        if let Err(Trap::Sigbus(at)) = result {
            self.retry(at);
        }
        result
    }

    /// Forgets that an access to the page of this address could not be served: the next one asks the driver again.
    /// Nothing to forget is no error. For whoever handles SIGBUS without [`read`](Self::read).
    pub fn retry(&self, address: UserAddr) {
        if hook::in_the_way().is_none() && self.check_home().is_ok() {
            self.shared.space.forget_poison(address.get());
        }
    }
}

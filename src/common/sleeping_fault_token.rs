// Part of the modules `fault`, `page_mkwrite`, `pfn_mkwrite` and `huge`: what the tokens have in common of those hooks that
// may sleep and whose answer may be an error. Each of them includes this file as it does `fault_token.rs`.

/// Sleeping, and not serving it.
impl<'f, P: Platform, M> Token<'f, P, M> {
    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        crate::sleep::may_sleep()
    }

    /// The fault had to wait for I/O: it is counted as a major one (`VM_FAULT_MAJOR`).
    pub fn account_major(&mut self) {
        self.frame.0.major.set(true);
    }

    /// The access cannot be served: say what went wrong (`vmf_error`). ENOMEM is OOM, EHWPOISON is HWPOISON,
    /// everything else a SIGBUS.
    pub fn fail(self, errno: Errno) -> VmFault<'f> {
        self.answer(FaultCode::from_errno(errno))
    }

    /// The access cannot be served now: EINTR, ERESTARTSYS, EAGAIN, EBUSY and ENOSPC repeat it (after the
    /// signal, if there is one), everything else is as [`fail`](Self::fail).
    ///
    /// This is what `i915_error_to_vmf_fault` and its likes in TTM, SGX and ubifs spell out by hand.
    pub fn fail_or_refault(self, errno: Errno) -> VmFault<'f> {
        match errno {
            Errno::EINTR | Errno::ERESTARTSYS | Errno::EAGAIN | Errno::EBUSY | Errno::ENOSPC => {
                self.answer(FaultCode::NOPAGE)
            }
            other => self.fail(other),
        }
    }

    /// Waits, with the lock held, until the queue is woken. At once if that has happened since the ticket was
    /// taken.
    ///
    /// # Errors
    /// EINTR or ERESTARTSYS if the thread is to die: [`fail_or_refault`](Self::fail_or_refault) knows what to
    /// do.
    pub fn wait(&self, since: Ticket<'_, P::WaitQueue>) -> Result<Waited<'f>, Errno> {
        P::wait(self.fault(), since.queue, since.wakes)?;
        Ok(crate::wait::waited())
    }

    /// Nothing was inserted, but something changed: repeat the access (`VM_FAULT_NOPAGE`). The evidence is this
    /// fault's own.
    pub fn refault(self, evidence: impl RefaultReason<'f>) -> VmFault<'f> {
        drop(evidence);
        self.answer(FaultCode::NOPAGE)
    }
}

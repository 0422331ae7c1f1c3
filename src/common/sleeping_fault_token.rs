// Part of the modules `fault`, `page_mkwrite`, `pfn_mkwrite` and `huge`: what the tokens have in common of those hooks
// that may sleep and may answer with an error. They include it as they do `fault_token.rs`.

/// Sleeping, and not serving it.
impl<'f, P: Platform, M> Token<'f, P, M> {
    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        crate::sleep::may_sleep()
    }

    /// The fault had to wait for I/O: it is counted as a major one (`VM_FAULT_MAJOR`).
    #[doc(alias = "VM_FAULT_MAJOR")]
    pub fn account_major(&self) {
        self.frame.0.major.set(true);
    }

    /// The access cannot be served, and this errno says why (`vmf_error`). ENOMEM is OOM, EHWPOISON is HWPOISON,
    /// everything else is SIGBUS.
    #[doc(alias("vmf_error", "VM_FAULT_SIGBUS", "VM_FAULT_OOM", "VM_FAULT_HWPOISON"))]
    pub fn fail(
        self, // this answers the fault: ask `ctx` before, and fail in one place
        errno: impl IntoErrno,
    ) -> VmFault<'f> {
        self.answer(FaultCode::from_errno(errno.into_errno()))
    }

    /// The access cannot be served now. EINTR, ERESTARTSYS, EAGAIN, EBUSY and ENOSPC have it repeated, after the signal
    /// if there is one; everything else is as [`fail`](Self::fail).
    ///
    /// This is what `i915_error_to_vmf_fault` and its likes in TTM, SGX and ubifs spell out by hand.
    #[doc(alias("i915_error_to_vmf_fault", "vmf_fs_error"))]
    pub fn fail_or_refault(self, errno: impl IntoErrno) -> VmFault<'f> {
        match errno.into_errno() {
            Errno::EINTR | Errno::ERESTARTSYS | Errno::EAGAIN | Errno::EBUSY | Errno::ENOSPC => {
                self.answer(FaultCode::NOPAGE)
            }
            other => self.fail(other),
        }
    }

    /// Waits, with the lock held, until the queue is woken. It returns at once if that has happened since the ticket
    /// was taken.
    ///
    /// # Errors
    /// EINTR or ERESTARTSYS if the thread is to die: pass it to [`fail_or_refault`](Self::fail_or_refault).
    #[doc(alias("wait_event", "FAULT_FLAG_KILLABLE", "FAULT_FLAG_INTERRUPTIBLE"))]
    #[track_caller]
    pub fn wait(&self, since: Ticket<'_, P::WaitQueue>) -> Result<Waited<'f>, Errno> {
        P::wait(self.fault(), since.queue, since.wakes)?;
        Ok(crate::wait::waited())
    }

    /// Nothing was inserted, but something has changed: the access is repeated (`VM_FAULT_NOPAGE`). Only evidence that
    /// this fault itself has come by is taken.
    #[doc(alias = "VM_FAULT_NOPAGE")]
    #[rustfmt::skip]
    pub fn refault( // of what has changed: `ctx.refault(waited)` with `let waited = ctx.wait(queue.ticket())?`
        self,
        waited: impl RefaultReason<'f>,
    ) -> VmFault<'f> {
        drop(waited);
        self.answer(FaultCode::NOPAGE)
    }
}

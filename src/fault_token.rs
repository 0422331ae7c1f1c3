//! What the tokens of all hooks that serve a fault have in common.

/// What the tokens of all hooks that serve a fault have in common: each has a `frame`, and is made of it by `$make`.
macro_rules! fault_token {
    ($token:ident, $make:ident) => {
        impl<'a, P: Platform> FaultFrame<'a, P> {
            /// The token. Not an associated function of its own, which rustc would suggest to whoever tries a literal.
            pub(crate) fn $make<M>(&self) -> $token<'_, P, M> {
                $token { frame: $crate::token::Held(self), brand: PhantomData, kind: PhantomData, thread: PhantomData }
            }
        }

        impl<'f, P: Platform, M> $token<'f, P, M> {
            pub(crate) fn fault(&self) -> &'f P::Fault {
                &self.frame.0.fault
            }

            pub(crate) fn frame(&self) -> &'f FaultFrame<'f, P> {
                self.frame.0
            }

            pub(crate) fn answer(self, code: FaultCode) -> VmFault<'f> {
                self.frame.0.answer(code)
            }
        }

        /// What it is about.
        impl<'f, P: Platform, M> $token<'f, P, M> {
            /// The page of the object that was touched (`vmf->pgoff`).
            #[must_use]
            pub fn pgoff(&self) -> PageOffset {
                P::fault_pgoff(self.fault())
            }

            /// The part of the object that this mapping shows, in pages: the offsets at which it has a slot.
            #[must_use]
            pub fn pgoff_range(&self) -> Range<PageOffset> {
                let vma = P::fault_vma_range(self.fault());
                let first = P::fault_vma_pgoff(self.fault());
                let pages = vma.end.saturating_sub(vma.start) >> P::PAGE_SHIFT;
                first..PageOffset::new(first.index().saturating_add(pages))
            }

            /// Whether the access was a store.
            #[must_use]
            pub fn is_write(&self) -> bool {
                P::fault_flags(self.fault()).contains($crate::flags::FaultFlags::WRITE)
            }

            /// Whether the mapping was made with `MAP_SHARED` (`VM_MAYSHARE`).
            #[must_use]
            pub fn is_shared(&self) -> bool {
                P::fault_vma_flags(self.fault()).contains($crate::flags::VmFlags::MAYSHARE)
            }

            /// Whether a store would give the user a private copy: `is_cow_mapping`.
            #[must_use]
            pub fn is_cow(&self) -> bool {
                P::fault_vma_flags(self.fault()).is_cow()
            }

            /// Whether the access came from user mode, and not from the kernel on the user's behalf.
            #[must_use]
            pub fn is_user(&self) -> bool {
                P::fault_flags(self.fault()).contains($crate::flags::FaultFlags::USER)
            }

            /// The address of the fault with all its bits (`vmf->real_address`).
            ///
            /// For hardware whose pages are not the kernel's, and for messages. An offset into the object is
            /// [`pgoff`](Self::pgoff), never a difference of addresses; where the page goes, the context knows. The
            /// name is meant to be too long to use by mistake (linux-mm, May 2007).
            #[must_use]
            pub fn user_address_for_odd_page_sizes(&self) -> UserAddr {
                UserAddr::new(P::fault_address(self.fault()))
            }
        }
    };
}

/// What the tokens have in common of those hooks that may sleep, and whose answer may be an error.
macro_rules! sleeping_fault_token {
    ($token:ident) => {
        /// Sleeping, and not serving it.
        impl<'f, P: Platform, M> $token<'f, P, M> {
            /// The right to sleep, for as long as this context is borrowed.
            #[must_use]
            pub fn may_sleep(&self) -> MaySleep<'_> {
                $crate::sleep::may_sleep()
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
                Ok($crate::wait::waited())
            }

            /// Nothing was inserted, but something changed: repeat the access (`VM_FAULT_NOPAGE`). The evidence is this
            /// fault's own.
            pub fn refault(self, evidence: impl RefaultReason<'f>) -> VmFault<'f> {
                drop(evidence);
                self.answer(FaultCode::NOPAGE)
            }
        }
    };
}

pub(crate) use {fault_token, sleeping_fault_token};

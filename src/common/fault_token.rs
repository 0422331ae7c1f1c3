// Part of the modules `fault`, `page_mkwrite`, `pfn_mkwrite`, `huge` and `map_pages`: what the tokens of all hooks that
// serve a fault have in common. Each of them includes this file, in which its own token is called `Token`: see
// `guidance.rs`.

/// The token of this fault. Not an associated function of the token, which rustc would suggest to whoever tries a
/// literal.
pub(crate) const fn token<'f, P: Platform, M>(frame: &'f FaultFrame<'f, P>) -> Token<'f, P, M> {
    Token { frame: Held(frame), brand: PhantomData, kind: PhantomData, _thread: OneThread::MARK }
}

impl<'f, P: Platform, M> Token<'f, P, M> {
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

/// What is asked for.
impl<'f, P: Platform, M> Token<'f, P, M> {
    /// The page of the object that was touched (`vmf->pgoff`).
    #[must_use]
    pub fn pgoff(&self) -> PageOffset {
        self.frame.0.pgoff()
    }

    /// The part of the object that this mapping shows, in pages: the offsets at which it has a slot. How many these are
    /// the user has decided: whoever walks over all of them holds the fault's lock for that long.
    #[must_use]
    pub fn pgoff_range(&self) -> PageRange {
        self.frame.0.pgoff_range()
    }

    /// Whether the access was a store.
    #[doc(alias("FAULT_FLAG_WRITE", "FAULT_FLAG_MKWRITE"))]
    #[must_use]
    pub fn is_write(&self) -> bool {
        self.frame.0.is_write()
    }

    /// Whether the mapping was made with `MAP_SHARED` (`VM_MAYSHARE`).
    #[doc(alias = "VM_SHARED")]
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.frame.0.is_shared()
    }

    /// Whether a store would give the user a private copy: `is_cow_mapping`.
    #[doc(alias = "is_cow_mapping")]
    #[must_use]
    pub fn is_cow(&self) -> bool {
        P::fault_vma_flags(self.fault()).is_cow()
    }

    /// Whether the access came from user mode, and not from the kernel on the user's behalf.
    #[doc(alias = "FAULT_FLAG_USER")]
    #[must_use]
    pub fn is_user(&self) -> bool {
        self.frame.0.is_user()
    }

    /// The address of the fault with all its bits (`vmf->real_address`).
    ///
    /// It is for hardware whose pages are not as large as the kernel's, and for messages. An offset into the object is
    /// [`pgoff`](Self::pgoff), never a difference of addresses, and the context knows where the page goes. The name is
    /// meant to be too long to use by mistake (linux-mm, May 2007).
    #[doc(alias = "real_address")]
    #[must_use]
    pub fn user_address_for_odd_page_sizes(&self) -> UserAddr {
        UserAddr::new(P::fault_address(self.fault()))
    }
}

/// Its fields, as C has them.
#[doc(hidden)]
impl<P: Platform, M> core::ops::Deref for Token<'_, P, M> {
    type Target = crate::c_names::VmfInC;

    fn deref(&self) -> &crate::c_names::VmfInC {
        crate::c_names::VmfInC::NONE
    }
}

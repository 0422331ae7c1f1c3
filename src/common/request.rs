// Part of the modules `mmap` and `prepare`: what the tokens of the two hooks that make a mapping have in common. Each of
// them includes this file, in which its own token is called `Token`: see `guidance.rs`. A token has `flags()`,
// `change_flags()`, `set_cache()`, `set_decrypted()`, `file_pgoff()` and `count_from()`, and keeps in `said()` what its hook
// has said.

/// What is asked for.
impl<'m, P: Platform, M> Token<'m, P, M> {
    /// Whether `MAP_SHARED` was asked for (`VM_MAYSHARE`).
    #[doc(alias("VM_SHARED", "VM_MAYSHARE"))]
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.vma_flags().contains(VmFlags::MAYSHARE)
    }

    /// Whether the user asks to read (`VM_READ`). The answer stays: what is not asked for no mprotect adds
    /// (`VM_MAYREAD` is cleared), so that a driver can decide by it. (Where the user may write, processors let him read
    /// as well.)
    ///
    /// (Drivers that refuse what is readable, and forget the mprotect that comes later, are an open door: doorbells
    /// of vhost-vdpa and ocxl.)
    #[doc(alias = "VM_READ")]
    #[must_use]
    pub fn is_readable(&mut self) -> bool
    where
        M: StillUndecided,
    {
        self.asks_for(VmFlags::READ)
    }

    /// Whether the user asks to write (`VM_WRITE`). The answer stays, as that of [`is_readable`](Self::is_readable)
    /// does, in a shared mapping (`VM_MAYWRITE` is cleared); in a private one users write copies of their own. So a
    /// driver that counts writers by this is right, and the others stay readers; one that lets them write later counts
    /// by [`may_be_written`](crate::MmapCtx::may_be_written).
    #[doc(alias = "VM_WRITE")]
    #[must_use]
    pub fn is_writable(&mut self) -> bool
    where
        M: StillUndecided,
    {
        self.asks_for(VmFlags::WRITE)
    }

    /// Whether the user asks to execute (`VM_EXEC`). The answer stays, as that of [`is_readable`](Self::is_readable)
    /// does (`VM_MAYEXEC` is cleared).
    #[doc(alias = "VM_EXEC")]
    #[must_use]
    pub fn is_executable(&mut self) -> bool
    where
        M: StillUndecided,
    {
        self.asks_for(VmFlags::EXEC)
    }

    /// Whether a store would give the user a private copy (`is_cow_mapping`): the mapping is private, and it is
    /// writable or mprotect can make it so. A [`PfnMap`](crate::PfnMap) mapping cannot be of this sort.
    #[doc(alias = "is_cow_mapping")]
    #[must_use]
    pub fn is_cow(&self) -> bool {
        self.vma_flags().is_cow()
    }

    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }

    /// Whether the user asks for a right. If not, it is never added.
    fn asks_for(&mut self, right: VmFlags) -> bool
    where
        M: StillUndecided,
    {
        let asks = self.vma_flags().contains(right);
        if !asks {
            *self.said() |= 1 << (right.bits().trailing_zeros() + ABSENT_SHIFT);
        }
        asks
    }
}

/// Refusals, flags and cache attributes: before the kind is chosen.
///
/// (The bound is on all of them, so that rustc passes them over where it is not met, and comes to what the token
/// dereferences to, which says what is wrong.)
impl<'m, P: Platform, M: StillUndecided> Token<'m, P, M> {
    /// Users may write, now or after an mprotect, if the file was opened for writing
    /// ([G19](crate::guide::guarantees#g19)).
    ///
    /// A shared mapping whose hook has not said so cannot be stored to, ever: `PROT_WRITE` is EPERM, when the kind is
    /// chosen and before a state is made, and an mprotect that adds it is EACCES, because `VM_MAYWRITE` is cleared.
    /// Private mappings need no grant: what their users write are copies of their own.
    ///
    /// (To look at `VM_WRITE` and refuse it is not enough, because mprotect comes later: CVE-2022-43750.)
    #[doc(alias("VM_MAYWRITE", "VM_WRITE"))]
    pub fn writable(mut self /* the token comes back: `let ctx = ctx.writable();` */) -> Self {
        *self.said() |= GRANTED;
        self
    }

    /// The mapping will never be written, not even a private copy of it.
    ///
    /// It is for private mappings, whose users could write copies: a [`PfnMap`](crate::PfnMap) cannot have these. A
    /// shared mapping cannot be written anyway without [`writable`](Self::writable); for one this refuses at once what
    /// would be refused when the kind is chosen.
    ///
    /// # Errors
    /// EPERM if it was asked for with `PROT_WRITE`. Else a later `mprotect` cannot add it (`VM_MAYWRITE` is cleared).
    #[doc(alias = "VM_MAYWRITE")]
    pub fn read_only(self /* the token comes back: `let ctx = ctx.read_only()?;` */) -> Result<Self, Errno> {
        self.never(VmFlags::WRITE, VmFlags::MAYWRITE)
    }

    /// The mapping will never be written, and who has asked to write is not refused: it is mapped, without that right
    /// (`VM_WRITE` and `VM_MAYWRITE` are cleared). A store is a SIGSEGV.
    ///
    /// It is for users that have always asked for more than they need and cannot be told any more, as those of ALSA's
    /// status page (`snd_pcm_mmap_status`). Others want [`read_only`](Self::read_only), or for a shared mapping nothing
    /// at all, and are told with EPERM.
    #[doc(alias("vm_flags_mod", "vm_flags_clear"))]
    pub fn drop_write(mut self /* the token comes back: `let ctx = ctx.drop_write();` */) -> Self {
        self.change_flags(VmFlags::NONE, VmFlags::WRITE | VmFlags::MAYWRITE);
        self
    }

    /// The mapping will never be readable by itself. (Where the user may write, processors let him read as well.)
    ///
    /// # Errors
    /// EPERM if it was asked for with `PROT_READ`. Else a later `mprotect` cannot add it (`VM_MAYREAD` is cleared).
    #[doc(alias = "VM_MAYREAD")]
    pub fn no_read(self /* the token comes back: `let ctx = ctx.no_read()?;` */) -> Result<Self, Errno> {
        self.never(VmFlags::READ, VmFlags::MAYREAD)
    }

    /// The mapping will never be executed.
    ///
    /// # Errors
    /// EPERM if it was asked for with `PROT_EXEC`. Else a later `mprotect` cannot add it (`VM_MAYEXEC` is cleared).
    #[doc(alias = "VM_MAYEXEC")]
    pub fn no_exec(self /* the token comes back: `let ctx = ctx.no_exec()?;` */) -> Result<Self, Errno> {
        self.never(VmFlags::EXEC, VmFlags::MAYEXEC)
    }

    /// The mapping shows this object, one of several that the file shows: from now on page offsets count from where it
    /// begins, here, in every hook of the state, and in handles.
    ///
    /// A state [names the same object](crate::Hooks::object), `Hooks::NONE.object(|state: &Self| Some(&state.part))`:
    /// one that names none is EINVAL when it is established. A mapping without a state needs no more than this.
    ///
    /// ```
    /// use vmctx::{Errno, Mapped, Mixed, MmapCtx, MmapFile, PageCount, PageOffset, Platform, SharedObject};
    ///
    /// /// Two rings of one file, as those of io_uring: users choose one by the offset.
    /// struct Rings<P: Platform> {
    ///     all: SharedObject<P>,
    ///     rings: [(SharedObject<P>, Vec<P::Page>); 2],
    /// }
    ///
    /// impl<P: Platform> MmapFile for Rings<P> {
    ///     type Platform = P;
    ///
    ///     fn object(&self) -> Option<&SharedObject<P>> {
    ///         Some(&self.all)
    ///     }
    ///
    ///     fn mmap<'m>(&'m self, ctx: MmapCtx<'m, P>) -> Result<Mapped<'m>, Errno> {
    ///         let ring = self.rings.iter().find(|(part, _)| part.contains(ctx.pgoff()));
    ///         let (part, pages) = ring.ok_or(Errno::EINVAL)?;
    ///         ctx.rebase(part)?.writable().without_faults::<Mixed>()?.fill_at_pgoff(pages)
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    /// EINVAL if the file does not show this object, or if the mapping is not all in it.
    #[doc(alias("drm_vma_offset_add", "drm_gem_mmap_obj", "drm_vma_node_start"))]
    pub fn rebase(
        self, // the token comes back: `let ctx = ctx.rebase(object)?;`
        object: &SharedObject<P>,
    ) -> Result<Self, Errno> {
        let first = self.file_pgoff().checked_since(object.base()).ok_or(Errno::EINVAL)?;
        let room = object.page_count().get().checked_sub(first.get()).ok_or(Errno::EINVAL)?;
        if self.page_count().get() > room {
            return Err(Errno::EINVAL);
        }
        self.count_from(object)
    }

    /// Only `MAP_SHARED`.
    ///
    /// # Errors
    /// EINVAL for `MAP_PRIVATE`.
    #[doc(alias("VM_SHARED", "MAP_SHARED", "MAP_PRIVATE"))]
    pub fn shared_only(self /* the token comes back: `let ctx = ctx.shared_only()?;` */) -> Result<Self, Errno> {
        if self.is_shared() { Ok(self) } else { Err(Errno::EINVAL) }
    }

    /// fork does not copy the mapping (`VM_DONTCOPY`).
    #[doc(alias("VM_DONTCOPY", "vm_flags_set", "vma_desc_set_flags"))]
    pub fn dont_copy(self /* the token comes back: `let ctx = ctx.dont_copy();` */) -> Self {
        self.with(VmFlags::DONTCOPY)
    }

    /// The mapping is left out of core dumps (`VM_DONTDUMP`).
    #[doc(alias("VM_DONTDUMP", "VM_RESERVED"))]
    pub fn dont_dump(self /* the token comes back: `let ctx = ctx.dont_dump();` */) -> Self {
        self.with(VmFlags::DONTDUMP)
    }

    /// The mapping is of device registers (`VM_IO`): it is left out of core dumps, and `get_user_pages` does
    /// not reach it.
    #[doc(alias = "VM_IO")]
    pub fn io(self /* the token comes back: `let ctx = ctx.io();` */) -> Self {
        self.with(VmFlags::IO)
    }

    /// A virtual machine may map this memory uncached in any way that it likes (`VM_ALLOW_ANY_UNCACHED`): it is a
    /// device's that no such access brings down, as vfio-pci says of its own. Without it KVM on arm64 maps it as device
    /// memory alone (`user_mem_abort`).
    #[doc(alias = "VM_ALLOW_ANY_UNCACHED")]
    pub fn allow_any_uncached(self /* the token comes back: `let ctx = ctx.allow_any_uncached();` */) -> Self {
        self.with(VmFlags::ALLOW_ANY_UNCACHED)
    }

    /// What is inserted is not cached (`pgprot_noncached`).
    #[doc(alias = "pgprot_noncached")]
    pub fn noncached(mut self /* the token comes back: `let ctx = ctx.noncached();` */) -> Self {
        self.set_cache(Cache::Noncached);
        self
    }

    /// Stores are gathered, loads not cached (`pgprot_writecombine`).
    #[doc(alias = "pgprot_writecombine")]
    pub fn write_combine(mut self /* the token comes back: `let ctx = ctx.write_combine();` */) -> Self {
        self.set_cache(Cache::WriteCombine);
        self
    }

    /// What is inserted is not encrypted (`pgprot_decrypted`): memory that is shared with a device or a hypervisor, on
    /// a machine that encrypts all other memory. On other machines this does nothing.
    #[doc(alias = "pgprot_decrypted")]
    pub fn decrypted(mut self /* the token comes back: `let ctx = ctx.decrypted();` */) -> Self {
        self.set_decrypted();
        self
    }

    fn with(mut self, set: VmFlags) -> Self {
        self.change_flags(set, VmFlags::NONE);
        self
    }

    fn never(mut self, now: VmFlags, ever: VmFlags) -> Result<Self, Errno> {
        if self.vma_flags().contains(now) {
            return Err(Errno::EPERM);
        }
        self.change_flags(VmFlags::NONE, ever);
        Ok(self)
    }
}

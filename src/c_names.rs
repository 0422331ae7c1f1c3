//! C's constants, and its functions. They are there so that whoever writes one is told, at that place, what to write
//! instead. (This crate's root exports them all, hidden, because C's names stand alone.)
//!
//! Each constant is deprecated, because the note of that is what rustc says of a constant; and it is of a type that
//! nothing takes, so that whatever is done with it is an error as well. Functions are bounded, as methods are (see
//! `guidance.rs`).
#![expect(clippy::must_use_candidate, reason = "cannot be called")]

use core::ops::{BitAnd, BitOr, BitOrAssign, Deref, Neg, Not, Sub};

use crate::guidance::{ConvertedAsInC, InsertsFrameAsInC, InsertsPageAsInC, RemapsAsInC, ZapsAsInC};

/// In the place of a VM_FAULT code.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct NoCode;

/// In the place of a VMA's flag.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct NoFlag;

/// In the place of an errno's number.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct NoErrno;

/// In the place of a field of C's `vm_fault` or `vm_area_struct`. It is no `Copy`, so that it cannot be taken either.
#[doc(hidden)]
pub struct NoField;

/// What the tokens of hooks dereference to: the fields of C's `vm_fault`, and behind them those of its VMA.
#[doc(hidden)]
pub struct VmfInC {
    #[doc(hidden)]
    #[deprecated(
        note = "a page is handed over as the answer to its fault: `ctx.deliver(page)`; in a `Mixed` mapping `ctx.insert_page(&page)` inserts it"
    )]
    pub page: NoField,
    #[doc(hidden)]
    #[deprecated(
        note = "there is no VMA to be had, the context stands for it: its state is `self`, its protection `ctx.page_prot()`, which page is meant `ctx.pgoff()`"
    )]
    pub vma: VmaInC,
    #[doc(hidden)]
    #[deprecated(
        note = "a fault hook needs no address: which page is missing says `ctx.pgoff()`, and where it goes the context knows"
    )]
    pub address: NoField,
    #[doc(hidden)]
    #[deprecated(note = "a fault is asked what it is, by name: `ctx.is_write()`, `ctx.is_user()`, `ctx.is_shared()`")]
    pub flags: NoField,
}

/// The fields of C's `vm_area_struct`.
#[doc(hidden)]
pub struct VmaInC {
    #[doc(hidden)]
    #[deprecated(
        note = "a hook needs no address: which page is meant says `ctx.pgoff()`, and where it goes the context knows"
    )]
    pub vm_start: NoField,
    #[doc(hidden)]
    #[deprecated(
        note = "a hook needs no address: how many pages the mapping has says `ctx.page_count()` in the mmap hook"
    )]
    pub vm_end: NoField,
    #[doc(hidden)]
    #[deprecated(note = "which page is meant says `ctx.pgoff()`")]
    pub vm_pgoff: NoField,
    #[doc(hidden)]
    #[deprecated(
        note = "what each flag is for has a name: `ctx.writable()`, `ctx.io()`, `ctx.dont_copy()`; what the user asks for: `ctx.is_shared()`, `ctx.is_writable()`"
    )]
    pub vm_flags: NoField,
    #[doc(hidden)]
    #[deprecated(
        note = "in the mmap hook, before the kind is chosen: `ctx.noncached()`, `ctx.write_combine()`; of one frame in a fault: `ctx.page_prot()`"
    )]
    pub vm_page_prot: NoField,
    #[doc(hidden)]
    #[deprecated(
        note = "the state of a mapping is given to it in the mmap hook, `ctx.establish(state)?`, and is `self` in all others"
    )]
    pub vm_private_data: NoField,
    #[doc(hidden)]
    #[deprecated(
        note = "the hooks of a mapping are those of its state: `ctx.establish(state)?` in the mmap hook, with `VmOperations` for the state's type"
    )]
    pub vm_ops: NoField,
    #[doc(hidden)]
    #[deprecated(
        note = "the file is `self` in the mmap hook; what other hooks want of it is in the state, `ctx.establish_shared(self.0.clone())?`"
    )]
    pub vm_file: NoField,
}

#[expect(deprecated, reason = "they have to be given a value")]
impl VmaInC {
    const NONE: Self = Self {
        vm_start: NoField,
        vm_end: NoField,
        vm_pgoff: NoField,
        vm_flags: NoField,
        vm_page_prot: NoField,
        vm_private_data: NoField,
        vm_ops: NoField,
        vm_file: NoField,
    };
}

#[expect(deprecated, reason = "they have to be given a value")]
impl VmfInC {
    /// There is nothing in it.
    pub(crate) const NONE: &Self = &Self { page: NoField, vma: VmaInC::NONE, address: NoField, flags: NoField };
}

impl Deref for VmfInC {
    type Target = VmaInC;

    fn deref(&self) -> &VmaInC {
        &VmaInC::NONE
    }
}

/// In the place of a VMA's start. It is given freely, because it is what something is subtracted from, and that is the
/// error; nothing can be done with it.
#[doc(hidden)]
pub struct NoAddress;

/// What C does with them is one error, with whatever they are combined, and not one more.
macro_rules! combined {
    ($($operand:ident: $operator:ident $method:ident;)*) => {
        $(impl<T> $operator<T> for $operand {
            type Output = Self;

            fn $method(self, _: T) -> Self {
                self
            }
        })*
    };
}

combined! {
    NoCode: BitOr bitor;
    NoCode: BitAnd bitand;
    NoFlag: BitOr bitor;
    NoFlag: BitAnd bitand;
    NoField: BitAnd bitand;
    NoField: Sub sub;
}

/// Set it is one error, not one more.
impl<T> BitOrAssign<T> for NoField {
    fn bitor_assign(&mut self, _: T) {}
}

/// Inverted it is one error, not one more.
impl Not for NoCode {
    type Output = Self;

    fn not(self) -> Self {
        self
    }
}

/// As of a code.
impl Not for NoFlag {
    type Output = Self;

    fn not(self) -> Self {
        self
    }
}

/// Negated it is one error, not one more.
impl Neg for NoErrno {
    type Output = Self;

    fn neg(self) -> Self {
        self
    }
}

// C's functions, with as many arguments as they have there.

#[doc(hidden)]
pub fn vm_insert_page<V: InsertsPageAsInC, A, P, X>(_: V, _: A, _: P) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vmf_insert_page<V: InsertsPageAsInC, A, P, X>(_: V, _: A, _: P) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vm_map_pages<V: InsertsPageAsInC, A, P, X>(_: V, _: A, _: P) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vm_insert_pages<V: InsertsPageAsInC, A, P, N, X>(_: V, _: A, _: P, _: N) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vmf_insert_pfn<V: InsertsFrameAsInC, A, P, X>(_: V, _: A, _: P) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vmf_insert_mixed<V: InsertsFrameAsInC, A, P, X>(_: V, _: A, _: P) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vmf_insert_pfn_prot<V: InsertsFrameAsInC, A, P, R, X>(_: V, _: A, _: P, _: R) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn remap_pfn_range<V: RemapsAsInC, A, P, S, R, X>(_: V, _: A, _: P, _: S, _: R) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn io_remap_pfn_range<V: RemapsAsInC, A, P, S, R, X>(_: V, _: A, _: P, _: S, _: R) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vm_iomap_memory<V: RemapsAsInC, A, S, X>(_: V, _: A, _: S) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn zap_vma_ptes<V: ZapsAsInC, A, S, X>(_: V, _: A, _: S) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn unmap_mapping_range<V: ZapsAsInC, A, S, E, X>(_: V, _: A, _: S, _: E) -> X {
    V::refused()
}

#[doc(hidden)]
pub fn vmf_error<E: ConvertedAsInC, X>(_: E) -> X {
    E::refused()
}

#[doc(hidden)]
pub fn vm_fault_to_errno<A: ConvertedAsInC, E, X>(_: A, _: E) -> X {
    A::refused()
}

#[doc(hidden)]
#[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
pub const VM_FAULT_SIGBUS: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
pub const VM_FAULT_SIGSEGV: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
pub const VM_FAULT_OOM: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
pub const VM_FAULT_HWPOISON: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "a driver says what went wrong, never which VM_FAULT code: `ctx.fail(errno)`")]
pub const VM_FAULT_HWPOISON_LARGE: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "an answer is asked what it is, by name: `answer.is_error()`")]
pub const VM_FAULT_ERROR: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(
    note = "NOPAGE is the answer of what has inserted something, and of nothing else: `ctx.insert_page(&page)`, `ctx.insert_pfn(frame)`"
)]
pub const VM_FAULT_NOPAGE: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(
    note = "RETRY is the answer of who has given up the lock: `match ctx.release() { .. }`, then `released.retry()`"
)]
pub const VM_FAULT_RETRY: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(
    note = "LOCKED is the answer with a page that this fault has locked: `ctx.deliver_locked(ctx.lock_page(&page))`"
)]
pub const VM_FAULT_LOCKED: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "a fault that had to wait for I/O is counted, not answered: `ctx.account_major()`")]
pub const VM_FAULT_MAJOR: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "FALLBACK is an answer of `huge_fault` alone: `ctx.fallback()`")]
pub const VM_FAULT_FALLBACK: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "that is the kernel's own business: `ctx.deliver(page)` has a private page copied")]
pub const VM_FAULT_DONE_COW: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "that is the kernel's own business: `ctx.deliver(page)` has a private page copied")]
pub const VM_FAULT_WRITE: NoCode = NoCode;
#[doc(hidden)]
#[deprecated(note = "a fault is asked what it is, by name: `ctx.is_write()`")]
pub const FAULT_FLAG_WRITE: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "a fault is asked what it is, by name: `ctx.is_user()`")]
pub const FAULT_FLAG_USER: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "a fault is asked what it is, by name: `ctx.is_tried()`")]
pub const FAULT_FLAG_TRIED: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the lock may be given up says `match ctx.release() { .. }`")]
pub const FAULT_FLAG_ALLOW_RETRY: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the lock may be given up says `match ctx.release() { .. }`")]
pub const FAULT_FLAG_RETRY_NOWAIT: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(
    note = "whether the user asks to write: `ctx.is_writable()`; users may write if the mmap hook says `ctx.writable()`"
)]
pub const VM_WRITE: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(
    note = "whether the user asks to write: `ctx.is_writable()`; users may write if the mmap hook says `ctx.writable()`"
)]
pub const VM_MAYWRITE: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the user asks to read: `ctx.is_readable()`; to take that away: `ctx.no_read()?`")]
pub const VM_READ: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the user asks to read: `ctx.is_readable()`; to take that away: `ctx.no_read()?`")]
pub const VM_MAYREAD: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the user asks to execute: `ctx.is_executable()`; to take that away: `ctx.no_exec()?`")]
pub const VM_EXEC: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the user asks to execute: `ctx.is_executable()`; to take that away: `ctx.no_exec()?`")]
pub const VM_MAYEXEC: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the mapping is shared: `ctx.is_shared()`; to refuse private ones: `ctx.shared_only()?`")]
pub const VM_SHARED: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "whether the mapping is shared: `ctx.is_shared()`; to refuse private ones: `ctx.shared_only()?`")]
pub const VM_MAYSHARE: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(
    note = "these go by the kind of the mapping: `type Kind = Mixed;`, `type Kind = PfnMap;` in `VmOperations`"
)]
pub const VM_MIXEDMAP: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(
    note = "these go by the kind of the mapping: `type Kind = Mixed;`, `type Kind = PfnMap;` in `VmOperations`"
)]
pub const VM_PFNMAP: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(
    note = "no mapping grows, so leave it out; one that is to grow says so: `ctx.establish(state)?.may_expand()`"
)]
pub const VM_DONTEXPAND: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "in the mmap hook, before the kind is chosen: `ctx.dont_copy()`")]
pub const VM_DONTCOPY: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "in the mmap hook, before the kind is chosen: `ctx.dont_dump()`")]
pub const VM_DONTDUMP: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "in the mmap hook, before the kind is chosen: `ctx.dont_dump()`")]
pub const VM_RESERVED: NoFlag = NoFlag;
#[doc(hidden)]
#[deprecated(note = "in the mmap hook, before the kind is chosen: `ctx.io()`")]
pub const VM_IO: NoFlag = NoFlag;

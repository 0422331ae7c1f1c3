//! The token of the hook through which debuggers reach what they cannot reach by pages: `access`.

use core::{cell::Cell, marker::PhantomData};

use crate::{
    accessed::{AccessBuffer, AccessedVma},
    errno::Errno,
    frame::{Iomem, OutOfFrames},
    iomem_part::IomemPart,
    kind::MapsByNumber,
    page::PageRef,
    platform::Platform,
    sleep::{MaySleep, may_sleep},
    token::{Held, Invariant, OneThread},
    units::{PageCount, PageOffset},
};

/// The token of `access`: a debugger, through ptrace or `/proc/pid/mem`, reads bytes of the mapping or stores to it, and
/// the kernel has no page for it there (`get_user_pages` has failed: the mapping is `VM_IO` or `VM_PFNMAP`, or its fault
/// could not be served).
///
/// Locks: the mmap lock of the *other* process, read. May sleep. Nothing is inserted, and user memory is not touched:
/// the debugger's end of the access is memory of the kernel's. What is asked for lies in one page of the mapping; the
/// kernel asks again for the next. A store is asked for only where the user may write and shares what is stored, a load
/// only where mprotect could let the user read ([G19](crate::guide::guarantees#g19)).
///
/// The answer is [`Accessed`], which copying gives, or an errno. The debugger does not see which errno: its call is EIO,
/// or ends early.
///
/// ```
/// use vmctx::{AccessCtx, Accessed, Errno, Hooks, Platform, PfnMap, VmOperations};
///
/// struct Bar<P: Platform> {
///     memory: P::Iomem,
/// }
///
/// impl<P: Platform> Bar<P> {
///     fn access<'a>(&'a self, ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
///         ctx.copy_iomem(&self.memory, ctx.pgoff())
///     }
/// }
///
/// impl<P: Platform> VmOperations for Bar<P> {
///     type Platform = P;
///     type Kind = PfnMap;
///     const HOOKS: Hooks<Self> = Hooks::NONE.access(Self::access);
/// }
/// ```
///
/// Registered with [`Hooks::access`](crate::Hooks::access).
#[must_use = "a debugger waits for the answer: `ctx.copy_mapped()`, `ctx.copy_page(&page)`, or `Err(errno)`"]
pub struct AccessCtx<'a, P: Platform, M> {
    vma: Held<&'a dyn AccessedVma>,
    address: usize,
    /// From where on page offsets count.
    base: PageOffset,
    len: usize,
    is_write: bool,
    buffer: Held<Cell<AccessBuffer<'a>>>,
    brand: Invariant<'a>,
    platform: PhantomData<fn(P) -> P>,
    kind: PhantomData<fn(M) -> M>,
    _thread: OneThread,
}

/// The token of an access to bytes of one page of this mapping. Not an associated function of [`AccessCtx`], which rustc
/// would suggest to whoever tries a literal.
pub(crate) fn token<'a, P: Platform, M>(
    vma: &'a dyn AccessedVma,
    address: usize,
    base: PageOffset,
    buffer: AccessBuffer<'a>,
) -> AccessCtx<'a, P, M> {
    AccessCtx {
        vma: Held(vma),
        address,
        base,
        len: buffer.len(),
        is_write: buffer.is_write(),
        buffer: Held(Cell::new(buffer)),
        brand: PhantomData,
        platform: PhantomData,
        kind: PhantomData,
        _thread: OneThread::MARK,
    }
}

/// What is asked for.
impl<P: Platform, M> AccessCtx<'_, P, M> {
    /// The page of the object that is accessed.
    #[must_use]
    pub fn pgoff(&self) -> PageOffset {
        let skipped = self.address.wrapping_sub(self.vma.0.range().start) >> P::PAGE_SHIFT;
        // Does not overflow: a mapping whose last page offset cannot be counted is not made.
        let pgoff = self.vma.0.pgoff().checked_add(PageCount::new(skipped)).unwrap_or(PageOffset::new(usize::MAX));
        pgoff.counted_from(self.base)
    }

    /// Where in that page the first byte lies, in bytes.
    #[must_use]
    pub fn offset_in_page(&self) -> usize {
        self.address % P::PAGE_SIZE
    }

    /// How many bytes are asked for, one at least. All of them lie in that page.
    #[expect(clippy::len_without_is_empty, reason = "no access is empty")]
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether the debugger stores.
    #[must_use]
    pub const fn is_write(&self) -> bool {
        self.is_write
    }

    /// The right to sleep, for as long as this context is borrowed.
    #[must_use]
    pub fn may_sleep(&self) -> MaySleep<'_> {
        may_sleep()
    }
}

/// Copying, in the direction that is asked for. What was copied is the answer.
impl<'a, P: Platform, M> AccessCtx<'a, P, M> {
    /// Copies from the frame that is mapped there, or into it (`generic_access_phys`): what the user sees.
    ///
    /// # Errors
    /// EINVAL if nothing is mapped there by number, or if it is to be stored to and the entry is not writable (yet:
    /// [`pfn_mkwrite`](crate::Hooks::pfn_mkwrite) is not asked); ENOMEM if the frame cannot be reached, as a user's
    /// private copy cannot; ENOSYS where a platform cannot do it.
    #[doc(alias = "generic_access_phys")]
    pub fn copy_mapped(&self) -> Result<Accessed<'a>, Errno>
    where
        M: MapsByNumber,
    {
        self.copy(|buffer| self.vma.0.copy_mapped(self.address, buffer))
    }

    /// Copies from this page of the driver's, or into it: the bytes at [`offset_in_page`](Self::offset_in_page).
    ///
    /// # Errors
    /// EIO for a page that is not as large as the platform's.
    pub fn copy_page(&self, page: &P::Page) -> Result<Accessed<'a>, Errno> {
        let at = self.offset_in_page();
        self.copy(|buffer| {
            let copied = match buffer {
                AccessBuffer::Read(into) => page.read(at, into),
                AccessBuffer::Write(from) => page.write(at, from),
            };
            copied.map_err(|_| Errno::EIO)
        })
    }

    /// Copies from page `at` of device memory, or into it: the bytes at [`offset_in_page`](Self::offset_in_page).
    ///
    /// # Errors
    /// EIO if the memory has no such page, or if it cannot be reached.
    pub fn copy_iomem(&self, memory: &P::Iomem, at: PageOffset) -> Result<Accessed<'a>, Errno> {
        self.copy_frames(at, |first, into| memory.read(first, into), |first, from| memory.write(first, from))
    }

    /// The same for a part of device memory, with `at` counted from the part's start.
    ///
    /// # Errors
    /// As there.
    pub fn copy_iomem_part(&self, part: &IomemPart<P>, at: PageOffset) -> Result<Accessed<'a>, Errno> {
        self.copy_frames(at, |first, into| part.read(first, into), |first, from| part.write(first, from))
    }

    /// For memory of another sort, such as what is reached through a window or a mailbox: which way the bytes go, with
    /// what copies them from bytes of the driver's, or to them.
    ///
    /// ```
    /// # use vmctx::{AccessCtx, Accessed, Direction, Errno, PfnMap, Platform};
    /// fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>, store: &mut [u8]) -> Result<Accessed<'a>, Errno> {
    ///     let store = store.get_mut(ctx.offset_in_page()..).ok_or(Errno::EIO)?;
    ///     match ctx.direction() {
    ///         Direction::Read(into) => Ok(into.copy_from_slice(store)),
    ///         Direction::Write(from) => Ok(from.copy_to_slice(store)),
    ///     }
    /// }
    /// ```
    pub fn direction(self) -> Direction<'a> {
        match self.buffer.0.into_inner() {
            AccessBuffer::Read(into) => {
                Direction::Read(ReadInto { into, brand: PhantomData, _thread: OneThread::MARK })
            }
            AccessBuffer::Write(from) => {
                Direction::Write(WriteFrom { from, brand: PhantomData, _thread: OneThread::MARK })
            }
        }
    }

    /// Copies from page `at` of what is read and written by the place of the first byte, or into it.
    fn copy_frames(
        &self,
        at: PageOffset,
        read: impl FnOnce(usize, &mut [u8]) -> Result<(), OutOfFrames>,
        write: impl FnOnce(usize, &[u8]) -> Result<(), OutOfFrames>,
    ) -> Result<Accessed<'a>, Errno> {
        let first = at.index().checked_mul(P::PAGE_SIZE).ok_or(Errno::EIO)?;
        let first = first.checked_add(self.offset_in_page()).ok_or(Errno::EIO)?;
        self.copy(|buffer| {
            let copied = match buffer {
                AccessBuffer::Read(into) => read(first, into),
                AccessBuffer::Write(from) => write(first, from),
            };
            copied.map_err(|_| Errno::EIO)
        })
    }

    fn copy(&self, copy: impl FnOnce(AccessBuffer<'_>) -> Result<(), Errno>) -> Result<Accessed<'a>, Errno> {
        // Not there meanwhile, which nobody can see: what copies is the platform's, and has no token.
        let mut buffer = self.buffer.0.replace(AccessBuffer::Write(&[]));
        let copied = copy(buffer.reborrow());
        self.buffer.0.set(buffer);
        copied.map(|()| accessed(self.len))
    }
}

/// Which way the bytes of a debugger's access go: from [`AccessCtx::direction`].
///
/// ```
/// use vmctx::{AccessCtx, Accessed, Direction, Errno, PfnMap, Platform};
///
/// /// A register that debuggers read as zeros, and cannot store to.
/// fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>) -> Result<Accessed<'a>, Errno> {
///     match ctx.direction() {
///         Direction::Read(into) => Ok(into.copy_from_slice(&[0; 8])),
///         Direction::Write(_) => Err(Errno::EACCES),
///     }
/// }
/// ```
#[must_use = "a debugger waits for the answer: copy, and return what that gives"]
pub enum Direction<'a> {
    /// The debugger reads: `into.copy_from_slice(&bytes)`.
    Read(ReadInto<'a>),
    /// The debugger stores: `from.copy_to_slice(&mut bytes)`.
    Write(WriteFrom<'a>),
}

/// What a debugger's load fills.
///
/// ```
/// use vmctx::{Accessed, ReadInto};
///
/// /// A register of four bytes, as a debugger reads it.
/// fn read(into: ReadInto<'_>, register: u32) -> Accessed<'_> {
///     into.copy_from_slice(&register.to_ne_bytes())
/// }
/// ```
#[must_use = "a debugger waits for the answer: `into.copy_from_slice(&bytes)`"]
pub struct ReadInto<'a> {
    into: &'a mut [u8],
    brand: Invariant<'a>,
    _thread: OneThread,
}

impl<'a> ReadInto<'a> {
    /// Answers the load with these bytes, the first of which is the one that is asked for first. Those that were not
    /// asked for are left out; with fewer than were asked for, the kernel asks again for the rest.
    pub fn copy_from_slice(self, bytes: &[u8]) -> Accessed<'a> {
        let mut copied = 0_usize;
        for (to, from) in self.into.iter_mut().zip(bytes) {
            *to = *from;
            copied = copied.wrapping_add(1);
        }
        accessed(copied)
    }
}

/// What a debugger stores.
///
/// ```
/// use vmctx::{Accessed, WriteFrom};
///
/// /// What the debugger stores goes into a mailbox of the device's.
/// fn store<'a>(from: WriteFrom<'a>, mailbox: &mut [u8; 64]) -> Accessed<'a> {
///     from.copy_to_slice(mailbox)
/// }
/// ```
#[must_use = "a debugger waits for the answer: `from.copy_to_slice(&mut bytes)`"]
pub struct WriteFrom<'a> {
    from: &'a [u8],
    brand: Invariant<'a>,
    _thread: OneThread,
}

impl<'a> WriteFrom<'a> {
    /// Copies what is stored to these bytes, the first of them first. With less room than was asked for, the kernel asks
    /// again for the rest.
    pub fn copy_to_slice(self, bytes: &mut [u8]) -> Accessed<'a> {
        let mut copied = 0_usize;
        for (to, from) in bytes.iter_mut().zip(self.from) {
            *to = *from;
            copied = copied.wrapping_add(1);
        }
        accessed(copied)
    }
}

/// The answer to a debugger's access: how many bytes were copied. Only copying makes one, and it cannot be kept for
/// another access, nor looked into.
///
/// ```
/// use vmctx::{AccessCtx, Accessed, Errno, PfnMap, Platform};
///
/// /// Copying gives the answer. What nobody is to look at is refused with an errno.
/// fn access<'a, P: Platform>(ctx: AccessCtx<'a, P, PfnMap>, is_secret: bool) -> Result<Accessed<'a>, Errno> {
///     if is_secret { Err(Errno::EACCES) } else { ctx.copy_mapped() }
/// }
/// ```
#[must_use = "return it from the access hook: it is the debugger's answer"]
pub struct Accessed<'a> {
    bytes: usize,
    brand: Invariant<'a>,
}

/// The answer for so many bytes. Not an associated function of [`Accessed`], which rustc would suggest to whoever tries
/// a literal.
const fn accessed<'a>(bytes: usize) -> Accessed<'a> {
    Accessed { bytes, brand: PhantomData }
}

/// How many bytes were copied.
#[expect(clippy::needless_pass_by_value, reason = "an answer is spent when it is looked into")]
pub(crate) const fn bytes_of(answer: Accessed<'_>) -> usize {
    answer.bytes
}

// What it refuses, with what to write instead.
include!("refused/access.rs");

// What it has in C under another name.
use self::AccessCtx as Token;
include!("common/c_names.rs");

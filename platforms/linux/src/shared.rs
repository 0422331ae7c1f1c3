//! Shared ownership, and what a state's allocation says of it to whoever finds it behind a `void *`.

use core::{
    alloc::Layout,
    any::TypeId,
    ffi::c_void,
    marker::PhantomData,
    ops::Deref,
    ptr::{self, NonNull},
    sync::atomic::{AtomicPtr, AtomicU64, AtomicUsize, Ordering, fence},
};

use vmctx::{Errno, Mapped, MmapCtx, MmapFile, PrepareHook, SharedObject, VmOperations};

use crate::{ffi, linux::Linux};

/// A value under shared ownership: a kernel allocation with a count in front.
///
/// A reference to a value of one type is none to a value of a subtype or supertype, as an `Arc` is:
///
/// ```compile_fail,E0308
/// # use vmctx_linux::LinuxRef;
/// fn taken_for_another(state: LinuxRef<for<'a> fn(&'a ())>) -> LinuxRef<fn(&'static ())> {
///     state
/// }
/// ```
///
/// # Invariants
/// The pointer is to a live allocation by [`share`](vmctx::Platform::share), of whose count this value owns one.
pub struct LinuxRef<T>(NonNull<Shared<T>>, Invariant<T>);

/// One type and no other: the header says what the value's type is, so a reference must not become one to a subtype's
/// or supertype's value. `for<'a> fn(&'a ())` is a `fn(&'static ())`, and each of them can have operations, and a kind,
/// of its own.
type Invariant<T> = PhantomData<fn(T) -> T>;

/// An allocation. A pointer to it is one to its header.
#[repr(C)]
struct Shared<T> {
    header: Header,
    value: T,
}

/// What every allocation begins with, whatever the value's type.
struct Header {
    count: AtomicUsize,
    /// The number by which handles know a mapping's state, or zero if none has asked. Unlike the address it is never
    /// used again.
    serial: AtomicU64,
    of: AtomicPtr<Type>,
}

/// What can be done with a value whose type is behind a pointer.
struct Type {
    /// Which type that is. The number itself: of functions and tables there can be one for two types.
    id: fn() -> TypeId,
    /// # Safety
    /// The last reference is given up, and the value is of the type.
    drop: unsafe fn(NonNull<Header>),
    open: Option<OpenHook>,
    close: Option<CloseHook>,
}

/// # Safety
/// The value is of the type whose hook this is, and lives.
type OpenHook = unsafe fn(NonNull<Header>) -> Result<(), Errno>;

/// # Safety
/// The value is of the type whose hook this is, and lives.
type CloseHook = unsafe fn(NonNull<Header>);

/// Any value.
struct Plain<T>(T);

impl<T: 'static> Plain<T> {
    const TYPE: Type = Type { id: TypeId::of::<T>, drop: drop_value::<T>, open: None, close: None };
}

/// The state of a mapping.
struct Established<V>(V);

impl<V: VmOperations<Platform = Linux>> Established<V> {
    const HAS_HOOKS: bool = V::HOOKS.registered_open().is_some() || V::HOOKS.registered_close().is_some();

    const TYPE: Type = Type {
        open: match V::HOOKS.registered_open() {
            Some(_) => Some(open::<V>),
            None => None,
        },
        close: match V::HOOKS.registered_close() {
            Some(_) => Some(close::<V>),
            None => None,
        },
        ..Plain::<V>::TYPE
    };
}

/// # Safety
/// The last reference is given up, and the value is a `T`.
unsafe fn drop_value<T>(header: NonNull<Header>) {
    // SAFETY: by this function's contract. A pointer to the header is one to the allocation.
    unsafe { ptr::drop_in_place(header.cast::<Shared<T>>().as_ptr()) };
}

/// # Safety
/// The value is a `V`, and lives.
unsafe fn open<V: VmOperations<Platform = Linux>>(header: NonNull<Header>) -> Result<(), Errno> {
    // SAFETY: by this function's contract.
    let state = unsafe { &header.cast::<Shared<V>>().as_ref().value };
    V::HOOKS.registered_open().map_or(Ok(()), |hook| hook(state))
}

/// # Safety
/// The value is a `V`, and lives.
unsafe fn close<V: VmOperations<Platform = Linux>>(header: NonNull<Header>) {
    // SAFETY: by this function's contract.
    let state = unsafe { &header.cast::<Shared<V>>().as_ref().value };
    if let Some(hook) = V::HOOKS.registered_close() {
        hook(state);
    }
}

// SAFETY: it is an `Arc`: the count is atomic, the value is `Send` and `Sync`.
unsafe impl<T: Send + Sync> Send for LinuxRef<T> {}
// SAFETY: as for `Send`.
unsafe impl<T: Send + Sync> Sync for LinuxRef<T> {}

impl<T: 'static> LinuxRef<T> {
    pub(super) fn new(value: T) -> Result<Self, Errno> {
        let layout = Layout::new::<Shared<T>>();
        // SAFETY: the layout is not empty, because the header is not.
        let memory = unsafe { ffi::vmctx_alloc(layout.size(), layout.align()) };
        let shared = NonNull::new(memory.cast::<Shared<T>>()).ok_or(Errno::ENOMEM)?;
        let of = AtomicPtr::new(ptr::from_ref(const { &Plain::<T>::TYPE }).cast_mut());
        let header = Header { count: AtomicUsize::new(1), serial: AtomicU64::new(0), of };
        // SAFETY: the allocation is fresh, and of this layout.
        unsafe { shared.write(Shared { header, value }) };
        Ok(Self(shared, PhantomData))
    }
}

impl<V: VmOperations<Platform = Linux>> LinuxRef<V> {
    /// The state for a VMA to hold. From now on its hooks are found through it.
    pub(super) fn into_state(self) -> AnyState {
        if Established::<V>::HAS_HOOKS {
            self.shared()
                .header
                .of
                .store(ptr::from_ref(const { &Established::<V>::TYPE }).cast_mut(), Ordering::Relaxed);
        }
        let state = AnyState(self.0.cast());
        core::mem::forget(self);
        state
    }
}

impl<T> LinuxRef<T> {
    /// The value as a pointer for a C structure to hold, with its count: `file->private_data`, say.
    #[must_use]
    pub fn into_raw(self) -> *mut c_void {
        let raw = self.0.as_ptr().cast();
        core::mem::forget(self);
        raw
    }

    /// The value that a C structure held.
    ///
    /// # Safety
    /// `raw` is from [`into_raw`](Self::into_raw) of the same type, and of its count this value now owns one.
    #[must_use]
    pub unsafe fn from_raw(raw: *mut c_void) -> Self {
        // SAFETY: `into_raw` gives no null.
        Self(unsafe { NonNull::new_unchecked(raw.cast()) }, PhantomData)
    }

    fn shared(&self) -> &Shared<T> {
        // SAFETY: by the invariant.
        unsafe { self.0.as_ref() }
    }
}

impl<T> Deref for LinuxRef<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.shared().value
    }
}

impl<T> Clone for LinuxRef<T> {
    fn clone(&self) -> Self {
        self.shared().header.acquire();
        Self(self.0, PhantomData)
    }
}

impl<T> Drop for LinuxRef<T> {
    fn drop(&mut self) {
        // SAFETY: the count that this value owns is given up with it.
        unsafe { release(self.0.cast()) };
    }
}

/// A file that somebody else has as well, for example its device.
impl<F: MmapFile<Platform = Linux>> MmapFile for LinuxRef<F> {
    type Platform = Linux;

    fn mmap<'m>(&'m self, ctx: MmapCtx<'m, Linux>) -> Result<Mapped<'m>, Errno> {
        (**self).mmap(ctx)
    }

    fn object(&self) -> Option<&SharedObject<Linux>> {
        (**self).object()
    }

    fn prepare_hook(&self) -> Option<PrepareHook<'_, Linux>> {
        (**self).prepare_hook()
    }
}

impl Header {
    fn acquire(&self) {
        // A count that could wrap is never given back: the allocation then leaks, as with the kernel's `refcount_t`.
        if self.count.fetch_add(1, Ordering::Relaxed) > usize::MAX / 2 {
            self.count.store(usize::MAX / 2, Ordering::Relaxed);
        }
    }

    fn of(&self) -> &'static Type {
        // SAFETY: only pointers to constants are stored there.
        unsafe { &*self.of.load(Ordering::Relaxed) }
    }
}

/// Gives up one count of an allocation.
///
/// # Safety
/// The caller owns the count, and does not use it any more.
unsafe fn release(header: NonNull<Header>) {
    // SAFETY: by this function's contract it is there still.
    if unsafe { header.as_ref() }.count.fetch_sub(1, Ordering::Release) != 1 {
        return;
    }
    fence(Ordering::Acquire);
    // SAFETY: this was the last owner, so it is there still; the value is dropped once, as what it is.
    unsafe { (header.as_ref().of().drop)(header) };
    // SAFETY: the allocation is `new`'s, and nobody has it any more.
    unsafe { ffi::vmctx_free(header.as_ptr().cast()) };
}

/// The state of a mapping, of whatever type: what `vm_private_data` of a VMA with our operations points to. The pointer
/// alone owns nothing.
///
/// # Invariants
/// The allocation is there for as long as the value is used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct AnyState(NonNull<Header>);

impl AnyState {
    /// The state that a VMA holds.
    ///
    /// # Safety
    /// `raw` is the `vm_private_data` of a VMA that was established, which keeps its reference for as long as the value
    /// is used.
    pub(super) const unsafe fn of_vma(raw: *mut c_void) -> Self {
        // SAFETY: `as_raw` gives no null.
        Self(unsafe { NonNull::new_unchecked(raw.cast()) })
    }

    /// For `vm_private_data`.
    pub(super) const fn as_raw(self) -> *mut c_void {
        self.0.as_ptr().cast()
    }

    fn header(&self) -> &Header {
        // SAFETY: by the invariant.
        unsafe { self.0.as_ref() }
    }

    /// A number that no other state has or will have.
    pub(super) fn serial(self) -> u64 {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let mine = &self.header().serial;
        match mine.load(Ordering::Relaxed) {
            0 => {
                let next = LAST.fetch_add(1, Ordering::Relaxed) + 1;
                match mine.compare_exchange(0, next, Ordering::Relaxed, Ordering::Relaxed) {
                    Ok(_) => next,
                    // Another thread has given it one.
                    Err(given) => given,
                }
            }
            given => given,
        }
    }

    /// Whether this is the state with that number.
    pub(super) fn has_serial(self, serial: u64) -> bool {
        self.header().serial.load(Ordering::Relaxed) == serial
    }

    /// Whether it is a `V`.
    pub(super) fn is<V: 'static>(self) -> bool {
        (self.header().of().id)() == TypeId::of::<V>()
    }

    /// The state itself, if it is a `V`.
    ///
    /// # Safety
    /// It lives for as long as `'a`.
    pub(super) unsafe fn get<'a, V: 'static>(self) -> Option<&'a V> {
        // SAFETY: the type was compared, and by this function's contract it lives long enough.
        self.is::<V>().then(|| unsafe { &self.0.cast::<Shared<V>>().as_ref().value })
    }

    /// One more reference, for another VMA.
    pub(super) fn acquire(self) {
        self.header().acquire();
    }

    /// Gives up a VMA's reference.
    ///
    /// # Safety
    /// The VMA has it, and does not use it any more.
    pub(super) unsafe fn release(self) {
        // SAFETY: by this function's contract.
        unsafe { release(self.0) };
    }

    /// The open hook, if there is one.
    pub(super) fn open(self) -> Result<(), Errno> {
        // SAFETY: the hook is that of the value's type, and by the invariant the value lives.
        self.header().of().open.map_or(Ok(()), |hook| unsafe { hook(self.0) })
    }

    /// The close hook, if there is one.
    pub(super) fn close(self) {
        if let Some(hook) = self.header().of().close {
            // SAFETY: as in `open`.
            unsafe { hook(self.0) };
        }
    }
}

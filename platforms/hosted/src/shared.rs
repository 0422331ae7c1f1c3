//! Shared ownership of a mapping's state.

use std::{any::Any, fmt, marker::PhantomData, ops::Deref, sync::Arc};

/// A driver's state, for whoever does not know its type.
pub type AnyState = dyn Any + Send + Sync;

/// A value under shared ownership: the platform's [`Ref`](vmctx::Platform::Ref), and an [`Arc`] inside.
///
/// A reference to a value of one type is none to a value of a subtype or supertype, as an `Arc` is. A mapping's state
/// must not become one of another type: `for<'a> fn(&'a ())` is a `fn(&'static ())`, and each of them can have
/// operations, and a kind, of its own.
///
/// ```compile_fail,E0308
/// # use vmctx_hosted::Ref;
/// fn taken_for_another(state: Ref<for<'a> fn(&'a ())>) -> Ref<fn(&'static ())> {
///     state
/// }
/// ```
pub struct Ref<T>(Arc<T>, PhantomData<fn(T) -> T>);

impl<T> Ref<T> {
    /// Puts a value under shared ownership.
    #[must_use]
    pub fn new(value: T) -> Self {
        Self(Arc::new(value), PhantomData)
    }

    /// How many references to the value there are, those that mappings hold among them. It may change at once.
    #[must_use]
    pub fn strong_count(this: &Self) -> usize {
        Arc::strong_count(&this.0)
    }

    /// The pointer that stands for this reference, which is not given up: from [`from_raw`](Self::from_raw) it comes
    /// back.
    pub(crate) fn into_raw(this: Self) -> *const T {
        Arc::into_raw(this.0)
    }

    /// The reference that a pointer stands for.
    ///
    /// # Safety
    /// The pointer is from [`into_raw`](Self::into_raw) of the same type, and comes back once for each time.
    #[expect(unsafe_code, reason = "where the pointer comes from cannot be checked")]
    pub(crate) unsafe fn from_raw(raw: *const T) -> Self {
        // SAFETY: by this function's contract.
        Self(unsafe { Arc::from_raw(raw) }, PhantomData)
    }
}

impl<T: Send + Sync + 'static> Ref<T> {
    /// The same reference for whoever does not know the type.
    pub(crate) fn any(this: &Self) -> Arc<AnyState> {
        Arc::<T>::clone(&this.0)
    }
}

impl<T> Clone for Ref<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0), PhantomData)
    }
}

impl<T> Deref for Ref<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

/// A file that somebody else has as well, for example its device.
impl<F: vmctx::MmapFile> vmctx::MmapFile for Ref<F> {
    type Platform = F::Platform;

    fn mmap<'m>(&'m self, ctx: vmctx::MmapCtx<'m, F::Platform>) -> Result<vmctx::Mapped<'m>, vmctx::Errno> {
        (**self).mmap(ctx)
    }

    fn object(&self) -> Option<&vmctx::SharedObject<F::Platform>> {
        (**self).object()
    }

    fn prepare_hook(&self) -> Option<vmctx::PrepareHook<'_, F::Platform>> {
        (**self).prepare_hook()
    }
}

//! Pages: memory with a `struct page`.

/// A physical page with a reference held. Cloning takes a reference (`get_page`), dropping puts it (`put_page`).
///
/// What the driver reads and writes here is the very memory that a user sees through a mapping of it. Both may do so at
/// the same time, so each byte is copied on its own, and nothing is promised about their order.
///
/// A platform implements it for its [`Platform::Page`](crate::Platform::Page); that type's documentation has the rules.
///
/// ```
/// use vmctx::{OutOfPage, PageRef, Platform};
///
/// /// Counts up a number that the user sees at the start of the page.
/// fn count_up<P: Platform>(page: &P::Page) -> Result<(), OutOfPage> {
///     let mut number = [0; 4];
///     page.read(0, &mut number)?;
///     page.write(0, &u32::from_ne_bytes(number).wrapping_add(1).to_ne_bytes())
/// }
/// ```
#[doc(alias = "page_address")]
pub trait PageRef: Clone + Send + Sync + 'static {
    /// Copies bytes out of the page, from `offset` (in bytes) on.
    ///
    /// # Errors
    /// [`OutOfPage`] if they do not all lie in the page; then nothing was copied.
    fn read(&self, offset: usize, into: &mut [u8]) -> Result<(), OutOfPage>;

    /// Copies bytes into the page, from `offset` (in bytes) on.
    ///
    /// # Errors
    /// [`OutOfPage`] if they do not all fit into the page; then nothing was copied.
    fn write(&self, offset: usize, from: &[u8]) -> Result<(), OutOfPage>;
}

/// An access to a page reached over its end.
///
/// ```
/// use vmctx::OutOfPage;
///
/// let error = OutOfPage { offset: 4094, len: 4 };
/// assert_eq!(error.to_string(), "4 bytes at offset 4094 do not lie in one page");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{len} bytes at offset {offset} do not lie in one page")]
pub struct OutOfPage {
    /// Where the access began, in bytes from the page's start.
    pub offset: usize,
    /// How many bytes it was to copy.
    pub len: usize,
}

// Part of the modules `page_mkwrite` and `pfn_mkwrite`, which include this file as they do `fault_token.rs`: what the
// hooks that are told of first stores have in common, because something is there already.

/// Putting something else in its place.
impl<'f, P: Platform, M> Token<'f, P, M> {
    /// Takes what is about to be written out of every mapping of the object that the state
    /// [names](crate::Hooks::object), this one among them (`unmap_mapping_range`). The store, when it is
    /// [repeated](Self::refault) with the evidence, meets nothing, and the fault hook gives it what is there by now: a
    /// copy, memory that has been moved, a page that is no longer shared. Private copies stay.
    ///
    /// As with [`unmap_once`](SharedObject::unmap_once), the next touch may bring the old page back before this has
    /// returned. So what the fault hook looks up is changed **before**.
    ///
    /// # Errors
    /// EINVAL for an object of which the state has not said that it is its own: nothing is taken away.
    #[track_caller]
    pub fn unmap(&self, object: &SharedObject<P>) -> Result<Unmapped<'f>, Errno> {
        let page = self.frame().page_of(object, self.pgoff()).ok_or(Errno::EINVAL)?;
        object.unmap_once(PageOffset::new(page.get()), PageCount::new(1), self.may_sleep());
        Ok(crate::wait::unmapped())
    }
}

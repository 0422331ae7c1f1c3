//! The platform's type, which what is adopted names.

/// The platform of memory that is [adopted](super::peer::Peer): somebody else's userfaultfd. It has no values.
///
/// What a hook inserts is copied into the peer, and is the peer's own from then on, as what a store has copied is in a
/// private mapping. So nothing is taken away by [`SharedObject::unmap_once`](vmctx::SharedObject::unmap_once), no first
/// store is told, and pages are needed only until they are inserted. Pages come from any [`Memory`](crate::Memory), frames
/// from a [`MappedFile`](crate::MappedFile).
pub enum Adopted {}

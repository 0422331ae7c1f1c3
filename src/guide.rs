//! The guide: prose with programs that are tested.

// The programs are tested where the platforms that they run on can be had: in the package `vmctx-tests`.
#[cfg_attr(not(doctest), doc = include_str!("../docs/guarantees.md"))]
pub mod guarantees {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/matrix.md"))]
pub mod matrix {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/memory.md"))]
#[cfg_attr(not(feature = "alloc"), expect(rustdoc::broken_intra_doc_links, reason = "types of the feature `alloc`"))]
pub mod memory {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/pagers.md"))]
pub mod pagers {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/prepare.md"))]
pub mod prepare {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/migration.md"))]
pub mod migration {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/platforms.md"))]
pub mod platforms {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/cost.md"))]
pub mod cost {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/linux.md"))]
pub mod linux {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/kernels.md"))]
pub mod kernels {}

//! The guide: prose with programs that are tested.
//!
//! | you | read |
//! | --- | --- |
//! | begin | [`tutorial`], from nothing to a kernel; then the [crate's page](crate#decisions-a-driver-makes) |
//! | write a driver | [`sheet`], to print; [`memory`], if yours is evicted, moved or revoked; [`prepare`], to describe mappings before there are any |
//! | come from C | [`migration`], call by call, flag by flag; [`errors_from_c`], what rustc says to what one writes first |
//! | have an error in front of you | [`errors`], by its first line |
//! | review a driver | [`guarantees`]: what cannot be wrong, and [what can](guarantees#what-types-cannot-do); [`matrix`]: every operation in every context |
//! | write a driver framework | [`frameworks`]; then [`diagrams`] |
//! | write a pager, or restore somebody else's memory | [`pagers`] |
//! | bring a platform | [`platforms`] |
//! | build a Linux module | [`linux`], with the smallest one whole; [`kernels`], those that were tried |
//! | decide whether to use it | [`comparison`], with checkers for C and with Rust in Linux; [`cost`], in instructions |
#![doc = include_str!("../docs/narrow.html")]

// The programs are tested where the platforms that they run on can be had: in the package `vmctx-tests`.
#[cfg_attr(not(doctest), doc = include_str!("../docs/tutorial.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod tutorial {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/guarantees.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod guarantees {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/errors.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod errors {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/errors-from-c.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod errors_from_c {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/matrix.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod matrix {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/memory.md"))]
#[cfg_attr(not(feature = "alloc"), expect(rustdoc::broken_intra_doc_links, reason = "types of the feature `alloc`"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod memory {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/frameworks.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod frameworks {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/pagers.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod pagers {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/prepare.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod prepare {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/migration.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod migration {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/platforms.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod platforms {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/comparison.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod comparison {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/sheet.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod sheet {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/diagrams.md"))]
/// ## A mmap hook, and a prepare hook
///
/// <div>
#[doc = include_str!("../docs/diagrams/mmap.svg")]
/// </div>
///
/// ## A fault
///
/// <div>
#[doc = include_str!("../docs/diagrams/fault.svg")]
/// </div>
///
/// ## Outside hooks, and for a debugger
///
/// <div>
#[doc = include_str!("../docs/diagrams/outside.svg")]
/// </div>
///
/// ## Locks
///
/// Who holds one takes those below it, and none above. While a spin lock is held nothing may sleep.
///
/// <div>
#[doc = include_str!("../docs/diagrams/locks.svg")]
/// </div>
#[doc = include_str!("../docs/narrow.html")]
pub mod diagrams {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/cost.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod cost {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/linux.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod linux {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/kernels.md"))]
#[doc = include_str!("../docs/narrow.html")]
pub mod kernels {}

#[cfg_attr(not(doctest), doc = include_str!("../docs/stability.md"))]
pub mod stability {}

//! A real kernel: hooks of a Linux module, without `CONFIG_RUST`.
//!
//! A module is a C shim, which the kernel's own build system compiles, and a Rust static library that links this crate.
//! The shim exports the few functions that are inline in C (`shim/vmctx.h` names them, `shim/vmctx.c` is them);
//! everything else is called directly. The script `object` makes the object of the Rust half. The page `guide::linux`
//! of `vmctx` has the smallest module whole.
//!
//! [`open`] is what the module's `f_op->open` calls, [`mmap`] what its `f_op->mmap` calls, and [`ioctl`] is for an
//! ioctl. Faults, fork, split and close come by themselves: the platform installs a `vm_operations_struct` for each
//! driver. What Linux does not call, `open` for the VMA of mmap, [`mmap`] does.
//!
//! Where the kernel has `f_op->mmap_prepare`, it calls [`mmap_prepare`] for the drivers that [describe](describes)
//! their mappings.
//!
//! The layout of structures and the constants come from the headers of the kernel for which a module is built
//! (`build.rs`); the page `guide::kernels` of `vmctx` has those that were tried.

#![no_std]
#![cfg(target_pointer_width = "64")]
#![expect(unsafe_code, reason = "the kernel is foreign")]

mod accessed;
mod errno;
mod established;
mod fault;
mod ffi;
mod hooks;
mod linux;
mod lock;
mod memory;
mod object;
mod platform;
pub mod prelude;
mod prepare;
mod queue;
mod runtime;
mod shared;
mod vma;

pub use errno::{code, result};
pub use established::{LinuxEstablishedVma, LinuxHandle, ioctl};
pub use fault::LinuxFault;
pub use hooks::mmap;
pub use linux::Linux;
pub use lock::{LinuxGuard, LinuxLock, LinuxMutex, LinuxRead, LinuxRwLock, LinuxSpinLock, LinuxWrite};
pub use memory::{LinuxIomem, LinuxPage};
pub use object::{LinuxObject, open};
pub use prepare::{PrivateData, describes, mmap_prepare};
pub use queue::LinuxWaitQueue;
pub use runtime::{KernelAllocator, panic};
pub use shared::LinuxRef;
pub use vma::LinuxVma;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

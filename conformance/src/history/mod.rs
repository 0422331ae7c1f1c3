//! Random histories of system calls, loads, stores and requests, played on two platforms side by side: after each step
//! both have to have answered alike.
//!
//! One of the two is right, by whoever's word: a kernel with the devices in a module, or a process of it. Then the
//! other is held against it. A [`Pair`] plays a history of some [`Subject`] from a seed, and shortens it where the two
//! differ. What is compared: what each call, load, store and request came to, with the bytes or the signal and its
//! address; after each step the references of each page of the device's; and at a [`Step::Look`] every byte of every page
//! in every process, and of the device's memory. What a platform [complains](crate::User::complaints) of is a
//! difference. What the second of the two has no means for is left out on both.
//!
//! A history has no threads: which of two hooks runs first is not for a platform to decide. A [`Crowd`] plays many of
//! them at once on the same processes, and holds against each other what one platform shows when all threads rest.

mod compare;
mod crowd;
mod generate;
mod named;
mod numbers;
mod play;
mod random;
mod step;
mod subject;

pub use compare::{Difference, Found, Pair};
pub use crowd::Crowd;
pub use named::{NAMED, Named};
pub use numbers::{play_given_numbers, play_numbers};
pub use play::{Outcome, Record, Shown};
pub use step::{BASE, MOST_BYTES, PAGES, PROCESSES, Step};
pub use subject::*;

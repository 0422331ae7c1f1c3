//! What holds for users of a driver's mappings on any platform that runs in a program: each test on each of them.
#![forbid(unsafe_code)]
// In a module that clippy knows to be a test's, so that helpers may `unwrap` as tests may.
#![cfg(test)]

// What the tests are made of. Those of `sim` alone and of `uffd` alone use some of these files, too.
#[macro_use]
mod beds;
mod backings;
mod bar;
mod borrowed;
mod described;
mod drivers;
mod kept;
mod switched;
mod threads;
mod tracked;

mod basics;
mod established;
mod faults;
mod first_store;
mod foreign;
mod insertion;
mod locks;
mod mkwrite;
mod moving;
mod owned;
mod page_cache;
mod prepare;
mod private;
mod rebased;
mod waiting;

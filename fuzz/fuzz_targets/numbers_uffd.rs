//! As `numbers_sim`, on real memory.
#![no_main]

use std::sync::OnceLock;

use libfuzzer_sys::{Corpus, fuzz_target};

use vmctx_conformance::{Device, Site, history::play_given_numbers};
use vmctx_job::uffd::UffdSite;

/// What this machine serves page faults with.
static SITE: OnceLock<UffdSite> = OnceLock::new();

fuzz_target!(|given: &[u8]| -> Corpus {
    let Some((first, given)) = given.split_first() else { return Corpus::Reject };
    let Some(device) = Device::ALL.get(usize::from(*first)) else { return Corpus::Reject };
    let site = SITE.get_or_init(|| UffdSite::new().unwrap());
    let user = site.open(*device).unwrap();
    play_given_numbers(&user, given).unwrap_or_else(|wrong| panic!("{device}: {wrong}"));
    Corpus::Keep
});

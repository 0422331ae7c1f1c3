//! Peers that send what is no userfaultfd, and that do things in the middle of others.

use std::fs::File;

use vmctx_uffd::{AdoptError, Peer};

use crate::{
    by_hand::Own,
    snapshot::{Snapshot, file},
};

/// It gives any request the answer that a userfaultfd gives, and what is read from it would be messages of all kinds.
#[test]
fn a_device_of_random_bytes_is_no_userfaultfd() {
    let Some(own) = Own::new(2, 0) else { return };
    let random = File::open("/dev/urandom").unwrap();
    let adopted = Peer::adopt(random.into(), &own.regions(), Snapshot::new(&file(2))).map(drop);
    assert_eq!(adopted, Err(AdoptError::NotAUserfaultfd));
}

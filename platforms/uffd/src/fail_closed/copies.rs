//! What a user has stored to a private mapping stays when the driver takes its pages away, whatever the kernel refuses.

use std::{fs::File as Descriptor, iter};

use vmctx::{PageCount, PageOffset, SharedObject, UserAddr};
use vmctx_hosted::{Map, Ref};

use crate::{
    kernel::{
        failing::{alone, fail, stop_failing},
        sys::PAGE_SIZE,
    },
    memory::Page,
};

use super::{AT, File, PAGES, Ring, Served, Whose, address, by_readers, in_thread, memory_and_pages, number};

/// Has a user store to every second page, and the driver take all away while the `n`th system call fails. Whether there was
/// one.
fn take_away_once(whose: Whose, n: u64) -> bool {
    let (memory, pages) = memory_and_pages();
    let served = Served::open(whose, &memory);
    let object = SharedObject::new(memory.may_sleep()).unwrap();
    let state = Ref::new(Ring::<false> { object, pages: pages.clone() });
    let file = served.session.file(File { state: state.clone(), filled: false });
    served.session.mmap(&file, Map::private(PAGES * PAGE_SIZE).at(UserAddr::new(AT))).unwrap();
    let at = |page| UserAddr::new(address(page));
    let stored = |page: usize| [100 + u8::try_from(page).unwrap(); 4];
    for page in 0..PAGES {
        assert_eq!(read(&served, at(page)), Ok([number(page); 4]));
        if page % 2 == 0 {
            write(&served, at(page), stored(page));
        }
    }
    fail(n, 0);
    state.object.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), memory.may_sleep());
    let has_failed = stop_failing();
    for (page, driver) in pages.iter().enumerate() {
        if page % 2 == 0 {
            assert_eq!(read(&served, at(page)), Ok(stored(page)), "page {page} is the user's own, at {n}");
            // And it can be stored to.
            write(&served, at(page), [9; 4]);
            assert_eq!(read(&served, at(page)), Ok([9; 4]));
        } else {
            // Taken away: the driver and its state have the only references, unless a call that failed has taken the
            // addresses away as well, which keeps none of them either.
            assert_eq!(driver.references(), 2, "page {page} at {n}");
            assert!(read(&served, at(page)).is_err() || read(&served, at(page)) == Ok([number(page); 4]));
        }
    }
    has_failed
}

fn read(served: &Served, at: UserAddr) -> Result<[u8; 4], crate::Trap> {
    let mut bytes = [0; 4];
    let read = match &served.guest {
        Some(guest) => guest.read(at, &mut bytes),
        None => served.session.read(at, &mut bytes),
    };
    read.map(|()| bytes)
}

fn write(served: &Served, at: UserAddr, bytes: [u8; 4]) {
    match &served.guest {
        Some(guest) => guest.write(at, &bytes).unwrap(),
        None => served.session.write(at, &bytes).unwrap(),
    }
}

#[test]
fn no_copy_is_lost_whatever_call_fails() {
    alone(|| {
        for whose in [by_readers(), in_thread(), Whose::Guests] {
            let failed = (1..).take_while(|n| take_away_once(whose, *n)).count();
            assert!(failed >= 3 * PAGES, "only {failed} calls were made");
        }
    });
}

#[test]
fn no_copy_is_lost_for_want_of_descriptors() {
    alone(|| {
        let (memory, pages) = memory_and_pages();
        let served = Served::open(by_readers(), &memory);
        let object = SharedObject::new(memory.may_sleep()).unwrap();
        let state = Ref::new(Ring::<false> { object, pages });
        let file = served.session.file(File { state: state.clone(), filled: false });
        served.session.mmap(&file, Map::private(PAGES * PAGE_SIZE).at(UserAddr::new(AT))).unwrap();
        write(&served, UserAddr::new(AT), [77; 4]);
        let all: Vec<Descriptor> = iter::from_fn(|| Descriptor::open("/dev/null").ok()).collect();
        state.object.unmap_once(PageOffset::ZERO, PageCount::new(PAGES), memory.may_sleep());
        drop(all);
        assert_eq!(read(&served, UserAddr::new(AT)), Ok([77; 4]));
    });
}

/// Where copies could not be told from pages, there is no private mapping.
#[test]
fn a_private_mapping_needs_a_descriptor() {
    alone(|| {
        let (memory, pages) = memory_and_pages();
        let pages: Vec<Page> = pages;
        let served = Served::open(by_readers(), &memory);
        let object = SharedObject::new(memory.may_sleep()).unwrap();
        let file = served.session.file(File { state: Ref::new(Ring::<false> { object, pages }), filled: false });
        let all: Vec<Descriptor> = iter::from_fn(|| Descriptor::open("/dev/null").ok()).collect();
        let refused = served.session.mmap(&file, Map::private(PAGE_SIZE));
        drop(all);
        assert_eq!(refused, Err(vmctx::Errno::EMFILE.into()));
        served.session.mmap(&file, Map::private(PAGE_SIZE)).unwrap();
    });
}

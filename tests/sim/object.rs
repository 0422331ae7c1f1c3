//! All the mappings of one object, of every file and in every process.

use std::sync::Arc;

use vmctx::{PageCount, PageOffset, Platform as _};
use vmctx_sim::{Machine, Map, Sim};

use crate::{
    bar::{BarFile, bar},
    drivers::{PAGE, page_at},
};

#[test]
fn unmapping_reaches_every_file_of_the_object_in_every_process() {
    let machine = Machine::new();
    let bar = bar(&machine, machine.device_memory(PageCount::new(4)).unwrap());
    let open = |is_of_it| machine.open(BarFile { bar: bar.clone(), is_of_it });
    let (first, second, stranger) = (open(true), open(true), open(false));
    let (one, two) = (machine.process(), machine.process());
    let in_one = one.mmap(&first, Map::shared(4 * PAGE)).unwrap();
    let in_two = two.mmap(&second, Map::shared(2 * PAGE).pgoff(PageOffset::new(2))).unwrap();
    let strange = two.mmap(&stranger, Map::shared(4 * PAGE)).unwrap();
    let child = one.fork().unwrap();
    assert_eq!((first.mapping_count(), second.mapping_count(), stranger.mapping_count()), (3, 3, 1));
    for page in 0..4 {
        one.thread().write_u8(page_at(in_one, page), 1).unwrap();
        child.thread().read_u8(page_at(in_one, page)).unwrap();
        two.thread().read_u8(page_at(strange, page)).unwrap();
    }
    two.thread().read_u8(in_two).unwrap();
    let mapped = || {
        [(&one, in_one), (&child, in_one), (&two, in_two), (&two, strange)]
            .map(|(process, at)| process.mapped_pages(at, 4 * PAGE).get())
    };
    assert_eq!(mapped(), [4, 4, 1, 4]);

    bar.mappings.unmap_once(PageOffset::new(1), PageCount::ZERO, machine.may_sleep());
    assert_eq!(mapped(), [4, 4, 1, 4], "no pages are not all pages");
    bar.mappings.unmap_once(PageOffset::new(1), PageCount::new(2), machine.may_sleep());
    assert_eq!(mapped(), [2, 2, 0, 4]);
    // The next touch faults.
    assert_eq!(two.thread().read_u8(in_two), Ok(1));
    drop(child);
    one.munmap(in_one, PAGE).unwrap();
    assert_eq!(first.mapping_count(), 2);
}

/// A file that is in a box, or that somebody else has as well, shows its object.
#[test]
fn a_file_behind_a_pointer_is_of_its_object() {
    let machine = Machine::new();
    let bar = bar(&machine, machine.device_memory(PageCount::new(1)).unwrap());
    let file = || BarFile { bar: bar.clone(), is_of_it: true };
    let of_the_platform = Sim::share(file(), machine.may_sleep()).unwrap();
    for file in [machine.open(Box::new(file())), machine.open(Arc::new(file())), machine.open(of_the_platform)] {
        let process = machine.process();
        let at = process.mmap(&file, Map::shared(PAGE)).unwrap();
        process.thread().read_u8(at).unwrap();
        bar.mappings.unmap_once(PageOffset::ZERO, PageCount::new(1), machine.may_sleep());
        assert_eq!(process.mapped_pages(at, PAGE), PageCount::ZERO);
    }
}

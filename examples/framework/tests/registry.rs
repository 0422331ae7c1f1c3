//! Two drivers that know nothing of each other, in one registry.

use std::{
    error::Error,
    sync::{Arc, atomic::Ordering},
};

use framework::{OpenError, Registry, prelude::*};
use log_driver::Log;
use scratch_driver::{Counts, Scratch};
use vmctx_sim::{Machine, Map, Prot};

const PAGE: usize = 4096;

fn opened(machine: &Machine, registry: &Registry, name: &str) -> Result<vmctx_sim::File, OpenError> {
    Ok(machine.open(registry.open(name, machine, machine.may_sleep())?))
}

#[test]
fn a_log_is_read_and_never_written() -> Result<(), Box<dyn Error>> {
    let (machine, mut registry) = (Machine::new(), Registry::default());
    registry.register("log", Log(vec!["first", "second"]));
    let (file, process) = (opened(&machine, &registry, "log")?, machine.process());

    let at = process.mmap(&file, Map::shared(2 * PAGE).prot(Prot::READ))?;
    let mut bytes = [0; 6];
    process.thread().read(UserAddr::new(at.get() + PAGE), &mut bytes)?;
    assert_eq!(&bytes, b"second");
    assert_eq!(process.mmap(&file, Map::shared(PAGE)).unwrap_err().errno(), Some(Errno::EPERM));
    assert_eq!(process.mprotect(at, PAGE, Prot::READ_WRITE).unwrap_err().errno(), Some(Errno::EACCES));
    Ok(())
}

#[test]
fn hooks_are_there_if_the_driver_says_so_at_run_time() -> Result<(), Box<dyn Error>> {
    for counts_stores in [false, true] {
        let (machine, mut registry, counts) = (Machine::new(), Registry::default(), Arc::<Counts>::default());
        registry.register("scratch", Scratch { pages: 2, counts_stores, counts: Arc::clone(&counts) });
        let (file, process) = (opened(&machine, &registry, "scratch")?, machine.process());

        let at = process.mmap(&file, Map::shared(2 * PAGE))?;
        assert_eq!(counts.mapped.load(Ordering::Relaxed), 1);
        let user = process.thread();
        assert_eq!(user.read_u8(at)?, 0);
        user.write(at, b"hello")?;
        user.write(at, b"again")?;
        assert_eq!(counts.stores.load(Ordering::Relaxed), usize::from(counts_stores));
        process.munmap(at, 2 * PAGE)?;
        assert_eq!(counts.mapped.load(Ordering::Relaxed), 0);
        assert!(machine.reports().is_empty());
    }
    Ok(())
}

#[test]
fn a_name_that_nobody_has_is_an_error() {
    let (machine, registry) = (Machine::new(), Registry::default());
    assert_eq!(opened(&machine, &registry, "log").err(), Some(OpenError::NoDriver("log".to_owned())));
}

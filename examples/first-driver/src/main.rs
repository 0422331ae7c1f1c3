//! Maps the pad in this process, and has real page faults bring its pages.
#![forbid(unsafe_code)]

#[cfg(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64")))]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    use first_driver::Pad;
    use vmctx::{PageCount, PageOffset, PageRef};
    use vmctx_uffd::{Map, Memory, OpenError, Session, Uffd};

    let memory = Memory::new(PageCount::new(16))?;
    let session = match Session::open(&memory) {
        Ok(session) => session,
        // An old kernel, or a container that forbids it: the error says what to do.
        Err(error @ (OpenError::NoUserfaultfd(_) | OpenError::MissingFeature { .. })) => {
            println!("{error}");
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    let pad = Pad::<Uffd>::new(4, &memory, memory.may_sleep())?;
    let first = PageOffset::ZERO.of(pad.pages()).ok_or("a pad without pages")?.clone();

    let at = session.mmap(&session.file(pad), Map::shared(4 * 4096))?;
    session.write(at, b"hello")?;
    let mut bytes = [0; 5];
    first.read(0, &mut bytes)?;
    assert_eq!(&bytes, b"hello");
    println!("a user stored {:?} at {at}, and the driver has read it", String::from_utf8_lossy(&bytes));
    Ok(())
}

#[cfg(not(all(target_os = "linux", any(target_arch = "x86_64", target_arch = "aarch64"))))]
fn main() {
    println!("there is no userfaultfd here; the tests run everywhere");
}

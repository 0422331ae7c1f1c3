//! Processes of other users.

use std::{
    env, fs,
    io::ErrorKind,
    os::{
        fd::AsRawFd,
        unix::{fs::PermissionsExt, net::UnixStream, process::CommandExt},
    },
    process::Command,
    thread,
};

use vmctx_uffd::{Guest, Map, OpenError, Options, Session, Trap};

use crate::{
    drivers::{PAGE, first_byte, page_at, pages, ring},
    sessions::{load, session},
};

/// Runs one of the tests alone.
fn alone(name: &str) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "--test-threads=1", name]);
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && text.contains("1 passed"), "{text}");
}

#[test]
fn an_ordinary_user_needs_no_rights() {
    as_an_ordinary_user("process::serves");
}

#[test]
fn an_ordinary_user_needs_no_rights_to_serve_another_process() {
    as_an_ordinary_user("remote::both_sides_have_the_same_physical_page");
}

/// Runs a test alone, as one.
fn as_an_ordinary_user(test: &str) {
    // SAFETY: asks for a number.
    #[expect(unsafe_code, reason = "asks for a number")]
    let root = unsafe { libc::geteuid() } == 0;
    if !root {
        return alone(test);
    }
    // Where that user can read it.
    let program = env::temp_dir().join(format!("vmctx-uffd-{}-{}", std::process::id(), test.replace("::", "-")));
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let ran = std::panic::catch_unwind(|| {
        let mut command = Command::new(&program);
        command.uid(65534).gid(65534).current_dir("/");
        command.args(["--exact", "--test-threads=1", test]);
        let output = loop {
            match command.output() {
                // A process that another test is about to run has the file open for writing until it does.
                Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => thread::yield_now(),
                output => break output.unwrap(),
            }
        };
        let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
    });
    fs::remove_file(&program).unwrap();
    ran.unwrap();
}

fn use_a_session() {
    let session = session();
    let mut pages = pages(&session, 32);
    pages.swap(1, 5);
    let file = ring(&session, &pages);
    let at = session.mmap(&file, Map::shared(40 * PAGE)).unwrap();
    for page in 0..32 {
        load(&session, page_at(at, page)).unwrap();
    }
    assert_eq!(load(&session, page_at(at, 33)), Err(Trap::Sigbus(page_at(at, 33))));
    session.munmap(page_at(at, 3), 4 * PAGE).unwrap();
    let private = session.mmap(&file, Map::private(4 * PAGE)).unwrap();
    session.write(private, &[9]).unwrap();
}

#[test]
fn serves() {
    use_a_session();
    let session = session();
    assert!(session.is_user_mode_only() || fs::metadata("/dev/userfaultfd").is_ok());
}

#[test]
fn an_ordinary_user_is_refused_what_only_the_privileged_have() {
    as_an_ordinary_user("process::refuses_faults_of_user_mode_only");
}

/// A system call that stores to an empty page of a mapping: what it fails with, if it does.
fn read_into(at: vmctx::UserAddr) -> Option<i32> {
    let zeros = fs::File::open("/dev/zero").unwrap();
    // SAFETY: the address is a session's, which is mapped for as long as this takes; nobody has a reference to the bytes.
    #[expect(unsafe_code, reason = "a system call that the kernel makes an access for")]
    let read = unsafe { libc::read(zeros.as_raw_fd(), at.get() as *mut _, 16) };
    (read != 16).then(|| std::io::Error::last_os_error().raw_os_error().unwrap())
}

#[test]
fn refuses_faults_of_user_mode_only() {
    let whichever = session();
    let served = |session: &Session| {
        let shown = pages(session, 1);
        let at = session.mmap(&ring(session, &shown), Map::shared(PAGE)).unwrap();
        (read_into(at), first_byte(&shown[0]))
    };
    match Options::default().refuse_user_mode_only().open(whichever.memory()) {
        Ok(session) => {
            assert!(!session.is_user_mode_only());
            assert_eq!(served(&session), (None, 0));
        }
        Err(error) => {
            assert!(matches!(error, OpenError::UserModeOnly { .. }), "{error}");
            assert!(whichever.is_user_mode_only());
            assert_eq!(served(&whichever), (Some(libc::EFAULT), 1));
        }
    }
    let both = Options::default().refuse_user_mode_only().in_thread();
    assert_eq!(both.open(whichever.memory()).map(drop), Err(OpenError::InThreadUserModeOnly));
    // A guest of this user's has no more.
    let (ours, theirs) = UnixStream::pair().unwrap();
    let joining = thread::spawn(|| Guest::join(theirs).map(drop));
    let opened = Options::default().refuse_user_mode_only().open_for(whichever.memory(), ours).map(drop);
    let expected = if whichever.is_user_mode_only() {
        (Err(OpenError::GuestUserModeOnly), Err(OpenError::HungUp))
    } else {
        (Ok(()), Ok(()))
    };
    assert_eq!((opened, joining.join().unwrap()), expected);
}

//! Processes of other users.

use std::{
    env, fs,
    io::ErrorKind,
    os::unix::{fs::PermissionsExt, process::CommandExt},
    process::Command,
    thread,
};

use vmctx_uffd::{Map, Trap};

use crate::{
    drivers::{PAGE, page_at, pages, ring},
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

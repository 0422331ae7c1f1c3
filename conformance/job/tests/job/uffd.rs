//! The job on real memory, and what the program does where that cannot be had.
//!
//! Where this machine has no userfaultfd, the tests say so, and see that the program falls back.

use std::{
    fs::{self, File},
    io,
    os::{
        fd::AsRawFd,
        unix::{fs::MetadataExt, process::CommandExt},
    },
    process::{Command, Output},
    sync::Arc,
};

use vmctx_conformance::{Device, Runner, table::Table, user::LeftOut};
use vmctx_job::uffd::UffdSite;

use crate::{PROGRAM, printed, program};

/// Real memory, if this machine has it.
fn site() -> Option<UffdSite> {
    match UffdSite::new() {
        Ok(site) => Some(site),
        Err(error) => {
            eprintln!("this machine has no userfaultfd, so the fallback is tested: {error}");
            ran_on_the_simulated_machine(&program(&["relay"]), &error.to_string());
            None
        }
    }
}

/// A run without a platform that has fallen back, and says why.
fn ran_on_the_simulated_machine(output: &Output, because: &str) {
    let said = printed(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{said}{}", printed(&output.stderr));
    assert!(said.contains("\nplatform sim: a simulated machine\nno platform uffd: "), "{said}");
    assert!(said.contains(because), "no `{because}` in\n{said}");
    assert!(said.ends_with("; so this ran on the simulated machine\n"), "{said}");
}

#[test]
fn every_driver_passes_on_real_memory() {
    let Some(site) = site().map(Arc::new) else { return };
    for threads in [1, 8] {
        for device in Device::ALL {
            let outcome = Runner::new(threads).run(&site, *device);
            assert!(outcome.is_ok(), "{threads} threads:\n{}", Table(&[outcome]));
        }
    }
}

#[test]
fn every_driver_passes_in_the_threads_that_fault() {
    let Some(site) = site().map(|site| Arc::new(site.in_thread())) else { return };
    for device in Device::ALL {
        let outcome = Runner::new(4).run(&site, *device);
        assert!(outcome.is_ok(), "{}", Table(&[outcome]));
    }
}

#[test]
fn what_is_left_out_on_real_memory_is_said_of_each_driver() {
    let Some(site) = site().map(Arc::new) else { return };
    for (device, wanted) in [
        (Device::Cfag12864b, &["fork"][..]),
        (Device::Kcov, &["fork", "mremap"]),
        (Device::RockchipGem, &["fork", "mremap", "cache"]),
        (Device::DevMem, &["fork", "cache", "frames", "debugger"]),
        (Device::Dax, &["fork", "large", "frames"]),
        (Device::Hugetlb, &["fork", "large", "frames"]),
        (Device::VfioPci, &["fork", "mremap", "cache", "large", "frames"]),
    ] {
        let outcome = Runner::new(2).run(&site, device);
        let left_out: Vec<&str> = outcome.left_out.iter().map(|left_out| left_out.what).collect();
        assert_eq!(left_out, wanted, "{}", device.name());
        let reasons = outcome.left_out.clone();
        let table = Table(&[outcome]).to_string();
        assert!(table.contains(&format!("checks  {}\n", wanted.join(", "))), "in the driver's row:\n{table}");
        for LeftOut { what, why } in reasons {
            assert!(table.contains(&format!("\nleft out, {what}: {why}\n")), "and why, below:\n{table}");
        }
    }
}

#[test]
fn the_program_runs_every_driver_on_real_memory() {
    if site().is_none() {
        return;
    }
    for arguments in [&[][..], &["--platform", "uffd"]] {
        let output = program(arguments);
        let said = printed(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{said}");
        for (device, line) in Device::ALL.iter().zip(said.lines().skip(1)) {
            assert!(line.starts_with(device.name()) && line.contains("  ok, "), "{line}");
        }
        assert!(said.contains("\nleft out, fork: "), "{said}");
        assert!(said.lines().last().unwrap().starts_with("platform uffd: real faults of real memory"), "{said}");
        assert_eq!(printed(&output.stderr), "", "no progress into a pipe");
    }
}

// ---- What is taken away -------------------------------------------------------------------------------------------

/// A system call that fails, if one of its arguments is so.
#[derive(Clone, Copy)]
struct Refused {
    call: libc::c_long,
    argument: u32,
    /// `BPF_JEQ` and the like, with its operand: whether what it says of the argument is a reason to fail, or not to.
    test: (u32, u32),
    fails: bool,
    errno: i32,
}

/// `USERFAULTFD_IOC_NEW` of `/dev/userfaultfd`.
const OF_THE_DEVICE: Refused =
    Refused { call: libc::SYS_ioctl, argument: 1, test: (libc::BPF_JEQ, 0xaa00), fails: true, errno: libc::EPERM };

/// A userfaultfd for all faults, by the system call.
const FOR_ALL_FAULTS: Refused =
    Refused { call: libc::SYS_userfaultfd, argument: 0, test: (libc::BPF_JSET, 1), fails: false, errno: libc::EPERM };

/// Every userfaultfd, by the system call.
const fn every(errno: i32) -> Refused {
    Refused { call: libc::SYS_userfaultfd, argument: 0, test: (libc::BPF_JGE, 0), fails: true, errno }
}

/// The filter under which these calls fail.
fn filter(refused: &[Refused]) -> Vec<libc::sock_filter> {
    let instruction =
        |code: u32, k: u32, jt: u8, jf: u8| libc::sock_filter { code: u16::try_from(code).unwrap(), jt, jf, k };
    let load = libc::BPF_LD | libc::BPF_W | libc::BPF_ABS;
    let jump = libc::BPF_JMP | libc::BPF_K;
    let answer = libc::BPF_RET | libc::BPF_K;
    let mut filter = Vec::new();
    for Refused { call, argument, test: (test, operand), fails, errno } in refused {
        // `struct seccomp_data`: the number of the call, and from byte 16 on its arguments, the low half first.
        filter.extend([
            instruction(load, 0, 0, 0),
            instruction(jump | libc::BPF_JEQ, u32::try_from(*call).unwrap(), 0, 3),
            instruction(load, 16 + 8 * argument, 0, 0),
            instruction(jump | test, *operand, u8::from(!fails), u8::from(*fails)),
            instruction(answer, libc::SECCOMP_RET_ERRNO | u32::try_from(*errno).unwrap(), 0, 0),
        ]);
    }
    filter.push(instruction(answer, libc::SECCOMP_RET_ALLOW, 0, 0));
    filter
}

/// Has a command run without these calls.
#[expect(unsafe_code, reason = "a filter is installed between fork and exec")]
fn without<'a>(command: &'a mut Command, refused: &[Refused]) -> &'a mut Command {
    let filter = filter(refused);
    let install = move || {
        let program =
            libc::sock_fprog { len: u16::try_from(filter.len()).unwrap_or(0), filter: filter.as_ptr().cast_mut() };
        // SAFETY: the numbers are those of the requests, and the program and its filter outlive the call, which reads
        // them.
        let installed = unsafe {
            libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
                && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program) == 0
        };
        if installed { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: two system calls, without allocation or lock.
    unsafe { command.pre_exec(install) }
}

fn program_without(arguments: &[&str], refused: &[Refused]) -> Output {
    without(Command::new(PROGRAM).args(arguments), refused).output().unwrap()
}

#[test]
fn without_userfaultfd_the_program_runs_on_the_simulated_machine_and_says_so() {
    let forbidden = ", then EPERM: operation not permitted, then EPERM: operation not permitted): Linux 5.11 has it";
    let output = program_without(&[], &[OF_THE_DEVICE, every(libc::EPERM)]);
    ran_on_the_simulated_machine(&output, "allow the system call userfaultfd in its seccomp profile");
    let said = printed(&output.stdout);
    for (device, line) in Device::ALL.iter().zip(said.lines().skip(1)) {
        assert!(line.starts_with(device.name()) && line.contains("  ok, "), "{line}");
    }
    assert!(!said.contains("left out"), "{said}");

    // What a kernel answers that was built without userfaultfd.
    let output = program_without(&["relay"], &[OF_THE_DEVICE, every(libc::ENOSYS)]);
    ran_on_the_simulated_machine(
        &output,
        "then ENOSYS: function not implemented): Linux 5.11 has it for every user, if built with",
    );

    // Whoever asks for a platform by name gets that one or an error.
    let output = program_without(&["relay", "--platform", "uffd"], &[OF_THE_DEVICE, every(libc::EPERM)]);
    assert_eq!((output.status.code(), printed(&output.stdout)), (Some(1), ""));
    let said = printed(&output.stderr);
    assert!(said.starts_with("vmctx-job: no platform uffd: ") && said.contains(forbidden), "{said}");

    let output = program_without(&["relay", "--platform", "sim"], &[OF_THE_DEVICE, every(libc::EPERM)]);
    assert_eq!(output.status.code(), Some(0));
    assert!(printed(&output.stdout).ends_with("\nplatform sim: a simulated machine\n"), "{}", printed(&output.stdout));
}

/// A request that does nothing, and says that it has.
const fn pretended(request: u32) -> Refused {
    Refused { call: libc::SYS_ioctl, argument: 1, test: (libc::BPF_JEQ, request), fails: true, errno: 0 }
}

#[test]
fn the_program_names_a_driver_that_hangs_and_ends_with_1() {
    if site().is_none() {
        return;
    }
    // Who touches what is not there gets no SIGBUS and is not woken, either: UFFDIO_POISON, UFFDIO_WAKE.
    let refused = [pretended(0xc020_aa08), pretended(0x8010_aa02)];
    let output = program_without(&["relay", "dev_mem", "--patience", "2", "--platform", "uffd"], &refused);
    let said = printed(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}{}", printed(&output.stderr));
    assert!(said.contains("FAILED: hangs after "), "{said}");
    assert!(said.contains("\nrelay: hangs: no check for 2s, after ") && !said.contains("\ndev_mem"), "{said}");
}

/// Whether this machine gives everybody a userfaultfd for faults of user mode.
#[expect(unsafe_code, reason = "the system call is made by number")]
fn everybody_may() -> bool {
    // SAFETY: a system call that makes a descriptor, which nobody else knows of.
    unsafe {
        let descriptor = i32::try_from(libc::syscall(libc::SYS_userfaultfd, libc::O_CLOEXEC | 1)).unwrap_or(-1);
        libc::close(descriptor) == 0
    }
}

#[test]
fn an_ordinary_user_serves_the_faults_of_user_mode() {
    const NOBODY: u32 = 65534;
    // Run by descriptor, because the folder may be one that only root can enter.
    let file = File::open(PROGRAM).unwrap();
    let mut command = Command::new(format!("/proc/self/fd/{}", file.as_raw_fd()));
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    // The other ways to a userfaultfd are closed, because an administrator may have allowed them.
    let output = without(&mut command, &[OF_THE_DEVICE, FOR_ALL_FAULTS]).output().unwrap();
    let said = printed(&output.stdout);
    if site().is_none() || !everybody_may() {
        eprintln!("this machine gives an ordinary user no userfaultfd, so the fallback is tested");
        return ran_on_the_simulated_machine(&output, "no platform uffd: ");
    }
    assert_eq!(output.status.code(), Some(0), "{said}{}", printed(&output.stderr));
    assert!(said.ends_with("\nplatform uffd: real faults of real memory, of user mode only\n"), "{said}");
}

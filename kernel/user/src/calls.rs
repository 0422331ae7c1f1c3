//! System calls on a device's file and its mappings, and what they fail with.

use std::{
    ffi::CString,
    fs::{self, File, OpenOptions},
    io, mem,
    os::{
        fd::{AsRawFd, FromRawFd, RawFd},
        unix::fs::FileExt,
    },
    process, ptr,
};

use vmctx::{Errno, UserAddr};
use vmctx_conformance::user::Refusal;

/// Bytes in a page.
pub(crate) const PAGE: usize = page_size(option_env!("VMCTX_PAGE_SHIFT"));

/// `kernel/build-user` says which pages the kernel has that the program is for; those of most machines without.
const fn page_size(shift: Option<&str>) -> usize {
    let Some(shift) = shift else { return 1 << 12 };
    let Ok(shift) = usize::from_str_radix(shift, 10) else { return 0 };
    1 << shift
}

/// Whether the kernel is this version or a newer one.
pub(crate) fn kernel_has(major: u32, minor: u32) -> bool {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut numbers = release.split(['.', '-']).map_while(|number| number.parse::<u32>().ok());
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (major, minor)
}

/// `struct vmctx_gauge` of `kernel/module/devices.h`.
#[repr(C)]
struct RawGauge {
    which: u64,
    page: u64,
    value: u64,
}

/// `VMCTX_GAUGE`: `_IOWR('v', 0, struct vmctx_gauge)`.
const VMCTX_GAUGE: libc::c_ulong = 0xc018_7600;

/// The errno of the system call that has just failed.
pub(crate) fn last_errno() -> Refusal {
    refusal(&io::Error::last_os_error())
}

/// An error of the standard library's as a scenario knows it.
pub(crate) fn refusal(error: &io::Error) -> Refusal {
    errno(error).map_or_else(|| Refusal::Other(error.to_string()), Refusal::Errno)
}

/// The errno in it, if there is one that `vmctx` knows.
pub(crate) fn errno(error: &io::Error) -> Option<Errno> {
    error.raw_os_error().and_then(Errno::from_raw)
}

/// `VMCTX_GAUGE`: a number of the module's, by its number there.
pub(crate) fn gauge(file: RawFd, which: u64, page: usize) -> Result<u64, Refusal> {
    let mut gauge = RawGauge { which, page: page as u64, value: 0 };
    // SAFETY: the request takes a `struct vmctx_gauge`, and this is one.
    match unsafe { libc::ioctl(file, VMCTX_GAUGE, &mut gauge) } {
        0 => Ok(gauge.value),
        _ => Err(last_errno()),
    }
}

/// `VMCTX_STORE_FOR_KVM`: `_IOW('v', 1, __u64)`.
const VMCTX_STORE_FOR_KVM: libc::c_ulong = 0x4008_7601;

/// `VMCTX_STORE_FOR_KVM`: one fault for a store, as KVM has it for its guests, and whether the entry is writable then.
pub(crate) fn store_for_kvm(file: RawFd, at: UserAddr) -> Result<(), Refusal> {
    let address = at.get() as u64;
    // SAFETY: the request takes an address, and faults there as a store would that changes nothing.
    match unsafe { libc::ioctl(file, VMCTX_STORE_FOR_KVM, &raw const address) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// How many faults this thread has had for which nothing was read from a disk.
pub(crate) fn minor_faults() -> libc::c_long {
    // SAFETY: all zeros are a `rusage`.
    let mut usage = unsafe { mem::zeroed::<libc::rusage>() };
    // SAFETY: the call fills it.
    unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
    usage.ru_minflt
}

/// `mremap` to an address. What is mapped there is replaced.
pub(crate) fn mremap(from: UserAddr, len: usize, to: UserAddr, new_len: usize) -> Result<UserAddr, Refusal> {
    let (from, to) = (from.get() as *mut libc::c_void, to.get() as *mut libc::c_void);
    // SAFETY: the moved range is a mapping of a device's, and what is replaced was mapped for this, or is one as well.
    mapped(unsafe { libc::mremap(from, len, new_len, libc::MREMAP_MAYMOVE | libc::MREMAP_FIXED, to) })
}

/// `mremap` in place, to another length.
pub(crate) fn resize(at: UserAddr, len: usize, new_len: usize) -> Result<UserAddr, Refusal> {
    // SAFETY: the range is a mapping of a device's, to which nobody has a reference.
    mapped(unsafe { libc::mremap(at.get() as *mut libc::c_void, len, new_len, 0) })
}

/// `process_vm_readv` of one byte of this process's own mapping.
pub(crate) fn copied(at: UserAddr) -> Result<(), Refusal> {
    let mut byte = 0_u8;
    let local = libc::iovec { iov_base: (&raw mut byte).cast(), iov_len: 1 };
    let remote = libc::iovec { iov_base: at.get() as *mut libc::c_void, iov_len: 1 };
    // SAFETY: one byte is written, to `byte`; the other side the kernel checks.
    match unsafe { libc::process_vm_readv(libc::getpid(), &local, 1, &remote, 1, 0) } {
        1 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// `memfd_create`
pub(crate) fn memfd() -> Result<File, Refusal> {
    // SAFETY: the name is a string.
    match unsafe { libc::memfd_create(c"vmctx".as_ptr(), libc::MFD_CLOEXEC) } {
        -1 => Err(last_errno()),
        // SAFETY: the file is open, and nobody else's.
        file => Ok(unsafe { File::from_raw_fd(file) }),
    }
}

/// `fork`, of a child that has this process's parent. In the child it is 0.
pub(crate) fn fork_sibling() -> Result<libc::pid_t, Refusal> {
    // SAFETY: without CLONE_VM it is a fork; the caller only calls what may be called after one.
    match unsafe { libc::syscall(libc::SYS_clone, i64::from(libc::CLONE_PARENT | libc::SIGCHLD), 0, 0, 0, 0) } {
        -1 => Err(last_errno()),
        process => Ok(process as libc::pid_t),
    }
}

/// `mprotect`, of a mapping of a device's.
pub(crate) fn mprotect(at: UserAddr, len: usize, prot: i32) -> Result<(), Refusal> {
    // SAFETY: nobody has a reference to what is mapped there.
    match unsafe { libc::mprotect(at.get() as *mut libc::c_void, len, prot) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// A debugger's load from this process or a child of it, by `/proc/pid/mem`.
pub(crate) fn peek(child: Option<libc::pid_t>, at: UserAddr, into: &mut [u8]) -> Result<(), Refusal> {
    let memory = File::open(memory_of(child)).map_err(|error| refusal(&error))?;
    memory.read_exact_at(into, at.get() as u64).map_err(|error| refusal(&error))
}

/// How many mappings this process, or a child of it, has of files whose path begins so.
pub(crate) fn mappings(child: Option<libc::pid_t>, path: &str) -> usize {
    let maps = format!("/proc/{}/maps", child.unwrap_or(process::id() as libc::pid_t));
    fs::read_to_string(maps).map_or(usize::MAX, |maps| maps.lines().filter(|line| line.contains(path)).count())
}

fn memory_of(child: Option<libc::pid_t>) -> String {
    format!("/proc/{}/mem", child.unwrap_or(process::id() as libc::pid_t))
}

/// The same for as many bytes as there are: those that one call gives.
pub(crate) fn peek_some(at: UserAddr, len: usize) -> Result<Vec<u8>, Refusal> {
    let memory = File::open("/proc/self/mem").map_err(|error| refusal(&error))?;
    let mut bytes = vec![0; len];
    let read = memory.read_at(&mut bytes, at.get() as u64).map_err(|error| refusal(&error))?;
    bytes.truncate(read);
    Ok(bytes)
}

/// A debugger's store of as many bytes as there is room for: how many one call has stored.
pub(crate) fn poke_some(at: UserAddr, from: &[u8]) -> Result<usize, Refusal> {
    let memory = OpenOptions::new().write(true).open("/proc/self/mem").map_err(|error| refusal(&error))?;
    memory.write_at(from, at.get() as u64).map_err(|error| refusal(&error))
}

/// Stops a child of this process, to look into it (`PTRACE_ATTACH`).
pub(crate) fn attach(child: libc::pid_t) -> Result<(), Refusal> {
    ptrace(libc::PTRACE_ATTACH, child, UserAddr::new(0), 0)?;
    // SAFETY: waits for the child to stop, and writes nothing.
    match unsafe { libc::waitpid(child, ptr::null_mut(), libc::__WALL) } {
        -1 => Err(last_errno()),
        _ => Ok(()),
    }
}

/// Lets it go on (`PTRACE_DETACH`).
pub(crate) fn detach(child: libc::pid_t) -> Result<(), Refusal> {
    ptrace(libc::PTRACE_DETACH, child, UserAddr::new(0), 0)
}

/// A word of a child that was stopped (`PTRACE_PEEKDATA`).
pub(crate) fn peek_word(child: libc::pid_t, at: UserAddr) -> Result<i64, Refusal> {
    let mut word = 0_i64;
    ptrace(libc::PTRACE_PEEKDATA, child, at, (&raw mut word) as i64)?;
    Ok(word)
}

/// Stores a word (`PTRACE_POKEDATA`).
pub(crate) fn poke_word(child: libc::pid_t, at: UserAddr, word: i64) -> Result<(), Refusal> {
    ptrace(libc::PTRACE_POKEDATA, child, at, word)
}

/// The system call, which has an address for a peeked word.
fn ptrace(request: libc::c_uint, child: libc::pid_t, at: UserAddr, data: i64) -> Result<(), Refusal> {
    // SAFETY: of the requests above one writes to this process's memory: a word, to the one that its caller has.
    match unsafe { libc::syscall(libc::SYS_ptrace, i64::from(request), i64::from(child), at.get(), data) } {
        -1 => Err(last_errno()),
        _ => Ok(()),
    }
}

/// A debugger's store into this process or a child of it, by `/proc/pid/mem`: ptrace's goes the same way
/// (`access_remote_vm`).
pub(crate) fn poke(child: Option<libc::pid_t>, at: UserAddr, from: &[u8]) -> Result<(), Refusal> {
    let memory = OpenOptions::new().write(true).open(memory_of(child)).map_err(|error| refusal(&error))?;
    memory.write_all_at(from, at.get() as u64).map_err(|error| refusal(&error))
}

/// `mmap` wherever the kernel likes. The offset need not be one that it accepts.
pub(crate) fn mmap(fd: RawFd, len: usize, prot: i32, flags: i32, offset: i64) -> Result<UserAddr, Refusal> {
    // SAFETY: without MAP_FIXED no memory of the program's is replaced.
    mapped(unsafe { libc::mmap(ptr::null_mut(), len, prot, flags, fd, offset) })
}

/// `mmap` at an address, and nowhere else: EEXIST if something is mapped there.
pub(crate) fn mmap_at(
    at: UserAddr,
    fd: RawFd,
    len: usize,
    prot: i32,
    flags: i32,
    offset: i64,
) -> Result<UserAddr, Refusal> {
    let flags = flags | libc::MAP_FIXED_NOREPLACE;
    // SAFETY: nothing is replaced.
    mapped(unsafe { libc::mmap(at.get() as *mut libc::c_void, len, prot, flags, fd, offset) })
}

/// `mmap` at an address, or elsewhere if something is mapped there.
pub(crate) fn mmap_near(
    hint: UserAddr,
    fd: RawFd,
    len: usize,
    prot: i32,
    flags: i32,
    offset: usize,
) -> Result<UserAddr, Refusal> {
    // SAFETY: without MAP_FIXED no memory of the program's is replaced.
    mapped(unsafe { libc::mmap(hint.get() as *mut libc::c_void, len, prot, flags, fd, offset as i64) })
}

/// What `mmap` and `mremap` give.
fn mapped(at: *mut libc::c_void) -> Result<UserAddr, Refusal> {
    if at == libc::MAP_FAILED { Err(last_errno()) } else { Ok(UserAddr::new(at as usize)) }
}

/// `munmap`.
pub(crate) fn munmap(at: UserAddr, len: usize) -> Result<(), Refusal> {
    // SAFETY: the range is a mapping of a device's, to which nobody has a reference.
    match unsafe { libc::munmap(at.get() as *mut libc::c_void, len) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// `finit_module`: loads a module, without parameters.
pub(crate) fn load(module: &File) -> Result<(), Refusal> {
    // SAFETY: the parameters are a string, and the descriptor is open.
    match unsafe { libc::syscall(libc::SYS_finit_module, module.as_raw_fd(), c"".as_ptr(), 0) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// `delete_module`: unloads a module, if nobody uses it.
pub(crate) fn unload(name: &str) -> Result<(), Refusal> {
    let name = CString::new(name).map_err(|error| Refusal::Other(error.to_string()))?;
    // SAFETY: the name is a string.
    match unsafe { libc::syscall(libc::SYS_delete_module, name.as_ptr(), libc::O_NONBLOCK) } {
        0 => Ok(()),
        _ => Err(last_errno()),
    }
}

/// The kernel's log.
pub(crate) fn log() -> Result<String, Refusal> {
    const READ_ALL: i32 = 3;
    let mut bytes = vec![0_u8; 1 << 20];
    // SAFETY: as many bytes may be written.
    let len = unsafe { libc::klogctl(READ_ALL, bytes.as_mut_ptr().cast(), bytes.len() as i32) };
    bytes.truncate(usize::try_from(len).map_err(|_| last_errno())?);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

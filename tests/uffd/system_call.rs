//! What a system call finds at an address, which is not what an access in user mode does: that may wait.

/// Whether it finds nothing there.
pub(crate) fn finds_nothing_at(address: usize) -> bool {
    let mut pipe = [0; 2];
    // SAFETY: the kernel looks whether it can read the byte.
    #[expect(unsafe_code, reason = "system calls")]
    unsafe {
        assert_eq!(libc::pipe(pipe.as_mut_ptr()), 0);
        let written = libc::write(pipe[1], address as *const _, 1);
        let _ = pipe.map(|end| libc::close(end));
        written == -1
    }
}

//! What each token can do: every operation, with the contexts and kinds that have it, how it is called there, and what it
//! answers. Whatever is not in here does not exist, and must not compile.

use crate::contexts::Context::{
    self, Access, Established, Fault, FrameSlots, Handle, HugeFault, MapPages, Mmap, PageMkwrite, PfnMkwrite, Prepare,
    Prepared, Released, Unlocked,
};

/// A method of tokens.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) had: &'static [Had],
    /// How somebody would call it who expects it where it is not, if that is not as where it is.
    pub(crate) expected: &'static str,
}

/// Where an operation is.
pub(crate) struct Had {
    pub(crate) context: Context,
    /// A letter for each kind that has it, or a `*` for all kinds that the context can have.
    pub(crate) kinds: &'static str,
    /// The call, with the arguments of `programs::SIGNATURE`.
    pub(crate) call: &'static str,
    /// The type of the answer, in which `K` is the kind.
    pub(crate) answer: &'static str,
}

const fn had(context: Context, kinds: &'static str, call: &'static str, answer: &'static str) -> Had {
    Had { context, kinds, call, answer }
}

const fn operation(name: &'static str, had: &'static [Had]) -> Operation {
    Operation { name, had, expected: "" }
}

/// An operation that no token has, and that somebody may look for.
const fn nowhere(name: &'static str, expected: &'static str) -> Operation {
    Operation { name, had: &[], expected }
}

/// The operations, in groups.
pub(crate) const TABLE: &[(&str, &[Operation])] = &[
    (
        "What is asked for",
        &[
            operation(
                "pgoff",
                &[
                    had(Mmap, "*", "ctx.pgoff()", "PageOffset"),
                    had(Prepare, "*", "ctx.pgoff()", "PageOffset"),
                    had(Fault, "*", "ctx.pgoff()", "PageOffset"),
                    had(PageMkwrite, "*", "ctx.pgoff()", "PageOffset"),
                    had(PfnMkwrite, "*", "ctx.pgoff()", "PageOffset"),
                    had(HugeFault, "*", "ctx.pgoff()", "PageOffset"),
                    had(MapPages, "*", "ctx.pgoff()", "PageOffset"),
                    had(Access, "*", "ctx.pgoff()", "PageOffset"),
                ],
            ),
            operation(
                "pgoff_range",
                &[
                    had(Fault, "*", "ctx.pgoff_range()", "PageRange"),
                    had(PageMkwrite, "*", "ctx.pgoff_range()", "PageRange"),
                    had(PfnMkwrite, "*", "ctx.pgoff_range()", "PageRange"),
                    had(HugeFault, "*", "ctx.pgoff_range()", "PageRange"),
                    had(MapPages, "*", "ctx.pgoff_range()", "PageRange"),
                ],
            ),
            operation(
                "page_count",
                &[
                    had(Mmap, "*", "ctx.page_count()", "PageCount"),
                    had(Prepare, "*", "ctx.page_count()", "PageCount"),
                    had(HugeFault, "*", "ctx.page_count()", "PageCount"),
                ],
            ),
            operation("remaining", &[had(Mmap, "*", "ctx.remaining()", "PageCount")]),
            operation("is_full", &[had(Mmap, "*", "ctx.is_full()", "bool")]),
            operation("wanted", &[had(MapPages, "*", "ctx.wanted()", "PageRange")]),
            operation("size", &[had(HugeFault, "*", "ctx.size()", "HugeSize")]),
            operation("offset_in_page", &[had(Access, "*", "ctx.offset_in_page()", "usize")]),
            operation("len", &[had(Access, "*", "ctx.len()", "usize")]),
            operation(
                "is_shared",
                &[
                    had(Mmap, "*", "ctx.is_shared()", "bool"),
                    had(Prepare, "*", "ctx.is_shared()", "bool"),
                    had(Fault, "*", "ctx.is_shared()", "bool"),
                    had(PageMkwrite, "*", "ctx.is_shared()", "bool"),
                    had(PfnMkwrite, "*", "ctx.is_shared()", "bool"),
                    had(HugeFault, "*", "ctx.is_shared()", "bool"),
                    had(MapPages, "*", "ctx.is_shared()", "bool"),
                ],
            ),
            operation(
                "is_readable",
                &[had(Mmap, "U", "ctx.is_readable()", "bool"), had(Prepare, "*", "ctx.is_readable()", "bool")],
            ),
            operation(
                "is_writable",
                &[had(Mmap, "U", "ctx.is_writable()", "bool"), had(Prepare, "*", "ctx.is_writable()", "bool")],
            ),
            operation(
                "is_executable",
                &[had(Mmap, "U", "ctx.is_executable()", "bool"), had(Prepare, "*", "ctx.is_executable()", "bool")],
            ),
            operation("may_be_written", &[had(Mmap, "NMPR", "ctx.may_be_written()", "bool")]),
            operation(
                "is_cow",
                &[
                    had(Mmap, "*", "ctx.is_cow()", "bool"),
                    had(Prepare, "*", "ctx.is_cow()", "bool"),
                    had(Fault, "*", "ctx.is_cow()", "bool"),
                    had(PageMkwrite, "*", "ctx.is_cow()", "bool"),
                    had(PfnMkwrite, "*", "ctx.is_cow()", "bool"),
                    had(HugeFault, "*", "ctx.is_cow()", "bool"),
                    had(MapPages, "*", "ctx.is_cow()", "bool"),
                ],
            ),
            operation(
                "is_write",
                &[
                    had(Fault, "*", "ctx.is_write()", "bool"),
                    had(PageMkwrite, "*", "ctx.is_write()", "bool"),
                    had(PfnMkwrite, "*", "ctx.is_write()", "bool"),
                    had(HugeFault, "*", "ctx.is_write()", "bool"),
                    had(MapPages, "*", "ctx.is_write()", "bool"),
                    had(Access, "*", "ctx.is_write()", "bool"),
                ],
            ),
            operation(
                "is_user",
                &[
                    had(Fault, "*", "ctx.is_user()", "bool"),
                    had(PageMkwrite, "*", "ctx.is_user()", "bool"),
                    had(PfnMkwrite, "*", "ctx.is_user()", "bool"),
                    had(HugeFault, "*", "ctx.is_user()", "bool"),
                    had(MapPages, "*", "ctx.is_user()", "bool"),
                ],
            ),
            operation("is_tried", &[had(Fault, "*", "ctx.is_tried()", "bool")]),
            operation("page_prot", &[had(Fault, "*", "ctx.page_prot()", "PageProt")]),
            operation(
                "user_address_for_odd_page_sizes",
                &[
                    had(Fault, "*", "ctx.user_address_for_odd_page_sizes()", "UserAddr"),
                    had(PageMkwrite, "*", "ctx.user_address_for_odd_page_sizes()", "UserAddr"),
                    had(PfnMkwrite, "*", "ctx.user_address_for_odd_page_sizes()", "UserAddr"),
                    had(HugeFault, "*", "ctx.user_address_for_odd_page_sizes()", "UserAddr"),
                    had(MapPages, "*", "ctx.user_address_for_odd_page_sizes()", "UserAddr"),
                ],
            ),
        ],
    ),
    (
        "The mapping, before its kind is chosen",
        &[
            operation(
                "writable",
                &[
                    had(Mmap, "U", "ctx.writable()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.writable()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "read_only",
                &[
                    had(Mmap, "U", "ctx.read_only()", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Prepare, "*", "ctx.read_only()", "Result<PrepareCtx<'c, P>, Errno>"),
                ],
            ),
            operation(
                "drop_write",
                &[
                    had(Mmap, "U", "ctx.drop_write()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.drop_write()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "no_read",
                &[
                    had(Mmap, "U", "ctx.no_read()", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Prepare, "*", "ctx.no_read()", "Result<PrepareCtx<'c, P>, Errno>"),
                ],
            ),
            operation(
                "no_exec",
                &[
                    had(Mmap, "U", "ctx.no_exec()", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Prepare, "*", "ctx.no_exec()", "Result<PrepareCtx<'c, P>, Errno>"),
                ],
            ),
            operation(
                "shared_only",
                &[
                    had(Mmap, "U", "ctx.shared_only()", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Prepare, "*", "ctx.shared_only()", "Result<PrepareCtx<'c, P>, Errno>"),
                ],
            ),
            operation(
                "dont_copy",
                &[
                    had(Mmap, "U", "ctx.dont_copy()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.dont_copy()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "dont_dump",
                &[
                    had(Mmap, "U", "ctx.dont_dump()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.dont_dump()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "io",
                &[had(Mmap, "U", "ctx.io()", "MmapCtx<'c, P, K>"), had(Prepare, "*", "ctx.io()", "PrepareCtx<'c, P>")],
            ),
            operation(
                "allow_any_uncached",
                &[
                    had(Mmap, "U", "ctx.allow_any_uncached()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.allow_any_uncached()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "noncached",
                &[
                    had(Mmap, "U", "ctx.noncached()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.noncached()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "write_combine",
                &[
                    had(Mmap, "U", "ctx.write_combine()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.write_combine()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "decrypted",
                &[
                    had(Mmap, "U", "ctx.decrypted()", "MmapCtx<'c, P, K>"),
                    had(Prepare, "*", "ctx.decrypted()", "PrepareCtx<'c, P>"),
                ],
            ),
            operation(
                "rebase",
                &[
                    had(Mmap, "U", "ctx.rebase(object)", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Prepare, "*", "ctx.rebase(object)", "Result<PrepareCtx<'c, P>, Errno>"),
                ],
            ),
        ],
    ),
    (
        "The kind, the state, and the end of the hook",
        &[
            operation("establish", &[had(Mmap, "U", "ctx.establish(state)", "Result<MmapCtx<'c, P, Mixed>, Errno>")]),
            operation(
                "establish_with",
                &[had(Mmap, "U", "ctx.establish_with(|_| Ok(state))", "Result<MmapCtx<'c, P, Mixed>, Errno>")],
            ),
            operation(
                "establish_shared",
                &[had(Mmap, "U", "ctx.establish_shared(shared)", "Result<MmapCtx<'c, P, Mixed>, Errno>")],
            ),
            operation(
                "without_faults",
                &[had(Mmap, "U", "ctx.without_faults::<Mixed>()", "Result<MmapCtx<'c, P, Mixed>, Errno>")],
            ),
            operation("by_faults", &[had(Prepare, "NMP", "ctx.by_faults()", "Result<Prepared<'c, P, K>, Errno>")]),
            operation(
                "may_expand",
                &[
                    had(Mmap, "M", "ctx.may_expand()", "MmapCtx<'c, P, K>"),
                    had(Prepared, "M", "ctx.may_expand()", "Prepared<'c, P, K>"),
                ],
            ),
            operation("handle", &[had(Mmap, "NMPR", "ctx.handle()", "Result<Handle<P, K>, Errno>")]),
            operation(
                "finish",
                &[
                    had(Mmap, "MPR", "ctx.finish()", "Result<Mapped<'c>, Errno>"),
                    had(MapPages, "*", "ctx.finish()", "VmFault<'c>"),
                ],
            ),
            operation("fill_later", &[had(Mmap, "NMP", "ctx.fill_later()", "Mapped<'c>")]),
        ],
    ),
    (
        "Pages",
        &[
            operation(
                "insert_page",
                &[
                    had(Mmap, "M", "ctx.insert_page(page)", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Fault, "M", "ctx.insert_page(page)", "VmFault<'c>"),
                    had(Established, "M", "ctx.insert_page(at, page)", "Result<(), Errno>"),
                ],
            ),
            operation(
                "insert_page_with",
                &[
                    had(Mmap, "M", "ctx.insert_page_with(|_| Ok(page))", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Fault, "M", "ctx.insert_page_with(|_| Ok(page))", "VmFault<'c>"),
                ],
            ),
            operation(
                "insert_zero_page",
                &[
                    had(Mmap, "M", "ctx.insert_zero_page()", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Fault, "M", "ctx.insert_zero_page()", "VmFault<'c>"),
                    had(Established, "M", "ctx.insert_zero_page(at)", "Result<(), Errno>"),
                ],
            ),
            operation(
                "insert_pages",
                &[
                    had(Mmap, "M", "ctx.insert_pages(pages)", "Result<MmapCtx<'c, P, K>, InsertPagesError>"),
                    had(Established, "M", "ctx.insert_pages(at, pages)", "Result<PageCount, InsertPagesError>"),
                ],
            ),
            operation(
                "insert_pages_with",
                &[had(
                    Mmap,
                    "M",
                    "ctx.insert_pages_with(|_| Ok(pages))",
                    "Result<MmapCtx<'c, P, K>, InsertPagesError>",
                )],
            ),
            operation(
                "fill_at_pgoff",
                &[
                    had(Mmap, "M", "ctx.fill_at_pgoff(pages)", "Result<Mapped<'c>, Errno>"),
                    had(Prepare, "M", "ctx.fill_at_pgoff(pages)", "Result<Prepared<'c, P, K>, Errno>"),
                ],
            ),
            operation(
                "fill_from_first",
                &[
                    had(Mmap, "M", "ctx.fill_from_first(pages)", "Result<Mapped<'c>, Errno>"),
                    had(Prepare, "M", "ctx.fill_from_first(pages)", "Result<Prepared<'c, P, K>, Errno>"),
                ],
            ),
            operation("deliver", &[had(Fault, "NM", "ctx.deliver(page.clone())", "VmFault<'c>")]),
            operation("deliver_with", &[had(Fault, "NM", "ctx.deliver_with(|_| Ok(page.clone()))", "VmFault<'c>")]),
            operation("deliver_locked", &[had(Fault, "NM", "ctx.deliver_locked(locked)", "VmFault<'c>")]),
            operation(
                "lock_page",
                &[
                    had(Fault, "*", "ctx.lock_page(page)", "LockedPage<'c, P>"),
                    had(PageMkwrite, "*", "ctx.lock_page()", "LockedPage<'c, P>"),
                    had(Unlocked, "*", "ctx.lock_page(page)", "PageLock<'_, P>"),
                ],
            ),
            operation(
                "prefault_page",
                &[
                    had(Fault, "M", "ctx.prefault_page(at, page)", "Prefault"),
                    had(MapPages, "M", "ctx.prefault_page(at, page)", "Prefault"),
                ],
            ),
            operation("prefault_pages", &[had(Fault, "M", "ctx.prefault_pages(at, pages)", "PageCount")]),
        ],
    ),
    (
        "Frames",
        &[
            operation(
                "insert_pfn",
                &[
                    had(Mmap, "P", "ctx.insert_pfn(frame)", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Fault, "P", "ctx.insert_pfn(frame)", "VmFault<'c>"),
                    had(FrameSlots, "P", "ctx.insert_pfn(at, frame)", "Result<(), Errno>"),
                ],
            ),
            operation(
                "insert_pfn_with",
                &[
                    had(Mmap, "P", "ctx.insert_pfn_with(|_| Ok(frame))", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Fault, "P", "ctx.insert_pfn_with(|_| Ok(frame))", "VmFault<'c>"),
                ],
            ),
            operation("insert_pfn_prot", &[had(Fault, "P", "ctx.insert_pfn_prot(frame, prot)", "VmFault<'c>")]),
            operation(
                "insert_pfn_prot_with",
                &[had(Fault, "P", "ctx.insert_pfn_prot_with(|_| Ok((frame, prot)))", "VmFault<'c>")],
            ),
            operation(
                "insert_mixed",
                &[
                    had(Mmap, "M", "ctx.insert_mixed(frame)", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Fault, "M", "ctx.insert_mixed(frame)", "VmFault<'c>"),
                    had(FrameSlots, "M", "ctx.insert_mixed(at, frame)", "Result<(), Errno>"),
                ],
            ),
            operation(
                "insert_mixed_with",
                &[
                    had(Mmap, "M", "ctx.insert_mixed_with(|_| Ok(frame))", "Result<MmapCtx<'c, P, K>, Errno>"),
                    had(Fault, "M", "ctx.insert_mixed_with(|_| Ok(frame))", "VmFault<'c>"),
                ],
            ),
            operation(
                "insert_mixed_mkwrite",
                &[
                    had(Fault, "M", "ctx.insert_mixed_mkwrite(frame)", "VmFault<'c>"),
                    had(PageMkwrite, "M", "ctx.insert_mixed_mkwrite(frame)", "VmFault<'c>"),
                    had(PfnMkwrite, "M", "ctx.insert_mixed_mkwrite(frame)", "VmFault<'c>"),
                ],
            ),
            operation(
                "insert_mixed_mkwrite_with",
                &[had(Fault, "M", "ctx.insert_mixed_mkwrite_with(|_| Ok(frame))", "VmFault<'c>")],
            ),
            operation(
                "insert_huge_with",
                &[had(HugeFault, "MP", "ctx.insert_huge_with(|_, entry| entry.in_extent(at, frames))", "VmFault<'c>")],
            ),
            operation("fallback", &[had(HugeFault, "*", "ctx.fallback()", "VmFault<'c>")]),
            operation("prefault_pfn", &[had(Fault, "P", "ctx.prefault_pfn(at, frame)", "Prefault")]),
            operation("prefault_pfn_prot", &[had(Fault, "P", "ctx.prefault_pfn_prot(at, frame, prot)", "Prefault")]),
            operation(
                "prefault_mixed",
                &[
                    had(Fault, "M", "ctx.prefault_mixed(at, frame)", "Prefault"),
                    had(MapPages, "M", "ctx.prefault_mixed(at, frame)", "Prefault"),
                ],
            ),
            operation("remap", &[had(Mmap, "P", "ctx.remap(frames)", "Result<MmapCtx<'c, P, K>, Errno>")]),
            operation(
                "remap_with",
                &[had(Mmap, "P", "ctx.remap_with(|_| Ok(frames))", "Result<MmapCtx<'c, P, K>, Errno>")],
            ),
            operation(
                "remap_from_first",
                &[
                    had(Mmap, "R", "ctx.remap_from_first(frames)", "Result<Mapped<'c>, Errno>"),
                    had(Prepare, "R", "ctx.remap_from_first(frames)", "Result<Prepared<'c, P, K>, Errno>"),
                ],
            ),
            operation(
                "remap_at_pgoff",
                &[
                    had(Mmap, "R", "ctx.remap_at_pgoff(frames)", "Result<Mapped<'c>, Errno>"),
                    had(Prepare, "R", "ctx.remap_at_pgoff(frames)", "Result<Prepared<'c, P, K>, Errno>"),
                ],
            ),
        ],
    ),
    (
        "First stores",
        &[
            operation("page", &[had(PageMkwrite, "*", "ctx.page()", "P::Page")]),
            operation(
                "allow",
                &[
                    had(PageMkwrite, "*", "ctx.allow()", "VmFault<'c>"),
                    had(PfnMkwrite, "*", "ctx.allow()", "VmFault<'c>"),
                ],
            ),
            operation("allow_locked", &[had(PageMkwrite, "*", "ctx.allow_locked(locked)", "VmFault<'c>")]),
            operation(
                "unmap",
                &[
                    had(PageMkwrite, "*", "ctx.unmap(object)", "Result<Unmapped<'c>, Errno>"),
                    had(PfnMkwrite, "*", "ctx.unmap(object)", "Result<Unmapped<'c>, Errno>"),
                ],
            ),
        ],
    ),
    (
        "Not serving it, and serving it later",
        &[
            operation(
                "fail",
                &[
                    had(Fault, "*", "ctx.fail(Errno::EIO)", "VmFault<'c>"),
                    had(PageMkwrite, "*", "ctx.fail(Errno::EIO)", "VmFault<'c>"),
                    had(PfnMkwrite, "*", "ctx.fail(Errno::EIO)", "VmFault<'c>"),
                    had(HugeFault, "*", "ctx.fail(Errno::EIO)", "VmFault<'c>"),
                ],
            ),
            operation(
                "fail_or_refault",
                &[
                    had(Fault, "*", "ctx.fail_or_refault(Errno::EIO)", "VmFault<'c>"),
                    had(PageMkwrite, "*", "ctx.fail_or_refault(Errno::EIO)", "VmFault<'c>"),
                    had(PfnMkwrite, "*", "ctx.fail_or_refault(Errno::EIO)", "VmFault<'c>"),
                    had(HugeFault, "*", "ctx.fail_or_refault(Errno::EIO)", "VmFault<'c>"),
                ],
            ),
            operation(
                "wait",
                &[
                    had(Fault, "*", "ctx.wait(ticket)", "Result<Waited<'c>, Errno>"),
                    had(Released, "*", "ctx.wait(ticket)", "Result<(), Errno>"),
                    had(PageMkwrite, "*", "ctx.wait(ticket)", "Result<Waited<'c>, Errno>"),
                    had(PfnMkwrite, "*", "ctx.wait(ticket)", "Result<Waited<'c>, Errno>"),
                    had(HugeFault, "*", "ctx.wait(ticket)", "Result<Waited<'c>, Errno>"),
                    had(Unlocked, "*", "ctx.wait(ticket)", "Result<(), Errno>"),
                ],
            ),
            operation(
                "refault",
                &[
                    had(Fault, "*", "ctx.refault(waited)", "VmFault<'c>"),
                    had(PageMkwrite, "*", "ctx.refault(waited)", "VmFault<'c>"),
                    had(PfnMkwrite, "*", "ctx.refault(waited)", "VmFault<'c>"),
                    had(HugeFault, "*", "ctx.refault(waited)", "VmFault<'c>"),
                ],
            ),
            operation("release", &[had(Fault, "*", "ctx.release()", "Release<'c, P, K>")]),
            operation("release_and_wait", &[had(Fault, "*", "ctx.release_and_wait(ticket)", "VmFault<'c>")]),
            operation("retry", &[had(Released, "*", "ctx.retry()", "VmFault<'c>")]),
            operation(
                "may_sleep",
                &[
                    had(Mmap, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(Prepare, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(Fault, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(Released, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(PageMkwrite, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(PfnMkwrite, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(HugeFault, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(Access, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(Established, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                    had(Unlocked, "*", "ctx.may_sleep()", "MaySleep<'_>"),
                ],
            ),
            operation(
                "account_major",
                &[
                    had(Fault, "*", "ctx.account_major()", "()"),
                    had(PageMkwrite, "*", "ctx.account_major()", "()"),
                    had(PfnMkwrite, "*", "ctx.account_major()", "()"),
                    had(HugeFault, "*", "ctx.account_major()", "()"),
                ],
            ),
        ],
    ),
    (
        "Debuggers",
        &[
            operation("copy_mapped", &[had(Access, "PR", "ctx.copy_mapped()", "Result<Accessed<'c>, Errno>")]),
            operation("copy_page", &[had(Access, "*", "ctx.copy_page(page)", "Result<Accessed<'c>, Errno>")]),
            operation("copy_iomem", &[had(Access, "*", "ctx.copy_iomem(memory, at)", "Result<Accessed<'c>, Errno>")]),
            operation(
                "copy_iomem_part",
                &[had(Access, "*", "ctx.copy_iomem_part(part, at)", "Result<Accessed<'c>, Errno>")],
            ),
            operation("direction", &[had(Access, "*", "ctx.direction()", "Direction<'c>")]),
        ],
    ),
    (
        "Outside hooks",
        &[
            operation(
                "find",
                &[had(Unlocked, "*", "ctx.find::<V>(address)", "Result<EstablishedCtx<'_, P, K>, Errno>")],
            ),
            operation("lock", &[had(Handle, "*", "ctx.lock(unlocked)", "Result<EstablishedCtx<'c, P, K>, Errno>")]),
            operation(
                "try_lock",
                &[had(Handle, "*", "ctx.try_lock(unlocked)", "Result<EstablishedCtx<'c, P, K>, Errno>")],
            ),
            operation("try_zap", &[had(Handle, "*", "ctx.try_zap(at, count, may_sleep)", "Result<(), Errno>")]),
            operation("state", &[had(Established, "*", "ctx.state::<V>()", "Option<&V>")]),
            operation("with_state", &[had(Established, "*", "ctx.with_state(|_: &V, _slots| ())", "Option<()>")]),
            operation("pgoff_of", &[had(Established, "*", "ctx.pgoff_of(address)", "Option<PageOffset>")]),
            operation("zap", &[had(Established, "*", "ctx.zap(at, count)", "()")]),
            operation("write_protect", &[had(Established, "*", "ctx.write_protect(at, count)", "()")]),
        ],
    ),
    (
        "What no token has",
        &[
            nowhere("sigbus", "ctx.sigbus()"),
            nowhere("oom", "ctx.oom()"),
            nowhere("nopage", "ctx.nopage()"),
            nowhere("address", "ctx.address()"),
            nowhere("vm_flags_set", "ctx.vm_flags_set(0)"),
            nowhere("vm_flags_clear", "ctx.vm_flags_clear(0)"),
            nowhere("dont_expand", "ctx.dont_expand()"),
            nowhere("insert_pfn_mkwrite", "ctx.insert_pfn_mkwrite(frame)"),
            nowhere("insert_pfn_mkwrite_with", "ctx.insert_pfn_mkwrite_with(|_| Ok::<_, Errno>(frame))"),
            nowhere("insert_huge", "ctx.insert_huge(frames)"),
        ],
    ),
];

use std::format;

use vmctx::{Errno, PageOffset, UserAddr};

use super::run::Run;
use crate::{
    devices::hugetlb::{AVAILABLE, LENGTH, NODES, PER_NODE, PLACE, POLICY, TRUNCATE, block},
    mapping::device_read,
    user::{Map, Trap, User},
};

/// All blocks there are.
const BLOCKS: usize = NODES * PER_NODE;

/// A mapping of `count` blocks of the file, from block `first` on.
fn blocks<U: User>(run: &Run<'_, U>, first: usize, count: usize) -> Map {
    let pages = block(run.user.page_size());
    Map::shared(count * pages).at(PageOffset::new(first * pages))
}

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let pages = block(run.user.page_size());
    for map in [
        Map::shared(pages - 1),
        Map::shared(1),
        Map::shared(pages).at(PageOffset::new(1)),
        Map::shared(pages).at(PageOffset::new(LENGTH * pages)),
        Map::private(pages),
        Map::private(pages).read_only(),
    ] {
        run.refused(map, Errno::EINVAL);
    }
    available(&mut run, "before anything is mapped", BLOCKS);

    interleaved(&mut run);
    truncated(&mut run);
    preferred(&mut run);
    truncated(&mut run);
    reserved(&mut run);
    run.control("a node that does not exist", POLICY, NODES as u64 + 1, Err(Errno::EINVAL));
}

fn available<U: User>(run: &mut Run<'_, U>, what: &str, wanted: usize) {
    run.control(format!("blocks available {what}"), AVAILABLE, 0, Ok(wanted as u64));
}

fn truncated<U: User>(run: &mut Run<'_, U>) {
    run.control("truncating", TRUNCATE, 0, Ok(0));
    available(run, "after the truncation", BLOCKS);
}

/// Where a block of the file is in the device's memory, in bytes, and on which node.
fn place<U: User>(run: &mut Run<'_, U>, of: usize) -> Option<(usize, usize)> {
    let found = run.ask(format!("the place of block {of}"), PLACE, of as u64)?;
    let found = usize::try_from(found).unwrap_or(usize::MAX).checked_sub(1)?;
    Some((found * block(run.user.page_size()) * run.user.page_size(), found / PER_NODE))
}

/// All threads meet at the same two blocks, one on each node, and find each other's bytes there: each block is taken
/// and zeroed once.
fn interleaved<U: User>(run: &mut Run<'_, U>) {
    let map = blocks(run, 0, 2);
    let (size, pages) = (run.user.page_size(), block(run.user.page_size()));
    run.mapped(map, |run, at| {
        available(run, "with two of them reserved", BLOCKS - 2);
        run.control("a block before the first touch", PLACE, 0, Ok(0));
        let address = |page: usize, offset: usize| UserAddr::new(at.get() + page * size + offset);
        run.together(map, |user, thread, checks| {
            for page in [0, pages - 1, pages, 2 * pages - 7] {
                let (at, mine) = (address(page, 8 * thread), [thread.to_le_bytes()[0] | 0x80; 8]);
                let mut bytes = [1; 8];
                checks.success(format!("page {page}, thread {thread}"), user.read(at, &mut bytes));
                checks.equal(format!("page {page} before thread {thread} writes"), &bytes, &[0; 8]);
                checks.success(format!("page {page}, thread {thread}'s store"), user.write(at, &mine));
                checks.success(format!("page {page}, thread {thread} again"), user.read(at, &mut bytes));
                checks.equal(format!("page {page} after thread {thread} has written"), &bytes, &mine);
            }
        });
        for (of, page) in [(0, pages - 1), (1, pages)] {
            if let Some(huge) = run.user.is_huge(address(page, 0)) {
                run.checks.equal(format!("block {of} mapped with one entry"), &huge, &(at.get() % (pages * size) == 0));
            }
            let Some((offset, node)) = place(run, of) else {
                run.checks.verdict(Some(format!("block {of} is nowhere")));
                continue;
            };
            run.checks.equal(format!("the node of block {of}, interleaved"), &node, &(of % NODES));
            let mut byte = [0];
            let read = device_read(run.user, offset + (page % pages) * size, &mut byte);
            run.checks.equal(format!("block {of} as the device sees it"), &(read, byte), &(Ok(()), [0x80]));
        }
        in_a_child(run, map, at);
        without_a_page(run, map, at);
    });
    available(run, "after munmap", BLOCKS - 2);
}

/// A child has the same blocks.
fn in_a_child<U: User>(run: &mut Run<'_, U>, map: Map, at: UserAddr) {
    let Some(child) = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child)) else {
        return;
    };
    let mut byte = [0];
    let read = child.read(at, &mut byte);
    run.checks.equal("the first block in a child", &(read, byte), &(Ok(()), [0x80]));
    let last = run.address(at, map.pages - 1, 5);
    run.checks.success("a child's store", child.write(last, &[0x42]));
    let read = run.user.read(last, &mut byte);
    run.checks.equal("what a child has stored", &(read, byte), &(Ok(()), [0x42]));
    run.checks.success("restoring it", run.user.write(last, &[0]));
}

/// Where a large entry does not fit any more, its pages are mapped one by one.
fn without_a_page<U: User>(run: &mut Run<'_, U>, map: Map, at: UserAddr) {
    let pages = block(run.user.page_size());
    let hole = run.address(at, pages + 3, 0);
    run.checks.success(format!("{map}: munmap of one page"), run.user.unmap(hole, 1));
    run.checks.failure("a touch of it", run.user.read(hole, &mut [0]), &Trap::Sigsegv(hole));
    for page in [0, pages, 2 * pages - 7] {
        let mut byte = [0];
        let address = run.address(at, page, 0);
        let read = run.user.read(address, &mut byte);
        run.checks.equal(format!("page {page} beside the hole"), &(read, byte), &(Ok(()), [0x80]));
        if let (true, Some(huge)) = (page >= pages, run.user.is_huge(address)) {
            run.checks.equal(format!("page {page} mapped with a large entry over a hole"), &huge, &false);
        }
    }
}

/// Blocks come from the preferred node while it has any, then from the other one; and they are zeroed anew.
fn preferred<U: User>(run: &mut Run<'_, U>) {
    let pages = block(run.user.page_size());
    run.control("preferring the second node", POLICY, 2, Ok(0));
    let map = blocks(run, 1, PER_NODE + 1);
    run.mapped(map, |run, at| {
        // A mapping keeps the policy that it was made with.
        run.control("interleaving from now on", POLICY, 0, Ok(0));
        for of in 0..=PER_NODE {
            for page in [of * pages, of * pages + pages - 1, of * pages + pages - 7] {
                let mut bytes = [1; 64];
                let read = run.user.read(run.address(at, page, 0), &mut bytes);
                run.checks.equal(format!("{map}: page {page}"), &(read, bytes), &(Ok(()), [0; 64]));
            }
            let node = place(run, 1 + of).map(|(_, node)| node);
            run.checks.equal(format!("the node of block {}", 1 + of), &node, &Some(usize::from(of < PER_NODE)));
        }
        // After a truncation a mapping shows nothing.
        run.control("truncating", TRUNCATE, 0, Ok(0));
        run.checks.failure(format!("{map}: truncated"), run.user.read(at, &mut [0]), &Trap::Sigbus(at));
    });
}

/// If there are too few blocks, mmap says so, and no touch ever does.
fn reserved<U: User>(run: &mut Run<'_, U>) {
    run.refused(blocks(run, 0, BLOCKS + 1), Errno::ENOMEM);
    available(run, "after a refusal", BLOCKS);
    let (three, others) = (blocks(run, 0, BLOCKS - 1), blocks(run, BLOCKS - 1, 2));
    run.mapped(three, |run, _| {
        available(run, "with all but one of them reserved", 1);
        run.refused(others, Errno::ENOMEM);
        // Blocks that another mapping has reserved are not reserved again.
        let four = blocks(run, 0, BLOCKS);
        run.mapped(four, |run, at| {
            available(run, "with all of them reserved", 0);
            let last = run.address(at, four.pages - 1, 0);
            run.checks.success("the last block there is", run.user.write(last, &[1]));
            run.refused(blocks(run, BLOCKS, 1), Errno::ENOMEM);
        });
    });
    truncated(run);
}

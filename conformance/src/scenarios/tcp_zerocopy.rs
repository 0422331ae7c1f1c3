use core::sync::atomic::{AtomicUsize, Ordering};
use std::{format, vec, vec::Vec};

use vmctx::{Errno, UserAddr};

use super::run::Run;
use crate::{
    devices::{
        pattern,
        tcp_zerocopy::{COPY, RECEIVE, RECEIVE_SECOND, SECOND, SEND, SEND_SECOND, WAITING, data, place, received},
    },
    mapping::{Slot, device_pages},
    user::{Map, Refusal, User},
};

/// The pages of a mapping here. All of them together can be asked for in one request.
const PAGES: usize = 12;
/// How often each thread sends and receives.
const ROUNDS: usize = 24;

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    let whole = Map::shared(PAGES).read_only();
    for map in [Map::shared(PAGES), Map::private(PAGES)] {
        run.refused(map, Errno::EPERM);
    }
    // Where nothing was received nothing is mapped.
    for map in [whole, whole.at(SECOND), Map::private(PAGES).read_only()] {
        run.one(map, &[Slot::Nothing; PAGES], false);
    }
    for map in [whole, Map::private(PAGES).read_only()] {
        maps_what_arrives(&mut run, map);
        replaces(&mut run, map);
    }
    leaves_parts_to_be_copied(&mut run, whole);
    ends_with_the_mapping(&mut run, whole);
    refuses_addresses(&mut run, whole);
    is_the_callers(&mut run, whole);
    loses_nothing(&mut run);
    run.control("bytes that are left", WAITING, 0, Ok(0));
}

fn send<U: User>(run: &mut Run<'_, U>, pages: impl IntoIterator<Item = usize>) {
    let size = run.user.page_size();
    for page in pages {
        let what = data(u16::try_from(page).unwrap_or(u16::MAX), 0, size);
        run.control(format!("sending page {page}"), SEND, what, Ok(0));
    }
}

/// Receives `pages` pages at a page of the mapping: so many are mapped, and so many bytes are to be copied.
fn receive<U: User>(run: &mut Run<'_, U>, at: UserAddr, page: usize, pages: usize, wanted: (usize, usize)) {
    let size = run.user.page_size();
    let length = u16::try_from(pages).unwrap_or(u16::MAX);
    let address = run.address(at, page, 0);
    let wanted = ((wanted.0 * size) as u64, wanted.1 as u64);
    let what = format!("receiving {pages} pages at page {page}");
    let got = run.user.control(RECEIVE, place(address, length)).map(received);
    run.checks.equal(what, &got, &Ok(wanted));
}

fn maps_what_arrives<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        receive(run, at, 0, PAGES, (0, 0));
        send(run, 0..5);
        receive(run, at, 2, PAGES - 2, (5, 0));
        let mut slots = vec![Slot::Nothing; 2];
        slots.extend(device_pages(0, 5));
        slots.resize(PAGES, Slot::Nothing);
        run.shows(format!("{map}: five pages received"), at, &slots);
        run.control("bytes that are left", WAITING, 0, Ok(0));
    });
}

/// Pages that were received before are replaced: all of them, the first ones, and some behind a gap.
fn replaces<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        let mut slots = vec![Slot::Nothing; PAGES];
        let mut sent = 0;
        for (page, pages) in [(0, 4), (0, 4), (2, 4), (8, 2), (6, 6), (0, PAGES)] {
            send(run, sent..sent + pages);
            receive(run, at, page, pages, (pages, 0));
            for (slot, shown) in slots.iter_mut().skip(page).zip(sent..sent + pages) {
                *slot = Slot::Device(shown);
            }
            sent += pages;
            run.shows(format!("{map}: {pages} pages received at {page}"), at, &slots);
        }
    });
}

/// Bytes that do not fill a page end the mapping of pages. The driver says how many there are.
fn leaves_parts_to_be_copied<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        send(run, 0..2);
        run.control("sending a header", SEND, data(7, 100, 20), Ok(0));
        run.control("sending the end of a page", SEND, data(8, 1, size - 1), Ok(0));
        send(run, 2..4);
        run.control("sending a trailer", SEND, data(9, 0, 3), Ok(0));

        let between = 20 + size - 1;
        receive(run, at, 0, PAGES, (2, between));
        receive(run, at, 2, PAGES - 2, (0, between));
        copy(run, 7, 100, 20);
        // Copying may end in the middle of what would have been a page.
        copy(run, 8, 1, between - 20);
        receive(run, at, 2, 1, (1, 0));
        receive(run, at, 3, PAGES - 3, (1, 3));
        copy(run, 9, 0, 3);
        let mut slots = device_pages(0, 4);
        slots.resize(PAGES, Slot::Nothing);
        run.shows(format!("{map}: what was whole"), at, &slots);

        // When a part of a page was copied, the rest is no whole page any more and must be copied, too.
        send(run, 4..6);
        copy(run, 4, 0, 8);
        receive(run, at, 4, PAGES - 4, (0, size - 8));
        copy(run, 4, 8, size - 8);
        receive(run, at, 4, PAGES - 4, (1, 0));
        run.shows_page(format!("{map}: the page behind"), run.address(at, 4, 0), Slot::Device(5));
        run.control("bytes that are left", WAITING, 0, Ok(0));
    });
}

/// Copies bytes, which have to be these of a page of the pattern.
fn copy<U: User>(run: &mut Run<'_, U>, page: usize, offset: usize, len: usize) {
    let start = page * run.user.page_size() + offset;
    let mut got: Vec<u8> = Vec::new();
    for at in (0..len).step_by(8) {
        let part = 8.min(len - at);
        let Some(bytes) = run.ask("copying", COPY, part as u64) else { return };
        got.extend(bytes.to_le_bytes().iter().take(part));
    }
    let wanted: Vec<u8> = (start..start + len).map(pattern).collect();
    run.checks.equal(format!("{len} copied bytes of page {page}"), &(got == wanted), &true);
}

/// More data than slots: what was not mapped stays in the queue.
fn ends_with_the_mapping<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    run.mapped(map, |run, at| {
        send(run, 0..5);
        receive(run, at, PAGES - 2, PAGES, (2, 0));
        run.control("bytes behind the end", WAITING, 0, Ok(3 * size as u64));
        // Mapping ends at a hole, too.
        run.checks.success(format!("{map}: munmap of page 3"), run.user.unmap(run.address(at, 3, 0), 1));
        receive(run, at, 1, PAGES, (2, 0));
        receive(run, at, 4, PAGES, (1, 0));
        let slots = [Slot::Nothing, Slot::Device(2), Slot::Device(3)];
        run.shows(format!("{map}: before the hole"), at, &slots);
        let mut slots = vec![Slot::Device(4)];
        slots.resize(PAGES - 6, Slot::Nothing);
        slots.extend(device_pages(0, 2));
        let behind = run.address(at, 4, 0);
        run.shows(format!("{map}: behind the hole"), behind, &slots);
    });
}

fn refuses_addresses<U: User>(run: &mut Run<'_, U>, map: Map) {
    let size = run.user.page_size();
    // The address is not looked at while there is less than a page of data.
    run.control("receiving nothing nowhere", RECEIVE, place(UserAddr::new(size), 1), Ok(0));
    send(run, [0]);
    run.mapped(map, |run, at| {
        let odd = place(run.address(at, 0, 8), 1);
        run.control("receiving at no page's address", RECEIVE, odd, Err(Errno::EINVAL));
        run.mapped(map.at(SECOND), |run, second| {
            run.control("receiving into another socket", RECEIVE, place(second, 1), Err(Errno::EINVAL));
            let what = data(3, 0, size);
            run.control("sending to the other socket", SEND_SECOND, what, Ok(0));
            run.control("the other into this one", RECEIVE_SECOND, place(at, 1), Err(Errno::EINVAL));
            let there = run.user.control(RECEIVE_SECOND, place(second, 1)).map(received);
            run.checks.equal("the other into its own", &there, &Ok((size as u64, 0)));
            run.shows_page("the other socket's", second, Slot::Device(3));
        });
        run.shows(format!("{map}: after refusals"), at, &[Slot::Nothing; PAGES]);
    });
    let Some(at) = run.checks.success(format!("mmap of {map}"), run.user.map(map)) else { return };
    let unmapped: Result<(), Refusal> = run.user.unmap(at, map.pages);
    run.checks.success(format!("{map}: munmap"), unmapped);
    run.control("receiving where nothing is", RECEIVE, place(at, 1), Err(Errno::EFAULT));
    run.mapped(map, |run, at| receive(run, at, 0, 1, (1, 0)));
}

/// A child that receives does so into its own mapping, though the parent has one at the same address.
fn is_the_callers<U: User>(run: &mut Run<'_, U>, map: Map) {
    run.mapped(map, |run, at| {
        send(run, 0..1);
        receive(run, at, 0, 1, (1, 0));
        let Some(child) = run.user.fork().and_then(|child| run.checks.success(format!("{map}: fork"), child)) else {
            return;
        };
        send(run, 1..3);
        {
            let mut run = Run { user: &child, threads: run.threads, checks: &mut *run.checks };
            receive(&mut run, at, 0, 2, (2, 0));
            run.shows("the child's", at, &[Slot::Device(1), Slot::Device(2), Slot::Nothing]);
        }
        run.shows("the parent's", at, &[Slot::Device(0), Slot::Nothing, Slot::Nothing]);
        drop(child);
        run.shows("the parent's alone", at, &[Slot::Device(0), Slot::Nothing, Slot::Nothing]);
    });
}

/// All threads send and receive at once, each into a slot of its own. Whose page comes to whom is open; but each comes
/// once, and whole.
fn loses_nothing<U: User>(run: &mut Run<'_, U>) {
    let map = Map::shared(run.threads.max(1)).read_only();
    let size = run.user.page_size();
    let pages: Vec<Vec<u8>> =
        (0..map.pages).map(|page| (page * size..(page + 1) * size).map(pattern).collect()).collect();
    let arrived: Vec<AtomicUsize> = pages.iter().map(|_| AtomicUsize::new(0)).collect();
    run.mapped(map, |run, at| {
        run.together(map, |user, thread, checks| {
            let slot = UserAddr::new(at.get() + thread * size);
            let own = data(u16::try_from(thread).unwrap_or(u16::MAX), 0, size);
            for round in 0..ROUNDS {
                checks.success(format!("thread {thread}: sending"), user.control(SEND, own));
                let got = user.control(RECEIVE, place(slot, 1)).map(received);
                checks.equal(format!("thread {thread}: receiving, round {round}"), &got, &Ok((size as u64, 0)));
                let mut bytes = vec![0; size];
                checks.success(format!("thread {thread}: reading"), user.read(slot, &mut bytes));
                match pages.iter().position(|page| *page == bytes).and_then(|page| arrived.get(page)) {
                    Some(count) => {
                        count.fetch_add(1, Ordering::Relaxed);
                    }
                    None => checks.verdict(Some(format!("thread {thread}: a page that nobody sent"))),
                }
            }
        });
    });
    for (page, count) in arrived.iter().enumerate() {
        run.checks.equal(format!("how often page {page} arrived"), &count.load(Ordering::Relaxed), &ROUNDS);
    }
}

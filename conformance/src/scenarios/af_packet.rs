use std::{format, vec};

use vmctx::{Errno, PageOffset, UserAddr};

use super::run::Run;
use crate::{
    devices::{
        af_packet::{MAPPED, RECEIVE, RECEIVE_RING, SEND, SEND_RING},
        pair,
    },
    mapping::Slot,
    user::{Map, User},
};
use vmctx_drivers::af_packet::{FRAME, FREE, FULL, PACKET, PACKET_AT};

/// Blocks of the ring to receive, and their pages.
const RECEIVE_BLOCKS: (usize, usize) = (2, 3);
/// Blocks of the ring to send, and their pages.
const SEND_BLOCKS: (usize, usize) = (3, 2);

const fn pages((blocks, pages): (usize, usize)) -> usize {
    blocks * pages
}

const fn ring((blocks, pages): (usize, usize)) -> u64 {
    pair(blocks, pages)
}

pub(crate) fn run<U: User>(mut run: Run<'_, U>) {
    run.refused(Map::shared(1), Errno::EINVAL);
    run.control("a packet without a ring", RECEIVE, 1, Err(Errno::ENXIO));
    run.control("blocks without pages", RECEIVE_RING, pair(1, 0), Err(Errno::EINVAL));
    run.control("a ring", RECEIVE_RING, ring(RECEIVE_BLOCKS), Ok(0));
    run.control("a second one", RECEIVE_RING, ring(RECEIVE_BLOCKS), Err(Errno::EBUSY));
    run.lazy(Map::shared(pages(RECEIVE_BLOCKS)), &vec![Slot::Zeros; pages(RECEIVE_BLOCKS)]);
    run.control("no ring", RECEIVE_RING, 0, Ok(0));

    run.control("a ring to receive", RECEIVE_RING, ring(RECEIVE_BLOCKS), Ok(0));
    run.control("a ring to send", SEND_RING, ring(SEND_BLOCKS), Ok(0));
    let both = Map::shared(pages(RECEIVE_BLOCKS) + pages(SEND_BLOCKS));
    run.lazy(both, &vec![Slot::Zeros; both.pages]);
    for wrong in [both.pages - 1, both.pages + 1, pages(RECEIVE_BLOCKS), pages(SEND_BLOCKS)] {
        run.refused(Map::shared(wrong), Errno::EINVAL);
    }
    run.refused(both.at(PageOffset::new(1)), Errno::EINVAL);
    stays_while_mapped(&mut run, both);
    run.mapped(both, |run, at| {
        receives(run, at);
        sends(run, run.address(at, pages(RECEIVE_BLOCKS), 0));
    });
    shows_order(&mut run, both);
    for request in [RECEIVE_RING, SEND_RING] {
        run.control("no ring", request, 0, Ok(0));
    }
}

/// The rings are not replaced while anybody has anything of them mapped.
fn stays_while_mapped<U: User>(run: &mut Run<'_, U>, map: Map) {
    let busy = |run: &mut Run<'_, U>, mapped| {
        run.control("places where it is mapped", MAPPED, 0, Ok(mapped));
        run.control("no ring to receive", RECEIVE_RING, 0, Err(Errno::EBUSY));
        run.control("no ring to send", SEND_RING, 0, Err(Errno::EBUSY));
    };
    run.mapped(map, |run, at| {
        busy(run, 1);
        run.checks.success("munmap of a page inside", run.user.unmap(run.address(at, 3, 0), 1));
        busy(run, 2);
        run.with_child(|run, _| {
            run.checks.success("munmap of the parent's", run.user.unmap(at, map.pages));
            busy(run, 2);
        });
    });
    run.control("places where it is mapped, after munmap", MAPPED, 0, Ok(0));
}

fn frame(ring: UserAddr, frame: usize, offset: usize) -> UserAddr {
    UserAddr::new(ring.get().wrapping_add(frame.wrapping_mul(FRAME)).wrapping_add(offset))
}

/// Packets come in until the ring is full; as many as the user gives back come in again.
fn receives<U: User>(run: &mut Run<'_, U>, ring: UserAddr) {
    let frames = pages(RECEIVE_BLOCKS) * run.user.page_size() / FRAME;
    let packet = |number: usize| 0xfeed_0000_u64 + number as u64;
    for number in 0..frames {
        run.control(format!("packet {number}"), RECEIVE, packet(number), Ok(0));
    }
    run.control("a packet too many", RECEIVE, 0, Err(Errno::ENOBUFS));
    // Each thread reads its share of the packets and gives their frames back, but for frame 1.
    let threads = run.threads.max(1);
    run.together("packets", |user, thread, checks| {
        for number in (thread..frames).step_by(threads) {
            let mut status = [0];
            checks.success("a status", user.read(frame(ring, number, 0), &mut status));
            checks.equal(format!("the status of frame {number}"), &status, &[FULL]);
            let mut got = [0; PACKET];
            checks.success("a packet", user.read(frame(ring, number, PACKET_AT), &mut got));
            checks.equal(format!("the packet in frame {number}"), &u64::from_le_bytes(got), &packet(number));
            if number != 1 {
                checks.success("giving it back", user.write(frame(ring, number, 0), &[FREE]));
            }
        }
    });
    run.control("a packet for a frame that is free", RECEIVE, 1, Ok(0));
    run.control("a packet for one that is not", RECEIVE, 2, Err(Errno::ENOBUFS));
    run.checks.success("giving it back", run.user.write(frame(ring, 1, 0), &[FREE]));
    run.control("a packet for it", RECEIVE, 2, Ok(0));
}

/// The kernel sends what the user has put into the next frame, and gives the frame back.
fn sends<U: User>(run: &mut Run<'_, U>, ring: UserAddr) {
    let frames = pages(SEND_BLOCKS) * run.user.page_size() / FRAME;
    run.control("nothing to send", SEND, 0, Err(Errno::EAGAIN));
    // More than all frames of the ring, so that it begins anew.
    for number in 0..frames + 3 {
        let packet = 0xbeef_0000_u64 + number as u64;
        let at = number % frames;
        run.checks.success("a packet", run.user.write(frame(ring, at, PACKET_AT), &packet.to_le_bytes()));
        run.control("what is not yet the kernel's", SEND, 0, Err(Errno::EAGAIN));
        run.checks.success("giving it away", run.user.write(frame(ring, at, 0), &[FULL]));
        run.control(format!("packet {number}"), SEND, 0, Ok(packet));
        let mut status = [FULL];
        run.checks.success("a status", run.user.read(frame(ring, at, 0), &mut status));
        run.checks.equal(format!("the status of frame {at} after it was sent"), &status, &[FREE]);
    }
}

/// The ring that sends lies behind the one that receives, whichever was set up first.
fn shows_order<U: User>(run: &mut Run<'_, U>, both: Map) {
    for request in [RECEIVE_RING, SEND_RING] {
        run.control("no ring", request, 0, Ok(0));
    }
    run.control("a ring to send", SEND_RING, ring(SEND_BLOCKS), Ok(0));
    run.control("a ring to receive", RECEIVE_RING, ring(RECEIVE_BLOCKS), Ok(0));
    run.mapped(both, |run, at| {
        run.control("a packet", RECEIVE, 5, Ok(0));
        let mut status = [0];
        run.checks.success("a status", run.user.read(at, &mut status));
        run.checks.equal("the first frame of all", &status, &[FULL]);
    });
}

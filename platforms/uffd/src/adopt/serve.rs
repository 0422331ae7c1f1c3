//! The threads that read a peer's userfaultfd, and serve its faults.

use std::{io, mem, sync::Arc, thread::JoinHandle};

use vmctx_hosted::waiting;

use crate::{
    error::{KernelError, RawErrno, SessionError, raw},
    kernel::{messages::MOST, sys::page_of, undisturbed},
};

use super::{
    event::Backlog,
    fault::with_current,
    resolve::Server,
    shared::{PeerEnd, Shared},
    statistics::count,
};

/// One read in so many takes all messages that are there. The others take one, because looking for a second costs the kernel
/// something; unless there was a second lately.
const EVERY: u32 = 16;
/// For how many reads it counts that there was.
const LATELY: u32 = 64;

/// Starts threads, so that so many serve.
pub(crate) fn start(shared: &Arc<Shared>, serving: usize) -> io::Result<()> {
    let spawned = || spawn(shared);
    shared.readers.start(serving, spawned, spawned)
}

fn spawn(shared: &Arc<Shared>) -> io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    let run = move || {
        waiting::set_waiter(wait_in_hook);
        if run(&Server::new(&shared)) {
            shared.readers.server_left();
        }
    };
    undisturbed::spawn("vmctx-peer", run)
}

/// Waits inside the hook that this thread is calling, if it is. Another thread serves meanwhile.
fn wait_in_hook(wait: &mut dyn FnMut()) {
    let replaced = with_current(|serving| {
        let shared = serving.shared;
        // What this thread has read and not served becomes new events for others.
        leave_backlog(shared, serving.backlog);
        let started = shared.readers.replace(|| shared.is_stopping(), || spawn(shared));
        if let Err(error) = started {
            // What is waited for may come from elsewhere.
            shared.report(SessionError::NoThread(KernelError::of(raw(&error))));
        }
        wait();
        shared.readers.is_back();
    });
    if replaced.is_none() {
        wait();
    }
}

/// Whoever waits for what was read and not served repeats the access.
fn leave_backlog(shared: &Shared, backlog: &Backlog) {
    for event in mem::take(&mut *backlog.borrow_mut()) {
        shared.target.wake(&page_of(event.now));
    }
}

/// Serves until there is an end, or too many do. Whether there is.
fn run(server: &Server<'_>) -> bool {
    let (mut reads, mut lately) = (0_u32, 0_u32);
    loop {
        let next = server.backlog.borrow_mut().pop_front();
        if let Some(event) = next {
            count(&server.shared.target.counters.faults);
            server.serve(&event);
            continue;
        }
        if server.shared.readers.leave_if_surplus() {
            return false;
        }
        let polled = server.shared.poll();
        match polled {
            Ok(polled) if polled.leave => return true,
            Ok(polled) if polled.gone => {
                server.shared.note_end(PeerEnd::Gone);
                return true;
            }
            Ok(polled) if polled.hung_up => {
                server.shared.note_hang_up();
                continue;
            }
            Ok(_) => {}
            Err(RawErrno::INTR | RawErrno::AGAIN) => continue,
            Err(errno) => return cannot_read(server, errno),
        }
        let wanted = if lately != 0 || reads % EVERY == 0 { MOST } else { 1 };
        reads = reads.wrapping_add(1);
        match server.shared.read(wanted, &server.backlog) {
            Ok(read) => lately = if read > 1 { LATELY } else { lately.saturating_sub(1) },
            Err(RawErrno::INTR | RawErrno::AGAIN) => {}
            Err(errno) => return cannot_read(server, errno),
        }
    }
}

/// There is nobody left who serves, so nobody may be left who waits.
fn cannot_read(server: &Server<'_>, errno: RawErrno) -> bool {
    server.shared.note_end(PeerEnd::Unreadable(KernelError::of(errno)));
    // What is refused is tried again when the peer is dropped.
    let _ = server.shared.target.poison_all();
    true
}

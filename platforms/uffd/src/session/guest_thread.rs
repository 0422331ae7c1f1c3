//! The thread that listens to a guest: where a SIGBUS was delivered there, and when the guest has gone.

use std::{io, sync::Arc};

use crate::{
    error::SessionError,
    kernel::undisturbed,
    process::socket,
    serve::shared::{GuestLink, Shared},
};

/// Starts the thread, if the session has a guest.
pub(crate) fn start(shared: &Arc<Shared>) -> io::Result<()> {
    let Some(guest) = &shared.guest else { return Ok(()) };
    let shared = Arc::clone(shared);
    let thread = undisturbed::spawn("vmctx-guest", move || listen(&shared))?;
    *guest.thread.lock() = Some(thread);
    Ok(())
}

/// Listens until the guest has gone or the session is stopped.
fn listen(shared: &Shared) {
    let Some(GuestLink { agent, sigbus_socket, .. }) = &shared.guest else { return };
    while let Some(address) = agent.next_sigbus(sigbus_socket) {
        shared.space.forget_poison(address);
        // The guest waits for this byte, and then tries the access again.
        if socket::send(sigbus_socket, &[0]).is_err() {
            break;
        }
    }
    if shared.is_stopping() {
        return;
    }
    agent.hang_up();
    if !agent.has_nothing() {
        // Somebody shares the memory, and lives. What is there stays his.
        shared.space.poison_all();
    }
    shared.report(SessionError::GuestGone);
    // Nobody is served any more, and nobody is left for whom a hook could wait.
    shared.sleepers.nudge_all();
    shared.all_readers().for_each(|readers| {
        readers.uffd().tell_to_leave();
    });
}

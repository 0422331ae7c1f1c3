//! G7: a token handed to a worker through a channel.
use vmctx::{FaultCtx, Mixed, Platform};

struct Sender<T>(T);

impl<T: Send> Sender<T> {
    fn send(&mut self, value: T) {
        self.0 = value;
    }
}

fn serve<'f, P: Platform>(ctx: FaultCtx<'f, P, Mixed>, worker: &mut Sender<FaultCtx<'f, P, Mixed>>) {
    worker.send(ctx)
}

fn main() {}

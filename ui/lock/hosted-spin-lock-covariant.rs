//! G9: a lock around a state of one type is none around a state of another, which may have a kind of its own.
use vmctx_hosted::SpinLock;

fn shortened<'a>(lock: &'a SpinLock<for<'x> fn(&'x ())>) -> &'a SpinLock<fn(&'static ())> {
    lock
}

fn main() {}

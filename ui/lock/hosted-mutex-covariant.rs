//! G9: a lock around a state of one type is none around a state of another, which may have a kind of its own.
use vmctx_hosted::Mutex;

fn shortened<'a>(lock: &'a Mutex<for<'x> fn(&'x ())>) -> &'a Mutex<fn(&'static ())> {
    lock
}

fn main() {}

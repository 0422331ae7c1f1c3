//! G15: the right to sleep, from nothing.
use vmctx::MaySleep;

fn use_it(_: MaySleep<'_>) {}

fn anywhere() {
    use_it(().into())
}

fn main() {}

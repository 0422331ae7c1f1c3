//! G15: the right to sleep, out of nothing.
use vmctx::MaySleep;

fn use_it(_: MaySleep<'_>) {}

fn anywhere() {
    use_it(Default::default())
}

fn main() {}

//! G15: the right to sleep is given, not taken.
use vmctx::MaySleep;

fn use_it(_: MaySleep<'_>) {}

fn anywhere() {
    use_it(MaySleep {})
}

fn main() {}

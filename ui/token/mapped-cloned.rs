//! G6: one success reported twice.
use vmctx::Mapped;

fn require_clone<T: Clone>(_: T) {}

fn twice(mapped: Mapped<'_>) {
    require_clone(mapped)
}

fn main() {}

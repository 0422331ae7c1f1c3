//! G22: a table made up, with nobody's pieces.
use vmctx::Table;

fn forge<B>() -> Table<B> {
    Table {}
}

fn main() {}

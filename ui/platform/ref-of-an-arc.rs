//! G9, G14: an `Arc`, of which the platform knows nothing, taken for its reference.
use std::sync::Arc;
use vmctx_hosted::Ref;

fn share<V>(state: Arc<V>) -> Ref<V> {
    Ref::from(state)
}

fn main() {}

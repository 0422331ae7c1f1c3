//! G9, G14: a state taken for one of a supertype, whose operations and kind are others.
use vmctx_hosted::Ref;

fn taken_for_another(state: Ref<for<'a> fn(&'a ())>) -> Ref<fn(&'static ())> {
    state
}

fn main() {}

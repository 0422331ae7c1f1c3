//! G9, G14: a state taken for one of a subtype.
use vmctx_hosted::Ref;

fn taken_for_another(state: Ref<fn(&'static ())>) -> Ref<for<'a> fn(&'a ())> {
    state
}

fn main() {}

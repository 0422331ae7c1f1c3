//! G9, G14: a state of sim's taken for one of a supertype.
use vmctx::Platform;
use vmctx_sim::Sim;

type Ref<T> = <Sim as Platform>::Ref<T>;

fn taken_for_another(state: Ref<for<'a> fn(&'a ())>) -> Ref<fn(&'static ())> {
    state
}

fn main() {}

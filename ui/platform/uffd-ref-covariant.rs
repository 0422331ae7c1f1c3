//! G9, G14: a state of uffd's taken for one of a supertype.
use vmctx::Platform;
use vmctx_uffd::Uffd;

type Ref<T> = <Uffd as Platform>::Ref<T>;

fn taken_for_another(state: Ref<for<'a> fn(&'a ())>) -> Ref<fn(&'static ())> {
    state
}

fn main() {}

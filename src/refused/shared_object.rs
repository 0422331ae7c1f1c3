// Part of the module `shared_object`, which includes this file: see `guidance.rs`.

use crate::guidance::GuardsItsMappings;

/// What C calls it.
#[doc(hidden)]
impl<P: Platform> SharedObject<P> {
    pub fn unmap<A, B, C, R>(&self, _first: A, _count: B, _may_sleep: C) -> R
    where
        for<'x> &'x Self: GuardsItsMappings,
    {
        <&Self>::refused()
    }

    pub fn unmap_mapping_range<A, B, R>(&self, _start: A, _len: B) -> R
    where
        for<'x> &'x Self: GuardsItsMappings,
    {
        <&Self>::refused()
    }
}

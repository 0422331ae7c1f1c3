//! Numbers that are the same wherever a history is played again.

/// `SplitMix64`, of Steele, Lea and Flood (OOPSLA 2014).
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(super) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`, or 0 if there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = (end as u64).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// Whether it happens that is to happen so often of a hundred times.
    pub(super) fn percent(&mut self, times: usize) -> bool {
        self.below(100) < times
    }
}

/// What decides: chance, or somebody who learns from what came of it.
#[derive(Clone, Debug)]
pub(super) enum Choices<'a> {
    Random(Random),
    /// Bytes, as a fuzzer has them. Behind their end every choice is 0.
    Given(&'a [u8]),
}

impl Choices<'_> {
    /// A number of so many bytes, at most eight.
    fn take(&mut self, bytes: usize) -> u64 {
        match self {
            Self::Random(random) => random.next(),
            Self::Given(given) => {
                let (taken, rest) = given.split_at(bytes.min(given.len()));
                *given = rest;
                taken.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
            }
        }
    }

    pub(super) fn next(&mut self) -> u64 {
        self.take(8)
    }

    /// A number below `end`, or 0 if there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = (end as u64).max(1);
        // No more bytes than it takes, so that a change of one byte is a change of one choice.
        let bits = u64::BITS - (end - 1).leading_zeros();
        usize::try_from(self.take(bits.div_ceil(8) as usize) % end).unwrap_or_default()
    }

    /// Whether it happens that is to happen so often of a hundred times.
    pub(super) fn percent(&mut self, times: usize) -> bool {
        self.below(100) < times
    }

    /// Whether there is nothing more to choose by.
    pub(super) fn is_at_its_end(&self) -> bool {
        matches!(self, Self::Given([]))
    }
}

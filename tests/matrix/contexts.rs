//! The columns of the matrix: whoever has operations, and the kinds that its mapping can have.

/// A token, or what a token gives that has operations of its own.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Context {
    Mmap,
    Prepare,
    Prepared,
    Fault,
    Released,
    PageMkwrite,
    PfnMkwrite,
    HugeFault,
    MapPages,
    Access,
    Established,
    FrameSlots,
    Unlocked,
    Handle,
}

impl Context {
    /// All of them, in the groups of the page.
    pub(crate) const GROUPS: [(&'static str, &'static [Self]); 3] = [
        ("While a mapping is made", &[Self::Mmap, Self::Prepare, Self::Prepared]),
        (
            "While a fault is served",
            &[Self::Fault, Self::Released, Self::PageMkwrite, Self::PfnMkwrite, Self::HugeFault, Self::MapPages],
        ),
        (
            "For a debugger, and outside hooks",
            &[Self::Access, Self::Established, Self::FrameSlots, Self::Unlocked, Self::Handle],
        ),
    ];

    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::GROUPS.into_iter().flat_map(|(_, contexts)| contexts.iter().copied())
    }

    /// Its type's name.
    pub(crate) const fn type_name(self) -> &'static str {
        match self {
            Self::Mmap => "MmapCtx",
            Self::Prepare => "PrepareCtx",
            Self::Prepared => "Prepared",
            Self::Fault => "FaultCtx",
            Self::Released => "Released",
            Self::PageMkwrite => "PageMkwriteCtx",
            Self::PfnMkwrite => "PfnMkwriteCtx",
            Self::HugeFault => "HugeFaultCtx",
            Self::MapPages => "MapPagesCtx",
            Self::Access => "AccessCtx",
            Self::Established => "EstablishedCtx",
            Self::FrameSlots => "FrameSlots",
            Self::Unlocked => "UnlockedCtx",
            Self::Handle => "Handle",
        }
    }

    /// Its type, in which `K` is the kind.
    pub(crate) fn type_of(self) -> String {
        match self {
            Self::Prepare | Self::Unlocked => format!("{}<'c, P>", self.type_name()),
            Self::Handle => format!("{}<P, K>", self.type_name()),
            _ => format!("{}<'c, P, K>", self.type_name()),
        }
    }

    /// The kinds that it can have, by their letters. A prepare hook's token has none yet: they are those of what it gives.
    pub(crate) const fn kinds(self) -> &'static str {
        match self {
            Self::Mmap => "UNMPR",
            Self::PageMkwrite | Self::MapPages => "NM",
            Self::PfnMkwrite | Self::HugeFault => "MP",
            // It has no kind; any will do where an answer has one.
            Self::Unlocked => "M",
            _ => "NMPR",
        }
    }
}

/// The kind of this letter.
pub(crate) const fn kind(letter: char) -> &'static str {
    match letter {
        'U' => "Undecided",
        'N' => "Normal",
        'M' => "Mixed",
        'P' => "PfnMap",
        _ => "Remapped",
    }
}

//! The devices by name.

use core::fmt;

use clap::{ValueEnum, builder::PossibleValue};
use vmctx::kind::Kind;

/// A device of [`demo`](crate::demo), with its driver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "named after the modules of their drivers")]
pub enum Device {
    Kcov,
    Cfag12864b,
    RockchipGem,
    Vgem,
    Dax,
    Relay,
    Xive,
    DevMem,
}

/// Which hook of a driver puts memory into a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// The mmap hook.
    Mmap,
    /// The fault hook.
    Fault,
    /// The one or the other.
    Both,
}

impl fmt::Display for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Mmap => "mmap",
            Self::Fault => "fault",
            Self::Both => "both",
        })
    }
}

impl Device {
    /// All of them.
    pub const ALL: &[Self] = &[
        Self::Kcov,
        Self::Cfag12864b,
        Self::RockchipGem,
        Self::Vgem,
        Self::Dax,
        Self::Relay,
        Self::Xive,
        Self::DevMem,
    ];

    /// The name of its driver's module.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kcov => "kcov",
            Self::Cfag12864b => "cfag12864b",
            Self::RockchipGem => "rockchip_gem",
            Self::Vgem => "vgem",
            Self::Dax => "dax",
            Self::Relay => "relay",
            Self::Xive => "xive",
            Self::DevMem => "dev_mem",
        }
    }

    /// The hook that fills its mappings.
    #[must_use]
    pub const fn context(self) -> Context {
        match self {
            Self::Kcov | Self::Cfag12864b | Self::RockchipGem | Self::DevMem => Context::Mmap,
            Self::Dax | Self::Relay | Self::Xive => Context::Fault,
            Self::Vgem => Context::Both,
        }
    }

    /// The kind of its mappings.
    #[must_use]
    pub const fn kind(self) -> Kind {
        match self {
            Self::Kcov | Self::Cfag12864b | Self::RockchipGem | Self::Vgem | Self::Dax => Kind::Mixed,
            Self::Relay => Kind::Normal,
            Self::Xive => Kind::PfnMap,
            Self::DevMem => Kind::Remapped,
        }
    }

    /// What it is, in a line.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Kcov => "code coverage area: mapped whole, or not at all",
            Self::Cfag12864b => "frame buffer of one page, whatever the offset",
            Self::RockchipGem => "graphics buffer, mapped from an offset on",
            Self::Vgem => "graphics buffers, filled by mmap or by faults with fault-around",
            Self::Dax => "file in persistent memory: blocks, holes, allocation in the fault",
            Self::Relay => "relay channel: the fault hands its page back",
            Self::Xive => "interrupt controller: registers by frame number, some forbidden",
            Self::DevMem => "physical memory: RAM, registers, holes",
        }
    }
}

/// As an argument of a program.
impl ValueEnum for Device {
    fn value_variants<'a>() -> &'a [Self] {
        Self::ALL
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(self.name()).help(self.about()))
    }
}

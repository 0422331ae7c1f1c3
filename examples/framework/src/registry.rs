//! Drivers by name.

use std::{collections::BTreeMap, error::Error, fmt};

use crate::prelude::*;

/// What a driver registers: how its device is opened.
pub trait Driver: Send + Sync {
    /// Opens the device. The file is mapped by whoever has it, and its mmap hook says what comes of that.
    ///
    /// # Errors
    /// What the user's `open` is to fail with.
    fn open(&self, memory: &Memory, may_sleep: MaySleep<'_>) -> Result<Box<dyn MmapFile<Platform = Platform>>, Errno>;
}

/// The drivers that there are.
#[derive(Default)]
pub struct Registry {
    drivers: BTreeMap<String, Box<dyn Driver>>,
}

/// Why there is no file.
#[derive(Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Nobody has registered under this name.
    NoDriver(String),
    /// The driver has refused.
    Refused(Errno),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoDriver(name) => write!(f, "there is no driver `{name}`"),
            Self::Refused(errno) => write!(f, "the driver has refused: {errno}"),
        }
    }
}

impl Error for OpenError {}

impl Registry {
    /// Adds a driver, and gives back the one that had the name.
    pub fn register(&mut self, name: &str, driver: impl Driver + 'static) -> Option<Box<dyn Driver>> {
        self.drivers.insert(name.to_owned(), Box::new(driver))
    }

    /// Opens the device of the driver with this name.
    ///
    /// # Errors
    /// There is none, or it says no.
    pub fn open(
        &self,
        name: &str,
        memory: &Memory,
        may_sleep: MaySleep<'_>,
    ) -> Result<Box<dyn MmapFile<Platform = Platform>>, OpenError> {
        let driver = self.drivers.get(name).ok_or_else(|| OpenError::NoDriver(name.to_owned()))?;
        driver.open(memory, may_sleep).map_err(OpenError::Refused)
    }
}

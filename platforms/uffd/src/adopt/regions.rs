//! The regions that came with a userfaultfd, once all their numbers were checked.

use std::{ops::Range, sync::Arc};

use vmctx::{PageOffset, UserAddr};

use crate::{
    error::{KernelError, RawErrno},
    kernel::sys::{PAGE_SHIFT, PAGE_SIZE},
};

use super::removed::Removed;

/// A part of the peer's memory, as the peer describes it. Anything may stand in here: [`Regions::new`] checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first address in the peer.
    pub base: UserAddr,
    /// How many bytes it has.
    pub bytes: usize,
    /// Which byte of the object shows at its first address.
    pub offset: u64,
    /// How many bytes its pages have.
    pub page_size: usize,
}

/// What is wrong with the regions that a peer describes. Regions are counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegionError {
    /// There is no region.
    #[error("no region came with the userfaultfd")]
    None,
    /// Pages of another size than 4096 bytes.
    #[error(
        "region {region} has pages of {page_size} bytes, and this platform's have 4096: restore it without huge pages"
    )]
    PageSize {
        /// Which region.
        region: usize,
        /// The size of its pages.
        page_size: usize,
    },
    /// It begins within a page.
    #[error("region {region} begins at {base}, which is no page's address")]
    Base {
        /// Which region.
        region: usize,
        /// Where it begins.
        base: UserAddr,
    },
    /// It has no bytes, or ends within a page.
    #[error("region {region} has {bytes} bytes, which are no whole pages")]
    Length {
        /// Which region.
        region: usize,
        /// How many bytes it has.
        bytes: usize,
    },
    /// What it shows begins within a page of the object.
    #[error("region {region} shows the object from byte {offset} on, where no page begins")]
    Offset {
        /// Which region.
        region: usize,
        /// Where what it shows begins.
        offset: u64,
    },
    /// It ends behind the last address.
    #[error("region {region} ends behind the last address")]
    Addresses {
        /// Which region.
        region: usize,
    },
    /// What it shows ends behind the last byte that an object can have.
    #[error("what region {region} shows ends behind the last byte that an object can have")]
    Object {
        /// Which region.
        region: usize,
    },
    /// Two of them have an address in common.
    #[error("regions {first} and {second} have addresses in common")]
    Overlap {
        /// One of them.
        first: usize,
        /// The other.
        second: usize,
    },
    /// Two of them show the same page of the object: it could not be told where that page was given back.
    #[error("regions {first} and {second} show the same pages of the object")]
    SamePages {
        /// One of them.
        first: usize,
        /// The other.
        second: usize,
    },
    /// There is no memory to note what is given back.
    #[error("no memory to note which pages are given back: {0}")]
    Memory(KernelError),
}

/// The regions of a peer's memory, checked: whole pages of this platform's size, which have neither an address nor a page of
/// the object in common.
#[derive(Clone, Debug)]
pub struct Regions {
    regions: Arc<[Place]>,
    removed: Removed,
}

/// A region: its addresses, and the page of the object at its start.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    pub(crate) addresses: Range<usize>,
    pub(crate) pgoff: usize,
}

impl Place {
    fn pages(&self) -> Range<usize> {
        self.pgoff..self.pgoff + (self.addresses.len() >> PAGE_SHIFT)
    }
}

impl Regions {
    /// Checks what a peer says of its memory.
    ///
    /// # Errors
    /// The first thing that is wrong with it.
    pub fn new(regions: &[Region]) -> Result<Self, RegionError> {
        let places: Vec<Place> =
            regions.iter().enumerate().map(|(index, region)| checked(index, region)).collect::<Result<_, _>>()?;
        if places.is_empty() {
            return Err(RegionError::None);
        }
        if let Some((first, second)) = common(&places, |place| place.addresses.clone()) {
            return Err(RegionError::Overlap { first, second });
        }
        if let Some((first, second)) = common(&places, Place::pages) {
            return Err(RegionError::SamePages { first, second });
        }
        let removed = Removed::new(places.iter().map(Place::pages))
            .map_err(|errno: RawErrno| RegionError::Memory(KernelError::of(errno)))?;
        Ok(Self { regions: places.into(), removed })
    }

    /// What the peer gives back from now on, for the driver to look at.
    #[must_use]
    pub fn removed(&self) -> Removed {
        self.removed.clone()
    }

    /// How many bytes they have together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.regions.iter().map(|place| place.addresses.len()).sum()
    }

    /// The page of the object behind the last one that a region shows.
    #[must_use]
    pub fn end(&self) -> PageOffset {
        PageOffset::new(self.regions.iter().map(|place| place.pages().end).max().unwrap_or(0))
    }

    /// The pages of the object at these addresses, which lie in one region as it was adopted.
    #[inline]
    pub(crate) fn pages_at(&self, first: Range<usize>) -> Range<usize> {
        let region = self.regions.iter().find(|region| region.addresses.contains(&first.start));
        region.map_or(0..0, |region| {
            let page = region.pgoff + ((first.start - region.addresses.start) >> PAGE_SHIFT);
            page..page + (first.len() >> PAGE_SHIFT)
        })
    }

    pub(crate) fn places(&self) -> &[Place] {
        &self.regions
    }
}

fn checked(index: usize, region: &Region) -> Result<Place, RegionError> {
    let Region { base, bytes, offset, page_size } = *region;
    if page_size != PAGE_SIZE {
        return Err(RegionError::PageSize { region: index, page_size });
    }
    if base.get() % PAGE_SIZE != 0 {
        return Err(RegionError::Base { region: index, base });
    }
    if bytes == 0 || bytes % PAGE_SIZE != 0 {
        return Err(RegionError::Length { region: index, bytes });
    }
    if offset % PAGE_SIZE as u64 != 0 {
        return Err(RegionError::Offset { region: index, offset });
    }
    let end = base.get().checked_add(bytes).ok_or(RegionError::Addresses { region: index })?;
    let too_far = RegionError::Object { region: index };
    let offset = usize::try_from(offset).map_err(|_| too_far)?;
    offset.checked_add(bytes).ok_or(too_far)?;
    Ok(Place { addresses: base.get()..end, pgoff: offset >> PAGE_SHIFT })
}

/// Two of them that have something in common.
fn common(places: &[Place], of: impl Fn(&Place) -> Range<usize>) -> Option<(usize, usize)> {
    let mut sorted: Vec<(Range<usize>, usize)> =
        places.iter().enumerate().map(|(index, place)| (of(place), index)).collect();
    sorted.sort_unstable_by_key(|(range, index)| (range.start, *index));
    let pairs = sorted.iter().zip(sorted.iter().skip(1));
    let mut found = pairs.filter(|((before, _), (behind, _))| behind.start < before.end);
    found.next().map(|((_, first), (_, second))| (*first.min(second), *first.max(second)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: usize = PAGE_SIZE;

    fn region(base: usize, bytes: usize, offset: u64) -> Region {
        Region { base: UserAddr::new(base), bytes, offset, page_size: PAGE }
    }

    fn error(regions: &[Region]) -> RegionError {
        Regions::new(regions).map(drop).unwrap_err()
    }

    #[test]
    fn what_is_whole_and_apart_is_taken() {
        let regions = [region(8 * PAGE, 2 * PAGE, 4 * PAGE as u64), region(10 * PAGE, PAGE, 0)];
        let regions = Regions::new(&regions).unwrap();
        assert_eq!((regions.bytes(), regions.end().index()), (3 * PAGE, 6));
    }

    #[test]
    fn whatever_is_wrong_with_a_number_is_said() {
        let good = region(8 * PAGE, 4 * PAGE, 0);
        assert_eq!(error(&[]), RegionError::None);
        assert_eq!(
            error(&[good, Region { page_size: 2 << 20, ..good }]),
            RegionError::PageSize { region: 1, page_size: 2 << 20 }
        );
        assert_eq!(error(&[Region { page_size: 0, ..good }]), RegionError::PageSize { region: 0, page_size: 0 });
        let base = UserAddr::new(8 * PAGE + 1);
        assert_eq!(error(&[Region { base, ..good }]), RegionError::Base { region: 0, base });
        for bytes in [0, 1, PAGE + 1, usize::MAX] {
            assert_eq!(error(&[Region { bytes, ..good }]), RegionError::Length { region: 0, bytes });
        }
        assert_eq!(error(&[Region { offset: 7, ..good }]), RegionError::Offset { region: 0, offset: 7 });
        let last = usize::MAX - (PAGE - 1);
        assert_eq!(error(&[region(last, PAGE, 0)]), RegionError::Addresses { region: 0 });
        assert_eq!(error(&[region(PAGE, last, 0)]), RegionError::Addresses { region: 0 });
        assert_eq!(error(&[region(PAGE, PAGE, last as u64)]), RegionError::Object { region: 0 });
    }

    #[test]
    fn two_regions_share_neither_an_address_nor_a_page() {
        let good = region(8 * PAGE, 4 * PAGE, 0);
        assert_eq!(
            error(&[region(100 * PAGE, PAGE, 100 * PAGE as u64), region(11 * PAGE, PAGE, 50 * PAGE as u64), good]),
            RegionError::Overlap { first: 1, second: 2 }
        );
        assert_eq!(
            error(&[good, region(100 * PAGE, PAGE, 3 * PAGE as u64)]),
            RegionError::SamePages { first: 0, second: 1 }
        );
    }
}

//! A sparse array whose memory is asked for where it is needed, and can be refused.

use alloc::vec::Vec;
use core::ops::Range;

use crate::errno::Errno;

/// The base-2 logarithm of how many entries a node has, as in Linux's xarray (`XA_CHUNK_SHIFT`).
const NODE_SHIFT: u32 = 6;
const NODE: usize = 1 << NODE_SHIFT;

/// An array of which only those entries need memory that were asked to be there, and some nodes around them.
pub(crate) struct Sparse<T> {
    root: Option<Node<T>>,
    /// How many levels of nodes there are.
    levels: u32,
}

enum Node<T> {
    Inner(Vec<Option<Node<T>>>),
    Leaf(Vec<Option<T>>),
}

impl<T> Sparse<T> {
    /// An array of up to `len` entries, none of which is there.
    pub(crate) const fn new(len: usize) -> Self {
        let mut levels = 1;
        while levels * NODE_SHIFT < usize::BITS && len > 1 << (levels * NODE_SHIFT) {
            levels += 1;
        }
        Self { root: None, levels }
    }

    /// The entry, if it is there.
    pub(crate) fn get(&self, index: usize) -> Option<&T> {
        let mut node = self.root.as_ref()?;
        let mut level = self.levels - 1;
        if place(index, level) >= NODE {
            return None;
        }
        loop {
            match node {
                Node::Inner(children) => {
                    node = children.get(place(index, level) % NODE)?.as_ref()?;
                    level = level.checked_sub(1)?;
                }
                Node::Leaf(entries) => return entries.get(index % NODE)?.as_ref(),
            }
        }
    }

    /// The entry, which is made if it is not there. ENOMEM without memory for that, EINVAL behind the array's end.
    pub(crate) fn get_or_insert_with(&mut self, index: usize, make: impl FnOnce() -> T) -> Result<&mut T, Errno> {
        let mut level = self.levels - 1;
        if place(index, level) >= NODE {
            return Err(Errno::EINVAL);
        }
        let mut node = &mut self.root;
        loop {
            if node.is_none() {
                *node = Some(if level == 0 { Node::Leaf(absent()?) } else { Node::Inner(absent()?) });
            }
            match node {
                Some(Node::Inner(children)) => {
                    node = children.get_mut(place(index, level) % NODE).ok_or(Errno::EINVAL)?;
                    level = level.saturating_sub(1);
                }
                Some(Node::Leaf(entries)) => {
                    return entries
                        .get_mut(index % NODE)
                        .map(|entry| entry.get_or_insert_with(make))
                        .ok_or(Errno::EINVAL);
                }
                None => return Err(Errno::EINVAL),
            }
        }
    }

    /// Calls `look` for each entry of this part that is there, in order.
    pub(crate) fn for_each(&self, part: &Range<usize>, look: &mut dyn FnMut(usize, &T)) {
        if let Some(root) = &self.root {
            root.for_each(0, self.levels - 1, part, look);
        }
    }

    /// Calls `visit` for each entry of this part that is there, in order, and takes those away for which it says so,
    /// with the nodes that have nothing left.
    pub(crate) fn retain(&mut self, part: &Range<usize>, visit: &mut dyn FnMut(usize, &mut T) -> bool) {
        if self.root.as_mut().is_some_and(|root| !root.retain(0, self.levels - 1, part, visit)) {
            self.root = None;
        }
    }
}

impl<T> Node<T> {
    fn for_each(&self, first: usize, level: u32, part: &Range<usize>, look: &mut dyn FnMut(usize, &T)) {
        let width = width_of(level);
        match self {
            Self::Inner(children) => {
                for (child, start) in children.iter().zip(starts(first, width)) {
                    if let Some(node) = child.as_ref().filter(|_| reaches(part, start, width)) {
                        node.for_each(start, level.saturating_sub(1), part, look);
                    }
                }
            }
            Self::Leaf(entries) => {
                for (entry, index) in entries.iter().zip(starts(first, width)) {
                    if let Some(entry) = entry.as_ref().filter(|_| part.contains(&index)) {
                        look(index, entry);
                    }
                }
            }
        }
    }

    /// Whether anything is left.
    fn retain(
        &mut self,
        first: usize,
        level: u32,
        part: &Range<usize>,
        visit: &mut dyn FnMut(usize, &mut T) -> bool,
    ) -> bool {
        let (width, mut left) = (width_of(level), false);
        match self {
            Self::Inner(children) => {
                for (child, start) in children.iter_mut().zip(starts(first, width)) {
                    if let Some(node) = child.as_mut().filter(|_| reaches(part, start, width)) {
                        if !node.retain(start, level.saturating_sub(1), part, visit) {
                            *child = None;
                        }
                    }
                    left |= child.is_some();
                }
            }
            Self::Leaf(entries) => {
                for (entry, index) in entries.iter_mut().zip(starts(first, width)) {
                    if entry.as_mut().is_some_and(|entry| part.contains(&index) && !visit(index, entry)) {
                        *entry = None;
                    }
                    left |= entry.is_some();
                }
            }
        }
        left
    }
}

/// Where on this level an entry is, counted from the level's first.
const fn place(index: usize, level: u32) -> usize {
    // `levels` is never so large that this shifts everything out.
    index >> (level * NODE_SHIFT)
}

/// How many entries lie under one child of a node on this level.
const fn width_of(level: u32) -> usize {
    1 << (level * NODE_SHIFT)
}

/// The first entry of each child of a node, whose children have `width` entries. Those behind the last number that there is have none, and stay there.
fn starts(first: usize, width: usize) -> impl Iterator<Item = usize> {
    (0..NODE).map(move |child| first.saturating_add(child.saturating_mul(width)))
}

/// Whether any of `width` entries from `start` on is in the part.
fn reaches(part: &Range<usize>, start: usize, width: usize) -> bool {
    start < part.end && part.start <= start.saturating_add(width - 1)
}

/// The children of a new node.
fn absent<T>() -> Result<Vec<Option<T>>, Errno> {
    let mut children = Vec::new();
    children.try_reserve_exact(NODE).map_err(|_| Errno::ENOMEM)?;
    children.resize_with(NODE, || None);
    Ok(children)
}

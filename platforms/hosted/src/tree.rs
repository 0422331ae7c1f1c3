//! A map in the order of its keys, in which each entry has a reach, and which finds entries that reach far without a
//! look at the others: the trees that Linux augments (`i_mmap`, and the maple tree's gaps) in one. A treap: on average
//! everything here takes as many steps as the number of entries has digits.
//!
//! The interval maps of other crates find what reaches into a range, but not the last gap that is large enough.

use std::ops::Range;

/// The map.
pub(crate) struct Tree<K, V> {
    root: Link<K, V>,
    len: usize,
    /// Where the next entry comes to lie is left to chance, which is the same in every run.
    chance: u64,
}

type Link<K, V> = Option<Box<Node<K, V>>>;

struct Node<K, V> {
    key: K,
    value: V,
    reach: usize,
    /// The most of `reach` here and below.
    furthest: usize,
    /// No node below has a larger one.
    priority: u64,
    before: Link<K, V>,
    after: Link<K, V>,
}

impl<K, V> Default for Tree<K, V> {
    fn default() -> Self {
        Self { root: None, len: 0, chance: 0x9e37_79b9_7f4a_7c15 }
    }
}

impl<K: Ord, V> Tree<K, V> {
    /// Adds an entry, in the place of one with this key.
    pub(crate) fn insert(&mut self, key: K, reach: usize, value: V) {
        let Some((key, value)) = replace(&mut self.root, key, reach, value) else { return };
        // Xorshift: no two nodes in a row have anything in common.
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        let node = Node { key, value, reach, furthest: reach, priority: self.chance, before: None, after: None };
        self.root = Some(put(self.root.take(), Box::new(node)));
        self.len += 1;
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Takes out the entry of this key.
    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        let taken = take(&mut self.root, key);
        self.len -= usize::from(taken.is_some());
        taken
    }

    /// The first entry with a key in this range that reaches over `reach` and is `wanted`, which is asked in order.
    pub(crate) fn find(
        &self,
        keys: &Range<K>,
        reach: usize,
        mut wanted: impl FnMut(&K, &V) -> bool,
    ) -> Option<(&K, &V)> {
        find(&self.root, keys, reach, &mut wanted)
    }

    /// The last entry with a key below this one that reaches `reach` at least.
    pub(crate) fn last(&self, below: &K, reach: usize) -> Option<(&K, &V)> {
        last(&self.root, below, reach)
    }
}

impl<K, V> Node<K, V> {
    /// What is below has changed.
    fn update(&mut self) {
        let below = [&self.before, &self.after].into_iter().flatten();
        self.furthest = below.map(|node| node.furthest).fold(self.reach, usize::max);
    }
}

/// Changes the entry of this key. Gives the new one back if there is none.
fn replace<K: Ord, V>(link: &mut Link<K, V>, key: K, reach: usize, value: V) -> Option<(K, V)> {
    let Some(node) = link else { return Some((key, value)) };
    let left = if key == node.key {
        (node.reach, node.value) = (reach, value);
        None
    } else {
        replace(if key < node.key { &mut node.before } else { &mut node.after }, key, reach, value)
    };
    if left.is_none() {
        node.update();
    }
    left
}

fn put<K: Ord, V>(link: Link<K, V>, mut new: Box<Node<K, V>>) -> Box<Node<K, V>> {
    let Some(mut node) = link else { return new };
    if new.priority > node.priority {
        (new.before, new.after) = split(Some(node), &new.key);
        new.update();
        return new;
    }
    let side = if new.key < node.key { &mut node.before } else { &mut node.after };
    *side = Some(put(side.take(), new));
    node.update();
    node
}

/// What comes before a key, and the rest.
fn split<K: Ord, V>(link: Link<K, V>, key: &K) -> (Link<K, V>, Link<K, V>) {
    let Some(mut node) = link else { return (None, None) };
    if node.key < *key {
        let (before, after) = split(node.after.take(), key);
        node.after = before;
        node.update();
        (Some(node), after)
    } else {
        let (before, after) = split(node.before.take(), key);
        node.before = after;
        node.update();
        (before, Some(node))
    }
}

/// One of two trees, the keys of the first being below those of the second.
fn join<K, V>(before: Link<K, V>, after: Link<K, V>) -> Link<K, V> {
    match (before, after) {
        (Some(mut before), Some(mut after)) => Some(if before.priority > after.priority {
            before.after = join(before.after.take(), Some(after));
            before.update();
            before
        } else {
            after.before = join(Some(before), after.before.take());
            after.update();
            after
        }),
        (before, after) => before.or(after),
    }
}

fn take<K: Ord, V>(link: &mut Link<K, V>, key: &K) -> Option<V> {
    let node = link.as_mut()?;
    if node.key == *key {
        let Node { value, before, after, .. } = *link.take()?;
        *link = join(before, after);
        return Some(value);
    }
    let side = if *key < node.key { &mut node.before } else { &mut node.after };
    let taken = take(side, key);
    node.update();
    taken
}

fn find<'a, K: Ord, V>(
    link: &'a Link<K, V>,
    keys: &Range<K>,
    reach: usize,
    wanted: &mut impl FnMut(&K, &V) -> bool,
) -> Option<(&'a K, &'a V)> {
    let node = link.as_deref().filter(|node| node.furthest > reach)?;
    if node.key < keys.start {
        return find(&node.after, keys, reach, wanted);
    }
    if let found @ Some(_) = find(&node.before, keys, reach, wanted) {
        return found;
    }
    if node.key >= keys.end {
        return None;
    }
    if node.reach > reach && wanted(&node.key, &node.value) {
        return Some((&node.key, &node.value));
    }
    find(&node.after, keys, reach, wanted)
}

fn last<'a, K: Ord, V>(link: &'a Link<K, V>, below: &K, reach: usize) -> Option<(&'a K, &'a V)> {
    let node = link.as_deref().filter(|node| node.furthest >= reach)?;
    if node.key >= *below {
        return last(&node.before, below, reach);
    }
    last(&node.after, below, reach)
        .or_else(|| (node.reach >= reach).then_some((&node.key, &node.value)))
        .or_else(|| last(&node.before, below, reach))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    /// Everything is held against a map that looks at all of its entries.
    #[test]
    fn it_finds_what_a_look_at_all_entries_finds() {
        let (mut tree, mut all) = (Tree::default(), BTreeMap::new());
        let mut chance = 1_u64;
        let mut below = |end: u64| {
            chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (chance >> 33) % end
        };
        let mut found = [0; 2];
        for _ in 0..20_000 {
            let (key, reach) = (below(200), usize::try_from(below(1000)).unwrap_or(0));
            if below(3) == 0 {
                assert_eq!(tree.remove(&key), all.remove(&key).map(|(_, value)| value));
            } else {
                let value = below(10);
                tree.insert(key, reach, value);
                all.insert(key, (reach, value));
            }
            let (first, end, far) = (below(200), below(200), usize::try_from(below(1000)).unwrap_or(0));
            let by_looking =
                all.iter().find(|(key, (reach, value))| (first..end).contains(*key) && *reach > far && *value != 0);
            let by_reach = tree.find(&(first..end), far, |_, value| *value != 0);
            assert_eq!(by_reach, by_looking.map(|(key, (_, value))| (key, value)));
            let by_looking = all.iter().rev().find(|(key, (reach, _))| **key < end && *reach >= far);
            let by_reach_last = tree.last(&end, far);
            assert_eq!(by_reach_last, by_looking.map(|(key, (_, value))| (key, value)));
            found[0] += usize::from(by_reach.is_some());
            found[1] += usize::from(by_reach_last.is_some());
        }
        assert!(found.iter().all(|found| (100..19_900).contains(found)), "{found:?}");
    }

    #[test]
    fn keys_in_order_make_no_long_way() {
        fn depth<K, V>(link: &Link<K, V>) -> usize {
            link.as_deref().map_or(0, |node| 1 + depth(&node.before).max(depth(&node.after)))
        }
        let mut tree = Tree::default();
        for key in 0..60_000 {
            tree.insert(key, 1, ());
        }
        assert!(depth(&tree.root) < 64, "{}", depth(&tree.root));
    }
}

//! Names by number: one copy of each text, and whether the catalog is concerned.

use std::hash::BuildHasher;

use hashbrown::HashTable;

use crate::observe::NameId;

/// The id of every name that came when the table was full and that concerns no endpoint.
const OVERFLOW: NameId = NameId(u32::MAX);

/// An interner for normalised names.
///
/// Names that concern the catalog are always kept. Of the others, which are needed to tell
/// names on one address apart, at most `limit` are.
#[derive(Clone, Default)]
pub struct NameTable {
    hasher: foldhash::fast::RandomState,
    index: HashTable<u32>,
    texts: String,
    entries: Vec<Entry>,
    others: usize,
    limit: usize,
    overflowed: u64,
}

#[derive(Clone, Copy)]
struct Entry {
    /// Of the text, so that growing and comparing rarely touch it.
    hash: u64,
    start: u32,
    end: u32,
    concerns: bool,
}

impl NameTable {
    /// An empty table that keeps at most `limit` names that do not concern the catalog.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, ..Self::default() }
    }

    /// The id of a name; `concerns` is asked once for every distinct name.
    #[inline]
    pub fn intern(&mut self, name: &str, concerns: impl FnOnce(&str) -> bool) -> NameId {
        let hash = self.hasher.hash_one(name);
        match self.look_up(hash, name) {
            Some(id) => id,
            None => self.add(hash, name, concerns(name)),
        }
    }

    /// The id of a name that is kept.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<NameId> {
        self.look_up(self.hasher.hash_one(name), name)
    }

    /// The text of a name; empty for one that was not kept.
    #[must_use]
    pub fn text(&self, id: NameId) -> &str {
        self.entries.get(id.0 as usize).map_or("", |entry| self.slice(entry))
    }

    /// Whether some endpoint of the catalog is concerned with the name.
    #[inline]
    #[must_use]
    pub fn concerns(&self, id: NameId) -> bool {
        self.entries.get(id.0 as usize).is_some_and(|entry| entry.concerns)
    }

    /// Whether the name was kept.
    #[inline]
    #[must_use]
    pub const fn is_kept(&self, id: NameId) -> bool {
        id.0 != OVERFLOW.0
    }

    /// Every name with its id, in the order of arrival.
    pub fn iter(&self) -> impl Iterator<Item = (NameId, &str)> {
        (0_u32..).map(NameId).zip(self.entries.iter()).map(|(id, _)| (id, self.text(id)))
    }

    /// How many names are kept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no name is kept.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// How often a name came that was not kept.
    #[must_use]
    pub const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Takes all names of `other` in; the result maps its ids to those of this table.
    pub fn absorb(&mut self, other: &Self) -> Vec<NameId> {
        self.overflowed += other.overflowed;
        // What one table kept, the sum keeps: the limit is one of each part.
        self.limit = self.limit.max(self.others + other.others);
        other.iter().map(|(id, text)| self.intern(text, |_| other.concerns(id))).collect()
    }

    fn add(&mut self, hash: u64, name: &str, concerns: bool) -> NameId {
        let start = self.texts.len();
        let (Ok(id), Ok(start), Ok(end)) = (
            u32::try_from(self.entries.len()),
            u32::try_from(start),
            u32::try_from(start + name.len()),
        ) else {
            self.overflowed += 1;
            return OVERFLOW;
        };
        if !concerns {
            if self.others >= self.limit {
                self.overflowed += 1;
                return OVERFLOW;
            }
            self.others += 1;
        }
        self.texts.push_str(name);
        self.entries.push(Entry { hash, start, end, concerns });
        let Self { index, entries, .. } = self;
        index.insert_unique(hash, id, |&id| entries.get(id as usize).map_or(0, |entry| entry.hash));
        NameId(id)
    }

    #[inline]
    fn look_up(&self, hash: u64, name: &str) -> Option<NameId> {
        let is_name = |&id: &u32| {
            self.entries
                .get(id as usize)
                .is_some_and(|entry| entry.hash == hash && self.slice(entry) == name)
        };
        self.index.find(hash, is_name).copied().map(NameId)
    }

    fn slice(&self, entry: &Entry) -> &str {
        self.texts.get(entry.start as usize..entry.end as usize).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_id_and_one_text() {
        let mut names = NameTable::new(10);
        let first = names.intern("a.example", |_| true);
        let second = names.intern("b.example", |_| false);
        assert_eq!(names.intern("a.example", |_| unreachable!("known already")), first);
        assert_eq!((names.text(first), names.text(second)), ("a.example", "b.example"));
        assert!(names.concerns(first) && !names.concerns(second));
    }

    #[test]
    fn a_full_table_still_keeps_what_the_catalog_is_concerned_with() {
        let mut names = NameTable::new(1);
        names.intern("other-1.example", |_| false);
        let lost = names.intern("other-2.example", |_| false);
        let kept = names.intern("required.example", |_| true);
        assert!(!names.is_kept(lost));
        assert_eq!(names.text(lost), "");
        assert_eq!(names.text(kept), "required.example");
        assert_eq!(names.overflowed(), 1);
    }

    #[test]
    fn absorbing_translates_the_ids() {
        let mut ours = NameTable::new(1);
        let mut theirs = NameTable::new(1);
        ours.intern("a", |_| false);
        let b = theirs.intern("b", |_| false);
        let map = ours.absorb(&theirs);
        assert_eq!(ours.text(map[b.0 as usize]), "b");
    }
}

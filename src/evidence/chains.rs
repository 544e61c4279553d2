//! Certificate chains by number: one copy of each, however many servers show it.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::observe::ChainId;

/// Chains that one part keeps, and their bytes. The required names of a capture are served with
/// a few hundred.
const MAX_CHAINS: usize = 1_024;
const MAX_BYTES: usize = 4 << 20;

/// An interner for certificate lists, in the form of a Certificate message (RFC 5246 section
/// 7.4.2).
#[derive(Clone, Default)]
pub struct ChainTable {
    index: HashMap<Arc<[u8]>, ChainId, foldhash::fast::RandomState>,
    chains: Vec<Arc<[u8]>>,
    bytes: usize,
    overflowed: u64,
}

impl ChainTable {
    /// The id of a chain; none when the table is full.
    pub(super) fn intern(&mut self, chain: &[u8]) -> Option<ChainId> {
        if let Some(id) = self.index.get(chain) {
            return Some(*id);
        }
        if self.chains.len() >= MAX_CHAINS || self.bytes.saturating_add(chain.len()) > MAX_BYTES {
            self.overflowed += 1;
            return None;
        }
        self.add(Arc::from(chain))
    }

    /// The bytes of a chain.
    #[must_use]
    pub fn get(&self, id: ChainId) -> &[u8] {
        self.chains.get(id.0 as usize).map_or(&[], AsRef::as_ref)
    }

    /// Every chain with its id.
    pub fn iter(&self) -> impl Iterator<Item = (ChainId, &[u8])> {
        (0..).map(ChainId).zip(self.chains.iter().map(AsRef::as_ref))
    }

    /// How often a chain came that was not kept.
    pub(super) const fn overflowed(&self) -> u64 {
        self.overflowed
    }

    /// Takes in the chains of another table at these ids; what one table kept, the sum keeps. The
    /// result maps its ids to those of this table.
    pub(super) fn absorb(&mut self, other: &Self) -> Vec<Option<ChainId>> {
        self.overflowed += other.overflowed;
        other.chains.iter().map(|chain| self.add(Arc::clone(chain))).collect()
    }

    /// The chains of these, each once, in the order of their bytes.
    pub(super) fn sorted<'t>(chains: impl Iterator<Item = (&'t Self, ChainId)>) -> Self {
        let mut all: Vec<&Arc<[u8]>> =
            chains.filter_map(|(table, id)| table.chains.get(id.0 as usize)).collect();
        all.sort_unstable();
        all.dedup();
        let mut sorted = Self::default();
        for chain in all {
            sorted.add(Arc::clone(chain));
        }
        sorted
    }

    /// The id that a chain of another table has here.
    pub(super) fn translate(&self, other: &Self, id: ChainId) -> Option<ChainId> {
        self.index.get(other.get(id)).copied()
    }

    fn add(&mut self, chain: Arc<[u8]>) -> Option<ChainId> {
        if let Some(id) = self.index.get(&chain) {
            return Some(*id);
        }
        let id = ChainId(u32::try_from(self.chains.len()).ok()?);
        self.bytes = self.bytes.saturating_add(chain.len());
        self.chains.push(Arc::clone(&chain));
        self.index.insert(chain, id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_has_one_id_and_the_sum_keeps_what_the_parts_kept() {
        let mut ours = ChainTable::default();
        let mut theirs = ChainTable::default();
        let first = ours.intern(b"first").unwrap();
        assert_eq!(ours.intern(b"first"), Some(first));
        theirs.intern(b"second");
        theirs.intern(b"first");
        let ids = ours.absorb(&theirs);
        assert_eq!(ids[1], Some(first));
        assert_eq!(ours.get(ids[0].unwrap()), b"second");
        let sorted = ChainTable::sorted(theirs.iter().map(|(id, _)| (&theirs, id)));
        let texts: Vec<_> = sorted.iter().map(|(_, chain)| chain).collect();
        assert_eq!(texts, [&b"first"[..], b"second"]);
    }

    #[test]
    fn a_full_table_counts_what_it_does_not_keep() {
        let mut chains = ChainTable::default();
        let big = vec![0; MAX_BYTES];
        assert!(chains.intern(&big).is_some());
        assert_eq!(chains.intern(b"more"), None);
        assert!(chains.intern(&big).is_some());
        assert_eq!(chains.overflowed(), 1);
    }
}

//! Evidence in its final form, after the last merge: what verdicts are computed from.

use std::collections::{BTreeMap, BTreeSet};

use hashbrown::HashSet;

use super::part::Part;
use super::{
    AttemptKey, ChainTable, Detail, Limits, NameTable, Pruned, ResolutionKey, Span, Tally,
};
use crate::observe::{
    Address, Cause, Channel, Duration, NameId, OWN_HOST, Offer, Outcome, SocketAddress, TextId,
};
use crate::service_tags::InboundTags;

/// What verdicts can depend on: the attempts at names that concern the catalog, those that a
/// resolution may give such a name, and the resolutions that decide it.
///
/// The ids of names follow the order of their texts, so sorted by key means sorted by text; those of
/// certificate chains follow the order of their bytes.
#[derive(Clone)]
pub struct Settled {
    names: NameTable,
    texts: NameTable,
    chains: ChainTable,
    attempts: Vec<(AttemptKey, Tally)>,
    resolutions: Vec<(ResolutionKey, Span)>,
    /// Of the clients with an attempt here, those that packets were sent to, by unit.
    heard: HashSet<(u32, Address), foldhash::fast::RandomState>,
    /// Other addresses of the host that sends from this one, by unit.
    siblings: BTreeMap<(u32, Address), Vec<Address>>,
    /// By how much clocks were set back, by unit.
    set_back: BTreeMap<u32, Duration>,
    /// Names that capture files state for addresses.
    file_names: BTreeSet<(Address, NameId)>,
    /// What failed at servers that no name leads to.
    unnamed_failures: UnnamedFailures,
    /// What says of which names that HTTP/3 serves them.
    offers: BTreeSet<(NameId, Offer)>,
    pruned: Pruned,
    detail: Detail,
}

/// Connections that failed and show no name, at servers that no name of the catalog leads to: they belong
/// to no endpoint, and may be why an endpoint was never seen.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct UnnamedFailures {
    /// How many there were; a lower bound where attempts without a name were given up.
    pub count: u64,
    /// The servers of most of them, with cause and number, most first; at most ten.
    pub servers: Vec<(SocketAddress, Cause, u64)>,
}

impl UnnamedFailures {
    fn of(parts: &[&Part], relevant: &Relevant<'_>) -> Self {
        const MAX_SERVERS: usize = 10;
        let mut servers: BTreeMap<(SocketAddress, Cause), u64> = BTreeMap::new();
        for (key, tally) in parts.iter().flat_map(|part| part.unnamed()) {
            if let Outcome::Blocked(cause) = key.outcome
                && !relevant.addresses.contains(&key.server.address)
            {
                *servers.entry((key.server, cause)).or_default() += tally.count;
            }
        }
        let count = servers.values().sum();
        let mut servers: Vec<_> =
            servers.into_iter().map(|((s, cause), n)| (s, cause, n)).collect();
        servers.sort_by_key(|(server, cause, count)| (std::cmp::Reverse(*count), *server, *cause));
        servers.truncate(MAX_SERVERS);
        Self { count, servers }
    }
}

/// The addresses and names that matter, found before anything is copied.
#[derive(Default)]
struct Relevant<'p> {
    /// Addresses that a nameless attempt went to, and that a name of the catalog was said to
    /// live at or a required service tag holds.
    addresses: HashSet<Address, foldhash::fast::RandomState>,
    /// Labels of those addresses that are within a required service tag.
    labels: BTreeSet<&'p str>,
    /// Names that a name of the catalog may be with a search suffix appended.
    prefixes: BTreeSet<&'p str>,
}

/// What of one part is relevant, with the part's own ids.
#[derive(Default)]
struct Kept<'p> {
    attempts: Vec<(&'p AttemptKey, &'p Tally)>,
    resolutions: Vec<(&'p ResolutionKey, Span)>,
    /// By id, whether an entry speaks of the name.
    named: Vec<bool>,
}

impl Settled {
    pub(super) fn of(
        parts: Vec<&Part>,
        limits: &Limits,
        inbound: Option<&InboundTags>,
        pruned: Pruned,
    ) -> Self {
        // Parts of several levels were put together, so all are of one.
        let detail = parts.first().map_or_else(Detail::default, |part| part.attempts.detail());
        let relevant = Relevant::of(&parts, inbound);
        let unnamed_failures = UnnamedFailures::of(&parts, &relevant);
        let kept: Vec<Kept<'_>> = parts.iter().map(|part| relevant.kept(part)).collect();
        let mut texts: BTreeMap<&str, bool> = BTreeMap::new();
        for (part, kept) in parts.iter().zip(&kept) {
            for id in kept.names() {
                *texts.entry(part.names.text(id)).or_default() |= part.names.concerns(id);
            }
        }
        texts.extend(relevant.labels.iter().map(|label| (*label, true)));
        let mut names = NameTable::new(usize::MAX);
        for (text, concerns) in &texts {
            names.intern(text, |_| *concerns);
        }
        let texts = texts_of(&parts, &kept);
        let shown = parts.iter().zip(&kept).flat_map(|(part, kept)| {
            kept.attempts.iter().filter_map(|(key, _)| Some((&part.chains, key.chain?)))
        });
        let chains = ChainTable::sorted(shown);
        let mut attempts = Vec::new();
        let mut resolutions = Vec::new();
        for (part, kept) in parts.iter().zip(&kept) {
            let text = |id: TextId| {
                let text = part.texts.text(NameId(id.0));
                texts.find(text).map_or(id, |id| TextId(id.0))
            };
            let mut ids = vec![NameId(0); part.names.len()];
            for id in kept.names() {
                if let (Some(place), Some(new)) =
                    (ids.get_mut(id.0 as usize), names.find(part.names.text(id)))
                {
                    *place = new;
                }
            }
            let id = |id: NameId| ids.get(id.0 as usize).copied().unwrap_or(id);
            for &(key, tally) in &kept.attempts {
                let name = key.name.map(|(name, source)| (id(name), source));
                let decider = key.decider.map(text);
                let chain = key.chain.and_then(|chain| chains.translate(&part.chains, chain));
                attempts.push((AttemptKey { name, decider, chain, ..*key }, tally.clone()));
            }
            for &(key, span) in &kept.resolutions {
                resolutions.push((ResolutionKey { name: id(key.name), ..*key }, span));
            }
        }
        let attempts =
            fold_sorted(attempts, |kept: &mut Tally, new| kept.merge(new, limits.samples));
        let resolutions = fold_sorted(resolutions, Span::widen);
        let clients: HashSet<(u32, Address), foldhash::fast::RandomState> =
            attempts.iter().map(|(key, _)| (key.unit, key.client)).collect();
        let heard = parts
            .iter()
            .flat_map(|part| part.heard.iter().map(|(key, ())| *key))
            .map(|(unit, client)| (unit, detail.client(client)))
            .filter(|key| clients.contains(key))
            .collect();
        let offers = parts
            .iter()
            .flat_map(|part| part.offers.iter().map(|((name, offer), ())| (*part, *name, *offer)))
            .filter_map(|(part, name, offer)| Some((names.find(part.names.text(name))?, offer)))
            .collect();
        let siblings = siblings(&parts);
        let mut set_back: BTreeMap<u32, Duration> = BTreeMap::new();
        for (unit, by) in parts.iter().flat_map(|part| part.set_back.iter()) {
            let kept = set_back.entry(*unit).or_default();
            *kept = (*kept).max(*by);
        }
        let file_names = parts
            .iter()
            .flat_map(|part| {
                part.file_names.iter().map(|((address, name), ())| (*part, *address, *name))
            })
            .filter_map(|(part, address, name)| Some((address, names.find(part.names.text(name))?)))
            .collect();
        Self {
            names,
            texts,
            chains,
            attempts,
            resolutions,
            heard,
            siblings,
            set_back,
            file_names,
            unnamed_failures,
            offers,
            pruned,
            detail,
        }
    }

    /// The names that the keys speak of, numbered in the order of their texts.
    #[must_use]
    pub const fn names(&self) -> &NameTable {
        &self.names
    }

    /// A text about who decided.
    #[must_use]
    pub fn text(&self, id: TextId) -> &str {
        self.texts.text(NameId(id.0))
    }

    /// The certificate chains that the keys speak of, numbered in the order of their bytes.
    #[must_use]
    pub const fn chains(&self) -> &ChainTable {
        &self.chains
    }

    /// The attempts, sorted by key.
    #[must_use]
    pub fn attempts(&self) -> &[(AttemptKey, Tally)] {
        &self.attempts
    }

    /// The resolutions, sorted by address, client, name and hour.
    #[must_use]
    pub fn resolutions(&self) -> &[(ResolutionKey, Span)] {
        &self.resolutions
    }

    /// Whether packets to this client are in the unit.
    #[must_use]
    pub fn was_heard(&self, unit: u32, client: Address) -> bool {
        self.heard.contains(&(unit, client))
    }

    /// The other addresses that the host of this one sends from, as far as hardware addresses tell.
    #[must_use]
    pub fn siblings(&self, unit: u32, client: Address) -> &[Address] {
        self.siblings.get(&(unit, client)).map_or(&[], Vec::as_slice)
    }

    /// By how much the clock of the unit was set back, if it was.
    #[must_use]
    pub fn set_back(&self, unit: u32) -> Duration {
        self.set_back.get(&unit).copied().unwrap_or_default()
    }

    /// The names that capture files state for the address.
    pub fn file_names(&self, address: Address) -> impl Iterator<Item = NameId> {
        let range = (address, NameId(0))..=(address, NameId(u32::MAX));
        self.file_names.range(range).map(|(_, name)| *name)
    }

    /// What says that HTTP/3 serves the name.
    pub fn offers(&self, name: NameId) -> impl Iterator<Item = Offer> {
        self.offers
            .range((name, Offer::AltSvc)..=(name, Offer::HttpsRecord))
            .map(|(_, offer)| *offer)
    }

    /// What failed at servers that no name leads to.
    #[must_use]
    pub const fn unnamed_failures(&self) -> &UnnamedFailures {
        &self.unnamed_failures
    }

    /// What tells attempts at names apart.
    #[must_use]
    pub const fn detail(&self) -> Detail {
        self.detail
    }

    /// What the limits made the sum give up.
    #[must_use]
    pub const fn pruned(&self) -> Pruned {
        self.pruned
    }
}

impl<'p> Relevant<'p> {
    fn of(parts: &[&'p Part], inbound: Option<&'p InboundTags>) -> Self {
        let mut relevant = Self::default();
        // Few addresses are those of a required name, many are tried.
        let mut named: HashSet<Address, foldhash::fast::RandomState> = HashSet::default();
        for part in parts {
            for (key, _) in part.resolutions.iter() {
                if part.names.concerns(key.name) {
                    named.insert(key.address);
                }
            }
            for ((address, name), ()) in part.file_names.iter() {
                if part.names.concerns(*name) {
                    named.insert(*address);
                }
            }
        }
        for part in parts {
            for (key, _) in part.unnamed() {
                let address = key.server.address;
                if named.contains(&address) {
                    relevant.addresses.insert(address);
                }
                for within in address.translated().filter(|within| named.contains(within)) {
                    relevant.addresses.extend([address, within]);
                }
                for label in inbound.into_iter().flat_map(|tags| tags.labels(address)) {
                    relevant.addresses.insert(address);
                    relevant.labels.insert(label);
                }
            }
            for (key, _) in part.attempts.iter().filter(|(key, _)| is_no_such_name(key)) {
                let name = key.name.map_or("", |(name, _)| part.names.text(name));
                relevant.prefixes.extend(prefixes(name));
            }
        }
        relevant
    }

    /// The prefixes that a part has, by its own ids.
    fn prefixes_in(&self, part: &Part) -> Vec<NameId> {
        let mut ids: Vec<NameId> =
            self.prefixes.iter().filter_map(|text| part.names.find(text)).collect();
        ids.sort_unstable();
        ids
    }

    /// What of a part is relevant.
    fn kept(&self, part: &'p Part) -> Kept<'p> {
        let prefixes = self.prefixes_in(part);
        let is_relevant = |key: &ResolutionKey| {
            self.addresses.contains(&key.address) || prefixes.binary_search(&key.name).is_ok()
        };
        let mut kept = Kept { named: vec![false; part.names.len()], ..Kept::default() };
        for (key, tally) in part.attempts.iter() {
            if let Some((name, _)) = key.name {
                kept.mark(name);
            }
            kept.attempts.push((key, tally));
        }
        for (key, tally) in part.unnamed() {
            if self.addresses.contains(&key.server.address) {
                kept.attempts.push((key, tally));
            }
        }
        for ((address, name), ()) in part.file_names.iter() {
            if self.addresses.contains(address) {
                kept.mark(*name);
            }
        }
        for (key, span) in part.resolutions.iter().filter(|(key, _)| is_relevant(key)) {
            kept.mark(key.name);
            kept.resolutions.push((key, *span));
        }
        kept
    }
}

impl Kept<'_> {
    fn mark(&mut self, name: NameId) {
        if let Some(named) = self.named.get_mut(name.0 as usize) {
            *named = true;
        }
    }

    /// The names that the entries speak of, each once.
    fn names(&self) -> impl Iterator<Item = NameId> + '_ {
        let ids = (0_u32..).map(NameId);
        ids.zip(&self.named).filter(|(_, named)| **named).map(|(id, _)| id)
    }
}

/// The texts that the attempts speak of, numbered in their order.
fn texts_of(parts: &[&Part], kept: &[Kept<'_>]) -> NameTable {
    let mut sorted = BTreeSet::new();
    for (part, kept) in parts.iter().zip(kept) {
        let ids = kept.attempts.iter().filter_map(|(key, _)| key.decider);
        sorted.extend(ids.map(|id| part.texts.text(NameId(id.0))));
    }
    let mut texts = NameTable::new(usize::MAX);
    for text in sorted {
        texts.intern(text, |_| false);
    }
    texts
}

/// The addresses of each host that sends from several. What sends from many is a router or a proxy for
/// others (RFC 1812, RFC 1027), and no host.
fn siblings(parts: &[&Part]) -> BTreeMap<(u32, Address), Vec<Address>> {
    /// Addresses that a host may have: a few of each family, and temporary ones (RFC 8981).
    const MAX_ADDRESSES: usize = 16;
    let mut hosts: BTreeMap<(u32, u64), BTreeSet<Address>> = BTreeMap::new();
    for part in parts {
        for ((unit, hardware, address), ()) in part.hosts.iter() {
            hosts.entry((*unit, *hardware)).or_default().insert(*address);
        }
    }
    // A host passes on what others on its bridges send, and then they were heard of by themselves.
    let units: BTreeSet<u32> = hosts.keys().map(|(unit, _)| *unit).collect();
    for unit in units {
        let Some(mut own) = hosts.remove(&(unit, OWN_HOST)) else { continue };
        for heard in hosts.range((unit, 0)..(unit, OWN_HOST)).map(|(_, addresses)| addresses) {
            own.retain(|address| !heard.contains(address));
        }
        hosts.insert((unit, OWN_HOST), own);
    }
    let mut siblings = BTreeMap::new();
    for ((unit, _), addresses) in hosts.iter().filter(|(_, all)| all.len() <= MAX_ADDRESSES) {
        for address in addresses {
            let others = addresses.iter().filter(|other| *other != address);
            siblings.entry((*unit, *address)).or_insert_with(Vec::new).extend(others.copied());
        }
    }
    siblings
}

/// Whether attempts of this key ended with the answer that there is no such name.
pub(crate) fn is_no_such_name(key: &AttemptKey) -> bool {
    key.outcome == Outcome::Blocked(Cause::DnsNxdomain) && matches!(key.channel, Channel::Dns(_))
}

/// The names that a name can be with a search suffix appended. A name of one label is not
/// asked for without a suffix, so the least has two.
pub(crate) fn prefixes(name: &str) -> impl Iterator<Item = &str> {
    name.match_indices('.').skip(1).filter_map(|(at, _)| name.get(..at))
}

/// Sorts entries by key and makes every key occur once.
fn fold_sorted<K: Ord, V>(mut entries: Vec<(K, V)>, add: impl Fn(&mut V, V)) -> Vec<(K, V)> {
    // Equal keys are added up, so their order does not matter.
    entries.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
    let mut folded: Vec<(K, V)> = Vec::with_capacity(entries.len());
    for (key, value) in entries {
        match folded.last_mut() {
            Some((last, kept)) if *last == key => add(kept, value),
            _ => folded.push((key, value)),
        }
    }
    folded
}

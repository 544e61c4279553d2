//! The sum of everything observed.

use std::sync::Arc;

use hashbrown::HashSet;

use super::detail::Scale;
use super::part::Part;
use super::unnamed::{Room, Unnamed};
use super::{Detail, Settled, Tally};
use crate::catalog::{Matcher, Matches};
use crate::observe::{
    Address, Alias, Attempt, ChainId, Channel, Duration, Locator, NameId, NameSource, Offer,
    Outcome, Resolution, Sighting, Sink, SocketAddress, Sum, TextId, Timestamp,
};
use crate::service_tags::InboundTags;

/// Length of the time buckets that keep attempts of one kind apart, in nanoseconds: fine
/// enough to tell what was retried at once, coarse enough to add up.
const BUCKET: i64 = 60 * 1_000_000_000;

/// Parts that are kept side by side before they are put together.
const MAX_PARTS: usize = 64;

/// What an attempt is counted under.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttemptKey {
    /// The minute in which the attempt began.
    pub bucket: i64,
    /// The name and what showed it, or `None` when a resolution must tell.
    pub name: Option<(NameId, NameSource)>,
    /// Who tried.
    pub client: Address,
    /// Whom the packets went to.
    pub server: SocketAddress,
    /// The port of the service asked for.
    pub target_port: u16,
    /// By what means.
    pub channel: Channel,
    /// How it ended.
    pub outcome: Outcome,
    /// Who decided, in the words of the log that tells.
    pub decider: Option<TextId>,
    /// First input of the sequence in which it was seen.
    pub unit: u32,
    /// The certificates that were shown.
    pub chain: Option<ChainId>,
}

impl AttemptKey {
    fn of(attempt: &Attempt) -> Self {
        Self {
            bucket: attempt.start.nanos().div_euclid(BUCKET),
            name: attempt.name,
            client: attempt.client.address,
            server: attempt.server,
            target_port: attempt.target_port,
            channel: attempt.channel,
            outcome: attempt.outcome,
            decider: attempt.decider,
            unit: attempt.unit,
            chain: attempt.chain,
        }
    }
}

/// What a resolution is counted under.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ResolutionKey {
    /// Where the name was said to live.
    pub address: Address,
    /// Who asked.
    pub client: Address,
    /// What was asked for.
    pub name: NameId,
    /// The hour of the answer, so that a name asked again much later leaves the hours between
    /// to others.
    pub bucket: i64,
    /// First input of the sequence in which it was seen.
    pub unit: u32,
}

/// From the first answer to the end of the last one's time to live, and how many there were.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The first answer.
    pub from: Timestamp,
    /// When the last answer runs out.
    pub until: Timestamp,
    /// How often the answer was given.
    pub count: u64,
}

impl Span {
    /// Widens the span to hold another.
    pub(super) fn widen(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.until = self.until.max(other.until);
        self.count += other.count;
    }
}

/// Addresses of servers.
pub type Servers = HashSet<Address, foldhash::fast::RandomState>;

/// How much is kept. The defaults suit a machine with a few hundred megabytes to spare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Samples kept with each tally.
    pub samples: usize,
    /// Names kept that do not concern the catalog, and texts about who decided, in each part.
    pub names: usize,
    /// Distinct attempts at names, in each part and in the sum; when there are more, they are kept
    /// apart by less ([`Detail`]).
    pub attempts: usize,
    /// Distinct attempts of captures kept that show no name.
    pub unnamed: usize,
    /// Distinct attempts of logs kept that show no name.
    pub unnamed_of_logs: usize,
    /// Whether the inputs are read again when there are more of those: nothing of them is worth
    /// keeping then.
    pub reads_again: bool,
    /// Distinct resolutions kept in the sum.
    pub resolutions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            samples: 3,
            names: 50_000,
            attempts: 300_000,
            unnamed: 500_000,
            unnamed_of_logs: 20_000,
            reads_again: false,
            resolutions: 1_000_000,
        }
    }
}

impl Limits {
    /// How many attempts at names are kept apart.
    pub(super) const fn scale(&self) -> Scale {
        Scale { limit: self.attempts, samples: self.samples }
    }

    /// How much is kept of what captures show without a name.
    pub(super) const fn room(&self) -> Room {
        let Self { samples, unnamed: limit, reads_again: is_all_or_none, .. } = *self;
        Room { limit, samples, is_all_or_none }
    }

    /// The same of logs.
    pub(super) const fn room_of_logs(&self) -> Room {
        let Self { samples, unnamed_of_logs: limit, reads_again: is_all_or_none, .. } = *self;
        Room { limit, samples, is_all_or_none }
    }
}

/// What the limits made the sum give up. Every observation counts, so the grouping does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Attempts that show no name.
    pub unnamed: u64,
    /// Answers that told where a name lives.
    pub resolutions: u64,
    /// Times that a name came which was not kept.
    pub names: u64,
    /// Times that a text about who decided came which was not kept.
    pub texts: u64,
    /// Times that certificates came which were not kept.
    pub chains: u64,
}

/// The mergeable sum of attempts and resolutions: a commutative monoid.
///
/// Empty evidence is the identity of [`merge`](Sum::merge), which may be applied in any
/// grouping and any order; [`settle`](Evidence::settle) gives the same for all of them. When a
/// limit is passed, attempts at names are kept apart by less ([`Detail`]); of the rest the greatest keys
/// are given up. Both keep the law: the level follows from the whole, and a key that is among the least
/// of the whole is among the least of every part.
#[derive(Clone)]
pub struct Evidence {
    matcher: Arc<Matcher>,
    matches: Matches,
    limits: Limits,
    /// The server addresses of attempts without a name that matter, where that is known.
    servers: Option<Arc<Servers>>,
    /// The service tags that are required to be let in.
    inbound: Option<Arc<InboundTags>>,
    /// Whether what comes is told by logs.
    reads_logs: bool,
    /// Where the last attempt from such an address showed.
    last_inbound: Option<Locator>,
    own: Part,
    /// Merged evidence, put together only when there is much of it.
    others: Vec<Part>,
}

impl Evidence {
    /// No evidence yet, about the endpoints that `matcher` knows.
    #[must_use]
    pub fn new(matcher: Arc<Matcher>, limits: Limits) -> Self {
        Self {
            matcher,
            matches: Matches::default(),
            limits,
            servers: None,
            inbound: None,
            reads_logs: false,
            last_inbound: None,
            own: Part::new(&limits),
            others: Vec::new(),
        }
    }

    /// The same, which also counts attempts from the addresses of these tags, and keeps those at
    /// them that show no name.
    #[must_use]
    pub fn with_inbound(self, inbound: Option<Arc<InboundTags>>) -> Self {
        Self { inbound, ..self }
    }

    /// No evidence yet; of attempts that show no name only those at these servers are kept.
    #[must_use]
    pub fn of_servers(matcher: Arc<Matcher>, limits: Limits, servers: Arc<Servers>) -> Self {
        Self { servers: Some(servers), ..Self::new(matcher, limits) }
    }

    /// Whether attempts that show no name had to be given up. If so, reading the inputs again
    /// with [`of_servers`](Self::of_servers) and [`servers`](Self::servers) keeps all of those
    /// that a name can be found for.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        let Limits { unnamed, unnamed_of_logs, .. } = self.limits;
        Unnamed::is_over(self.parts().map(|part| &part.unnamed), unnamed)
            || Unnamed::is_over(self.parts().map(|part| &part.unnamed_of_logs), unnamed_of_logs)
    }

    /// The same without attempts that show no name, which no verdict depends on when no address
    /// of a server is known.
    #[must_use]
    pub fn without_unnamed(mut self) -> Self {
        for part in std::iter::once(&mut self.own).chain(&mut self.others) {
            part.unnamed = Unnamed::default();
            part.unnamed_of_logs = Unnamed::default();
        }
        self
    }

    /// The addresses at which a name of the catalog was said to live.
    #[must_use]
    pub fn servers(&self) -> Servers {
        self.parts()
            .flat_map(|part| {
                let matters = |key: &ResolutionKey| part.names.concerns(key.name);
                part.resolutions.iter().map(|(key, _)| key).filter(move |key| matters(key))
            })
            .map(|key| key.address)
            .collect()
    }

    /// The evidence in its final form: what a verdict can depend on, sorted, each key once.
    #[must_use]
    pub fn settle(mut self) -> Settled {
        let entries = |part: &Part| (part.attempts.len(), part.resolutions.len());
        let (attempts, resolutions) = self
            .parts()
            .map(entries)
            .fold((0, 0), |(sum, total), (one, other)| (sum + one, total + other));
        if self.has_given_up()
            || attempts > self.limits.attempts
            || self.parts().any(|part| part.attempts.detail() != Detail::Minutes)
            || resolutions > self.limits.resolutions
            || self.parts().any(|part| part.aliases.len() > 0)
        {
            self.put_together();
        }
        self.own.follow_aliases(&self.limits);
        let sum = |count: fn(&Part) -> u64| self.parts().map(count).sum();
        let pruned = Pruned {
            unnamed: sum(|part| part.unnamed.given_up() + part.unnamed_of_logs.given_up()),
            resolutions: sum(|part| part.resolutions.given_up()),
            names: sum(|part| part.names.overflowed()),
            texts: sum(|part| part.texts.overflowed()),
            chains: sum(|part| part.chains.overflowed()),
        };
        Settled::of(self.parts().collect(), &self.limits, self.inbound.as_deref(), pruned)
    }

    fn concerns_server(&self, server: Address) -> bool {
        self.servers.as_ref().is_none_or(|servers| servers.contains(&server))
            || self.inbound.as_ref().is_some_and(|tags| tags.contains(server))
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.own).chain(&self.others)
    }

    /// Counts an attempt from an address of a required service tag under the tag's label, beside
    /// whatever name it shows: the name is that of a server of one's own.
    #[inline]
    fn count_inbound(&mut self, attempt: &Attempt) {
        let Some(tags) = &self.inbound else { return };
        // A record that states several names is still one attempt; its names come in a row.
        if self.last_inbound == Some(attempt.locator) || !may_be_inbound(attempt) {
            return;
        }
        for label in tags.labels(attempt.client.address) {
            let id = self.own.names.intern(label, |_| true);
            let name = Some((id, NameSource::ServiceTag));
            // Whoever is let in is shown one's own certificate, of any authority.
            let key = AttemptKey { name, chain: None, ..AttemptKey::of(attempt) };
            self.own.push_attempt(key, Tally::of(attempt), &self.limits);
            self.last_inbound = Some(attempt.locator);
        }
    }

    /// Makes one part of all, within the limits.
    fn put_together(&mut self) {
        let limits = self.limits;
        for other in std::mem::take(&mut self.others) {
            self.own.absorb(other, &limits);
        }
        self.own.prune(&limits);
    }
}

/// Whether an attempt may be the service's own. A question about names is none. Nor is what goes
/// from a well-known port to a high one: the late answer of a connection that was opened from
/// inside, which firewalls deny and log once they have forgotten the connection. Who opens one
/// does so from a high port (RFC 6056 section 2.1).
const fn may_be_inbound(attempt: &Attempt) -> bool {
    const FIRST_HIGH: u16 = 1024;
    let is_answer = attempt.client.port != 0
        && attempt.client.port < FIRST_HIGH
        && attempt.target_port >= FIRST_HIGH;
    !matches!(attempt.channel, Channel::Dns(_)) && !is_answer
}

impl Sum for Evidence {
    fn merge(&mut self, other: Self) {
        self.others.push(other.own);
        self.others.extend(other.others);
        if self.others.len() > MAX_PARTS {
            self.put_together();
        }
    }
}

impl Sink for Evidence {
    const WANTS_SIGHTINGS: bool = false;

    fn for_logs(self) -> Self {
        Self { reads_logs: true, ..self }
    }

    #[inline]
    fn intern(&mut self, name: &str) -> NameId {
        let Self { own, matcher, matches, .. } = self;
        own.names.intern(name, |name| {
            matcher.matches(name, matches);
            !matches.endpoints().is_empty() || !matches.near_misses().is_empty()
        })
    }

    #[inline]
    fn could_keep(&self, raw: &[u8]) -> bool {
        self.matcher.could_match_name(raw)
    }

    #[inline]
    fn is_text(&self, id: NameId, name: &str) -> bool {
        self.own.names.text(id) == name
    }

    #[inline]
    fn keeps(&self, name: NameId) -> bool {
        self.own.names.concerns(name)
    }

    #[inline]
    fn keeps_unnamed(&mut self, server: Address) -> bool {
        self.concerns_server(server) && self.own.unnamed_of_logs.has_room_for(server)
    }

    #[inline]
    fn keeps_from(&self, client: Address) -> bool {
        self.inbound.as_ref().is_some_and(|tags| tags.contains(client))
    }

    fn text(&mut self, text: &str) -> Option<TextId> {
        let id = self.own.texts.intern(text, |_| false);
        self.own.texts.is_kept(id).then_some(TextId(id.0))
    }

    #[inline]
    fn wants_certificates(&self, name: Option<NameId>) -> bool {
        name.is_none_or(|name| self.own.names.concerns(name))
    }

    fn chain(&mut self, list: &[u8]) -> Option<ChainId> {
        self.own.chains.intern(list)
    }

    #[inline]
    fn attempt(&mut self, attempt: &Attempt) {
        self.count_inbound(attempt);
        let matters = match attempt.name {
            Some((id, _)) => self.keeps(id),
            None => self.concerns_server(attempt.server.address),
        };
        if !matters {
            return;
        }
        let key = AttemptKey::of(attempt);
        if attempt.name.is_none() {
            let (table, room) = if self.reads_logs {
                (&mut self.own.unnamed_of_logs, self.limits.room_of_logs())
            } else {
                (&mut self.own.unnamed, self.limits.room())
            };
            table.push(key, Tally::of(attempt), room);
            return;
        }
        self.own.push_attempt(key, Tally::of(attempt), &self.limits);
    }

    #[inline]
    fn resolution(&mut self, resolution: &Resolution) {
        if !self.own.names.is_kept(resolution.name) {
            return;
        }
        let key = ResolutionKey {
            address: resolution.address,
            client: resolution.client,
            name: resolution.name,
            bucket: resolution.time.nanos().div_euclid(60 * BUCKET),
            unit: resolution.unit,
        };
        let until = resolution.time + resolution.time_to_live;
        let span = Span { from: resolution.time, until, count: 1 };
        self.own.push_resolution(key, span, &self.limits);
    }

    fn alias(&mut self, alias: &Alias) {
        if self.own.names.is_kept(alias.name) && self.own.names.is_kept(alias.target) {
            let until = alias.time + alias.time_to_live;
            let span = Span { from: alias.time, until, count: 1 };
            self.own.aliases.push((alias.client, alias.target, alias.name), span, Span::widen);
        }
    }

    fn host(&mut self, unit: u32, hardware: u64, address: Address) {
        self.own.hosts.push((unit, hardware, address), (), |(), ()| {});
    }

    fn set_back(&mut self, unit: u32, by: Duration) {
        self.own.set_back.push(unit, by, |kept, new| *kept = new.max(*kept));
    }

    fn file_name(&mut self, address: Address, name: NameId) {
        if self.own.names.is_kept(name) {
            self.own.file_names.push((address, name), (), |(), ()| {});
        }
    }

    #[inline]
    fn sighting(&mut self, _: &Sighting) {}

    #[inline]
    fn heard(&mut self, unit: u32, client: Address) {
        self.own.heard.push((unit, client), (), |(), ()| {});
    }

    fn http3_offered(&mut self, name: NameId, offer: Offer) {
        if self.own.names.concerns(name) {
            self.own.offers.push((name, offer), (), |(), ()| {});
        }
    }
}

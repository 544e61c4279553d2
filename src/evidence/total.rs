//! The sum of everything observed.

use std::sync::Arc;

use super::part::Part;
use super::{Settled, Tally};
use crate::catalog::{Matcher, Matches};
use crate::observe::{
    Address, Attempt, Channel, NameId, NameSource, Offer, Outcome, Resolution, Sighting, Sink,
    SocketAddress, Sum, TextId, Timestamp,
};

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

/// How much is kept. The defaults suit a machine with a few hundred megabytes to spare.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Samples kept with each tally.
    pub samples: usize,
    /// Names kept that do not concern the catalog, and texts about who decided, in each part.
    pub names: usize,
    /// Distinct attempts kept in the sum.
    pub attempts: usize,
    /// Distinct resolutions kept in the sum.
    pub resolutions: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { samples: 3, names: 50_000, attempts: 1_000_000, resolutions: 2_000_000 }
    }
}

/// What the limits made the sum give up. Every observation counts, so the grouping does not.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Pruned {
    /// Attempts.
    pub attempts: u64,
    /// Answers that told where a name lives.
    pub resolutions: u64,
    /// Times that a name came which was not kept.
    pub names: u64,
    /// Times that a text about who decided came which was not kept.
    pub texts: u64,
}

/// The mergeable sum of attempts and resolutions: a commutative monoid.
///
/// Empty evidence is the identity of [`merge`](Sum::merge), which may be applied in any
/// grouping and any order; [`settle`](Evidence::settle) gives the same for all of them. When a
/// limit is passed, the greatest keys are given up, which keeps the law: a key that is among
/// the least of the whole is among the least of every part.
#[derive(Clone)]
pub struct Evidence {
    matcher: Arc<Matcher>,
    matches: Matches,
    limits: Limits,
    own: Part,
    /// Merged evidence, put together only when there is much of it.
    others: Vec<Part>,
    pruned: Pruned,
}

impl Evidence {
    /// No evidence yet, about the endpoints that `matcher` knows.
    #[must_use]
    pub fn new(matcher: Arc<Matcher>, limits: Limits) -> Self {
        Self {
            matcher,
            matches: Matches::default(),
            limits,
            own: Part::new(&limits),
            others: Vec::new(),
            pruned: Pruned::default(),
        }
    }

    /// The evidence in its final form: what a verdict can depend on, sorted, each key once.
    #[must_use]
    pub fn settle(mut self) -> Settled {
        let entries = |part: &Part| (part.attempts.len(), part.resolutions.len());
        let (attempts, resolutions) = self
            .parts()
            .map(entries)
            .fold((0, 0), |(sum, total), (one, other)| (sum + one, total + other));
        if attempts > self.limits.attempts || resolutions > self.limits.resolutions {
            self.put_together();
        }
        self.pruned.names = self.parts().map(|part| part.names.overflowed()).sum();
        self.pruned.texts = self.parts().map(|part| part.texts.overflowed()).sum();
        let pruned = self.pruned;
        Settled::of(self.parts().collect(), &self.limits, pruned)
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.own).chain(&self.others)
    }

    /// Makes one part of all, within the limits.
    fn put_together(&mut self) {
        let limits = self.limits;
        for other in std::mem::take(&mut self.others) {
            self.own.absorb(other, &limits);
        }
        let Part { names, texts, attempts, resolutions, .. } = &mut self.own;
        attempts.fold(|kept, new| kept.merge(new, limits.samples));
        resolutions.fold(Span::widen);
        let given_up = attempts.keep_least(limits.attempts, |key| {
            let name = key.name.map(|(id, source)| (names.text(id).to_owned(), source));
            let decider = key.decider.map(|id| texts.text(NameId(id.0)).to_owned());
            (key.bucket, name, decider, AttemptKey { name: None, decider: None, ..*key })
        });
        self.pruned.attempts += given_up.iter().map(|(_, tally)| tally.count).sum::<u64>();
        let given_up = resolutions.keep_least(limits.resolutions, |key| {
            (key.address, key.client, names.text(key.name).to_owned(), key.bucket)
        });
        self.pruned.resolutions += given_up.iter().map(|(_, span)| span.count).sum::<u64>();
    }
}

impl Sum for Evidence {
    fn merge(&mut self, other: Self) {
        self.pruned.attempts += other.pruned.attempts;
        self.pruned.resolutions += other.pruned.resolutions;
        self.others.push(other.own);
        self.others.extend(other.others);
        if self.others.len() > MAX_PARTS {
            self.put_together();
        }
    }
}

impl Sink for Evidence {
    const WANTS_SIGHTINGS: bool = false;

    #[inline]
    fn intern(&mut self, name: &str) -> NameId {
        let Self { own, matcher, matches, .. } = self;
        own.names.intern(name, |name| {
            matcher.matches(name, matches);
            !matches.endpoints().is_empty() || !matches.near_misses().is_empty()
        })
    }

    #[inline]
    fn is_text(&self, id: NameId, name: &str) -> bool {
        self.own.names.text(id) == name
    }

    fn text(&mut self, text: &str) -> Option<TextId> {
        let id = self.own.texts.intern(text, |_| false);
        self.own.texts.is_kept(id).then_some(TextId(id.0))
    }

    #[inline]
    fn attempt(&mut self, attempt: &Attempt) {
        if attempt.name.is_some_and(|(id, _)| !self.own.names.concerns(id)) {
            return;
        }
        let key = AttemptKey {
            bucket: attempt.start.nanos().div_euclid(BUCKET),
            name: attempt.name,
            client: attempt.client.address,
            server: attempt.server,
            target_port: attempt.target_port,
            channel: attempt.channel,
            outcome: attempt.outcome,
            decider: attempt.decider,
            unit: attempt.unit,
        };
        let samples = self.limits.samples;
        self.own.attempts.push(key, Tally::of(attempt), |kept, new| kept.merge(new, samples));
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
        };
        let until = resolution.time + resolution.time_to_live;
        let span = Span { from: resolution.time, until, count: 1 };
        self.own.resolutions.push(key, span, Span::widen);
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

//! What is new in the records as they come: the memory of `watch`, all of it bounded.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallvec::SmallVec;

use super::recent::Recent;
use crate::catalog::{Catalog, EndpointIndex, Matcher, Matches};
use crate::observe::decider::Decider;
use crate::observe::{
    Address, Attempt, Cause, ChainId, Channel, Frame, NameId, NameSource, Offer, Outcome,
    Resolution, Sighting, Sink, SocketAddress, TextId, Timestamp,
};
use crate::pipeline::log_inputs::DIGITS;
use crate::report::{Change, Finding, Verdict};
use crate::verdict::{GRACE, fits};

/// Names of endpoints whose state is kept.
const STATES: usize = 50_000;
/// Findings that are not told again.
const TOLD: usize = 50_000;
/// Pairs of client and address, and addresses, whose names are kept.
const ANSWERS: usize = 100_000;
/// Names kept of one address. More would only tell once more that it is shared.
const NAMES_OF_ONE: usize = 8;
/// Requests for credentials in a row after which they count as refusals: a login asks twice.
const LOGIN_REQUESTS: u8 = 3;

/// DNS questions that a client can do without (IANA "Resource Record (RR) TYPEs"): AAAA, SVCB,
/// HTTPS. That one of them fails blocks nothing.
const DISPENSABLE: [u16; 3] = [28, 64, 65];

/// What makes a block a new one: the name, the cause, who decided, and the client.
type Block = (Key, Cause, Option<Arc<str>>, Address);

/// Takes observations and finds what is new in them.
pub(super) struct Findings<'c> {
    catalog: &'c Catalog,
    matcher: Matcher,
    matches: Matches,
    /// Names and texts of the current record, by their ids; the first `used` count.
    names: Interned,
    /// Of each name, whether an endpoint requires it.
    required: Vec<bool>,
    texts: Interned,
    place: (Arc<str>, u64),
    /// Whether records only tell names, because they are older than the watch.
    is_past: bool,
    states: Recent<Key, State>,
    told: Recent<Block, bool>,
    logins: Recent<(Key, Address), u8>,
    of_client: Recent<(Address, Address), Answers>,
    of_anyone: Recent<Address, Answers>,
    new: Vec<Finding>,
    endpoints: BTreeSet<EndpointIndex>,
    count: u64,
}

/// A name of an endpoint.
type Key = (EndpointIndex, Arc<str>);

/// Names that were given for an address, with the end of their time.
type Answers = SmallVec<[(Arc<str>, Timestamp); 1]>;

/// Strings with numbers, made anew for each record from buffers that stay.
#[derive(Default)]
struct Interned {
    texts: Vec<String>,
    used: usize,
}

/// What became of attempts at a name, as sets of ways.
#[derive(Clone, Copy, Default)]
struct State {
    blocked: u8,
    answered: u8,
}

const BY_TCP: u8 = 1;
const BY_UDP: u8 = 2;
const BY_DNS: u8 = 4;

impl<'c> Findings<'c> {
    pub(super) fn new(catalog: &'c Catalog, matcher: Matcher) -> Self {
        Self {
            catalog,
            matcher,
            matches: Matches::default(),
            names: Interned::default(),
            required: Vec::new(),
            texts: Interned::default(),
            place: (Arc::from(""), 0),
            is_past: false,
            states: Recent::new(STATES),
            told: Recent::new(TOLD),
            logins: Recent::new(STATES),
            of_client: Recent::new(ANSWERS),
            of_anyone: Recent::new(ANSWERS),
            new: Vec::new(),
            endpoints: BTreeSet::new(),
            count: 0,
        }
    }

    /// Turns to the next record. Of a record of the past only the names are used.
    pub(super) fn turn_to(&mut self, input: &Arc<str>, line: u64, is_past: bool) {
        self.names.used = 0;
        self.required.clear();
        self.texts.used = 0;
        self.place = (Arc::clone(input), line);
        self.is_past = is_past;
    }

    /// What was found since the last call.
    pub(super) fn take_new(&mut self) -> impl Iterator<Item = Finding> + '_ {
        self.new.drain(..)
    }

    /// How much was found, at how many endpoints, and how many entries were forgotten that could
    /// have kept something from being told again.
    pub(super) fn counts(&self) -> (u64, usize, u64) {
        (self.count, self.endpoints.len(), self.states.forgotten() + self.told.forgotten())
    }

    /// An attempt at a name, which counts for the endpoints that it fits.
    fn at_name(&mut self, name: &str, source: NameSource, attempt: &Attempt) {
        let mut matches = std::mem::take(&mut self.matches);
        self.matcher.matches(name, &mut matches);
        let mut shared: Option<Arc<str>> = None;
        for &index in matches.endpoints() {
            let Some(endpoint) = self.catalog.endpoint(index) else { continue };
            if fits(endpoint.protocol, attempt.channel, attempt.target_port).is_ok() {
                let name = shared.get_or_insert_with(|| Arc::from(name));
                self.at_endpoint((index, Arc::clone(name)), source, attempt);
            }
        }
        self.matches = matches;
    }

    fn at_endpoint(&mut self, key: Key, source: NameSource, attempt: &Attempt) {
        let way = match attempt.channel {
            Channel::Dns(_) => BY_DNS,
            Channel::Quic | Channel::Udp | Channel::Dtls => BY_UDP,
            Channel::Tcp | Channel::Tls | Channel::Http | Channel::Connect => BY_TCP,
        };
        let client = attempt.client.address;
        match attempt.outcome {
            Outcome::Blocked(cause) if self.counts_as_block(&key, cause, attempt) => {
                let state = self.states.entry(key.clone());
                state.blocked |= way;
                let verdict = state.verdict();
                let decider = attempt.decider.and_then(|id| self.texts.get(id.0)).map(Arc::from);
                let told = self.told.entry((key.clone(), cause, decider, client));
                if !std::mem::replace(told, true) {
                    self.tell(&key, Some(cause), verdict, source, attempt);
                }
            }
            Outcome::Allowed => self.note_login(&key, client),
            Outcome::Answered if way != BY_DNS => {
                self.note_login(&key, client);
                let state = self.states.entry(key.clone());
                let before = state.verdict();
                state.answered |= way;
                let verdict = state.verdict();
                if state.blocked != 0 && verdict != before {
                    self.tell(&key, None, verdict, source, attempt);
                }
            }
            _ => {}
        }
    }

    /// What passes was let in, so requests for credentials count anew.
    fn note_login(&mut self, key: &Key, client: Address) {
        let login = (key.clone(), client);
        if self.logins.get(&login).is_some() {
            *self.logins.entry(login) = 0;
        }
    }

    fn counts_as_block(&mut self, key: &Key, cause: Cause, attempt: &Attempt) -> bool {
        if matches!(attempt.channel, Channel::Dns(kind) if DISPENSABLE.contains(&kind)) {
            return false;
        }
        if cause != Cause::ProxyAuthRequired {
            return true;
        }
        let requests = self.logins.entry((key.clone(), attempt.client.address));
        *requests = requests.saturating_add(1);
        *requests >= LOGIN_REQUESTS
    }

    fn tell(
        &mut self,
        (index, name): &Key,
        cause: Option<Cause>,
        verdict: Verdict,
        source: NameSource,
        attempt: &Attempt,
    ) {
        let Some(endpoint) = self.catalog.endpoint(*index) else { return };
        self.count += 1;
        self.endpoints.insert(*index);
        self.new.push(Finding {
            time: attempt.start.instant_text(DIGITS),
            time_local: attempt.start.civil_text(),
            input: self.place.0.to_string(),
            line: self.place.1,
            change: if cause.is_some() { Change::Blocked } else { Change::Answered },
            endpoint: endpoint.id.clone(),
            name: name.to_string(),
            verdict,
            cause,
            decider: attempt
                .decider
                .and_then(|id| self.texts.get(id.0))
                .map(|text| Decider::parse(text).sentence()),
            client: shown(SocketAddress::new(attempt.client.address, 0)),
            server: shown(attempt.server),
            named_by: source,
        });
    }

    /// The only name that an attempt without one can mean, by the answers so far.
    fn joined(&self, attempt: &Attempt) -> Option<(Arc<str>, NameSource)> {
        let (client, address) = (attempt.client.address, attempt.server.address);
        let own =
            self.of_client.get(&(client, address)).map(|all| (all, NameSource::DnsSameClient));
        let others = || self.of_anyone.get(&address).map(|all| (all, NameSource::DnsAnyClient));
        for (answers, source) in own.into_iter().chain(others()) {
            let mut valid = answers.iter().filter(|(_, until)| is_before(attempt.start, *until));
            match (valid.next(), valid.next()) {
                (Some((name, _)), None) => return Some((Arc::clone(name), source)),
                (Some(_), Some(_)) => return None,
                (None, _) => {}
            }
        }
        None
    }
}

impl Sink for Findings<'_> {
    const WANTS_SIGHTINGS: bool = false;

    fn intern(&mut self, name: &str) -> NameId {
        self.matcher.matches(name, &mut self.matches);
        self.required.push(!self.matches.endpoints().is_empty());
        NameId(self.names.add(name))
    }

    fn is_text(&self, id: NameId, name: &str) -> bool {
        self.names.get(id.0) == Some(name)
    }

    fn keeps(&self, name: NameId) -> bool {
        !self.is_past && self.required.get(name.0 as usize).is_some_and(|required| *required)
    }

    fn keeps_unnamed(&mut self, server: Address) -> bool {
        !self.is_past && self.of_anyone.get(&server).is_some()
    }

    fn text(&mut self, text: &str) -> Option<TextId> {
        Some(TextId(self.texts.add(text)))
    }

    fn wants_certificates(&self, _: Option<NameId>) -> bool {
        false
    }

    fn chain(&mut self, _: &[u8]) -> Option<ChainId> {
        None
    }

    fn attempt(&mut self, attempt: &Attempt) {
        if matches!(attempt.outcome, Outcome::Inconclusive(_)) {
            return;
        }
        match attempt.name {
            Some((id, source)) => {
                let names = std::mem::take(&mut self.names);
                if let Some(name) = names.get(id.0) {
                    self.at_name(name, source, attempt);
                }
                self.names = names;
            }
            None => {
                if let Some((name, source)) = self.joined(attempt) {
                    self.at_name(&name, source, attempt);
                }
            }
        }
    }

    fn resolution(&mut self, resolution: &Resolution) {
        let Some(name) = self.names.get(resolution.name.0) else { return };
        let name: Arc<str> = Arc::from(name);
        let until = resolution.time + resolution.time_to_live + GRACE;
        let Resolution { client, address, .. } = *resolution;
        if client != Address::default() {
            remember(self.of_client.entry((client, address)), &name, until);
        }
        remember(self.of_anyone.entry(address), &name, until);
    }

    fn sighting(&mut self, _: &Sighting) {}

    fn heard(&mut self, _: u32, _: Address) {}

    fn http3_offered(&mut self, _: NameId, _: Offer) {}
}

impl Interned {
    fn add(&mut self, text: &str) -> u32 {
        let id = self.used;
        match self.texts.get_mut(id) {
            Some(buffer) => text.clone_into(buffer),
            None => self.texts.push(text.to_owned()),
        }
        self.used += 1;
        u32::try_from(id).unwrap_or(u32::MAX)
    }

    fn get(&self, id: u32) -> Option<&str> {
        let used = self.texts.get(..self.used)?;
        used.get(id as usize).map(String::as_str)
    }
}

impl State {
    /// As the report has it, by ways alone: a block of UDP degrades what TCP reaches.
    const fn verdict(self) -> Verdict {
        match (self.blocked, self.answered) {
            (0, 0) => Verdict::NeverSeen,
            (0, _) => Verdict::Reached,
            (_, 0) => Verdict::Blocked,
            (BY_UDP, BY_TCP) => Verdict::Degraded,
            _ => Verdict::Mixed,
        }
    }
}

/// Adds a name to those of an address, in the place of the oldest if there are too many.
fn remember(answers: &mut Answers, name: &Arc<str>, until: Timestamp) {
    answers.retain(|(known, _)| known != name);
    if answers.len() >= NAMES_OF_ONE {
        answers.remove(0);
    }
    answers.push((Arc::clone(name), until));
}

/// Whether a time lies before another, as far as the two can be compared: what came first, came
/// first.
fn is_before(time: Timestamp, until: Timestamp) -> bool {
    time.frame() != until.frame() || time.frame() == Frame::Unknown || time <= until
}

/// An address as the report writes it; none where the line states none.
fn shown(socket: SocketAddress) -> Option<String> {
    (socket.address != Address::default()).then(|| crate::pipeline::assemble::server(socket))
}

//! DNS transactions: questions, their answers, and what became of the name.

use super::context::{Context, Moment};
use super::dissect::dns::{self, AnswerData, Message};
use super::flow_key::{FlowKey, UDP};
use super::flow_table::FlowTable;
use super::tcp::Icmp;
use crate::observe::{
    Address, Alias, AnomalyKind, Attempt, Cause, Channel, Doubt, Duration, Fact, Locator, NameId,
    NameSource, Offer, Outcome, Resolution, Sighting, Sink, SocketAddress, Timestamp,
    is_block_alias,
};

/// How long a question waits for its answer; resolvers ask again, or elsewhere, after five
/// seconds by custom.
const ANSWER_TIME: Duration = Duration::from_seconds(5);
/// After this a question is over.
const PATIENCE: Duration = Duration::from_seconds(30);
/// The most questions of one conversation that wait at the same time.
const MAX_WAITING: usize = 256;

/// Response codes (IANA registry "DNS RCODEs").
const SERVFAIL: u16 = 2;
const NXDOMAIN: u16 = 3;
const REFUSED: u16 = 5;

/// Type ANY (RFC 1035 section 3.2.3).
const TYPE_ANY: u16 = 255;

/// The questions of one shard that wait for answers.
pub(crate) struct Transactions {
    waiting: FlowTable<Conversation>,
    /// Lent to whoever reads a message.
    message: Option<Box<Message>>,
}

/// Questions between two sockets.
struct Conversation {
    client: SocketAddress,
    server: SocketAddress,
    first: Option<Question>,
    more: Vec<Question>,
}

#[derive(Clone, Copy)]
struct Question {
    id: u16,
    record_type: u16,
    name: NameId,
    asked: Moment,
    last: Timestamp,
    count: u32,
}

impl Transactions {
    pub(crate) fn new(limit: usize) -> Self {
        Self { waiting: FlowTable::new(limit), message: None }
    }

    pub(crate) const fn evicted(&self) -> u64 {
        self.waiting.evicted()
    }

    /// Whether questions between these sockets wait for answers.
    pub(crate) fn awaits(&self, key: &FlowKey) -> bool {
        self.waiting.find(key).is_some()
    }
}

/// Takes one DNS message between a client and a resolver; `asks` tells which of them sent it.
pub(crate) fn message<S: Sink>(
    context: &mut Context<S>,
    client: SocketAddress,
    server: SocketAddress,
    asks: bool,
    bytes: &[u8],
    moment: Moment,
) {
    let mut message = context.dns.message.take().unwrap_or_default();
    if message.parse(bytes).is_err() {
        context.anomaly(AnomalyKind::DnsMalformed, moment);
    }
    if message.opcode() == dns::OPCODE_QUERY {
        if message.is_response() {
            // A response from the side that asks is one of a resolver that asks on.
            let (client, server) = if asks { (server, client) } else { (client, server) };
            response(context, client, server, &message, moment);
        } else {
            let (client, server) = if asks { (client, server) } else { (server, client) };
            query(context, client, server, &message, moment);
        }
    } else if !message.is_response() {
        questioned(context, &message, moment);
    }
    context.dns.message = Some(message);
}

/// Takes a message of multicast DNS or LLMNR (RFC 6762, RFC 4795): its names are seen, and
/// nothing follows from them for a required endpoint.
pub(crate) fn local_message<S: Sink>(context: &mut Context<S>, bytes: &[u8], moment: Moment) {
    context.counts.local_names += 1;
    if !S::WANTS_SIGHTINGS {
        return;
    }
    let mut message = context.dns.message.take().unwrap_or_default();
    if message.parse(bytes).is_ok() {
        if message.is_response() {
            answer_owners(context, &message, moment);
        } else {
            questioned(context, &message, moment);
        }
    }
    context.dns.message = Some(message);
}

/// Takes an ICMP error about questions that a client sent.
pub(crate) fn icmp_error<S: Sink>(
    context: &mut Context<S>,
    source: SocketAddress,
    destination: SocketAddress,
    icmp: Icmp,
    moment: Moment,
) {
    let (key, _) = FlowKey::new(UDP, source, destination);
    let Some(slot) = context.dns.waiting.find(&key) else { return };
    let is_question = context
        .dns
        .waiting
        .get_mut(slot)
        .is_some_and(|conversation| conversation.client == source && icmp.is_failure());
    if is_question && let Some((_, conversation)) = context.dns.waiting.remove(slot) {
        for question in conversation.questions() {
            let outcome = Outcome::Blocked(icmp.cause());
            conversation.report(context, &question, outcome, icmp.fact(), moment);
        }
    }
}

/// Ends questions whose time has passed.
#[inline]
pub(crate) fn sweep<S: Sink>(context: &mut Context<S>, now: Timestamp) {
    if let Some(slot) = context.dns.waiting.sweep(now)
        && let Some((_, conversation)) = context.dns.waiting.remove(slot)
    {
        conversation.give_up(context, Timestamp::MAX);
    }
}

/// Ends all questions: nothing after `until` was captured.
pub(crate) fn finish<S: Sink>(context: &mut Context<S>, until: Timestamp) {
    let mut waiting = std::mem::replace(&mut context.dns.waiting, FlowTable::new(0));
    waiting.end(|_, conversation| conversation.give_up(context, until));
}

fn query<S: Sink>(
    context: &mut Context<S>,
    client: SocketAddress,
    server: SocketAddress,
    message: &Message,
    moment: Moment,
) {
    for (name, record_type, _) in message.questions() {
        if name.is_empty() {
            continue;
        }
        let name = context.sighted(name, NameSource::DnsQuery, moment.time);
        let question = Question {
            id: message.id(),
            record_type,
            name,
            asked: moment,
            last: moment.time,
            count: 1,
        };
        let (key, _) = FlowKey::new(UDP, client, server);
        let waiting = &mut context.dns.waiting;
        let deadline = context.clock.now() + PATIENCE;
        let evicted = match waiting.find(&key) {
            Some(slot) => {
                waiting.set_deadline(slot, deadline);
                if let Some(conversation) = waiting.get_mut(slot) {
                    conversation.ask(question);
                }
                None
            }
            None => {
                let conversation =
                    || Conversation { client, server, first: Some(question), more: Vec::new() };
                waiting.insert(key, deadline, conversation).1
            }
        };
        if let Some((_, conversation)) = evicted {
            conversation.give_up(context, moment.time);
        }
    }
}

fn response<S: Sink>(
    context: &mut Context<S>,
    client: SocketAddress,
    server: SocketAddress,
    message: &Message,
    moment: Moment,
) {
    context.sink.heard(context.unit, client.address);
    if S::WANTS_SIGHTINGS {
        answer_owners(context, message, moment);
    }
    let Some((name, record_type, _)) = message.questions().next() else { return };
    if name.is_empty() {
        return;
    }
    let asked = match take_question(context, client, server, message.id(), record_type, name) {
        Some(asked) => asked,
        None => Question {
            id: message.id(),
            record_type,
            // The capture does not show the question, and the name was asked for all the same.
            name: context.sighted(name, NameSource::DnsQuery, moment.time),
            asked: moment,
            last: moment.time,
            count: 0,
        },
    };
    let answers = Answers::of(message);
    let time_to_live = Duration::from_seconds(i64::from(answers.time_to_live));
    let addresses = message.answers().filter_map(|answer| match answer.data {
        AnswerData::Address(address) => Some(address),
        _ => None,
    });
    let hinted = message.hints().iter().copied();
    for address in addresses.chain(hinted).filter(|address| !address.is_sinkhole()) {
        context.sink.resolution(&Resolution {
            name: asked.name,
            client: client.address,
            address,
            time: moment.time,
            time_to_live,
            unit: context.unit,
        });
    }
    // The client asks on for the alias, or for where the service is found, and what it is told then
    // is of this name.
    let alias = answers.alias.filter(|_| answers.first.is_none());
    let targets = message.answers().filter_map(|answer| match answer.data {
        AnswerData::Target(target) => Some(target),
        _ => None,
    });
    for target in alias.into_iter().chain(targets).filter(|target| !target.is_empty()) {
        let target = context.sink.intern(target);
        if target != asked.name {
            context.sink.alias(&Alias {
                name: asked.name,
                target,
                client: client.address,
                time: moment.time,
                time_to_live,
            });
        }
    }
    if message.offers_http3() {
        context.sink.http3_offered(asked.name, Offer::HttpsRecord);
    }
    if let Some(outcome) = answers.outcome(message, record_type) {
        let fact = Fact::Dns {
            rcode: message.rcode(),
            extended: message.extended_error().unwrap_or(u16::MAX),
            address: answers.first.unwrap_or_default(),
        };
        let conversation = Conversation { client, server, first: None, more: Vec::new() };
        conversation.report(context, &asked, outcome, fact, moment);
    }
}

/// Notes the names in questions from which nothing follows: those of a NOTIFY (RFC 1996), say.
fn questioned<S: Sink>(context: &mut Context<S>, message: &Message, moment: Moment) {
    if S::WANTS_SIGHTINGS {
        for (name, _, _) in message.questions().filter(|(name, ..)| !name.is_empty()) {
            context.sighted(name, NameSource::DnsQuery, moment.time);
        }
    }
}

fn answer_owners<S: Sink>(context: &mut Context<S>, message: &Message, moment: Moment) {
    for answer in message.answers() {
        let target = match answer.data {
            AnswerData::Alias(target) => target,
            _ => "",
        };
        for name in [answer.owner, target].into_iter().filter(|name| !name.is_empty()) {
            context.sighted(name, NameSource::DnsAnswer, moment.time);
        }
    }
}

fn take_question<S: Sink>(
    context: &mut Context<S>,
    client: SocketAddress,
    server: SocketAddress,
    id: u16,
    record_type: u16,
    name: &str,
) -> Option<Question> {
    let (key, _) = FlowKey::new(UDP, client, server);
    let Context { dns, sink, .. } = context;
    let slot = dns.waiting.find(&key)?;
    let conversation = dns.waiting.get_mut(slot)?;
    let is_asked = |question: &Question| {
        question.id == id
            && question.record_type == record_type
            && sink.is_text(question.name, name)
    };
    let question = if conversation.first.as_ref().is_some_and(is_asked) {
        conversation.first.take()
    } else {
        let at = conversation.more.iter().position(is_asked)?;
        Some(conversation.more.swap_remove(at))
    };
    if conversation.first.is_none() && conversation.more.is_empty() {
        dns.waiting.discard(slot);
    }
    question
}

/// What the answer section says, summed up.
struct Answers<'m> {
    first: Option<Address>,
    /// The last alias of the chain.
    alias: Option<&'m str>,
    /// Whether an alias leads to a filter's own server.
    is_block_alias: bool,
    /// Whether there are addresses and all of them lead nowhere.
    is_sinkhole: bool,
    /// Whether there are addresses among the hints and all of them lead nowhere.
    hints_at_sinkhole: bool,
    /// Whether there are addresses and all of them are private.
    is_private: bool,
    /// Whether the chain goes through a private-link zone.
    is_private_link: bool,
    /// The least along the chain, in seconds.
    time_to_live: u32,
}

impl<'m> Answers<'m> {
    fn of(message: &'m Message) -> Self {
        let mut sum = Self {
            first: None,
            alias: None,
            is_block_alias: false,
            is_sinkhole: true,
            hints_at_sinkhole: false,
            is_private: true,
            is_private_link: false,
            time_to_live: u32::MAX,
        };
        for answer in message.answers() {
            sum.time_to_live = sum.time_to_live.min(answer.time_to_live);
            match answer.data {
                AnswerData::Address(address) => {
                    sum.first.get_or_insert(address);
                    // DNS64 translates whatever it is told, a sinkhole too.
                    let address = address.behind_translator().unwrap_or(address);
                    sum.is_sinkhole &= address.leads_nowhere();
                    sum.is_private &= address.is_private();
                }
                AnswerData::Alias(target) => {
                    sum.is_block_alias |= is_block_alias(target);
                    sum.alias = Some(target).filter(|target| !target.is_empty());
                    sum.is_private_link |= target.split('.').any(|label| label == "privatelink");
                }
                AnswerData::Target(target) => sum.is_block_alias |= is_block_alias(target),
                AnswerData::Other => {}
            }
        }
        let hints = message.hints();
        sum.is_sinkhole &= hints.iter().all(|address| address.leads_nowhere());
        sum.hints_at_sinkhole = sum.is_sinkhole && !hints.is_empty();
        sum
    }

    /// What the response means for the name; `None` for questions that no connection depends
    /// on.
    fn outcome(&self, message: &Message, record_type: u16) -> Option<Outcome> {
        let connects = matches!(
            record_type,
            dns::TYPE_A | dns::TYPE_AAAA | dns::TYPE_HTTPS | dns::TYPE_SVCB | TYPE_ANY
        );
        if !connects {
            return None;
        }
        if message.truncated() && self.first.is_none() {
            // What is answered when the client asks again over TCP is an attempt of its own.
            return Some(Outcome::Inconclusive(Doubt::Truncated));
        }
        if matches!(message.extended_error(), Some(15..=18)) {
            return Some(Outcome::Blocked(Cause::DnsFiltered));
        }
        Some(match message.rcode() {
            0 => match self.first {
                _ if self.is_block_alias => Outcome::Blocked(Cause::DnsSinkhole),
                Some(_) if self.is_sinkhole => Outcome::Blocked(Cause::DnsSinkhole),
                None if self.hints_at_sinkhole => Outcome::Blocked(Cause::DnsSinkhole),
                Some(_) if self.is_private && self.is_private_link => {
                    Outcome::Inconclusive(Doubt::PrivateLink)
                }
                Some(_) if self.is_private => Outcome::Inconclusive(Doubt::PrivateAddress),
                Some(_) => Outcome::Answered,
                None if message.has_service_binding() => Outcome::Answered,
                // What the alias leads to is asked for next.
                None if self.alias.is_some() => Outcome::Inconclusive(Doubt::Resolved),
                // The addresses lie beyond the snap length.
                None if message.has_cut_answers() => Outcome::Answered,
                None => Outcome::Inconclusive(Doubt::NoData),
            },
            NXDOMAIN => Outcome::Blocked(Cause::DnsNxdomain),
            REFUSED => Outcome::Blocked(Cause::DnsRefused),
            SERVFAIL => Outcome::Blocked(Cause::DnsServfail),
            _ => Outcome::Inconclusive(Doubt::ServerError),
        })
    }
}

impl Conversation {
    fn ask(&mut self, question: Question) {
        let same = self.first.iter_mut().chain(&mut self.more).find(|asked| {
            asked.id == question.id
                && asked.record_type == question.record_type
                && asked.name == question.name
        });
        if let Some(asked) = same {
            asked.count += 1;
            asked.last = asked.last.max(question.last);
        } else if self.first.is_none() {
            self.first = Some(question);
        } else if self.more.len() < MAX_WAITING {
            self.more.push(question);
        }
    }

    fn questions(&self) -> impl Iterator<Item = Question> + '_ {
        self.first.iter().chain(&self.more).copied()
    }

    /// No answer came until the questions' time was over, or the capture was.
    fn give_up<S: Sink>(&self, context: &mut Context<S>, until: Timestamp) {
        for question in self.questions() {
            let until = context.lived(question.last, until).min(question.last + ANSWER_TIME);
            let waited = until.since(question.asked.time);
            let outcome = if until.since(question.last) < ANSWER_TIME {
                Outcome::Inconclusive(Doubt::CaptureEnded)
            } else {
                Outcome::Blocked(Cause::DnsNoAnswer)
            };
            let fact = Fact::Requests { count: question.count, waited };
            self.report(context, &question, outcome, fact, question.asked);
        }
    }

    fn report<S: Sink>(
        &self,
        context: &mut Context<S>,
        question: &Question,
        outcome: Outcome,
        fact: Fact,
        at: Moment,
    ) {
        context.counts.dns += 1;
        let locator: Locator = at.locator;
        context.sink.attempt(&Attempt {
            name: Some((question.name, NameSource::DnsQuery)),
            channel: Channel::Dns(question.record_type),
            client: self.client,
            server: self.server,
            target_port: 0,
            outcome,
            decider: None,
            start: question.asked.time,
            end: at.time,
            locator,
            unit: context.unit,
            chain: None,
            fact,
        });
    }
}

impl<S: Sink> Context<S> {
    /// The id of a name that is in its normal form already, and a note that it was seen.
    #[inline]
    fn sighted(&mut self, name: &str, source: NameSource, time: Timestamp) -> NameId {
        let name = self.sink.intern(name);
        if S::WANTS_SIGHTINGS {
            self.sink.sighting(&Sighting { name, source, time });
        }
        name
    }
}

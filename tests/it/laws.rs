//! The laws that make the number of threads, the order of files and the grouping of machines
//! irrelevant: what is added up has an identity, commutes and associates.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use egress_audit::catalog::{Catalog, Matcher, Profile, Selection};
use egress_audit::evidence::{Detail, Evidence, Limits, Settled, Sightings, Tally};
use egress_audit::observe::{
    Address, Anomalies, AnomalyKind, Attempt, Cause, Channel, Doubt, Duration, Fact, Locator,
    NameSource, Outcome, Resolution, Sighting, Sink, SocketAddress, Sum, Timestamp,
};
use egress_audit::trust::TrustStore;
use egress_audit::verdict::{Verdicts, judge};
use egress_audit_fixtures::wire::tls;
use egress_audit_fixtures::wire::x509::{Authority, Leaf};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

/// Required names, a near miss, one that only shares an address, and a search suffix.
const NAMES: &[&str] = &[
    "emea.flow.microsoft.com",
    "emea.flow.microsoft.com.corp.example",
    "login.live.com",
    "contoso.crm4.dynamics.com",
    "login.live.com.dynamics.com",
    "flow.microsoft.com",
    "www.example.com",
    "www.example.org",
];
const CLIENTS: &[&str] = &["10.77.0.2", "10.77.0.3", "2001:db8:77::2"];
const SERVERS: &[&str] = &["203.0.113.10", "203.0.113.11", "2001:db8:40::10", "10.20.0.5"];

/// More parts than are kept side by side.
const MANY: usize = 70;

/// Certificate lists: of a private authority, of none, and of another private one.
static CHAINS: LazyLock<Vec<&'static [u8]>> = LazyLock::new(|| {
    let list = |name, seed| {
        let leaf = Authority::root(name, "Contoso", seed).issue(&Leaf::new(&["login.live.com"]));
        &*tls::certificate(&[&leaf])[4..].to_vec().leak()
    };
    vec![list("Inspection CA", 1), b"no list", list("Another CA", 2)]
});

/// Something that a reader observes, with names as text.
#[derive(Clone, Debug)]
enum Observation {
    Attempt(Option<(&'static str, NameSource)>, Option<&'static [u8]>, Attempt),
    Resolution(&'static str, Resolution),
    Heard(u32, Address),
}

struct World {
    catalog: Catalog,
    selection: Selection,
    matcher: Arc<Matcher>,
    trust: TrustStore,
}

impl World {
    fn new() -> Self {
        let catalog = Catalog::builtin(Catalog::DEFAULT).unwrap();
        let selection = catalog.select(&Profile::default());
        let matcher = Arc::new(Matcher::new(&catalog, &selection).unwrap());
        Self { catalog, selection, matcher, trust: TrustStore::public() }
    }

    fn nothing(&self, limits: Limits) -> Evidence {
        Evidence::new(Arc::clone(&self.matcher), limits)
    }

    /// What captures tell.
    fn evidence(&self, limits: Limits, observations: &[Observation]) -> Evidence {
        Self::observed(self.nothing(limits), observations)
    }

    /// What logs tell.
    fn logged(&self, limits: Limits, observations: &[Observation]) -> Evidence {
        Self::observed(self.nothing(limits).for_logs(), observations)
    }

    fn observed(mut evidence: Evidence, observations: &[Observation]) -> Evidence {
        for observation in observations {
            match observation {
                Observation::Attempt(name, chain, attempt) => {
                    let name = name.map(|(text, source)| (evidence.intern(text), source));
                    let chain = chain.and_then(|chain| evidence.chain(chain));
                    evidence.attempt(&Attempt { name, chain, ..*attempt });
                }
                Observation::Resolution(name, resolution) => {
                    let name = evidence.intern(name);
                    evidence.resolution(&Resolution { name, ..*resolution });
                }
                Observation::Heard(unit, client) => evidence.heard(*unit, *client),
            }
        }
        evidence
    }

    /// Everything that can be seen of evidence, names by their text.
    fn view(&self, evidence: &Evidence) -> Vec<String> {
        let evidence = &evidence.clone().settle();
        let text = |id| evidence.names().text(id);
        let mut lines: Vec<String> = Vec::new();
        for (key, tally) in evidence.attempts() {
            let mut key = *key;
            let name = key.name.take().map(|(id, source)| (text(id), source));
            let chain = key.chain.take().map(|id| evidence.chains().get(id));
            lines.push(format!("{name:?} {chain:?} {key:?} {tally:?}"));
        }
        for (key, span) in evidence.resolutions() {
            let (name, address, client) = (text(key.name), key.address, key.client);
            lines.push(format!("{name} {address} {client} {} {span:?}", key.bucket));
        }
        for unit in 0..2 {
            let heard = addresses(CLIENTS).map(|client| evidence.was_heard(unit, client));
            lines.push(format!("{:?}", heard.collect::<Vec<bool>>()));
        }
        lines.push(format!("{:?}", evidence.pruned()));
        let Self { catalog, selection, matcher, trust, .. } = self;
        let verdicts = judge(evidence, catalog, selection, matcher, None, trust);
        lines.extend(judgement(evidence, &verdicts));
        lines
    }
}

fn judgement(evidence: &Settled, verdicts: &Verdicts<'_>) -> Vec<String> {
    let text = |id| evidence.names().text(id);
    let tried = verdicts.tried.iter().map(|tried| {
        let key = (tried.key.bucket, tried.key.client, tried.key.server, tried.key.channel);
        format!("{} {key:?} {:?} {:?}", text(tried.name), tried.source, tried.outcome)
    });
    let endpoints = verdicts.endpoints.iter().map(|judged| {
        let names = judged.names.iter().map(|name| (text(name.name), name.verdict, &name.tried));
        let names: Vec<_> = names.collect();
        format!(
            "{:?} {:?} {} {} {names:?}",
            judged.verdict, judged.mixed_by, judged.intercepted, judged.reason
        )
    });
    let missed = verdicts.missed.iter().map(|missed| format!("{missed:?}"));
    tried.chain(endpoints).chain(missed).collect()
}

fn addresses(texts: &'static [&'static str]) -> impl Iterator<Item = Address> {
    texts.iter().map(|text| text.parse::<IpAddr>().unwrap().into())
}

fn address(texts: &'static [&'static str]) -> impl Strategy<Value = Address> {
    select(addresses(texts).collect::<Vec<_>>())
}

fn time() -> impl Strategy<Value = Timestamp> {
    // A few instants in minutes and hours around the edges of buckets.
    let offsets = vec![0, 1, 59, 60, 61, 65, 3_599, 3_600, 7_300];
    select(offsets).prop_map(|seconds| {
        Timestamp::from_nanos(1_768_467_600_000_000_000) + Duration::from_seconds(seconds)
    })
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        3 => Just(Outcome::Answered),
        1 => Just(Outcome::Allowed),
        4 => select(Cause::ALL).prop_map(Outcome::Blocked),
        2 => select(Doubt::ALL).prop_map(Outcome::Inconclusive),
    ]
}

fn channel() -> impl Strategy<Value = Channel> {
    use Channel::{Connect, Dns, Dtls, Http, Quic, Tcp, Tls, Udp};
    select(vec![Dns(1), Dns(28), Dns(65), Tcp, Tls, Dtls, Http, Connect, Quic, Udp])
}

fn fact() -> impl Strategy<Value = Fact> {
    prop_oneof![
        Just(Fact::None),
        (0..4_u32).prop_map(|count| Fact::Requests { count, waited: Duration::from_seconds(3) }),
        select(vec![200_u16, 407, 502]).prop_map(Fact::Status),
    ]
}

fn locator() -> impl Strategy<Value = Locator> {
    (0..2_u32, 1..30_u64).prop_map(|(input, record)| Locator { input, record, offset: record * 80 })
}

fn attempt() -> impl Strategy<Value = Observation> {
    let name = proptest::option::weighted(
        0.8,
        (select(NAMES), select(vec![NameSource::Sni, NameSource::DnsQuery])),
    );
    let parties =
        (address(CLIENTS), 50_000..50_003_u16, address(SERVERS), select(vec![443_u16, 80, 53]));
    let chain = proptest::option::weighted(0.3, select(CHAINS.as_slice()));
    let what = (select(vec![443_u16, 80, 5671]), channel(), outcome(), fact(), chain);
    (name, parties, what, time(), locator(), 0..2_u32).prop_map(
        |(name, (client, port, server, server_port), what, start, locator, unit)| {
            let (target_port, channel, outcome, fact, chain) = what;
            let attempt = Attempt {
                name: None,
                channel,
                client: SocketAddress::new(client, port),
                server: SocketAddress::new(server, server_port),
                target_port,
                outcome,
                decider: None,
                start,
                end: start,
                locator,
                unit,
                chain: None,
                fact,
            };
            Observation::Attempt(name, chain, attempt)
        },
    )
}

fn resolution() -> impl Strategy<Value = Observation> {
    (select(NAMES), address(CLIENTS), address(SERVERS), time(), 0..600_i64, 0..2_u32).prop_map(
        |(text, client, address, time, seconds, unit)| {
            // The id is another one in every table: the text decides.
            let name = egress_audit::observe::NameId(0);
            let time_to_live = Duration::from_seconds(seconds);
            Observation::Resolution(
                text,
                Resolution { name, client, address, time, time_to_live, unit },
            )
        },
    )
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let heard = (0..2_u32, address(CLIENTS)).prop_map(|(u, client)| Observation::Heard(u, client));
    vec(prop_oneof![5 => attempt(), 3 => resolution(), 1 => heard], 0..24)
}

/// Limits that the observations pass, and ones that they do not.
fn limits() -> impl Strategy<Value = Limits> {
    (1..4_usize, 0..4_usize, 0..12_usize, [0..6_usize, 0..6_usize], 0..6_usize, any::<bool>())
        .prop_map(
            |(samples, names, attempts, [unnamed, unnamed_of_logs], resolutions, reads_again)| {
                Limits {
                    samples,
                    names,
                    attempts,
                    unnamed,
                    unnamed_of_logs,
                    reads_again,
                    resolutions,
                }
            },
        )
}

fn sum<S: Sum>(mut left: S, right: S) -> S {
    left.merge(right);
    left
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn evidence_is_a_commutative_monoid(
        limits in limits(),
        a in observations(),
        b in observations(),
        c in observations(),
    ) {
        let world = World::new();
        let [a, b] = [a, b].map(|observations| world.logged(limits, &observations));
        let c = world.evidence(limits, &c);
        let view = |evidence: &Evidence| world.view(evidence);
        prop_assert_eq!(view(&sum(a.clone(), world.nothing(limits))), view(&a));
        prop_assert_eq!(view(&sum(world.nothing(limits), a.clone())), view(&a));
        prop_assert_eq!(view(&sum(a.clone(), b.clone())), view(&sum(b.clone(), a.clone())));
        let left = sum(sum(a.clone(), b.clone()), c.clone());
        let right = sum(a, sum(b, c));
        prop_assert_eq!(view(&left), view(&right));
    }

    #[test]
    fn what_the_limits_keep_is_the_same_however_early_it_was_put_together(
        limits in limits(),
        a in observations(),
        b in observations(),
        c in observations(),
    ) {
        let world = World::new();
        let logged = world.logged(limits, &a);
        let [b, c] = [b, c].map(|observations| world.evidence(limits, &observations));
        let parts = [logged, b, c];
        let [a, b, c] = parts.clone();
        let whole = sum(sum(a, b), c);
        let settled = whole.clone().settle();
        let Limits { attempts, unnamed, unnamed_of_logs, .. } = limits;
        let named = settled.attempts().iter().filter(|(key, _)| key.name.is_some()).count();
        prop_assert!(settled.attempts().len() - named <= unnamed + unnamed_of_logs);
        prop_assert!(named <= attempts || settled.detail() == Detail::Names);
        prop_assert!(settled.resolutions().len() <= limits.resolutions);
        // Evidence of very many parts is put together, and pruned, while it is merged.
        let crowd = |evidence: Evidence| (0..MANY).fold(evidence, |crowd, _| {
            sum(crowd, world.nothing(limits))
        });
        let [a, b, c] = parts;
        let crowded = sum(crowd(sum(crowd(c), crowd(a))), b);
        prop_assert_eq!(world.view(&whole), world.view(&crowded));
    }

    #[test]
    fn attempts_at_names_are_counted_exactly_whatever_the_limits(
        limits in limits(),
        all in vec(attempt(), 0..24),
        cut in any::<prop::sample::Index>(),
    ) {
        let world = World::new();
        let required = |text: &str| {
            let mut evidence = world.nothing(limits);
            let id = evidence.intern(text);
            evidence.keeps(id)
        };
        // What stays apart at every level.
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        let mut by_client: BTreeMap<(String, Address), u64> = BTreeMap::new();
        for observation in &all {
            let Observation::Attempt(Some((text, source)), _, attempt) = observation else { continue };
            if !required(text) {
                continue;
            }
            let Attempt { channel, outcome, target_port, unit, .. } = *attempt;
            let key = format!("{text} {source:?} {channel:?} {outcome:?} {target_port} {unit}");
            *by_client.entry((key.clone(), attempt.client.address)).or_default() += 1;
            *counted.entry(key).or_default() += 1;
        }
        let (left, right) = all.split_at(cut.index(all.len() + 1));
        let settled = sum(world.evidence(limits, right), world.evidence(limits, left)).settle();
        let mut found: BTreeMap<String, u64> = BTreeMap::new();
        let mut found_by_client: BTreeMap<(String, Address), u64> = BTreeMap::new();
        for (key, tally) in settled.attempts() {
            let Some((name, source)) = key.name else { continue };
            let (channel, outcome, port) = (key.channel, key.outcome, key.target_port);
            let text = settled.names().text(name);
            let own = format!("{text} {source:?} {channel:?} {outcome:?} {port} {}", key.unit);
            *found_by_client.entry((own.clone(), key.client)).or_default() += tally.count;
            *found.entry(own).or_default() += tally.count;
        }
        prop_assert_eq!(&found, &counted);
        if settled.detail() < Detail::Names {
            prop_assert_eq!(found_by_client, by_client);
        }
    }

    #[test]
    fn the_order_of_observations_does_not_matter(
        samples in 1..4_usize,
        all in observations(),
        cut in any::<prop::sample::Index>(),
    ) {
        let world = World::new();
        let limits = Limits { samples, ..Limits::default() };
        let whole = world.evidence(limits, &all);
        let mut backwards = all.clone();
        backwards.reverse();
        prop_assert_eq!(world.view(&whole), world.view(&world.evidence(limits, &backwards)));
        let (left, right) = all.split_at(cut.index(all.len() + 1));
        let parts = sum(world.evidence(limits, right), world.evidence(limits, left));
        prop_assert_eq!(world.view(&whole), world.view(&parts));
    }

    #[test]
    fn tallies_commute_and_associate(all in vec(attempt(), 3..9), limit in 1..4_usize) {
        let tallies: Vec<Tally> = all
            .iter()
            .filter_map(|observation| match observation {
                Observation::Attempt(_, _, attempt) => Some(Tally::of(attempt)),
                _ => None,
            })
            .collect();
        let add = |mut left: Tally, right: &Tally| {
            left.merge(right.clone(), limit);
            left
        };
        let forwards = tallies.iter().skip(1).fold(tallies[0].clone(), add);
        let last = tallies.len() - 1;
        let backwards = tallies.iter().rev().skip(1).fold(tallies[last].clone(), add);
        prop_assert_eq!(&forwards, &backwards);
        let rest = tallies.iter().skip(2).fold(tallies[1].clone(), add);
        prop_assert_eq!(&forwards, &add(tallies[0].clone(), &rest));
    }

    #[test]
    fn anomalies_are_a_commutative_monoid(
        parts in proptest::array::uniform3(vec((0..3_usize, locator()), 0..20)),
    ) {
        let kinds =
            [AnomalyKind::DnsMalformed, AnomalyKind::Fragment, AnomalyKind::TimeBackwards];
        let [a, b, c] = parts.map(|places| {
            let mut anomalies = Anomalies::default();
            for (kind, place) in places {
                anomalies.add(kinds[kind], place);
            }
            anomalies
        });
        let sum = |left: &Anomalies, right: &Anomalies| {
            let mut sum = left.clone();
            sum.merge(right.clone());
            sum
        };
        prop_assert_eq!(&sum(&a, &Anomalies::default()), &a);
        prop_assert_eq!(&sum(&Anomalies::default(), &a), &a);
        prop_assert_eq!(sum(&a, &b), sum(&b, &a));
        prop_assert_eq!(sum(&sum(&a, &b), &c), sum(&a, &sum(&b, &c)));
    }

    #[test]
    fn sightings_are_a_commutative_monoid(
        parts in proptest::array::uniform3(vec((select(NAMES), 0..2_usize, time()), 0..20)),
    ) {
        let sources = [NameSource::DnsQuery, NameSource::Sni];
        let make = |index: usize| {
            let mut sightings = Sightings::default();
            for (name, source, time) in &parts[index] {
                let name = sightings.intern(name);
                sightings.sighting(&Sighting { name, source: sources[*source], time: *time });
            }
            sightings
        };
        let view = |sightings: &Sightings| format!("{:?}", sightings.rows());
        prop_assert_eq!(view(&sum(make(0), Sightings::default())), view(&make(0)));
        prop_assert_eq!(view(&sum(Sightings::default(), make(0))), view(&make(0)));
        prop_assert_eq!(view(&sum(make(0), make(1))), view(&sum(make(1), make(0))));
        let left = sum(sum(make(0), make(1)), make(2));
        let right = sum(make(0), sum(make(1), make(2)));
        prop_assert_eq!(view(&left), view(&right));
    }
}

//! Names do not depend on how packets travelled and how they were captured: random changes that
//! touch no content leave the set of names as it was, and cuts add none.
//!
//! A failure names the scenario and the seed; `mutate((scenario.build)(), seed)` is the mutant.

use std::collections::BTreeSet;
use std::io::{Cursor, Read};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use egress_audit::capture::{Workers, read_sequence};
use egress_audit::evidence::Sightings;
use egress_audit::observe::Sum;
use egress_audit_fixtures::capture::{Format, TimedPacket};
use egress_audit_fixtures::transform::{Mutant, mutate};
use egress_audit_fixtures::{Scenario, scenarios};

/// How many failures are told; one root shows in many.
const TOLD: usize = 20;

/// A name after the word of its source.
type Names = BTreeSet<(&'static str, String)>;

#[test]
fn names_outlive_changes_that_touch_no_content() {
    check_all(0..24);
}

#[test]
#[ignore = "takes minutes"]
fn names_outlive_a_thousand_changes_of_every_capture() {
    check_all(0..1000);
}

/// Changes every scenario with every seed, on all cores.
fn check_all(seeds: std::ops::Range<u64>) {
    let scenarios = scenarios();
    let next = AtomicUsize::new(0);
    let (failures, compared) = (Mutex::new(BTreeSet::new()), AtomicUsize::new(0));
    let work = || {
        while let Some(scenario) = scenarios.get(next.fetch_add(1, Ordering::Relaxed)) {
            let packets = (scenario.build)();
            let names = names_in(&[Format::PCAPNG.write(&packets)]);
            compared.fetch_add(names.len(), Ordering::Relaxed);
            for seed in seeds.clone() {
                let failure = check(scenario, &packets, &names, seed);
                failures.lock().unwrap().extend(failure);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    assert!(compared.into_inner() > 100, "the captures hardly show a name");
    let failures = failures.into_inner().unwrap();
    let told: Vec<&String> = failures.iter().take(TOLD).collect();
    assert!(failures.is_empty(), "{} mutants read otherwise, such as {told:#?}", failures.len());
}

/// What is wrong with the names of one mutant.
fn check(scenario: &Scenario, packets: &[TimedPacket], names: &Names, seed: u64) -> Option<String> {
    let mutant = mutate(packets, seed);
    let found = names_in(&files(&mutant, seed));
    let lost: Vec<_> = names.difference(&found).filter(|_| !mutant.is_lossy()).collect();
    let new: Vec<_> = found.difference(names).collect();
    (!lost.is_empty() || !new.is_empty()).then(|| {
        let Mutant { kinds, .. } = mutant;
        format!("{}, seed {seed}, {kinds:?}: lost {lost:?}, new {new:?}", scenario.name)
    })
}

/// The files of a mutant; the last byte of a lossy one depends on the seed.
pub(crate) fn files(mutant: &Mutant, seed: u64) -> Vec<Vec<u8>> {
    let mut files: Vec<Vec<u8>> = mutant.files.iter().map(|packets| write(packets, seed)).collect();
    if mutant.is_lossy()
        && let Some(last) = files.last_mut()
    {
        last.truncate(last.len().saturating_sub(seed as usize % 60));
    }
    files
}

/// As pcap where one link type allows it and the seed is odd, else as pcapng.
fn write(packets: &[TimedPacket], seed: u64) -> Vec<u8> {
    let is_of_one_type =
        packets.windows(2).all(|pair| pair[0].link_type == pair[1].link_type) && seed % 2 == 1;
    let format = if is_of_one_type { Format::PCAP } else { Format::PCAPNG };
    format.write(packets)
}

/// The names in the files of one sequence.
fn names_in(files: &[Vec<u8>]) -> Names {
    let open = |input: u32| {
        let bytes = files.get(input as usize)?.clone();
        Some(Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>)
    };
    let inputs: Vec<u32> = (0..).take(files.len()).collect();
    let result = read_sequence(&inputs, Workers::Caller, Sightings::default, &open, &|| {});
    let mut sum = Sightings::default();
    result.sinks.into_iter().for_each(|sink| sum.merge(sink));
    sum.rows().into_iter().map(|(source, name, _)| (source.as_str(), name.to_owned())).collect()
}

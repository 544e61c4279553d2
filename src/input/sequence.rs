//! Captures that were rotated: one recording in several files.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;

use super::{Compression, InputPath};

/// Name endings of capture files, to which tcpdump appends the number of the file.
const CAPTURE_SUFFIXES: [&str; 8] =
    [".pcap", ".pcapng", ".cap", ".dmp", ".dump", ".tcpdump", ".trace", ".trc"];

/// What all files of one sequence share.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Base {
    directory: PathBuf,
    scheme: Scheme,
    before: String,
    after: String,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Scheme {
    /// `tcpdump -C`, with or without `-W`: the number follows the whole name.
    Appended,
    /// `dumpcap -b`, `editcap -c` and `-i`: `name_00001_20260101120000.pcapng`.
    NumberThenTime,
    /// `dumpcap -b nametimenum:2`: `name_20260101120000_00001.pcapng`.
    TimeThenNumber,
}

/// Finds rotated captures by their names.
///
/// Gives indices into `inputs`: every input in exactly one group, a sequence in the order of its
/// numbers, the groups in the order of their least index. A sequence lies in one directory and
/// has one base name; numbers may be missing (a ring buffer deletes the oldest files). Suffixes
/// of compression are ignored; of two inputs with the same number the second stands alone.
#[must_use]
pub fn group(inputs: &[InputPath]) -> Vec<Vec<usize>> {
    let mut sequences: BTreeMap<Base, BTreeMap<Option<u64>, usize>> = BTreeMap::new();
    let mut groups = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let Some((base, number)) = parse(input) else {
            groups.push(vec![index]);
            continue;
        };
        match sequences.entry(base).or_default().entry(number) {
            Entry::Vacant(free) => {
                free.insert(index);
            }
            Entry::Occupied(_) => groups.push(vec![index]),
        }
    }
    for (_, mut files) in sequences {
        // `x.pcap` starts the sequence `x.pcap1 …`; without that one it is another recording.
        let second = files.keys().flatten().next().copied();
        if second.is_some_and(|second| second > 1)
            && let Some(alone) = files.remove(&None)
        {
            groups.push(vec![alone]);
        }
        groups.push(files.into_values().collect());
    }
    groups.sort_by_key(|group| group.iter().min().copied());
    groups
}

/// Base and number of a file name that may be of a sequence.
fn parse(input: &InputPath) -> Option<(Base, Option<u64>)> {
    let path = input.path()?;
    let directory = path.parent().map(PathBuf::from).unwrap_or_default();
    let name = path.file_name()?.to_str()?;
    let name = Compression::strip_suffix(name);
    let base = |scheme, before: &str, after: &str| Base {
        directory: directory.clone(),
        scheme,
        before: before.to_owned(),
        after: after.to_owned(),
    };

    let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
    if let Some((rest, last)) = stem.rsplit_once('_')
        && let Some((before, middle)) = rest.rsplit_once('_')
    {
        if let Some(number) = counter(middle)
            && is_time(last)
        {
            return Some((base(Scheme::NumberThenTime, before, extension), Some(number)));
        }
        if let Some(number) = counter(last)
            && is_time(middle)
        {
            return Some((base(Scheme::TimeThenNumber, before, extension), Some(number)));
        }
    }

    let before = name.trim_end_matches(|character: char| character.is_ascii_digit());
    let lower = before.to_ascii_lowercase();
    if !CAPTURE_SUFFIXES.iter().any(|suffix| lower.ends_with(suffix)) {
        return None;
    }
    let digits = name.strip_prefix(before)?;
    let number = if digits.is_empty() { None } else { Some(digits.parse().ok()?) };
    Some((base(Scheme::Appended, before, ""), number))
}

/// dumpcap and editcap write five digits, and more when five do not suffice.
fn counter(text: &str) -> Option<u64> {
    let is_counter = (5..=10).contains(&text.len()) && is_digits(text);
    is_counter.then(|| text.parse().ok()).flatten()
}

/// Year, month, day, hour, minute, second.
fn is_time(text: &str) -> bool {
    text.len() == 14 && is_digits(text)
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grouped(names: &[&str]) -> Vec<Vec<String>> {
        let inputs: Vec<_> = names.iter().map(|name| InputPath::File(name.into())).collect();
        let name = |index: &usize| names[*index].to_owned();
        group(&inputs).iter().map(|indices| indices.iter().map(name).collect()).collect()
    }

    #[test]
    fn tcpdump_appends_a_number() {
        assert_eq!(
            grouped(&["x.pcap", "x.pcap1", "x.pcap10", "x.pcap2"]),
            [["x.pcap", "x.pcap1", "x.pcap2", "x.pcap10"]]
        );
        assert_eq!(grouped(&["x.pcap00", "x.pcap01"]), [["x.pcap00", "x.pcap01"]]);
        assert_eq!(grouped(&["x.pcap1.gz", "x.pcap0.gz"]), [["x.pcap0.gz", "x.pcap1.gz"]]);
    }

    #[test]
    fn dumpcap_and_editcap_insert_number_and_time() {
        let names = ["a_00002_20260101120100.pcapng", "a_00001_20260101120000.pcapng.gz"];
        assert_eq!(grouped(&names), [[names[1], names[0]]]);
        let names = ["a_20260101120000_00001.pcapng", "a_20260101120100_00002.pcapng"];
        assert_eq!(grouped(&names), [names]);
    }

    #[test]
    fn other_names_stand_alone() {
        assert_eq!(grouped(&["x.pcap", "y.pcap1"]), [["x.pcap"], ["y.pcap1"]]);
        assert_eq!(grouped(&["test1.pcap", "test2.pcap"]), [["test1.pcap"], ["test2.pcap"]]);
        assert_eq!(grouped(&["a/x.pcap0", "b/x.pcap1"]), [["a/x.pcap0"], ["b/x.pcap1"]]);
        assert_eq!(grouped(&["x.pcap", "x.pcap7"]), [["x.pcap"], ["x.pcap7"]]);
        assert_eq!(grouped(&["x.pcap1", "x.pcap1.gz"]), [["x.pcap1"], ["x.pcap1.gz"]]);
        assert_eq!(group(&[InputPath::Stdin]), [[0]]);
    }

    #[test]
    fn a_ring_buffer_may_lack_its_oldest_files() {
        assert_eq!(
            grouped(&["x.pcap7", "x.pcap8", "x.pcap10"]),
            [["x.pcap7", "x.pcap8", "x.pcap10"]]
        );
    }
}

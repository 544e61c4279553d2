//! Service tags: the address ranges that Azure publishes for its services, by name.
//!
//! Microsoft publishes them as a JSON file for each cloud ("Azure IP Ranges and Service Tags",
//! <https://www.microsoft.com/download/details.aspx?id=56519>), and by the service tag discovery
//! API in the same shape (<https://learn.microsoft.com/azure/virtual-network/service-tags-overview>).
//! A tag is a service, such as `LogicApps`; with a region behind a dot it is the part of the
//! service in that region.
//!
//! A tag is no host name: what it tells of an address is which service lives there, not which
//! name was meant. So it supports only what a catalog requires by that very tag; see
//! [`InboundTags`].

mod inbound;
mod table;

use std::borrow::Cow;
use std::io::Read as _;
use std::net::IpAddr;
use std::path::Path;

use serde::Deserialize;

pub use inbound::{InboundTags, RequiredTag};
pub use table::{Prefix, PrefixTable};

use crate::catalog::sha256_hex;

/// The largest file that is read, in bytes; the one of the public cloud has four million.
const MAX_BYTES: u64 = 64 << 20;
/// The most prefixes of a file; the one of the public cloud has ninety thousand.
const MAX_PREFIXES: usize = 1_000_000;
/// The longest name of a tag, in bytes.
const MAX_NAME: usize = 200;
/// How much of a wrong text a message cites, in characters.
const MAX_CITED: usize = 60;

/// What a service-tag file says.
#[derive(Clone, Debug)]
pub struct ServiceTags {
    cloud: String,
    change_number: String,
    sha256: String,
    tags: Vec<Tag>,
}

/// One entry of the file.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Tag {
    name: String,
    prefixes: Vec<Prefix>,
}

/// Why a service-tag file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ServiceTagsError {
    /// It cannot be read.
    #[error("it cannot be read: {0}")]
    Read(#[from] std::io::Error),
    /// It is too large to be one.
    #[error("it is larger than {} MiB, which no service-tag file is", MAX_BYTES >> 20)]
    TooLarge,
    /// It is no JSON, or JSON of another shape.
    #[error(
        "it is not Azure's service-tag JSON: {0}; expected is the file \"Azure IP Ranges and Service Tags\" as Microsoft publishes it"
    )]
    Shape(#[from] serde_json::Error),
    /// An entry is wrong.
    #[error("{0}")]
    Entry(String),
}

impl ServiceTags {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// The file cannot be read, is too large, or is none of service tags.
    pub fn load(path: &Path) -> Result<Self, ServiceTagsError> {
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(MAX_BYTES + 1).read_to_end(&mut bytes)?;
        Self::parse(&bytes)
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    ///
    /// It is too large, or is none of service tags; the message says what is wrong and where.
    pub fn parse(bytes: &[u8]) -> Result<Self, ServiceTagsError> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(ServiceTagsError::TooLarge);
        }
        let file: raw::File<'_> =
            serde_json::from_slice(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes))?;
        if file.values.is_empty() {
            return Err(ServiceTagsError::Entry("it lists no service tag".to_owned()));
        }
        let mut total = 0_usize;
        let mut tags = Vec::with_capacity(file.values.len());
        for (index, value) in file.values.into_iter().enumerate() {
            let tag = read_tag(index, value)?;
            total += tag.prefixes.len();
            if total > MAX_PREFIXES {
                let message = format!("it lists more than {MAX_PREFIXES} address prefixes");
                return Err(ServiceTagsError::Entry(message));
            }
            tags.push(tag);
        }
        Ok(Self {
            cloud: file.cloud.into_owned(),
            change_number: match file.change_number {
                serde_json::Value::String(text) => text,
                serde_json::Value::Null => String::new(),
                other => other.to_string(),
            },
            sha256: sha256_hex(bytes),
            tags,
        })
    }

    /// The cloud that the file is of, as it says: `Public`, `AzureGovernment`.
    #[must_use]
    pub fn cloud(&self) -> &str {
        &self.cloud
    }

    /// The number of the file's edition, as it says; empty where it says none.
    #[must_use]
    pub fn change_number(&self) -> &str {
        &self.change_number
    }

    /// SHA-256 of the file, in lower-case hexadecimal.
    #[must_use]
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// The entries of a tag and of its regions: names as the file spells them, with their
    /// prefixes.
    fn of(&self, tag: &str) -> impl Iterator<Item = (&str, &[Prefix])> {
        self.tags
            .iter()
            .filter(move |entry| is_of(&entry.name, tag))
            .map(|entry| (entry.name.as_str(), entry.prefixes.as_slice()))
    }
}

/// Whether an entry's name is a tag, or the tag in a region; letter case does not matter.
fn is_of(name: &str, tag: &str) -> bool {
    match (name.get(..tag.len()), name.get(tag.len()..)) {
        (Some(start), Some(rest)) => {
            start.eq_ignore_ascii_case(tag) && (rest.is_empty() || rest.starts_with('.'))
        }
        _ => false,
    }
}

fn read_tag(index: usize, value: raw::Value<'_>) -> Result<Tag, ServiceTagsError> {
    let is_allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
    let name = value.name;
    if name.is_empty() || name.len() > MAX_NAME || !name.bytes().all(is_allowed) {
        return Err(ServiceTagsError::Entry(format!(
            "values[{index}]: the name {} is none of a service tag; expected are letters, digits, '-', '_' and '.'",
            cited(&name)
        )));
    }
    let prefixes = value.properties.address_prefixes.iter().enumerate().map(|(place, text)| {
        read_prefix(text).map_err(|why| {
            ServiceTagsError::Entry(format!(
                "values[{index}] ({name}): addressPrefixes[{place}] is {}, {why}",
                cited(text)
            ))
        })
    });
    Ok(Tag { prefixes: prefixes.collect::<Result<_, _>>()?, name: name.into_owned() })
}

/// Reads `13.66.140.0/24`, `2603:1020::/47`, or one address.
fn read_prefix(text: &str) -> Result<Prefix, String> {
    const EXPECTED: &str =
        "which is no address prefix; expected is one such as 13.66.140.0/24 or 2603:1020:5::/48";
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let address: IpAddr = address.parse().map_err(|_| EXPECTED.to_owned())?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let length = match length {
        None => longest,
        Some(digits) if !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()) => digits
            .parse::<u8>()
            .ok()
            .filter(|length| *length <= longest)
            .ok_or_else(|| format!("whose length is beyond {longest}"))?,
        Some(_) => return Err(EXPECTED.to_owned()),
    };
    Prefix::new(address, length).ok_or_else(|| {
        format!("which is no prefix: its address has bits set beyond the length {length}")
    })
}

/// A text of the file as a message cites it.
fn cited(text: &str) -> String {
    let cut: String = text.chars().take(MAX_CITED).collect();
    format!("{cut:?}{}", if cut.len() < text.len() { "…" } else { "" })
}

/// The file as JSON states it; other keys are of no concern.
mod raw {
    use super::{Cow, Deserialize};

    #[derive(Deserialize)]
    pub(super) struct File<'f> {
        /// A number in the file, a text from the API.
        #[serde(rename = "changeNumber", default)]
        pub(super) change_number: serde_json::Value,
        #[serde(borrow)]
        pub(super) cloud: Cow<'f, str>,
        #[serde(borrow)]
        pub(super) values: Vec<Value<'f>>,
    }

    #[derive(Deserialize)]
    pub(super) struct Value<'f> {
        #[serde(borrow)]
        pub(super) name: Cow<'f, str>,
        #[serde(borrow)]
        pub(super) properties: Properties<'f>,
    }

    #[derive(Deserialize)]
    pub(super) struct Properties<'f> {
        #[serde(rename = "addressPrefixes", borrow)]
        pub(super) address_prefixes: Vec<Cow<'f, str>>,
    }
}

/// Reads `bytes` as a service-tag file and, if they are one, looks an address up.
///
/// The entry point of the fuzzer; it must not panic on any bytes.
#[doc(hidden)]
pub fn fuzz_service_tags(bytes: &[u8]) {
    let Ok(tags) = ServiceTags::parse(bytes) else { return };
    let Some(first) = tags.tags.first() else { return };
    let table = PrefixTable::new(first.prefixes.iter().map(|prefix| (*prefix, 0)));
    for prefix in &first.prefixes {
        assert_eq!(table.find(prefix.first()), Some(0), "{prefix:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(values: &str) -> String {
        format!(r#"{{"changeNumber": 7, "cloud": "Public", "values": [{values}]}}"#)
    }

    fn entry(name: &str, prefixes: &[&str]) -> String {
        format!(
            r#"{{"name": {name:?}, "id": "x", "properties": {{"region": "", "addressPrefixes": {prefixes:?}}}}}"#
        )
    }

    fn error(text: &str) -> String {
        ServiceTags::parse(text.as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn a_file_tells_its_edition_and_its_tags() {
        let text = file(&entry("LogicApps", &["192.0.2.0/24", "2001:db8::/32", "198.51.100.7"]));
        let tags = ServiceTags::parse(format!("\u{feff}{text}").as_bytes()).unwrap();
        assert_eq!((tags.cloud(), tags.change_number()), ("Public", "7"));
        let of: Vec<_> = tags.of("logicapps").collect();
        assert_eq!((of.len(), of[0].0, of[0].1.len()), (1, "LogicApps", 3));
        let api = text.replace("\"changeNumber\": 7", "\"changeNumber\": \"7\"");
        assert_eq!(ServiceTags::parse(api.as_bytes()).unwrap().change_number(), "7");
    }

    #[test]
    fn a_tag_has_its_regions_and_no_other_tag_that_begins_alike() {
        let text = ["LogicApps", "LogicApps.WestEurope", "LogicAppsManagement"]
            .map(|name| entry(name, &["192.0.2.0/24"]))
            .join(",");
        let tags = ServiceTags::parse(file(&text).as_bytes()).unwrap();
        let names: Vec<_> = tags.of("LogicApps").map(|(name, _)| name).collect();
        assert_eq!(names, ["LogicApps", "LogicApps.WestEurope"]);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, said) in [
            ("", "EOF while parsing a value at line 1 column 0"),
            ("7", "invalid type: integer `7`"),
            (r#"{"cloud": "Public"}"#, "missing field `values`"),
            (&file(""), "it lists no service tag"),
            (&file(&entry("a b", &[])), "values[0]: the name \"a b\" is none of a service tag"),
            (
                &file(&entry("A", &["192.0.2.0/24", "192.0.2/24"])),
                "values[0] (A): addressPrefixes[1] is \"192.0.2/24\", which is no address prefix",
            ),
            (&file(&entry("A", &["192.0.2.0/33"])), "whose length is beyond 32"),
            (&file(&entry("A", &["2001:db8::/129"])), "whose length is beyond 128"),
            (&file(&entry("A", &["192.0.2.0/+8"])), "which is no address prefix"),
            (&file(&entry("A", &["192.0.2.1/24"])), "bits set beyond the length 24"),
        ] {
            let error = error(text);
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn what_is_too_large_is_refused() {
        let zeros = vec![b' '; MAX_BYTES as usize + 1];
        assert!(matches!(ServiceTags::parse(&zeros), Err(ServiceTagsError::TooLarge)));
        let many = vec!["192.0.2.0"; MAX_PREFIXES + 1];
        assert!(error(&file(&entry("A", &many))).contains("more than 1000000 address prefixes"));
    }

    #[test]
    fn hostile_bytes_pass_the_fuzz_entry() {
        let text = file(&entry("A", &["0.0.0.0/0", "::/0", "192.0.2.0/24", "::ffff:1.2.3.4/128"]));
        fuzz_service_tags(text.as_bytes());
        for cut in 0..text.len() {
            fuzz_service_tags(&text.as_bytes()[..cut]);
        }
        fuzz_service_tags("[".repeat(100_000).as_bytes());
        fuzz_service_tags(b"\xff\xfe{");
    }
}

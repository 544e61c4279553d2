//! The file as TOML has it, before anything is checked.

use serde::Deserialize;
use toml::Spanned;

/// A text with its place in the file.
pub(super) type Text = Spanned<String>;

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) catalog: Header,
    pub(super) provenance: Option<Provenance>,
    #[serde(default)]
    pub(super) section: Vec<Section>,
    #[serde(default)]
    pub(super) endpoint: Vec<Endpoint>,
    #[serde(default)]
    pub(super) inbound: Vec<Inbound>,
    #[serde(default)]
    pub(super) alternative: Vec<Alternative>,
}

/// `[catalog]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Header {
    pub(super) name: Text,
    pub(super) edition: Text,
    pub(super) title: Option<Text>,
    pub(super) source: Option<Text>,
    #[serde(default)]
    pub(super) notes: Vec<Text>,
}

/// `[provenance]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Provenance {
    pub(super) file: Text,
    pub(super) sha256: Text,
    pub(super) date: Option<Text>,
    pub(super) rows: Option<u64>,
    #[serde(default)]
    pub(super) ignored: Vec<Text>,
}

/// `[[section]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Section {
    pub(super) id: Text,
    pub(super) title: Text,
    pub(super) clouds: Option<Spanned<Vec<Text>>>,
    pub(super) scenarios: Option<Spanned<Vec<Text>>>,
}

/// `[[endpoint]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Endpoint {
    pub(super) pattern: Text,
    pub(super) protocol: Text,
    pub(super) section: Option<Text>,
    #[serde(rename = "use")]
    pub(super) purpose: Option<Text>,
    pub(super) clouds: Option<Spanned<Vec<Text>>>,
    pub(super) scenarios: Option<Spanned<Vec<Text>>>,
    pub(super) occurrences: Option<Spanned<Vec<Occurrence>>>,
}

/// An element of `occurrences`.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(super) struct Occurrence {
    pub(super) section: Option<Text>,
    #[serde(rename = "use")]
    pub(super) purpose: Option<Text>,
    pub(super) clouds: Option<Spanned<Vec<Text>>>,
    pub(super) scenarios: Option<Spanned<Vec<Text>>>,
}

/// `[[inbound]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Inbound {
    #[serde(rename = "service-tag")]
    pub(super) service_tag: Text,
    pub(super) section: Option<Text>,
    #[serde(rename = "use")]
    pub(super) purpose: Option<Text>,
    pub(super) clouds: Option<Spanned<Vec<Text>>>,
    pub(super) scenarios: Option<Spanned<Vec<Text>>>,
}

/// `[[alternative]]`
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Alternative {
    pub(super) endpoint: Text,
    #[serde(default)]
    pub(super) patterns: Vec<Text>,
    pub(super) source: Option<Text>,
    pub(super) section: Option<Text>,
    #[serde(rename = "use")]
    pub(super) purpose: Option<Text>,
    pub(super) clouds: Option<Spanned<Vec<Text>>>,
    pub(super) scenarios: Option<Spanned<Vec<Text>>>,
}

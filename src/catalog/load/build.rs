//! From the raw file to a catalog: every rule that TOML itself does not know.

use std::collections::BTreeMap;
use std::ops::Range;

use toml::Spanned;

use super::super::model::sha256_hex;
use super::super::{
    Alternative, Catalog, Direction, Endpoint, EndpointIndex, Inbound, Occurrence, Pattern,
    Protocol, Provenance, Section, Set, Word,
};
use super::error::{CatalogError, Problem, is_disturbing, line_and_column};
use super::raw::{self, Text};
use super::{MAX_ENDPOINTS, MAX_PROBLEMS};

/// The longest text for people, in bytes.
const MAX_TEXT_LENGTH: usize = 1000;
/// The longest name, edition, id or service tag, in bytes.
const MAX_WORD_LENGTH: usize = 100;

/// Checks `raw`, which was read from `text`, and makes the catalog of it.
pub(super) fn build(path: &str, text: &str, raw: raw::File) -> Result<Catalog, CatalogError> {
    let mut builder = Builder { text, problems: Vec::new(), more: 0, sections: BTreeMap::new() };
    let name = builder.word(raw.catalog.name);
    let edition = builder.word(raw.catalog.edition);
    let title = raw.catalog.title.map(|title| builder.prose(title));
    let source = raw.catalog.source.map(|source| builder.prose(source));
    let notes = raw.catalog.notes.into_iter().map(|note| builder.prose(note)).collect();
    let provenance = raw.provenance.map(|provenance| Provenance {
        file: builder.prose(provenance.file),
        sha256: builder.word(provenance.sha256),
        date: provenance.date.map(|date| builder.word(date)),
        rows: provenance.rows,
        ignored: provenance.ignored.into_iter().map(|row| builder.prose(row)).collect(),
    });
    let sections = builder.sections(raw.section);
    let (endpoints, warnings) = builder.endpoints(raw.endpoint, &sections);
    let inbound = raw.inbound.into_iter().map(|i| builder.inbound(i, &sections)).collect();
    let alternatives = builder.alternatives(raw.alternative, &endpoints, &sections);
    if !builder.problems.is_empty() {
        return Err(CatalogError::new(path, builder.problems, builder.more));
    }
    Ok(Catalog {
        name,
        edition,
        title,
        source,
        notes,
        provenance,
        sha256: sha256_hex(text.as_bytes()),
        sections,
        endpoints,
        inbound,
        alternatives,
        warnings,
    })
}

/// Collects problems while the parts are made; after the first, the parts no longer matter.
struct Builder<'t> {
    text: &'t str,
    problems: Vec<Problem>,
    /// How many problems beyond the limit were only counted.
    more: usize,
    /// Id of each section, with its index and its place.
    sections: BTreeMap<String, (usize, usize)>,
}

impl Builder<'_> {
    fn problem(&mut self, span: Range<usize>, message: &str, advice: &str) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.problems.push(Problem::at(self.text, span, message, advice));
        }
    }

    fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// The line of an offset, for a message; finding it takes time, so not once nobody reads it.
    fn line(&self, offset: usize) -> usize {
        if self.is_full() { 0 } else { line_and_column(self.text, offset).0 }
    }

    /// A name, an edition, an id: something that people type again.
    fn word(&mut self, word: Text) -> String {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let text = word.get_ref();
        if text.is_empty() || text.len() > MAX_WORD_LENGTH || !text.bytes().all(allowed) {
            self.problem(
                word.span(),
                "this cannot be typed on a command line as it is",
                "use 1 to 100 letters, digits, '-', '_' and '.'",
            );
        }
        word.into_inner()
    }

    /// A text for people.
    fn prose(&mut self, prose: Text) -> String {
        let text = prose.get_ref();
        if text.trim().is_empty() {
            self.problem(prose.span(), "the text is empty", "write something or take the key out");
        } else if text.len() > MAX_TEXT_LENGTH {
            self.problem(prose.span(), "the text is longer than 1000 bytes", "shorten it");
        } else if text.contains(is_disturbing) {
            self.problem(
                prose.span(),
                "the text holds control or bidirectional formatting characters",
                "take them out; a text is one line",
            );
        }
        prose.into_inner()
    }

    /// A list of words of a vocabulary; the whole vocabulary where there is no list.
    fn set<W: Word + std::str::FromStr<Err = super::super::UnknownWord>>(
        &mut self,
        words: Option<Spanned<Vec<Text>>>,
        default: Set<W>,
    ) -> Set<W> {
        let Some(words) = words else { return default };
        if words.get_ref().is_empty() {
            self.problem(
                words.span(),
                &format!("the list names no {}", W::KIND),
                "take the key out if it applies to all",
            );
        }
        let mut set = Set::empty();
        for word in words.into_inner() {
            match word.get_ref().parse::<W>() {
                Ok(known) if set.contains(known) => {
                    self.problem(word.span(), "listed twice", "take one of the two out");
                }
                Ok(known) => set.insert(known),
                Err(error) => {
                    let message = format!("unknown {} {:?}", error.kind, word.get_ref());
                    self.problem(
                        word.span(),
                        &message,
                        &format!("write one of {}", error.expected),
                    );
                }
            }
        }
        set
    }

    fn sections(&mut self, raw: Vec<raw::Section>) -> Vec<Section> {
        let mut sections = Vec::with_capacity(raw.len());
        for (index, section) in raw.into_iter().enumerate() {
            let span = section.id.span();
            let id = self.word(section.id);
            if let Some((_, first)) = self.sections.get(&id) {
                let message = format!("section {id:?} is already in line {}", self.line(*first));
                self.problem(span, &message, "give it another id or take one of the two out");
            } else {
                self.sections.insert(id.clone(), (index, span.start));
            }
            sections.push(Section {
                id,
                title: self.prose(section.title),
                clouds: self.set(section.clouds, Set::all()),
                scenarios: self.set(section.scenarios, Set::all()),
            });
        }
        sections
    }

    fn occurrence(&mut self, raw: raw::Occurrence, sections: &[Section]) -> Occurrence {
        let index = raw.section.and_then(|section| {
            let known = self.sections.get(section.get_ref()).map(|(index, _)| *index);
            if known.is_none() {
                let message = format!("there is no section {:?}", section.get_ref());
                self.problem(section.span(), &message, "add a [[section]] with that id");
            }
            known
        });
        let section = index.and_then(|index| sections.get(index));
        Occurrence {
            section: index,
            purpose: raw.purpose.map(|purpose| self.prose(purpose)),
            clouds: self.set(raw.clouds, section.map_or_else(Set::all, |s| s.clouds)),
            scenarios: self.set(raw.scenarios, section.map_or_else(Set::all, |s| s.scenarios)),
        }
    }

    fn pattern(&mut self, text: &Text) -> Option<Pattern> {
        match Pattern::parse(text.get_ref()) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                self.problem(text.span(), &error.message, error.advice);
                None
            }
        }
    }

    fn endpoints(
        &mut self,
        raw: Vec<raw::Endpoint>,
        sections: &[Section],
    ) -> (Vec<Endpoint>, Vec<Problem>) {
        if raw.is_empty() {
            self.problem(
                0..0,
                "the catalog has no endpoint",
                "add at least one [[endpoint]] with pattern and protocol",
            );
        }
        if let Some(one_too_many) = raw.get(MAX_ENDPOINTS) {
            let message = format!("the catalog has more than {MAX_ENDPOINTS} endpoints");
            self.problem(one_too_many.pattern.span(), &message, "split it");
            return (Vec::new(), Vec::new());
        }
        let mut endpoints = Vec::with_capacity(raw.len());
        let mut warnings = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        for endpoint in raw {
            let span = endpoint.pattern.span();
            let pattern = self.pattern(&endpoint.pattern);
            let protocol = match endpoint.protocol.get_ref().parse::<Protocol>() {
                Ok(protocol) => Some(protocol),
                Err(error) => {
                    let message = format!("unknown protocol {:?}", endpoint.protocol.get_ref());
                    let advice = format!("write one of {}", error.expected);
                    self.problem(endpoint.protocol.span(), &message, &advice);
                    None
                }
            };
            let own = raw::Occurrence {
                section: endpoint.section,
                purpose: endpoint.purpose,
                clouds: endpoint.clouds,
                scenarios: endpoint.scenarios,
            };
            let occurrences = self.occurrences(own, endpoint.occurrences, sections);
            let (Some(pattern), Some(protocol)) = (pattern, protocol) else { continue };
            let id = format!("{protocol}:{pattern}");
            if let Some(first) = seen.get(&id) {
                let message = format!("endpoint {id} is already in line {}", self.line(*first));
                self.problem(span, &message, "merge the two; several uses go to `occurrences`");
                continue;
            }
            seen.insert(id.clone(), span.start);
            if pattern.is_broad() && warnings.len() < MAX_PROBLEMS {
                warnings.push(Problem::at(
                    self.text,
                    span,
                    &format!("{pattern} covers a whole top-level domain"),
                    "write more of the domain out unless that is meant",
                ));
            }
            let direction = Direction::Outbound;
            endpoints.push(Endpoint { id, pattern, protocol, direction, occurrences });
        }
        endpoints.sort_by(|a, b| {
            let (left, right) = (a.pattern.as_str(), b.pattern.as_str());
            left.rsplit('.').cmp(right.rsplit('.')).then(a.protocol.cmp(&b.protocol))
        });
        (endpoints, warnings)
    }

    /// The occurrences of an endpoint: its own keys, or a list, but not both.
    fn occurrences(
        &mut self,
        own: raw::Occurrence,
        listed: Option<Spanned<Vec<raw::Occurrence>>>,
        sections: &[Section],
    ) -> Vec<Occurrence> {
        let Some(listed) = listed else { return vec![self.occurrence(own, sections)] };
        let has_own = own.section.is_some()
            || own.purpose.is_some()
            || own.clouds.is_some()
            || own.scenarios.is_some();
        if has_own {
            self.problem(
                listed.span(),
                "the endpoint has `occurrences` and section, use, clouds or scenarios of its own",
                "move its own keys into the list",
            );
        }
        if listed.get_ref().is_empty() {
            self.problem(listed.span(), "`occurrences` is empty", "take the key out");
        }
        listed.into_inner().into_iter().map(|o| self.occurrence(o, sections)).collect()
    }

    fn inbound(&mut self, raw: raw::Inbound, sections: &[Section]) -> Inbound {
        let occurrence = raw::Occurrence {
            section: raw.section,
            purpose: raw.purpose,
            clouds: raw.clouds,
            scenarios: raw.scenarios,
        };
        Inbound {
            service_tag: self.word(raw.service_tag),
            occurrence: self.occurrence(occurrence, sections),
        }
    }

    fn alternatives(
        &mut self,
        raw: Vec<raw::Alternative>,
        endpoints: &[Endpoint],
        sections: &[Section],
    ) -> Vec<Alternative> {
        let by_id: BTreeMap<&str, EndpointIndex> =
            endpoints.iter().map(|e| e.id.as_str()).zip((0_u32..).map(EndpointIndex)).collect();
        let endpoints_are_whole = self.problems.is_empty();
        let mut alternatives = Vec::with_capacity(raw.len());
        for alternative in raw {
            let patterns = alternative.patterns.iter().filter_map(|p| self.pattern(p)).collect();
            let occurrence = raw::Occurrence {
                section: alternative.section,
                purpose: alternative.purpose,
                clouds: alternative.clouds,
                scenarios: alternative.scenarios,
            };
            let occurrence = self.occurrence(occurrence, sections);
            let source = alternative.source.map(|source| self.prose(source));
            match by_id.get(alternative.endpoint.get_ref().as_str()) {
                Some(endpoint) => {
                    let endpoint = *endpoint;
                    alternatives.push(Alternative { endpoint, patterns, occurrence, source });
                }
                None if !endpoints_are_whole => {}
                None => {
                    let message =
                        format!("there is no endpoint {:?}", alternative.endpoint.get_ref());
                    let advice = "write protocol, colon, pattern, as in \"https:*.example.com\"";
                    self.problem(alternative.endpoint.span(), &message, advice);
                }
            }
        }
        alternatives
    }
}

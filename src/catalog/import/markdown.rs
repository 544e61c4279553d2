//! Pages in Markdown, as Microsoft publishes them: tables of domains below headings.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::draft::{Alternative, Draft, Row, Section};
use super::marks::{clouds_of_heading, marks, scenarios_of};
use super::token;
use crate::catalog::{Clouds, Protocol, Scenario, Scenarios};

/// Titles of columns with names.
const DOMAINS: &[&str] = &[
    "domain",
    "domains",
    "endpoint",
    "endpoints",
    "url",
    "urls",
    "fqdn",
    "fqdns",
    "host",
    "hosts",
    "hostname",
    "host name",
    "address",
    "addresses",
    "destination",
    "namespace",
    "namespaces",
    "service bus namespaces",
    "domain name",
    "domain names",
    "dns name",
    "allowed domains",
    "destination endpoint",
    "required domains",
];
const PROTOCOLS: &[&str] = &["protocol", "protocols", "scheme"];
const PORTS: &[&str] = &["port", "ports", "protocol and ports", "destination ports", "tcp ports"];
const USES: &[&str] =
    &["use", "uses", "purpose", "description", "usage", "notes", "required for", "service"];
const TAGS: &[&str] = &["service tag", "service tags"];

/// Reads a page.
pub(super) fn read(text: &str, draft: &mut Draft) {
    let body = front_matter(text, draft);
    let offset = text.len() - body.len();
    let is_power_automate = draft.name.as_deref() == Some("power-automate");
    let mut page = Page {
        draft,
        text,
        headings: Vec::new(),
        section: None,
        is_power_automate,
        table: None,
        row: Vec::new(),
        cell: None,
        quote: None,
        bold: None,
    };
    let options = Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH;
    for (event, range) in Parser::new_ext(body, options).into_offset_iter() {
        page.event(event, offset + range.start);
    }
}

/// Takes the date and the service out of the page's head, and returns what is behind it.
fn front_matter<'t>(text: &'t str, draft: &mut Draft) -> &'t str {
    let Some(rest) = text.strip_prefix("---") else { return text };
    let Some(end) = rest.find("\n---") else { return text };
    let (head, body) = rest.split_at(end);
    for line in head.lines() {
        let Some((key, value)) = line.split_once(':') else { continue };
        let value = value.trim().trim_matches('"').to_owned();
        match key.trim() {
            "ms.date" => draft.date = date(&value),
            "ms.service" | "ms.prod" if !value.is_empty() => draft.name = Some(value),
            "title" if !value.is_empty() => draft.title = Some(value),
            // Older editions name the service in their description alone.
            "description" if draft.name.is_none() && value.contains("Power Automate") => {
                draft.name = Some("power-automate".to_owned());
            }
            _ => {}
        }
    }
    let body = body.strip_prefix("\n---").unwrap_or(body);
    body.find('\n').and_then(|at| body.get(at..)).unwrap_or_default()
}

/// `04/17/2023` as `2023-04-17`.
fn date(text: &str) -> Option<String> {
    let mut parts = text.split('/').map(|part| part.trim().parse::<u16>().ok());
    let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
    let date = jiff::civil::Date::new(
        i16::try_from(year).ok()?,
        i8::try_from(month).ok()?,
        i8::try_from(day).ok()?,
    );
    date.ok().map(|date| date.to_string())
}

struct Page<'p> {
    draft: &'p mut Draft,
    text: &'p str,
    /// Level, text of each heading that is open, outermost first.
    headings: Vec<(usize, String)>,
    /// The section of the innermost heading, once a table needed it.
    section: Option<usize>,
    is_power_automate: bool,
    table: Option<Table>,
    row: Vec<String>,
    /// The text of what is open: a cell or a heading.
    cell: Option<String>,
    quote: Option<Quote>,
    /// What stands in bold in the text of a section, until something else follows.
    bold: Option<String>,
}

#[derive(Default)]
struct Table {
    titles: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

/// A note, as far as it is read.
#[derive(Default)]
struct Quote {
    text: String,
    /// What stands in bold.
    strong: Option<String>,
    is_strong: bool,
    link: Option<String>,
}

impl Page<'_> {
    fn line(&self, offset: usize) -> usize {
        let before = self.text.get(..offset.min(self.text.len())).unwrap_or_default();
        1 + before.bytes().filter(|byte| *byte == b'\n').count()
    }

    fn event(&mut self, event: Event<'_>, offset: usize) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let level = level as usize;
                self.headings.retain(|(known, _)| *known < level);
                self.headings.push((level, String::new()));
                self.section = None;
                self.cell = Some(String::new());
            }
            Event::End(TagEnd::Heading(_)) => {
                let text = self.cell.take().unwrap_or_default();
                if let Some((level, heading)) = self.headings.last_mut() {
                    *heading = text.trim().to_owned();
                    if *level == 1 && self.draft.title.is_none() {
                        self.draft.title = Some(heading.clone());
                    }
                }
            }
            Event::Start(Tag::Table(_)) => {
                self.table = Some(Table::default());
            }
            Event::End(TagEnd::Table) => {
                if let Some(table) = self.table.take() {
                    self.take(&table);
                }
            }
            Event::Start(Tag::TableCell) => self.cell = Some(String::new()),
            Event::End(TagEnd::TableCell) => self.row.extend(self.cell.take()),
            Event::End(TagEnd::TableHead) => {
                if let Some(table) = &mut self.table {
                    table.titles = std::mem::take(&mut self.row);
                }
            }
            Event::End(TagEnd::TableRow) => {
                let line = self.line(offset);
                let row = std::mem::take(&mut self.row);
                if let Some(table) = &mut self.table {
                    table.rows.push((line, row));
                }
            }
            Event::Start(Tag::BlockQuote(_)) => self.quote = Some(Quote::default()),
            Event::End(TagEnd::BlockQuote(_)) => {
                if let Some(quote) = self.quote.take() {
                    self.note(quote);
                }
            }
            Event::Start(Tag::Strong) => self.strong(true),
            Event::End(TagEnd::Strong) => self.strong(false),
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.pointer(&dest_url);
                if let Some(quote) = &mut self.quote {
                    quote.link = Some(dest_url.into_string());
                }
            }
            Event::Text(text) | Event::Code(text) => self.text(&text),
            Event::Html(html) | Event::InlineHtml(html) if is_line_break(&html) => self.text("\n"),
            Event::SoftBreak | Event::HardBreak => self.text(" "),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(cell) = &mut self.cell {
            cell.push_str(text);
        } else if let Some(quote) = &mut self.quote {
            quote.text.push_str(text);
            if quote.is_strong {
                quote.strong.get_or_insert_default().push_str(text);
            }
        } else if self.bold.as_deref() == Some("") {
            self.bold = Some(text.to_owned());
        } else if let Some(tag) = self.bold.take()
            && text.starts_with(" service tag")
            && tag.bytes().all(|byte| byte.is_ascii_alphanumeric())
        {
            // Traffic that is let in "from the X service tag".
            let section = self.section();
            if !self.draft.inbound.iter().any(|(known, _)| *known == tag) {
                self.draft.inbound.push((tag, section));
            }
        }
    }

    /// What a section without a table points to is a note of the catalog.
    fn pointer(&mut self, target: &str) {
        let Some((_, heading)) = self.headings.last() else { return };
        let text = heading.to_lowercase();
        let is_pointer =
            text.contains("approval") && text.contains("email") || text.contains("azure sql");
        if is_pointer && self.cell.is_none() {
            let note = format!("{heading}: {target}");
            if !self.draft.notes.contains(&note) {
                self.draft.notes.push(note);
            }
        }
    }

    fn strong(&mut self, is_strong: bool) {
        match &mut self.quote {
            Some(quote) => quote.is_strong = is_strong && quote.strong.is_none(),
            None if is_strong && self.cell.is_none() => self.bold = Some(String::new()),
            None => {}
        }
    }

    /// The section of the headings that are open, made when first needed.
    fn section(&mut self) -> Option<usize> {
        if let Some(section) = self.section {
            return Some(section);
        }
        let (_, heading) = self.headings.last()?;
        let id = anchor(heading);
        if id.is_empty() {
            return None;
        }
        let known = self.draft.sections.iter().position(|section| section.id == id);
        let index = known.unwrap_or_else(|| {
            let headings = self.headings.iter().rev().map(|(_, text)| text.as_str());
            self.draft.sections.push(Section {
                id,
                title: heading.clone(),
                clouds: clouds_of_heading(heading),
                scenarios: self.is_power_automate.then(|| scenarios_of(headings)),
            });
            self.draft.sections.len() - 1
        });
        self.section = Some(index);
        self.section
    }

    /// Takes the rows of a table, if it is one of names.
    fn take(&mut self, table: &Table) {
        let column = |names: &[&str]| {
            let is = |title: &String| names.contains(&title.trim().to_lowercase().as_str());
            table.titles.iter().position(is)
        };
        let cell = |row: &[String], column: Option<usize>| -> String {
            column.and_then(|at| row.get(at)).map(|cell| cell.trim().to_owned()).unwrap_or_default()
        };
        if let Some(tags) = column(TAGS) {
            let section = self.section();
            for (_, row) in &table.rows {
                let tag = cell(row, Some(tags));
                if !tag.is_empty()
                    && tag.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
                {
                    self.draft.inbound.push((tag, section));
                }
            }
            return;
        }
        let Some(domains) = column(DOMAINS) else { return };
        let (protocols, ports) = (column(PROTOCOLS), column(PORTS));
        let uses = column(USES);
        let section = self.section();
        let in_section =
            section.and_then(|at| self.draft.sections.get(at)).and_then(|section| section.clouds);
        let of_rows: Vec<_> = table.rows.iter().map(|(_, row)| marks(&cell(row, uses))).collect();
        for ((line, row), own) in table.rows.iter().zip(&of_rows) {
            let purpose = cell(row, uses).split_whitespace().collect::<Vec<_>>().join(" ");
            let stated = protocols_of(&cell(row, protocols), &cell(row, ports));
            // What other rows of the same use leave.
            let others = of_rows.iter().filter(|other| other.key == own.key && !own.key.is_empty());
            let marked = others.filter_map(|other| other.only).fold(Clouds::empty(), Clouds::union);
            let base = match own.only {
                Some(only) => Some(only),
                None if marked.is_empty() => in_section,
                None => Some(left_of(in_section, marked)),
            };
            let clouds = match (base, own.also.is_empty()) {
                (base, true) => base,
                (Some(base), false) => Some(base.union(own.also)),
                (None, false) => None,
            };
            let clouds = clouds.filter(|clouds| Some(*clouds) != in_section);
            for raw in token::tokens(&cell(row, Some(domains))) {
                self.name(raw, &stated, (*line, section, &purpose, clouds));
            }
        }
    }

    /// Takes one name of a row.
    fn name(
        &mut self,
        raw: &str,
        stated: &[Protocol],
        (line, section, purpose, clouds): (usize, Option<usize>, &str, Option<Clouds>),
    ) {
        let token = match token::read(raw) {
            Ok(token) => token,
            Err(remark) => return self.draft.remark(line, &remark),
        };
        if let Some(remark) = &token.remark {
            self.draft.remark(line, remark);
        }
        let protocols: Vec<Protocol> = match (stated, token.protocol) {
            ([], Some(own)) => vec![own],
            ([], None) => {
                let remark = format!("{raw}: the table says no protocol, and none is guessed");
                return self.draft.remark(line, &remark);
            }
            (stated, _) => stated.to_vec(),
        };
        for protocol in protocols {
            self.draft.add(Row {
                pattern: token.pattern.clone(),
                protocol,
                section,
                purpose: (!purpose.is_empty()).then(|| purpose.to_owned()),
                clouds,
                scenarios: self.scenarios(section, purpose),
            });
        }
    }

    /// The scenarios of a row that says more of them than its section.
    fn scenarios(&self, section: Option<usize>, purpose: &str) -> Option<Scenarios> {
        let of_section = self.draft.sections.get(section?)?.scenarios?;
        let says_more =
            purpose.contains("for desktop") && !of_section.contains(Scenario::DesktopFlows);
        let more = Scenarios::from_iter([Scenario::DesktopFlows]);
        (self.is_power_automate && says_more).then(|| of_section.union(more))
    }

    /// A note about a pattern in bold that may be left out.
    fn note(&mut self, quote: Quote) {
        let Some(strong) = quote.strong else { return };
        let Ok(token) = token::read(&strong) else { return };
        if !quote.text.contains("individual") {
            return;
        }
        let section = self.section();
        let source = quote.link.map(|link| match link.split_once('#') {
            Some((page, _)) if !page.is_empty() => page.to_owned(),
            _ => link,
        });
        self.draft.alternatives.push(Alternative { pattern: token.pattern, section, source });
    }
}

/// Whether this is `<br>`, however it is written.
fn is_line_break(html: &str) -> bool {
    html.trim_start_matches('<').trim_start().to_ascii_lowercase().starts_with("br")
}

/// The clouds of a section that others of its rows are not marked for; of all clouds, the public one.
fn left_of(in_section: Option<Clouds>, marked: Clouds) -> Clouds {
    match in_section {
        Some(section) => section.iter().filter(|cloud| !marked.contains(*cloud)).collect(),
        None => Clouds::from_iter([crate::catalog::Cloud::Public]),
    }
}

/// What the cells of protocol and port say.
fn protocols_of(protocol: &str, port: &str) -> Vec<Protocol> {
    let mut found = Vec::new();
    let words = |text: &str| -> Vec<String> {
        let words = text.split(|c: char| !c.is_ascii_alphanumeric()).map(str::to_ascii_lowercase);
        words.collect()
    };
    let mut add = |protocol| {
        if !found.contains(&protocol) {
            found.push(protocol);
        }
    };
    for word in words(protocol) {
        match word.as_str() {
            "https" | "wss" | "443" | "tls" => add(Protocol::Https),
            "http" | "80" => add(Protocol::Http),
            _ => {}
        }
    }
    if found.is_empty() {
        for word in words(port) {
            match word.as_str() {
                "443" if !found.contains(&Protocol::Https) => found.push(Protocol::Https),
                "80" if !found.contains(&Protocol::Http) => found.push(Protocol::Http),
                _ => {}
            }
        }
    }
    found
}

/// The anchor that the publisher's site gives to a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c }).take(100).collect()
}

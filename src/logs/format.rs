//! The seam between the reader of lines and the formats: what a format is asked, and what it
//! answers.

use std::any::Any;
use std::cell::RefCell;

use hashbrown::HashMap;

use super::directives::Directives;
use super::grammar::{Json, Scratch};
use super::record::Record;
use super::stamp::Stamp;
use super::value;

/// A log format of one product: one file, one line of the registry, one folder of fixtures.
///
/// A format is asked about one line at a time, out of order and from several threads, and keeps
/// nothing between lines; what must be read in order goes through
/// [`read_in_order`](Format::read_in_order).
///
/// Its answer for a line of another format is [`Reading::NotMine`], however much the line looks
/// alike: a signature in the middle of a value must not win, so it confirms with the grammar
/// before it emits anything.
pub trait Format: Sync {
    /// What it is.
    fn about(&self) -> &'static About;

    /// Whether it reads what other formats leave: it is then asked after all of them, also in an
    /// input whose main format it is.
    fn is_fallback(&self) -> bool {
        false
    }

    /// Reads one line of text.
    fn read_text(&self, _: &[u8], _: &Line<'_>, _: &mut Scratch, _: Emit<'_>) -> Reading {
        Reading::NotMine
    }

    /// Reads one JSON object.
    fn read_json(&self, _: Json<'_>, _: &Line<'_>, _: &mut Scratch, _: Emit<'_>) -> Reading {
        Reading::NotMine
    }

    /// What the lines of the head that are read in order tell about all lines of the input, those
    /// before them included.
    fn hints(&self, _: &mut Memory, _: &mut Hints) {}

    /// Reads a line for which [`read_text`](Format::read_text) has answered
    /// [`Reading::InOrder`], after all such lines before it and before all behind it.
    fn read_in_order(&self, _: &[u8], _: &Line<'_>, _: &mut Memory, _: Emit<'_>) -> Reading {
        Reading::NotMine
    }
}

/// Where a format puts its records.
pub type Emit<'e> = &'e mut dyn FnMut(&Record<'_>);

/// What a format is.
#[derive(Clone, Copy, Debug)]
pub struct About {
    /// Its word: the name of its fixture folder, and what `--input-format` takes.
    pub id: &'static str,
    /// The product, as a person says it.
    pub product: &'static str,
    /// Title of the vendor's page that describes it.
    pub reference: &'static str,
    /// How a line is recognised: a clause for a person.
    pub recognised_by: &'static str,
    /// Byte strings of which each line of text holds at least one; none when only its grammar
    /// tells. Lines without any of them are not shown to the format.
    pub literals: &'static [&'static str],
}

impl About {
    /// The product in the middle of a sentence, without what lies in brackets or behind a comma.
    #[must_use]
    pub fn device(&self) -> &'static str {
        self.product.split([',', '(']).next().unwrap_or_default().trim_end()
    }
}

/// What a format made of a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reading {
    /// The line is of another format.
    NotMine,
    /// The line is of this format and tells of no attempt: an event of another kind, a legend.
    NoRecord,
    /// Its records were emitted.
    Records,
    /// The line is of this format and cannot be read: cut, or garbled.
    Damaged,
    /// The line is of this format and must be read after those before it.
    InOrder,
}

/// What the head of an input tells about all of its lines.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Hints {
    /// Whether the day stands before the month in dates that can be read both ways; `None` when
    /// no date of the head tells.
    pub is_day_first: Option<bool>,
    /// The format of most lines of the head that are JSON, by its number: a line that only begins
    /// as JSON does is a cut one of it.
    pub(crate) json: Option<usize>,
}

/// What is known of a line besides its text.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// The best time of the wrappers around the text: when a station on the way received it.
    pub received: Stamp,
    /// The directives and title rows that stand before it in the file.
    pub directives: Option<&'a Directives>,
    /// What the head of its input tells.
    pub hints: Hints,
    /// The header that was read last.
    pub(crate) last_header: Option<&'a LastHeader>,
}

impl Line<'_> {
    /// The time of a record whose payload states `stamp` and before whose payload `header`
    /// stands: the best of payload, header and wrappers, in this order, the year from any.
    #[must_use]
    pub fn stamp(&self, stamp: Stamp, header: &[u8]) -> Stamp {
        if let Stamp::Instant(_) = stamp {
            return stamp;
        }
        let header = match self.last_header {
            Some(last) => last.time_of(header),
            None => value::syslog_time(header),
        };
        let outer = header.near(self.received).or(self.received);
        stamp.near(outer).or(outer)
    }
}

/// The header of a line and its time: that of the next line is mostly the same.
#[derive(Debug, Default)]
pub(crate) struct LastHeader(RefCell<(Vec<u8>, Stamp)>);

impl LastHeader {
    /// The longest header that is kept.
    const MAX_LENGTH: usize = 256;

    fn time_of(&self, header: &[u8]) -> Stamp {
        let mut last = self.0.borrow_mut();
        let (text, time) = &mut *last;
        if text != header {
            let found = value::syslog_time(header);
            if header.len() > Self::MAX_LENGTH {
                return found;
            }
            text.clear();
            text.extend_from_slice(header);
            *time = found;
        }
        *time
    }
}

/// What formats remember of the lines of one input that are read in order.
#[derive(Default)]
pub struct Memory(HashMap<&'static str, Box<dyn Any + Send>, foldhash::fast::RandomState>);

impl Memory {
    /// The memory of one format, made when first asked for.
    pub fn of<T: Any + Send + Default>(&mut self, id: &'static str) -> Option<&mut T> {
        self.0.entry(id).or_insert_with(|| Box::<T>::default()).downcast_mut()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_of_a_header_is_its_own_whatever_came_before() {
        let last = LastHeader::default();
        let long = format!("<13>Nov 26 2025 04:15:02 fw1 {}: ", "x".repeat(300));
        for header in [
            "",
            "<13>Nov 26 2025 04:15:00 fw1: ",
            "<13>Nov 26 2025 04:15:00 fw1: ",
            "<13>Nov 26 2025 04:15:01 fw1: ",
            &long,
            "<13>Nov 26 2025 04:15:01 fw1: ",
            "no time",
            "",
        ] {
            let expected = value::syslog_time(header.as_bytes());
            assert_eq!(last.time_of(header.as_bytes()), expected, "{header}");
        }
    }
}

//! Grammars that formats of many vendors share. Each splits a line into slices of it and keeps
//! its tables in a [`Scratch`], so that reading a line allocates nothing.

pub(in crate::logs) mod cef;
mod columns;
mod json;
mod key_order;
pub(in crate::logs) mod leef;
mod pairs;
mod scan;

pub use cef::Cef;
pub use columns::Columns;
pub use json::Json;
pub use leef::Leef;
pub use pairs::{Between, PairStyle, Pairs};

/// Tables that are used again for every line.
#[derive(Default)]
pub struct Scratch {
    pairs: pairs::PairTable,
    columns: Vec<columns::Entry>,
    tape: json::Tape,
}

impl Scratch {
    /// Splits `key=value` text; see [`Pairs`].
    pub fn pairs<'s, 'l>(&'s mut self, text: &'l [u8], style: &PairStyle) -> Pairs<'s, 'l> {
        Pairs::parse(text, style, &mut self.pairs)
    }

    /// Hands on every key and value of text as [`PairStyle::BLANK`] has it.
    pub fn each_pair<'l>(&mut self, text: &'l [u8], take: impl FnMut(&'l [u8], &'l [u8])) {
        pairs::each_of_blanks(text, &mut self.pairs, take);
    }

    /// Splits separated columns; see [`Columns`].
    pub fn columns<'s, 'l>(&'s mut self, text: &'l [u8], separator: u8) -> Columns<'s, 'l> {
        Columns::parse(text, separator, &mut self.columns)
    }

    /// Splits columns at a separator wherever it stands; see [`Columns`].
    pub fn split<'s, 'l>(&'s mut self, text: &'l [u8], separator: u8) -> Columns<'s, 'l> {
        Columns::split(text, separator, &mut self.columns)
    }

    /// Splits text at runs of blanks, outside of double quotes and of brackets; see [`Columns`].
    pub fn words<'s, 'l>(&'s mut self, text: &'l [u8]) -> Columns<'s, 'l> {
        Columns::words(text, &mut self.columns)
    }

    /// Reads one JSON value, which must be the whole text; see [`Json`].
    pub fn json<'s>(&'s mut self, text: &'s [u8]) -> Option<Json<'s>> {
        Json::parse(text, &mut self.tape)
    }

    /// Reads an event in the Common Event Format; see [`Cef`].
    pub fn cef<'s, 'l>(&'s mut self, text: &'l [u8]) -> Option<Cef<'s, 'l>> {
        Cef::parse(text, &mut self.pairs)
    }

    /// Reads an event in the Log Event Extended Format; see [`Leef`].
    pub fn leef<'s, 'l>(&'s mut self, text: &'l [u8]) -> Option<Leef<'s, 'l>> {
        Leef::parse(text, &mut self.pairs)
    }
}

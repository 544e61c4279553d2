//! Check Point's oldest form: columns in quotes.
//!
//! 0 number, 1 date, 2 time, 3 interface, 4 gateway, 5 `Log` or another type, 6 action, 7
//! destination port, 8 source port, 9 source, 10 destination, 11 protocol, 12 rule number, 13 rule
//! name.

use std::borrow::Cow;

use super::super::grammar::{Columns, Scratch};
use super::super::record::Record;
use super::super::stamp::Stamp;
use super::super::value;
use super::fields;

/// The header and the record of a line in this form: `None` when it is of another, no record
/// when it tells of no attempt.
pub(super) fn record<'l>(
    text: &'l [u8],
    scratch: &mut Scratch,
) -> Option<(&'l [u8], Option<Record<'l>>)> {
    let start = memchr::memchr(b'"', text)?;
    let (header, body) = text.split_at(start);
    if !body.get(1)?.is_ascii_digit() {
        return None;
    }
    let columns = scratch.words(body);
    let stamp = stamp(&columns)?;
    let get = |keys: &[&str]| {
        let index = match keys.first().copied()? {
            "action" => 6,
            "service" => 7,
            "s_port" => 8,
            "src" => 9,
            "dst" => 10,
            "proto" => 11,
            "rule_name" => 13,
            _ => return None,
        };
        columns.stated(index).map(Cow::Borrowed)
    };
    let mut record = fields::record(&get);
    if let Some(record) = &mut record {
        record.stamp = stamp;
    }
    Some((header, record))
}

/// `"26Nov2025" "04:15:00"`.
fn stamp(columns: &Columns<'_, '_>) -> Option<Stamp> {
    let date = columns.get(1)?;
    let letters = date.iter().position(u8::is_ascii_alphabetic)?;
    let (day, rest) = date.split_at(letters);
    let month = value::month(rest)?;
    let (time, _) = value::clock(columns.get(2)?)?;
    let civil = value::civil(value::number(rest.get(3..)?)?, month, value::number(day)?, time)?;
    Some(Stamp::NoZone(civil))
}

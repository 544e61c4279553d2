//! dnsmasq with `--log-queries`, and Pi-hole's FTL, which adds its own words to it.
//!
//! ```text
//! Nov 26 04:15:00 gw dnsmasq[812]: 17 10.1.2.3/50123 query[A] www.example.com from 10.1.2.3
//! Nov 26 04:15:00 gw dnsmasq[812]: 17 10.1.2.3/50123 forwarded www.example.com to 192.0.2.53
//! Nov 26 04:15:00 gw dnsmasq[812]: 17 10.1.2.3/50123 reply www.example.com is <CNAME>
//! Nov 26 04:15:00 gw dnsmasq[812]: 17 10.1.2.3/50123 reply edge.example.net is 203.0.113.9
//! ```
//!
//! The serial number and the client stand there with `--log-queries=extra` only. Without them a
//! reply has the client that asked for its name last, if nobody else waits for it. An address at
//! the end of a chain of aliases belongs to the name that was asked for.
//!
//! Blocked is what a list, a regular expression or a configured answer of nothing stops, and an
//! upstream's answer of 0.0.0.0 or ::. Pi-hole's own host name, and a refusal while its database
//! is not ready, are no blocks.
//!
//! dnsmasq(8), `--log-queries`; Pi-hole documentation, "Pi-hole log files: pihole.log".
//!
//! What it witnesses: A resolver's log: what it says of a question is of the question alone, and no
//! connection is told of. An address of a block list, `config` with NXDOMAIN and a failed answer deny.

mod message;
mod questions;

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Memory, Reading};
use super::grammar::Scratch;
use super::record::{Action, Kind, Record};
use super::stamp::Stamp;
use crate::observe::Cause;
use message::{A, AAAA, Answer, Entry, Said};
use questions::{ERROR, Questions};

/// The format.
pub(super) struct Dnsmasq;

const ID: &str = "pihole-dnsmasq";

impl Format for Dnsmasq {
    fn about(&self) -> &'static About {
        &About {
            id: ID,
            product: "dnsmasq and Pi-hole",
            reference: "dnsmasq(8): --log-queries",
            recognised_by: "dnsmasq[pid]: query[A] name from client, reply name is address",
            literals: &["dnsmasq"],
        }
    }

    fn read_text(&self, text: &[u8], _: &Line<'_>, _: &mut Scratch, _: Emit<'_>) -> Reading {
        let Some(entry) = Entry::parse(text) else { return Reading::NotMine };
        match entry.said {
            Said::Nothing => Reading::NoRecord,
            Said::Cut => Reading::Damaged,
            _ => Reading::InOrder,
        }
    }

    fn read_in_order(
        &self,
        text: &[u8],
        line: &Line<'_>,
        memory: &mut Memory,
        emit: Emit<'_>,
    ) -> Reading {
        let Some(entry) = Entry::parse(text) else { return Reading::NotMine };
        let Some(questions) = memory.of::<Questions>(ID) else { return Reading::NoRecord };
        let mut record = Record::new(Kind::Dns);
        record.stamp = line.stamp(Stamp::None, entry.header);
        record.client = entry.client;
        match entry.said {
            Said::Nothing | Said::Cut => return Reading::NoRecord,
            Said::Query { name, query_type, client } => {
                record.client.address = record.client.address.or(client);
                questions.ask(&entry, name, record.client.address);
                record.dns_mut().query_type = query_type;
                record.add_name(name);
            }
            Said::Forwarded { name, server } => {
                record.client.address =
                    record.client.address.or_else(|| questions.client(&entry, name));
                record.server = server;
                record.add_name(name);
            }
            Said::Answer { source, name, answer } => {
                let asked = questions.answer(&entry, name, &answer);
                record.client.address = record.client.address.or(asked.client);
                decide(&mut record, source, &answer);
                // The error of a question whose name the line does not repeat.
                let own = (name != ERROR).then_some(name);
                match (asked.name, answer) {
                    (Some(asked), answer) if own.is_none() || answer.is_of_the_asked_name() => {
                        record.add_name(asked)
                    }
                    _ => own.is_some_and(|name| record.add_name(name)),
                };
                if record.names.is_empty() {
                    return Reading::NoRecord;
                }
                emit(&record);
                return Reading::Records;
            }
        }
        if record.names.is_empty() {
            return Reading::NoRecord;
        }
        emit(&record);
        Reading::Records
    }
}

/// What an answer from this source means.
fn decide<'l>(record: &mut Record<'l>, source: &'l [u8], answer: &Answer) {
    let is_upstream = matches!(source, b"reply" | b"cached" | b"cached-stale");
    let is_configured = source == b"config" || source.starts_with(b"/");
    if let Answer::BlockedAlias = answer {
        (record.action, record.cause) = (Action::Deny, Some(Cause::DnsFiltered));
        record.decider.reason = Some(Cow::Borrowed(b"CNAME inspection"));
        return;
    }
    if !is_upstream && !is_configured && source != b"Pi-hole hostname" {
        let is_limit = source == b"Rate-limiting" || source.starts_with(b"to be refused");
        let cause = if is_limit { Cause::DnsRefused } else { Cause::DnsFiltered };
        (record.action, record.cause) = (Action::Deny, Some(cause));
        record.decider.category = Some(Cow::Borrowed(source));
        return;
    }
    match *answer {
        Answer::Address(address) => {
            record.dns_mut().query_type = Some(if address.is_ipv4() { A } else { AAAA });
        }
        Answer::NoData(query_type) => record.dns_mut().query_type = query_type,
        _ => {}
    }
    match *answer {
        Answer::Address(address) if address.is_unspecified() && source != b"Pi-hole hostname" => {
            (record.action, record.cause) = (Action::Deny, Some(Cause::DnsSinkhole));
        }
        Answer::Address(address) => {
            record.set_response(0);
            record.add_answer(address, None);
        }
        Answer::Alias => {}
        Answer::Other => record.action = Action::Allow,
        Answer::NoData(_) if is_configured => {
            (record.action, record.cause) = (Action::Deny, Some(Cause::DnsFiltered));
        }
        // The name exists, which is less than an answer.
        Answer::NoData(_) => record.action = Action::Allow,
        Answer::Code { code: 5, is_not_ready: true } => {}
        Answer::Code { code: 3, .. } if is_configured => {
            record.set_response(3);
            (record.action, record.cause) = (Action::Deny, Some(Cause::DnsFiltered));
        }
        Answer::Code { code, .. } => record.set_response(code),
        Answer::BlockedAlias => {}
    }
    if is_configured && record.action == Action::Deny {
        record.decider.category = Some(Cow::Borrowed(source));
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    fn of(lines: &[&str]) -> Vec<String> {
        let log: String =
            lines.iter().map(|line| format!("Nov 26 04:15:00 gw dnsmasq[812]: {line}\n")).collect();
        let found = records_of("pihole-dnsmasq", &log);
        found.iter().map(|line| line.replace(" --11-26T04:15:00", "")).collect()
    }

    #[test]
    fn the_name_asked_for_owns_the_address_behind_its_aliases() {
        let found = of(&[
            "query[A] www.example.com from 10.1.2.3",
            "forwarded www.example.com to 192.0.2.53",
            "reply www.example.com is <CNAME>",
            "reply www.example.net is <CNAME>",
            "reply edge.example.org is 203.0.113.9",
            "reply edge.example.org is 203.0.113.10",
            "reply other.example.org is 203.0.113.11",
        ]);
        let expected = [
            "1 other dns - 10.1.2.3 - www.example.com",
            "2 other dns - 10.1.2.3 192.0.2.53 www.example.com",
            "3 other dns - 10.1.2.3 - www.example.com",
            "4 other dns - 10.1.2.3 - www.example.com",
            "5 allow dns - 10.1.2.3 - www.example.com = 203.0.113.9",
            "6 allow dns - 10.1.2.3 - www.example.com = 203.0.113.10",
            "7 allow dns - - - other.example.org = 203.0.113.11",
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn serial_numbers_keep_questions_apart() {
        let found = of(&[
            "1 10.1.2.3/50001 query[A] a.example.com from 10.1.2.3",
            "2 10.1.2.4/50002 query[A] b.example.com from 10.1.2.4",
            "1 10.1.2.3/50001 reply a.example.com is <CNAME>",
            "2 10.1.2.4/50002 reply b.example.com is <CNAME>",
            "1 10.1.2.3/50001 reply x.example.net is 203.0.113.1",
            "2 10.1.2.4/50002 reply y.example.net is 203.0.113.2",
            "3 10.1.2.5/50003 reply error is SERVFAIL",
            "2 10.1.2.4/50002 reply error is SERVFAIL",
        ]);
        let expected = [
            "5 allow dns - 10.1.2.3#50001 - a.example.com = 203.0.113.1",
            "6 allow dns - 10.1.2.4#50002 - b.example.com = 203.0.113.2",
            "8 other dns - 10.1.2.4#50002 - b.example.com dns_servfail",
        ];
        assert_eq!(found.get(4..), Some(&expected.map(str::to_owned)[..]));
    }

    #[test]
    fn a_reply_for_which_two_wait_has_no_client() {
        let found = of(&[
            "query[A] a.example.com from 10.1.2.3",
            "query[A] a.example.com from 10.1.2.4",
            "reply a.example.com is 203.0.113.1",
            "query[A] a.example.com from 10.1.2.4",
            "cached a.example.com is 203.0.113.1",
        ]);
        assert_eq!(
            found.get(2).map(String::as_str),
            Some("3 allow dns - - - a.example.com = 203.0.113.1")
        );
        let last = "5 allow dns - 10.1.2.4 - a.example.com = 203.0.113.1";
        assert_eq!(found.last().map(String::as_str), Some(last));
    }

    #[test]
    fn an_answer_tells_what_was_asked_for() {
        let log = "Nov 26 04:15:00 gw dnsmasq[812]: reply a.example.com is 203.0.113.1\n\
                   Nov 26 04:15:00 gw dnsmasq[812]: reply a.example.com is 2001:db8::1\n\
                   Nov 26 04:15:00 gw dnsmasq[812]: config a.example.com is NODATA-IPv6\n\
                   Nov 26 04:15:00 gw dnsmasq[812]: reply a.example.com is NODATA\n";
        let mut types = Vec::new();
        crate::logs::read_bytes(log.as_bytes(), &mut |_, _, record| {
            types.push(record.dns.as_ref().and_then(|dns| dns.query_type));
        });
        assert_eq!(types, [Some(1), Some(28), Some(28), None]);
    }

    #[test]
    fn blocks_are_told_from_failures() {
        let found = of(&[
            "UDP 9 10.1.2.3/5 gravity blocked a.example.com is 0.0.0.0",
            "UDP 9 10.1.2.3/5 reply b.example.com is blocked during CNAME inspection",
            "reply c.example.com is 0.0.0.0",
            "config d.example.com is NXDOMAIN",
            "reply e.example.com is NXDOMAIN",
            "config f.example.com is REFUSED (EDE: not ready)",
            "to be refused (gravity database is not available) g.example.com is REFUSED (EDE: blocked)",
            "/etc/ads.hosts h.example.com is 0.0.0.0",
            "/etc/hosts 10.1.2.9 is nas.example.com",
            "reply i.example.com is NODATA-IPv6",
            "reply is truncated",
            "regex denied <name unprintable> is NODATA",
            "query[A] cut.example.com fro",
            "validation j.example.com is SECURE",
        ]);
        let expected = [
            "1 deny dns - 10.1.2.3#5 - a.example.com dns_filtered",
            "2 deny dns - 10.1.2.3#5 - b.example.com dns_filtered",
            "3 deny dns - - - c.example.com dns_sinkhole",
            "4 deny dns - - - d.example.com dns_filtered",
            "5 other dns - - - e.example.com dns_nxdomain",
            "6 other dns - - - f.example.com",
            "7 deny dns - - - g.example.com dns_refused",
            "8 deny dns - - - h.example.com dns_sinkhole",
            "10 allow dns - - - i.example.com",
        ];
        assert_eq!(found, expected);
    }
}

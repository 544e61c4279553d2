//! Forcepoint (Websense) web security: CEF, or `key=value` with values that hold blanks.
//!
//! ```text
//! CEF:0|Forcepoint|Security|8.5.4|9|Transaction blocked|7|act=blocked app=https dst=203.0.113.9 dhost=www.example.com dpt=443 src=10.1.2.3 spt=50123 suser=- rt=1764130500000 requestMethod=GET cs1Label=Policy cs1=Default request=https://www.example.com/ cat=9
//! ```
//!
//! `act` (`action` in the other form) says `permitted` or `blocked`.
//!
//! What it witnesses: `bytes_in` is the body that came from the origin. The disposition decides, and a
//! relayed 403 or 451, or a failure of CONNECT, is a denial of its sender.

use std::borrow::Cow;

use crate::logs::cef_event;
use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{PairStyle, Scratch};
use crate::logs::record::{Action, Kind, Party, Record};
use crate::logs::stamp::Stamp;
use crate::logs::value;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct ForcepointWeb;

impl Format for ForcepointWeb {
    fn about(&self) -> &'static About {
        &About {
            id: "forcepoint-web",
            product: "Forcepoint Web Security (Websense)",
            reference: "SIEM Integration Guide (Web Security)",
            recognised_by: "CEF events of Forcepoint, Security, or vendor=Websense",
            literals: &["|Forcepoint|", "|Websense|", "vendor=Websense", "vendor=Forcepoint"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let is_vendor = |vendor: &[u8]| value::is_one_of(vendor, &["Forcepoint", "Websense"]);
        if let Some(event) = scratch.cef(text) {
            if !(is_vendor(event.vendor) && event.product.ends_with(b"Security")) {
                return Reading::NotMine;
            }
            let mut record = cef_event::of_cef(&event, line);
            if let Some(host) = event.first(&["dhost"]) {
                record.add_name(host);
            }
            record.set_payload_back(event.first(&["in"]).and_then(value::number));
            record.decider.policy = event.labelled("Policy").map(Cow::Borrowed);
            record.decider.category =
                event.first(&["cat"]).or_else(|| value::stated(event.class)).map(Cow::Borrowed);
            record.decider.reason = event.first(&["reason"]).map(Cow::Borrowed);
            return finish(record, emit);
        }
        let style = PairStyle { quote: 0, ..PairStyle::NEXT_KEY };
        let pairs = scratch.pairs(text, &style);
        let vendor =
            pairs.get("vendor").and_then(|vendor| vendor.split(|byte| *byte == b' ').next());
        if !vendor.is_some_and(is_vendor) || !pairs.has("action") {
            return Reading::NotMine;
        }
        let mut record = Record::new(Kind::Http);
        let start = memchr::memmem::find(text, b"vendor=").unwrap_or(0);
        record.stamp = line.stamp(Stamp::None, text.get(..start).unwrap_or_default());
        record.client =
            Party::parse(pairs.first(&["src_host", "src_ip"]), pairs.first(&["src_port"]));
        record.server = Party::parse(pairs.first(&["dst_ip"]), pairs.first(&["dst_port"]));
        record.action = pairs.first(&["action"]).map(cef_event::verdict).unwrap_or_default();
        if let Some(host) = pairs.first(&["dst_host"]) {
            record.add_name(host);
        }
        if let Some(url) = pairs.first(&["url"]) {
            record.add_url(url);
        }
        record.set_payload_back(pairs.first(&["bytes_in"]).and_then(value::number));
        record.decider.policy = pairs.first(&["policy"]).map(Cow::Borrowed);
        record.decider.category = pairs.first(&["category"]).map(Cow::Borrowed);
        record.decider.reason = pairs.first(&["reason"]).map(Cow::Borrowed);
        let status = pairs.first(&["http_response"]).and_then(value::number).unwrap_or_default();
        record.note_status(status, pairs.first(&["http_method"]) == Some(b"CONNECT"));
        finish(record, emit)
    }
}

fn finish(mut record: Record<'_>, emit: Emit<'_>) -> Reading {
    record.kind = Kind::Http;
    if record.server.address.is_none() && record.names.is_empty() {
        return Reading::Damaged;
    }
    let filtered = (record.action == Action::Deny).then_some(Cause::UrlFiltered);
    record.cause = record.cause.or(filtered);
    emit(&record);
    Reading::Records
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::read;

    #[test]
    fn values_run_to_the_next_key() {
        let line = "<134>Nov 26 04:15:00 host vendor=Websense product=Security action=blocked \
                    severity=7 category=9 user=LDAP://dc1 OU=Users,DC=corp/A B src_host=10.1.2.3 \
                    src_port=50123 dst_host=www.example.com dst_ip=203.0.113.9 dst_port=443 \
                    bytes_in=1 http_method=CONNECT policy=Default url=https://www.example.com";
        assert_eq!(
            read(&[line]),
            ["forcepoint-web deny http - 10.1.2.3#50123 203.0.113.9#443 www.example.com \
              --11-26T04:15:00 url_filtered by Default; 9"]
        );
    }

    #[test]
    fn events_name_the_host() {
        let line = "0|Forcepoint|Security|8.5.4|9|Transaction permitted|1| act=permitted \
                    dst=203.0.113.9 dhost=www.example.com dpt=80 src=10.1.2.3 \
                    suser=LDAP://dc1 OU\\=Users/A rt=1764130500000 in=5 cs1Label=Policy cs1=Web \
                    request=http://www.example.com/a";
        assert_eq!(
            read(&[line]),
            ["forcepoint-web allow http - 10.1.2.3 203.0.113.9#80 www.example.com \
              2025-11-26T04:15:00Z by Web; 9"]
        );
    }
}

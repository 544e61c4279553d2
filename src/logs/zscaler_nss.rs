//! Zscaler Internet Access: the feeds of its Nanolog Streaming Service for web, firewall and DNS.
//!
//! ```text
//! {"sourcetype":"zscalernss-web","event":{"datetime":"Wed Nov 26 04:15:00 2025","action":"Blocked","url":"www.example.com/","hostname":"www.example.com","ClientIP":"10.1.2.3","serverip":"203.0.113.9","reason":"Not allowed to browse this category","urlcategory":"News","requestmethod":"CONNECT","status":"200"}}
//! 2025-11-26 04:15:00 reason=Blocked event_id=1 protocol=HTTPS action=Blocked urlcategory=News url=www.example.com:443 hostname=www.example.com ClientIP=10.1.2.3 serverip=203.0.113.9
//! ```
//!
//! Tabs, commas or blanks stand between the pairs of text. A feed's owner chooses its keys, so each value
//! has several. `Blocked`, `Drop` and `REQ_BLOCK` deny, `REDIR` answers in the name's place; a
//! CONNECT that was blocked may well have the status 200. Times are the feed's zone's; they are
//! an instant where the feed says which (`tz`), or gives `epochtime` besides and both agree.
//!
//! What it witnesses: The web log's `responsesize` is payload, the firewall's `inbytes` are whole
//! packets. `Allowed` with a status other than 2xx to CONNECT, or a relayed 403 or 451, is a denial of
//! its sender.

use std::borrow::Cow;

use super::format::{About, Emit, Format, Line, Reading};
use super::grammar::{Json, PairStyle, Scratch};
use super::record::{Action, Decider, Kind, Party, Record};
use super::stamp::Stamp;
use super::value;
use crate::observe::Cause;

/// The format.
pub(super) struct ZscalerNss;

impl Format for ZscalerNss {
    fn about(&self) -> &'static About {
        &About {
            id: "zscaler-nss",
            product: "Zscaler Internet Access",
            reference: "NSS Feed Output Format: Web Logs; Firewall Logs; DNS Logs",
            recognised_by: "JSON objects whose sourcetype begins with zscalernss; or pairs with \
                            tabs or commas between them, among them event_id=, action= and \
                            urlcategory=; or with blanks, among them url=, action=, reason=, \
                            threatname= and appclass= or urlcategory=",
            literals: &[
                " threatname=",
                "urlcategory=",
                "urlcat=",
                "vendor=Zscaler",
                "vendor=\"Zscaler\"",
            ],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let has_tabs = memchr::memchr(b'\t', text).is_some();
        // A feed that writes blanks between its pairs has neither tabs nor commas there.
        let is_blank = !has_tabs
            && memchr::memmem::find(text, b" threatname=").is_some()
            && memchr::memmem::find(text, b", threatname=").is_none();
        let (style, end_of_front) = match (has_tabs, is_blank) {
            (true, _) => (PairStyle::separated(b'\t'), b'\t'),
            (_, true) => (PairStyle::NEXT_KEY, b'='),
            _ => (PairStyle::separated(b','), b','),
        };
        let pairs = scratch.pairs(text, &style);
        let has_any = |keys: &[&str]| keys.iter().any(|key| pairs.has(key));
        let is_zscaler = pairs.get("vendor").is_some_and(|vendor| vendor == b"Zscaler");
        let has_keys =
            has_any(&["urlcategory", "urlcat"]) && pairs.has("action") && pairs.has("event_id");
        let is_blank_feed = is_blank
            && has_any(&["appclass", "urlcategory", "urlcat"])
            && ["action", "reason", "threatname"].iter().all(|key| pairs.has(key))
            && has_any(&["url", "eurl"]);
        if !is_zscaler && !has_keys && !is_blank_feed {
            return Reading::NotMine;
        }
        let get = |keys: &[&str]| pairs.first(keys).map(Cow::Borrowed);
        // The time may stand before the pairs, behind a syslog header.
        let start = memchr::memchr(end_of_front, text).unwrap_or(text.len());
        let front = text.get(..start).unwrap_or_default();
        let Some(mut record) = record(feed(&get), &get) else { return Reading::NoRecord };
        // The service buffers what it cannot deliver, so the header's time is not the event's.
        record.stamp = match record.stamp {
            Stamp::None => line.stamp(Stamp::None, front),
            own => own,
        };
        emit(&record);
        Reading::Records
    }

    fn read_json(
        &self,
        json: Json<'_>,
        line: &Line<'_>,
        _: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let source = json.get("sourcetype").and_then(Json::text);
        let event = json.get("event").filter(|event| event.is_object());
        let (event, feed) = match (source, event) {
            (Some(source), Some(event)) if source.starts_with("zscalernss") => {
                let feed = match source.rsplit('-').next() {
                    Some("web") => Some(Feed::Web),
                    Some("fw" | "firewall") => Some(Feed::Firewall),
                    Some("dns") => Some(Feed::Dns),
                    _ => None,
                };
                (event, feed)
            }
            _ if json.get("vendor").and_then(Json::text) == Some("Zscaler") => {
                (json, feed(&|keys| json.first(keys)))
            }
            _ => return Reading::NotMine,
        };
        let get = |keys: &[&str]| event.first(keys);
        let Some(mut record) = record(feed, &get) else { return Reading::NoRecord };
        record.stamp = line.stamp(record.stamp, b"");
        emit(&record);
        Reading::Records
    }
}

/// What a feed tells of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Feed {
    Web,
    Firewall,
    Dns,
}

/// The value of the first of these keys that states one.
type Get<'g, 's> = &'g dyn Fn(&[&str]) -> Option<Cow<'s, [u8]>>;

/// The feed of an event that does not say it, by its keys.
fn feed(get: Get<'_, '_>) -> Option<Feed> {
    if get(&["dns_req"]).is_some() {
        Some(Feed::Dns)
    } else if get(&["cdip", "cdfqdn"]).is_some() {
        Some(Feed::Firewall)
    } else {
        get(&["url", "eurl", "hostname", "host", "ehost"]).map(|_| Feed::Web)
    }
}

fn record<'s>(feed: Option<Feed>, get: Get<'_, 's>) -> Option<Record<'s>> {
    let mut record = match feed? {
        Feed::Web => web(get),
        Feed::Firewall => firewall(get),
        Feed::Dns => dns(get),
    };
    record.stamp = stamp(get);
    Some(record)
}

fn party(address: Option<Cow<'_, [u8]>>, port: Option<Cow<'_, [u8]>>) -> Party {
    Party::parse(address.as_deref(), port.as_deref())
}

fn web<'s>(get: Get<'_, 's>) -> Record<'s> {
    let mut record = Record::new(Kind::Http);
    record.client = party(get(&["ClientIP", "clientip", "cip", "cintip"]), None);
    record.server = party(get(&["serverip", "sip"]), None);
    if let Some(url) = get(&["url", "eurl"]) {
        record.add_url(url);
    }
    if let Some(host) = get(&["hostname", "host", "ehost"]) {
        record.add_name(host);
    }
    record.set_payload_back(get(&["responsesize", "respsize"]).and_then(|raw| value::number(&raw)));
    record.action = get(&["action"]).map(|word| action(&word)).unwrap_or_default();
    let kind = get(&["ruletype"]);
    record.cause = match (record.action, kind.as_deref()) {
        (Action::Deny, Some(b"SSLPol")) => Some(Cause::TlsPolicy),
        // A rule of the firewall module.
        (Action::Deny, Some(b"FwFilter")) => None,
        (Action::Deny, _) => Some(Cause::UrlFiltered),
        _ => None,
    };
    let status = get(&["status", "respcode", "responsecode", "rspcode"]);
    let status = status.and_then(|raw| value::number(&raw)).unwrap_or_default();
    let method = get(&["requestmethod", "reqmethod"]);
    record.note_status(status, method.as_deref() == Some(b"CONNECT"));
    record.decider = Decider {
        rule: get(&["rulelabel"]),
        policy: kind,
        category: get(&["urlcategory", "urlcat", "threatname"]),
        reason: get(&["reason"]),
    };
    record
}

fn firewall<'s>(get: Get<'_, 's>) -> Record<'s> {
    let mut record = Record::new(Kind::Traffic);
    record.client = party(get(&["csip"]), get(&["csport"]));
    record.server = party(get(&["cdip"]), get(&["cdport"]));
    record.server.address = record.server.address.filter(|address| !address.is_unspecified());
    if let Some(name) = get(&["cdfqdn"]) {
        record.add_name(name);
    }
    record.protocol = get(&["proto", "ipproto"]).and_then(|raw| value::protocol(&raw));
    record.bytes_back = get(&["inbytes"]).and_then(|raw| value::number(&raw));
    record.action = get(&["action"]).map(|word| action(&word)).unwrap_or_default();
    record.decider = Decider {
        rule: get(&["rulelabel"]),
        category: get(&["threatname", "nwapp"]),
        ..Decider::default()
    };
    record
}

fn dns<'s>(get: Get<'_, 's>) -> Record<'s> {
    let mut record = Record::new(Kind::Dns);
    record.client = party(get(&["clt_sip", "csip"]), None);
    record.server = party(get(&["srv_dip"]), get(&["srv_dport"]));
    record.protocol = get(&["protocol"]).and_then(|raw| value::protocol(&raw));
    if let Some(name) = get(&["dns_req"]) {
        record.add_name(name);
    }
    let query_type = get(&["dns_reqtype"]).and_then(|raw| value::dns_type(&raw));
    record.dns_mut().query_type = query_type;
    let words = [get(&["reqaction"]), get(&["resaction"])];
    record.action = words
        .iter()
        .flatten()
        .map(|word| action(word))
        .max_by_key(|action| (*action == Action::Deny, *action == Action::Allow))
        .unwrap_or_default();
    if record.action == Action::Deny {
        record.cause = Some(Cause::DnsFiltered);
    } else if let Some(answer) = get(&["dns_resp"]) {
        record.dns_mut().answers.extend(value::address(&answer));
    }
    record.decider = Decider {
        rule: get(&["reqrulelabel", "resrulelabel"]),
        category: get(&["category", "domcat"]),
        ..Decider::default()
    };
    record
}

/// `Allowed`, `Block/Reset`, `IPS Drop`, `REQ_ALLOW`, `RES_REDIR` and their like.
fn action(word: &[u8]) -> Action {
    let word = word.to_ascii_lowercase();
    let has = |part: &str| memchr::memmem::find(&word, part.as_bytes()).is_some();
    if has("reset") {
        Action::Reset
    } else if has("block") || has("drop") || has("redir") || has("deny") {
        Action::Deny
    } else if has("allow") {
        Action::Allow
    } else {
        Action::Other
    }
}

fn stamp(get: Get<'_, '_>) -> Stamp {
    let local = get(&["datetime", "time"]).map(|raw| match value::iso_8601(&raw) {
        Some(stamp) => stamp,
        None => value::syslog_time(&raw),
    });
    let epoch = get(&["epochtime"]).and_then(|raw| value::epoch(&raw));
    match (local, epoch) {
        (Some(Stamp::NoZone(civil)), Some(epoch)) => {
            let Stamp::Instant(utc) = Stamp::with_offset(civil, 0) else {
                return Stamp::NoZone(civil);
            };
            // The zone is at most 14 hours away.
            let seconds = utc.nanos().abs_diff(epoch.nanos()) / 1_000_000_000;
            if seconds <= 14 * 3600 { Stamp::Instant(epoch) } else { Stamp::NoZone(civil) }
        }
        (Some(Stamp::NoZone(civil)), None) => {
            match get(&["tz"]).and_then(|zone| value::offset_seconds(&zone)) {
                Some(offset) => Stamp::with_offset(civil, offset),
                None => Stamp::NoZone(civil),
            }
        }
        (Some(stamp), None) => stamp,
        (_, Some(epoch)) => Stamp::Instant(epoch),
        (None, None) => Stamp::None,
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    #[test]
    fn feeds_are_read_as_json_and_as_text() {
        let lines = r#"{"sourcetype":"zscalernss-web","event":{"datetime":"Wed Nov 26 04:15:00 2025","action":"Blocked","eurl":"www.example.com:443","cip":"10.1.2.3","sip":"203.0.113.9","reqmethod":"CONNECT","respcode":"200","ruletype":"SSLPol"}}
{"sourcetype":"zscalernss-fw","event":{"datetime":"Wed Nov 26 04:15:01 2025","tz":"GMT","csip":"10.1.2.3","csport":50123,"cdip":"0.0.0.0","cdport":443,"cdfqdn":"api.example.com","proto":"TCP","action":"Block/Reset","rulelabel":"r"}}
{"sourcetype":"zscalernss-dns","event":{"datetime":"Wed Nov 26 05:15:02 2025","epochtime":"1764130502","dns_req":"www.example.com","dns_reqtype":"A","clt_sip":"10.1.2.3","srv_dip":"10.1.0.53","srv_dport":"53","reqaction":"REQ_ALLOW","resaction":"RES_BLOCK"}}
{"sourcetype":"zscalernss-audit","event":{"time":"Wed Nov 26 04:15:00 2025","action":"SIGN_IN","clientip":"10.1.2.3"}}
2025-11-26 04:15:03	reason=Allowed	event_id=1	action=Allowed	urlcategory=News	url=www.example.com/a	ClientIP=10.1.2.3	refererURL=""www.other.example/""	user=a@b.example
2025-11-26 04:15:03,event_id=1,action="Blocked",urlcategory="News",url="www.example.com/a",ClientIP="10.1.2.3"
<134>Nov 26 04:15:04 nss ZscalerNSSWeblog: datetime=2025-11-26 04:15:04 user=a@b.example url=https://www.example.com/a action=Allowed reason=Allowed appclass="Business & Economy" threatname=None
<134>1 2025-11-26T04:15:05Z nss ZscalerNSS - - - datetime="Wed Nov 26 04:15:05 2025" url="www.example.com/a" action="Blocked" reason="Malware Site" threatname="a.b" appclass="General Browsing" clientip="10.1.2.3" serverip="203.0.113.9"
<134>Nov 26 04:15:06 ids app: action=Blocked reason=Malware threatname=a.b url=www.example.com"#;
        assert_eq!(
            records(lines),
            [
                "1 zscaler-nss deny http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00 tls_policy",
                "2 zscaler-nss reset traffic tcp 10.1.2.3#50123 -#443 api.example.com 2025-11-26T04:15:01Z",
                "3 zscaler-nss deny dns - 10.1.2.3 10.1.0.53#53 www.example.com 2025-11-26T04:15:02Z dns_filtered",
                "5 zscaler-nss allow http - 10.1.2.3 - www.example.com 2025-11-26T04:15:03",
                "6 zscaler-nss deny http - 10.1.2.3 - www.example.com 2025-11-26T04:15:03 url_filtered",
                "7 zscaler-nss allow http - - -#443 www.example.com 2025-11-26T04:15:04",
                "8 zscaler-nss deny http - 10.1.2.3 203.0.113.9 www.example.com 2025-11-26T04:15:05 url_filtered",
            ]
        );
    }
}

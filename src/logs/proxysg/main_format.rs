//! ProxySG without directives: its format "main", its fields as `key=value`, and as JSON.
//!
//! What it witnesses: Bytes, statuses and filter results as by the columns of `#Fields:`.

use std::borrow::Cow;

use super::super::format::{About, Emit, Format, Line, Reading};
use super::super::grammar::{Columns, Json, PairStyle, Scratch};
use super::super::record::Record;
use super::super::value;
use super::fields;

/// The format.
pub(in crate::logs) struct ProxySg;

impl Format for ProxySg {
    fn about(&self) -> &'static About {
        &About {
            id: "proxysg",
            product: "ProxySG / Edge SWG (Blue Coat, Symantec, Broadcom)",
            reference: "ProxySG Log Fields and Substitutions",
            recognised_by: "date time n client … OBSERVED|DENIED|PROXIED … TCP_…; c-ip= and cs-host=; JSON with c-ip and cs-host",
            literals: &[" OBSERVED ", " DENIED ", " PROXIED ", "c-ip="],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        if memchr::memmem::find(text, b"c-ip=").is_some() {
            let pairs = scratch.pairs(text, &PairStyle::BLANK);
            if !pairs.has("c-ip") || !pairs.has("s-action") {
                // The fields stand in the order of their names.
                let is_cut = pairs.has("c-ip") && pairs.has("cs-host") && !pairs.has("time-taken");
                return if is_cut { Reading::Damaged } else { Reading::NotMine };
            }
            let record = fields::record(|name| pairs.get(name).map(Cow::Borrowed));
            let end = memchr::memmem::find(text, b"c-ip=").unwrap_or_default();
            return emit_one(record, text.get(..end).unwrap_or_default(), line, emit);
        }
        let words = scratch.words(text);
        let (first, result, done) = match anchors(&words) {
            Ok(anchors) => anchors,
            Err(reading) => return reading,
        };
        let at = |index: usize| words.get(index).map(Cow::Borrowed);
        let record = fields::record(|name| match name {
            "date" => at(first),
            "time" => at(first + 1),
            "c-ip" => at(first + 3),
            "x-exception-id" => at(result.checked_sub(1)?),
            "sc-filter-result" => at(result),
            "cs-categories" => at(result + 1),
            "sc-status" => at(done.checked_sub(1)?),
            "s-action" => at(done),
            "cs-uri-scheme" => at(done + 3),
            "cs-host" => at(done + 4),
            "cs-uri-port" => at(done + 5),
            _ => None,
        });
        let end = words.place(first).map_or(0, |place| place.0);
        emit_one(record, text.get(..end).unwrap_or_default(), line, emit)
    }

    fn read_json(
        &self,
        json: Json<'_>,
        line: &Line<'_>,
        _: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let keys = ["c-ip", "cs-host", "cs-method"];
        if keys.iter().any(|key| json.get(key).is_none()) {
            return Reading::NotMine;
        }
        let record = fields::record(|name| json.get(name).and_then(Json::scalar));
        emit_one(record, b"", line, emit)
    }
}

fn emit_one(record: Option<Record<'_>>, header: &[u8], line: &Line<'_>, emit: Emit<'_>) -> Reading {
    let Some(mut record) = record else { return Reading::NoRecord };
    record.stamp = line.stamp(record.stamp, header);
    emit(&record);
    Reading::Records
}

/// The numbers of the words that are the date, `sc-filter-result` and `s-action`; the columns
/// between them may be shifted by values that are empty. Or what else the line is: one that ends
/// before its port is cut.
fn anchors(words: &Columns<'_, '_>) -> Result<(usize, usize, usize), Reading> {
    let is_date = |at: usize| {
        let date = words.get(at).filter(|date| date.len() == 10)?;
        let time = value::clock(words.get(at + 1)?)?;
        let took = words.get(at + 2)?;
        let is_all = date.get(4) == Some(&b'-') && time.1.is_empty();
        (is_all && took.iter().all(u8::is_ascii_digit)).then_some(at)
    };
    let first = (0..6).find_map(is_date).ok_or(Reading::NotMine)?;
    let is_result =
        |at: &usize| matches!(words.get(*at), Some(b"OBSERVED" | b"DENIED" | b"PROXIED"));
    let result = (first + 4..first + 12).find(is_result).ok_or(Reading::NotMine)?;
    let is_status = |at: &usize| {
        words.get(*at).is_some_and(|word| word.len() <= 3 && word.iter().all(u8::is_ascii_digit))
    };
    let is_short = |at: usize| words.len() <= at;
    let Some(status) = (result + 2..result + 7).find(is_status) else {
        return Err(if is_short(result + 4) { Reading::Damaged } else { Reading::NotMine });
    };
    let done = status + 1;
    if is_short(done) {
        return Err(Reading::Damaged);
    }
    let is_action = words.get(done).is_some_and(|word| {
        [&b"TCP_"[..], b"ALLOWED", b"DENIED", b"FAILED", b"TUNNELED", b"-"]
            .iter()
            .any(|known| word.starts_with(known))
    });
    match is_action {
        true if is_short(done + 5) => Err(Reading::Damaged),
        true => Ok((first, result, done)),
        false => Err(Reading::NotMine),
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records_of;

    const LOG: &str = r#"2025-11-26 04:15:00 122 10.1.2.3 - - - OBSERVED "Technology/Internet" -  200 TCP_TUNNELED CONNECT - tcp www.example.com 443 / - - - 192.0.2.8 5414 2416 - "none"
2025-11-26 04:15:01 1 10.1.2.3 user1 - policy_denied DENIED "Web Mail" - 403 TCP_DENIED GET - http a.example.com 80 /x - - "Mozilla/5.0 (X11)" 192.0.2.8 577 342 - "none"
2025-11-26 04:15:02 23 10.1.2.4 - - authentication_failed DENIED "none" -  407 TCP_DENIED CONNECT - tcp b.example.com 443 / - - - 192.0.2.8 577 342 - "none"
<134>2025-11-26T04:15:03Z proxy bluecoat[0]: c-ip=10.1.2.4 cs-host=c.example.com cs-method=CONNECT cs-uri-port=443 cs-uri-scheme=tcp s-action=TCP_ERR_MISS sc-filter-result=DENIED sc-status=503 x-exception-id=tcp_error
{"date":"2025-11-26","time":"04:15:04","c-ip":"10.1.2.5","sc-filter-result":"OBSERVED","sc-status":"0","cs-method":"unknown","cs-uri-scheme":"ssl","cs-host":"198.51.100.7","cs-uri-port":"443"}
"#;

    #[test]
    fn three_renderings_say_the_same() {
        let expected = [
            "1 allow http - 10.1.2.3 -#443 www.example.com 2025-11-26T04:15:00Z",
            "2 deny http - 10.1.2.3 -#80 a.example.com 2025-11-26T04:15:01Z proxy_denied",
            "3 deny http - 10.1.2.4 -#443 b.example.com 2025-11-26T04:15:02Z proxy_auth_required",
            "4 deny http - 10.1.2.4 -#443 c.example.com 2025-11-26T04:15:03Z proxy_failed",
            "5 allow http - 10.1.2.5 198.51.100.7#443 - 2025-11-26T04:15:04Z",
        ];
        assert_eq!(records_of("proxysg", LOG), expected);
    }
}

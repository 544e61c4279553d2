//! Netskope's transaction log: one line for each request, comma- or blank-separated.
//!
//! ```text
//! 2025-11-26 04:15:00 29 605 5702 6307 10.1.2.3 203.0.113.9 "jdoe" GET https - "ua" - 403 - www.example.com www.example.com / 443 … http_transaction … block "p" …
//! ```
//!
//! The columns are those of `#Fields:` where it stands; else the first twenty in their fixed
//! order, and the policy's action is the last word among the columns at the end that is one. A
//! connection that was not decrypted has no method. Times are UTC.
//!
//! What it witnesses: `sc-bytes` are what the client got, payload. A status other than 2xx to CONNECT,
//! and a relayed 403 or 451, is a denial of its sender whatever the policy's action.

use std::borrow::Cow;

use super::action;
use crate::logs::directives::{Directives, Style};
use crate::logs::format::{About, Emit, Format, Line, Reading};
use crate::logs::grammar::{Columns, Scratch};
use crate::logs::record::{Action, Kind, Party, Record};
use crate::logs::stamp::Stamp;
use crate::logs::value;
use crate::observe::Cause;

/// The format.
pub(in crate::logs) struct NetskopeTransaction;

/// Versions append columns, so the policy's action has no fixed place from either end.
const LAST_COLUMNS: usize = 24;

impl Format for NetskopeTransaction {
    fn about(&self) -> &'static About {
        &About {
            id: "netskope-transaction",
            product: "Netskope transaction log",
            reference: "Transaction Events fields (Netskope)",
            recognised_by: "date, time, four numbers, two addresses, 40 and more columns, among \
                            them http_transaction; or #Fields: with x-policy-action",
            literals: &["http_transaction", "NotChecked", "NotAvailable"],
        }
    }

    fn read_text(
        &self,
        text: &[u8],
        line: &Line<'_>,
        scratch: &mut Scratch,
        emit: Emit<'_>,
    ) -> Reading {
        let is_csv = text.get(10) == Some(&b',');
        let columns = if is_csv { scratch.columns(text, b',') } else { scratch.words(text) };
        if columns.len() < 40 {
            let start = Order::DEFAULT.record(&columns);
            let is_cut = start.is_some_and(|start| start.server.address.is_some());
            return if is_cut { Reading::Damaged } else { Reading::NotMine };
        }
        let order = line.directives.and_then(Order::titled).unwrap_or(Order::DEFAULT);
        let Some(record) = order.record(&columns) else { return Reading::NotMine };
        emit(&Record { stamp: line.stamp(record.stamp, b""), ..record });
        Reading::Records
    }
}

/// The numbers of the columns.
struct Order {
    bytes_back: usize,
    client: usize,
    server: usize,
    method: usize,
    status: usize,
    dns: usize,
    host: usize,
    port: usize,
    action: Option<usize>,
    policy: Option<usize>,
}

impl Order {
    const DEFAULT: Self = Self {
        bytes_back: 4,
        client: 6,
        server: 7,
        method: 9,
        status: 14,
        dns: 16,
        host: 17,
        port: 19,
        action: None,
        policy: None,
    };

    fn titled(titles: &Directives) -> Option<Self> {
        let column = |name: &str| titles.column(name);
        if titles.style != Style::Extended || column("date") != Some(0) {
            return None;
        }
        Some(Self {
            action: Some(column("x-policy-action")?),
            policy: column("x-policy-name"),
            bytes_back: column("sc-bytes")?,
            client: column("c-ip")?,
            server: column("s-ip")?,
            method: column("cs-method")?,
            status: column("sc-status")?,
            dns: column("cs-dns")?,
            host: column("cs-host")?,
            port: column("cs-uri-port")?,
        })
    }

    /// `None` where the first columns are not what they must be.
    fn record<'l>(&self, columns: &Columns<'_, 'l>) -> Option<Record<'l>> {
        let text = [columns.get(0)?, b" ", columns.get(1)?].concat();
        let stamp @ Stamp::NoZone(_) = value::iso_8601(&text)? else { return None };
        let is_number = |index| {
            columns
                .get(index)
                .is_some_and(|word| word == b"-" || word.iter().all(u8::is_ascii_digit))
        };
        (2..6).all(is_number).then_some(())?;
        let is_decrypted = columns.stated(self.method).is_some();
        let mut record = Record::new(if is_decrypted { Kind::Http } else { Kind::Tls });
        record.stamp = stamp.in_utc();
        record.client = Party::of(Some(value::address(columns.get(self.client)?)?));
        record.server = Party::parse(columns.stated(self.server), columns.stated(self.port));
        if let Some(name) = columns.stated(self.host).or_else(|| columns.stated(self.dns)) {
            record.add_name(name);
        }
        record.set_payload_back(columns.stated(self.bytes_back).and_then(value::number));
        let count = columns.len();
        let decision = match self.action {
            Some(index) => Some(index),
            None => (count.saturating_sub(LAST_COLUMNS)..count)
                .rev()
                .find(|index| columns.get(*index).and_then(action).is_some()),
        };
        record.action = decision.and_then(|index| action(columns.get(index)?)).unwrap_or_default();
        let policy = self.policy.or_else(|| decision.map(|index| index + 1));
        record.decider.policy = policy.and_then(|index| columns.stated(index)).map(Cow::Borrowed);
        record.cause = (record.action == Action::Deny).then_some(Cause::UrlFiltered);
        let is_connect = columns.get(self.method).is_some_and(|method| method == b"CONNECT");
        record.proxied = is_connect;
        if let Some(status) = columns.stated(self.status).and_then(value::number) {
            record.note_status(status, is_connect);
        }
        Some(record)
    }
}

#[cfg(test)]
mod tests {
    use crate::logs::test_support::records;

    /// A line whose columns between the twentieth and the last ten are all unset.
    fn line(start: &str, separator: &str, action: &str) -> String {
        let unset = [separator, "-"].concat();
        let end = [action, "p", "10.1.2.3", "203.0.113.9", "www.example.com", "Sni", "-", "-", "-"];
        format!(
            "{start}{}{separator}http_transaction{}{separator}{}",
            unset.repeat(20),
            unset.repeat(60),
            end.join(separator)
        )
    }

    #[test]
    fn columns_have_fixed_places_at_the_front() {
        let blank = "2025-11-26 04:15:00 29 605 5702 6307 10.1.2.3 203.0.113.9 \"jdoe\" GET https - \"a b\" - 403 - www.example.com www.example.com / 443";
        let comma = "2025-11-26,04:15:01,29,605,5702,6307,10.1.2.3,203.0.113.9,jdoe,-,-,-,-,-,-,-,www.example.com,-,-,443";
        let lines = [
            line(blank, " ", "block"),
            line(comma, ",", "Bypass"),
            line(blank, " ", "NotChecked"),
            blank.to_owned(),
        ];
        assert_eq!(
            records(&lines.join("\n")),
            [
                "1 netskope-transaction deny http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z url_filtered",
                "2 netskope-transaction allow tls - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:01Z",
                "3 netskope-transaction other http - 10.1.2.3 203.0.113.9#443 www.example.com 2025-11-26T04:15:00Z http_denied",
            ]
        );
    }
}

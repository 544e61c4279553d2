//! Who decided, in a log's own words, as one text that can be taken apart again.

/// Between the parts of the text; no part holds it.
const SEPARATOR: char = '\u{1f}';
/// The most bytes of one part that are kept.
const MAX_PART: usize = 120;

/// The parts of a text that [`encode`] wrote.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Decider<'t> {
    /// The product that wrote the log.
    pub device: &'t str,
    /// The rule or access list.
    pub rule: Option<&'t str>,
    /// The policy or profile.
    pub policy: Option<&'t str>,
    /// The category, signature, list or application.
    pub category: Option<&'t str>,
    /// What the log gives as the reason.
    pub reason: Option<&'t str>,
}

/// Writes a device and what it stated (rule, policy, category, reason, in this order) as one text.
pub fn encode(text: &mut String, device: &str, parts: [Option<&[u8]>; 4]) {
    text.clear();
    text.push_str(device);
    for part in parts {
        text.push(SEPARATOR);
        let Some(part) = part else { continue };
        let part = String::from_utf8_lossy(part);
        let whole = part.len() <= MAX_PART;
        let end = (0..=MAX_PART.min(part.len())).rev().find(|end| part.is_char_boundary(*end));
        let kept = part.get(..end.unwrap_or(0)).unwrap_or_default();
        if kept.contains(SEPARATOR) {
            text.push_str(&kept.replace(SEPARATOR, " "));
        } else {
            text.push_str(kept);
        }
        if !whole {
            text.push('…');
        }
    }
}

impl<'t> Decider<'t> {
    /// Takes a text apart.
    #[must_use]
    pub fn parse(text: &'t str) -> Self {
        let mut parts = text.split(SEPARATOR);
        let device = parts.next().unwrap_or_default();
        let mut part = || parts.next().filter(|part| !part.is_empty());
        Self { device, rule: part(), policy: part(), category: part(), reason: part() }
    }

    /// For a person: `Fortinet FortiGate: rule "deny-out-7", category "Streaming"`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let parts = [
            ("rule", self.rule),
            ("policy", self.policy),
            ("category", self.category),
            ("reason", self.reason),
        ];
        let stated: Vec<String> = parts
            .into_iter()
            .filter_map(|(word, part)| Some(format!("{word} \"{}\"", part?)))
            .collect();
        match stated.as_slice() {
            [] => self.device.to_owned(),
            stated => format!("{}: {}", self.device, stated.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_was_stated_is_told_in_order() {
        let mut text = String::new();
        encode(&mut text, "Box", [Some(b"deny-7"), None, Some(b"News"), None]);
        assert_eq!(Decider::parse(&text).sentence(), "Box: rule \"deny-7\", category \"News\"");
        encode(&mut text, "Box", [None; 4]);
        assert_eq!(Decider::parse(&text).sentence(), "Box");
        encode(&mut text, "Box", [Some(&[b'x'; 500]), None, None, None]);
        assert_eq!(Decider::parse(&text).rule.unwrap().chars().count(), MAX_PART + 1);
    }

    proptest! {
        #[test]
        fn parts_of_any_bytes_come_out_apart(parts in prop::array::uniform4(prop::option::of(prop::collection::vec(any::<u8>(), 1..40)))) {
            let mut text = String::new();
            let [a, b, c, d] = &parts;
            encode(&mut text, "Box", [a.as_deref(), b.as_deref(), c.as_deref(), d.as_deref()]);
            let decider = Decider::parse(&text);
            prop_assert_eq!(decider.device, "Box");
            let found = [decider.rule, decider.policy, decider.category, decider.reason];
            for (part, found) in parts.iter().zip(found) {
                let expected = part.as_deref().map(|part| String::from_utf8_lossy(part).replace(SEPARATOR, " "));
                prop_assert_eq!(found, expected.as_deref());
            }
        }
    }
}

//! The frame of Cisco's syslog messages: `%FACILITY-SEVERITY-NAME: text`.

/// One message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Message<'l> {
    /// What stands before the `%`: headers, sequence number, the device's time.
    pub(super) header: &'l [u8],
    /// What follows the `%` up to the first hyphen: `ASA`, `FTD`, `SEC`, …
    pub(super) facility: &'l [u8],
    /// The name behind the severity; for ASA and its kin six digits.
    pub(super) name: &'l [u8],
    /// What it says.
    pub(super) text: &'l [u8],
}

impl<'l> Message<'l> {
    /// Finds the message whose facility is one of `facilities`. A class may stand before the
    /// severity (`%ASA-session-6-302013`), and the colon may be missing.
    pub(super) fn find(line: &'l [u8], facilities: &[&[u8]]) -> Option<Self> {
        memchr::memchr_iter(b'%', line).find_map(|at| {
            let (header, body) = line.split_at(at);
            let body = body.get(1..)?;
            let end = body.iter().take(16).position(|byte| *byte == b'-')?;
            let (facility, body) = body.split_at(end);
            if !facilities.contains(&facility) {
                return None;
            }
            let mut rest = body.get(1..)?;
            if !rest.first()?.is_ascii_digit() {
                rest = rest.get(memchr::memchr(b'-', rest)? + 1..)?;
            }
            let [b'0'..=b'9', b'-', rest @ ..] = rest else { return None };
            let end = rest.iter().position(|byte| matches!(byte, b':' | b' '));
            let (name, rest) = rest.split_at(end.unwrap_or(rest.len()));
            let text = rest.strip_prefix(b":").unwrap_or(rest).trim_ascii();
            Some(Self { header, facility, name, text })
        })
    }

    /// The number of a message of ASA and its kin.
    pub(super) fn number(&self) -> Option<u32> {
        if self.name.len() != 6 {
            return None;
        }
        self.name.iter().try_fold(0, |number, digit| {
            digit.is_ascii_digit().then(|| number * 10 + u32::from(digit - b'0'))
        })
    }
}

/// The words of a text, one after the other; runs of blanks are one.
#[derive(Clone, Copy)]
pub(super) struct Words<'l> {
    /// What was not yet handed out.
    pub(super) rest: &'l [u8],
}

impl<'l> Words<'l> {
    pub(super) const fn of(text: &'l [u8]) -> Self {
        Self { rest: text }
    }

    /// The next word without taking it.
    pub(super) fn peek(mut self) -> Option<&'l [u8]> {
        self.next()
    }

    /// The word behind the next one of `keys`.
    pub(super) fn after(&mut self, keys: &[&[u8]]) -> Option<&'l [u8]> {
        while let Some(word) = self.next() {
            if keys.contains(&word) {
                return self.next();
            }
        }
        None
    }
}

impl<'l> Iterator for Words<'l> {
    type Item = &'l [u8];

    #[inline]
    fn next(&mut self) -> Option<&'l [u8]> {
        let start = self.rest.iter().position(|byte| *byte != b' ')?;
        let rest = self.rest.get(start..)?;
        // Words are short, so a look at each byte is faster than a search.
        let end = rest.iter().position(|byte| *byte == b' ').unwrap_or(rest.len());
        let (word, rest) = rest.split_at(end);
        self.rest = rest;
        Some(word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(line: &str) -> Option<(&str, Option<u32>, &str)> {
        let message = Message::find(line.as_bytes(), &[b"ASA", b"PIX"])?;
        let text = |bytes| std::str::from_utf8(bytes).unwrap();
        Some((text(message.header), message.number(), text(message.text)))
    }

    #[test]
    fn frames_come_with_a_class_and_without_a_colon() {
        assert_eq!(find("h: %ASA-6-302013: Built"), Some(("h: ", Some(302_013), "Built")));
        assert_eq!(find("%ASA-session-6-302013: Built"), Some(("", Some(302_013), "Built")));
        assert_eq!(find("90% %PIX-4-106023 Deny tcp"), Some(("90% ", Some(106_023), "Deny tcp")));
        assert_eq!(find("%ASA-6-LINK: up"), Some(("", None, "up")));
        assert_eq!(find("%LINK-3-UPDOWN: up"), None);
        assert_eq!(find("%ASA-6"), None);
    }

    #[test]
    fn words_are_taken_one_by_one() {
        let mut words = Words::of(b"Deny  tcp src a to b");
        assert_eq!(words.after(&[b"src", b"from"]), Some(&b"a"[..]));
        assert_eq!((words.peek(), words.rest), (Some(&b"to"[..]), &b" to b"[..]));
        assert_eq!(words.after(&[b"dst"]), None);
    }
}

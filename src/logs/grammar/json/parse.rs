//! From text to the tape, in one pass.
//!
//! Texts without escapes and all numbers stay where they are; the tape has their places. Control
//! characters within texts are let pass, although RFC 8259 section 7 forbids them: loggers write
//! them.

use super::super::key_order::Follower;
use super::super::scan;
use super::{KEY_END, Node, Place, Tape, Value, narrow};

/// Containers within containers.
const MAX_DEPTH: usize = 128;

/// Reads one value, which must be the whole text. `None` where it is no JSON, or too deep.
pub(super) fn parse(text: &[u8], tape: &mut Tape) -> Option<()> {
    let Tape { nodes, unescaped, order } = tape;
    nodes.clear();
    unescaped.clear();
    let mut parser = Parser { text, at: 0, nodes, unescaped, follower: order.follow() };
    parser.value(Place::default(), MAX_DEPTH)?;
    parser.skip_blanks();
    (parser.at == text.len()).then_some(())
}

struct Parser<'p> {
    text: &'p [u8],
    at: usize,
    nodes: &'p mut Vec<Node>,
    unescaped: &'p mut String,
    follower: Follower<'p>,
}

impl Parser<'_> {
    fn value(&mut self, key: Place, depth: usize) -> Option<()> {
        self.skip_blanks();
        match self.peek()? {
            b'"' => {
                let place = self.string()?;
                self.push(key, Value::Text(place)).map(|_| ())
            }
            b'{' => self.object(key, depth.checked_sub(1)?),
            b'[' => self.array(key, depth.checked_sub(1)?),
            b't' => self.word(b"true", key, Value::Bool(true)),
            b'f' => self.word(b"false", key, Value::Bool(false)),
            b'n' => self.word(b"null", key, Value::Null),
            b'-' | b'0'..=b'9' => self.number(key),
            _ => None,
        }
    }

    fn object(&mut self, key: Place, depth: usize) -> Option<()> {
        let node = self.push(key, Value::Object)?;
        self.at += 1;
        self.skip_blanks();
        if self.take(b'}') {
            return Some(());
        }
        loop {
            self.skip_blanks();
            let key = self.key()?;
            self.value(key, depth)?;
            self.skip_blanks();
            if self.take(b'}') {
                break;
            }
            self.take(b',').then_some(())?;
        }
        self.close(node);
        Some(())
    }

    /// A key and the colon behind it.
    #[inline]
    fn key(&mut self) -> Option<Place> {
        let start = self.at + 1;
        if self.peek() == Some(b'"')
            && let Some(length) = self.follower.expected(self.text, start)
        {
            self.at = start + length + KEY_END.len();
            return Some(Place {
                start: narrow(start),
                length: narrow(length),
                is_unescaped: false,
            });
        }
        let key = self.string()?;
        if key.is_unescaped {
            self.follower.note_other();
        } else {
            self.follower.note(self.text, start, key.length as usize);
        }
        self.skip_blanks();
        self.take(b':').then_some(())?;
        Some(key)
    }

    fn array(&mut self, key: Place, depth: usize) -> Option<()> {
        let node = self.push(key, Value::Array)?;
        self.at += 1;
        self.skip_blanks();
        if self.take(b']') {
            return Some(());
        }
        loop {
            self.value(Place::default(), depth)?;
            self.skip_blanks();
            if self.take(b']') {
                break;
            }
            self.take(b',').then_some(())?;
        }
        self.close(node);
        Some(())
    }

    fn word(&mut self, word: &[u8], key: Place, value: Value) -> Option<()> {
        self.text.get(self.at..)?.starts_with(word).then_some(())?;
        self.at += word.len();
        self.push(key, value).map(|_| ())
    }

    /// A number stays text until it is asked for; here only its extent and rough shape count.
    fn number(&mut self, key: Place) -> Option<()> {
        let rest = self.text.get(self.at..)?;
        let is_part = |byte: &u8| matches!(byte, b'0'..=b'9' | b'-' | b'+' | b'.' | b'e' | b'E');
        let length = rest.iter().position(|byte| !is_part(byte)).unwrap_or(rest.len());
        let number = rest.get(..length)?;
        let is_whole = number.iter().all(u8::is_ascii_digit);
        if !is_whole {
            std::str::from_utf8(number).ok()?.parse::<f64>().ok()?;
        }
        let place = Place { start: narrow(self.at), length: narrow(length), is_unescaped: false };
        self.at += length;
        self.push(key, Value::Number(place)).map(|_| ())
    }

    /// A text from its quote on.
    #[inline]
    fn string(&mut self) -> Option<Place> {
        self.take(b'"').then_some(())?;
        let start = self.at;
        let end = self.quote_or_escape(start)?;
        self.at = end + 1;
        if self.text.get(end) == Some(&b'"') {
            let length = narrow(end - start);
            return Some(Place { start: narrow(start), length, is_unescaped: false });
        }
        self.unescape(start, end)
    }

    /// The place of the first quote or backslash.
    #[inline]
    fn quote_or_escape(&self, start: usize) -> Option<usize> {
        scan::find_either(self.text, start, b'"', b'\\')
    }

    /// A text from `start` whose first escape is at `escape`, with its escapes undone (RFC 8259
    /// section 7).
    fn unescape(&mut self, start: usize, escape: usize) -> Option<Place> {
        let begin = self.unescaped.len();
        let (mut from, mut at) = (start, escape);
        loop {
            self.unescaped.push_str(std::str::from_utf8(self.text.get(from..at)?).ok()?);
            if self.text.get(at) == Some(&b'"') {
                break;
            }
            self.at = at + 1;
            let character = self.escape()?;
            self.unescaped.push(character);
            from = self.at;
            at = self.quote_or_escape(from)?;
        }
        self.at = at + 1;
        let length = narrow(self.unescaped.len() - begin);
        Some(Place { start: narrow(begin), length, is_unescaped: true })
    }

    /// The character that an escape stands for, from behind its backslash on.
    fn escape(&mut self) -> Option<char> {
        let kind = self.peek()?;
        self.at += 1;
        Some(match kind {
            b'"' | b'\\' | b'/' => char::from(kind),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let high = self.hex()?;
                match high {
                    0xd800..=0xdbff => {
                        self.text.get(self.at..)?.starts_with(br"\u").then_some(())?;
                        self.at += 2;
                        let low = self.hex()?;
                        (0xdc00..=0xdfff).contains(&low).then_some(())?;
                        char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?
                    }
                    _ => char::from_u32(high)?,
                }
            }
            _ => return None,
        })
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at..self.at + 4)?;
        self.at += 4;
        digits
            .iter()
            .try_fold(0, |value, digit| Some((value << 4) | char::from(*digit).to_digit(16)?))
    }

    #[inline]
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline]
    fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    #[inline]
    fn skip_blanks(&mut self) {
        // Machines write few blanks, and every blank is at or below the space.
        while let Some(byte @ ..=b' ') = self.peek()
            && matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
        {
            self.at += 1;
        }
    }

    /// Appends a node that holds nothing yet and returns its index.
    #[inline]
    fn push(&mut self, key: Place, value: Value) -> Option<usize> {
        let at = self.nodes.len();
        if at >= super::MAX_NODES {
            return None;
        }
        self.nodes.push(Node { key, value, next: narrow(at + 1) });
        Some(at)
    }

    /// Notes that what a node holds ends here.
    fn close(&mut self, at: usize) {
        let next = narrow(self.nodes.len());
        if let Some(node) = self.nodes.get_mut(at) {
            node.next = next;
        }
    }
}

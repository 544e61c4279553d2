//! Name Resolution Blocks of pcapng: what the capturing host held addresses for (draft, section 4.5).

use super::options::Order;
use crate::observe::{Address, normalize};

/// Names that are kept of one file.
const MAX_NAMES: usize = 20_000;

/// Record types: an IPv4 address with names, an IPv6 address with names.
const IPV4: u16 = 1;
const IPV6: u16 = 2;

/// The names that a file states for addresses.
#[derive(Debug, Default)]
pub(super) struct FileNames {
    names: Vec<(Address, Box<str>)>,
}

impl FileNames {
    /// Takes the records of a block's body; tells whether they are whole.
    pub(super) fn block(&mut self, body: &[u8], order: Order) -> bool {
        let mut rest = body;
        let mut normal = String::new();
        while let (Some(kind), Some(length)) = (order.u16(rest, 0), order.u16(rest, 2)) {
            if kind == 0 {
                return true;
            }
            let length = usize::from(length);
            let Some(value) = rest.get(4..4 + length) else { return false };
            let address = match kind {
                IPV4 => value.split_first_chunk().map(|(a, rest)| (Address::from_v4(*a), rest)),
                IPV6 => value.split_first_chunk().map(|(a, rest)| (Address::from_v6(*a), rest)),
                _ => None,
            };
            if let Some((address, names)) = address {
                for name in names.split(|byte| *byte == 0).filter(|name| !name.is_empty()) {
                    if self.names.len() < MAX_NAMES && normalize(name, &mut normal) {
                        self.names.push((address, normal.as_str().into()));
                    }
                }
            }
            rest = rest.get(4 + length.next_multiple_of(4)..).unwrap_or_default();
        }
        rest.is_empty()
    }

    pub(super) fn into_names(self) -> Vec<(Address, Box<str>)> {
        self.names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn block(records: &[(u16, &[u8])]) -> Vec<u8> {
        let mut body = Vec::new();
        for (kind, value) in records {
            body.extend(kind.to_le_bytes());
            body.extend((value.len() as u16).to_le_bytes());
            body.extend_from_slice(value);
            body.resize(body.len().next_multiple_of(4), 0);
        }
        body
    }

    #[test]
    fn every_name_of_an_address_is_kept_in_its_normal_form() {
        let six = [&[0x20, 1, 0xd, 0xb8], &[0; 11][..], &[1], b"Login.Live.com\0"].concat();
        let body =
            block(&[(1, b"\xc0\0\x02\x01a.example\0b.example.\0"), (2, &six), (9, b"x"), (0, b"")]);
        let mut names = FileNames::default();
        assert!(names.block(&body, Order::default()));
        let found: Vec<String> =
            names.into_names().iter().map(|(address, name)| format!("{address} {name}")).collect();
        assert_eq!(
            found,
            ["192.0.2.1 a.example", "192.0.2.1 b.example", "2001:db8::1 login.live.com"]
        );
        for end in 0..body.len() {
            FileNames::default().block(&body[..end], Order::default());
        }
    }
}

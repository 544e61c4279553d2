//! How a TCP connection stands or ended: a pure table over what each side did last.
//!
//! The vocabulary is that of Zeek's connection summaries, which the field reads fluently.

use std::fmt;

/// What one side of a TCP connection did last, of the things that matter to its state.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub enum Side {
    /// Nothing was seen from it.
    #[default]
    Silent,
    /// It sent a SYN.
    Requested,
    /// It sent a SYN with ACK.
    Accepted,
    /// It sent other packets of a connection whose opening was not seen.
    Partial,
    /// It takes part in a connection that was opened in full.
    Established,
    /// It sent a FIN.
    Closed,
    /// It sent a RST.
    Reset,
}

impl Side {
    /// Every value.
    pub const ALL: [Self; 7] = [
        Self::Silent,
        Self::Requested,
        Self::Accepted,
        Self::Partial,
        Self::Established,
        Self::Closed,
        Self::Reset,
    ];

    /// Whether the side never showed that it opened the connection.
    const fn is_inactive(self) -> bool {
        matches!(self, Self::Silent | Self::Partial)
    }

    /// Whether the side is still waiting for the connection to open.
    const fn is_opening(self) -> bool {
        matches!(self, Self::Requested | Self::Accepted)
    }
}

/// The state of a connection, from both sides together.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ConnectionState {
    /// Requested, and no reply.
    S0,
    /// Open, not closed.
    S1,
    /// Open, closed by the originator only.
    S2,
    /// Open, closed by the responder only.
    S3,
    /// Opened and closed by both.
    Sf,
    /// Request rejected with a reset.
    Rej,
    /// Reset by the originator.
    Rsto,
    /// Reset by the responder.
    Rstr,
    /// Requested, then reset by the originator; no reply was seen.
    Rstos0,
    /// Reset by the responder; nothing of the originator's opening was seen.
    Rstrh,
    /// Requested, then closed by the originator; no reply was seen.
    Sh,
    /// Closed by the responder; nothing of the originator's opening was seen.
    Shr,
    /// None of these: traffic without an opening.
    Oth,
}

impl ConnectionState {
    /// The state of a connection whose sides did these things last.
    #[must_use]
    pub const fn of(originator: Side, responder: Side) -> Self {
        match (originator, responder) {
            (side, Side::Reset) if side.is_opening() => Self::Rej,
            (side, Side::Reset) if side.is_inactive() => Self::Rstrh,
            (_, Side::Reset) => Self::Rstr,
            (Side::Reset, side) if side.is_inactive() => Self::Rstos0,
            (Side::Reset, _) => Self::Rsto,
            (Side::Closed, Side::Closed) => Self::Sf,
            (Side::Closed, side) if side.is_inactive() => Self::Sh,
            (Side::Closed, _) => Self::S2,
            (side, Side::Closed) if side.is_inactive() => Self::Shr,
            (_, Side::Closed) => Self::S3,
            (Side::Requested, Side::Silent) => Self::S0,
            (Side::Established, Side::Established) => Self::S1,
            _ => Self::Oth,
        }
    }

    /// Zeek's word for the state.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::S0 => "S0",
            Self::S1 => "S1",
            Self::S2 => "S2",
            Self::S3 => "S3",
            Self::Sf => "SF",
            Self::Rej => "REJ",
            Self::Rsto => "RSTO",
            Self::Rstr => "RSTR",
            Self::Rstos0 => "RSTOS0",
            Self::Rstrh => "RSTRH",
            Self::Sh => "SH",
            Self::Shr => "SHR",
            Self::Oth => "OTH",
        }
    }
}

impl fmt::Display for ConnectionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rows: originator; columns: responder; both in the order of [`Side::ALL`].
    const TABLE: [[&str; 7]; 7] = [
        // Silent Requested Accepted Partial Established Closed Reset
        ["OTH", "OTH", "OTH", "OTH", "OTH", "SHR", "RSTRH"], // Silent
        ["S0", "OTH", "OTH", "OTH", "OTH", "S3", "REJ"],     // Requested
        ["OTH", "OTH", "OTH", "OTH", "OTH", "S3", "REJ"],    // Accepted
        ["OTH", "OTH", "OTH", "OTH", "OTH", "SHR", "RSTRH"], // Partial
        ["OTH", "OTH", "OTH", "OTH", "S1", "S3", "RSTR"],    // Established
        ["SH", "S2", "S2", "SH", "S2", "SF", "RSTR"],        // Closed
        ["RSTOS0", "RSTO", "RSTO", "RSTOS0", "RSTO", "RSTO", "RSTR"], // Reset
    ];

    #[test]
    fn every_pair_of_sides_has_the_state_of_the_table() {
        for (row, originator) in Side::ALL.into_iter().enumerate() {
            for (column, responder) in Side::ALL.into_iter().enumerate() {
                assert_eq!(
                    ConnectionState::of(originator, responder).as_str(),
                    TABLE[row][column],
                    "{originator:?} {responder:?}"
                );
            }
        }
    }
}

//! Where observations go.

use super::{
    Address, Alias, Attempt, ChainId, Duration, NameId, Offer, Resolution, Sighting, TextId,
};

/// What [`Sink::host`] gets in place of a hardware address where the capturing host itself is the
/// sender; hardware addresses have 48 bits.
pub const OWN_HOST: u64 = 1 << 63;

/// Takes what the readers observe, one shard at a time.
///
/// A reader holds names as [`NameId`]s of its sink, so a flow that lives for hours keeps four
/// bytes and not a string. Observations arrive in no particular order of time; a sink whose
/// result depends on the order of its calls breaks the promise of equal bytes for any number
/// of threads.
pub trait Sink: Send {
    /// Whether [`sighting`](Sink::sighting) does anything; readers spare themselves the names
    /// that only it would see.
    const WANTS_SIGHTINGS: bool;

    /// The sink for what logs tell: a day of them holds far more than packets can.
    #[must_use]
    fn for_logs(self) -> Self
    where
        Self: Sized,
    {
        self
    }

    /// The id of a normalised name; see [`normalize`](super::normalize).
    fn intern(&mut self, name: &str) -> NameId;

    /// Whether attempts at a name may be kept, by a look at its spelling; says no only where
    /// [`keeps`](Sink::keeps) would. Spares interning what is asked for once and never again.
    fn could_keep(&self, _raw: &[u8]) -> bool {
        true
    }

    /// Whether the id stands for this name; spares looking it up again.
    fn is_text(&self, id: NameId, name: &str) -> bool;

    /// Whether attempts at this name are kept; spares making ones that are not.
    fn keeps(&self, name: NameId) -> bool;

    /// Whether an attempt at this server that shows no name would be kept. Asked once for an
    /// attempt, which then need not be made: one that would not be kept is counted here.
    fn keeps_unnamed(&mut self, server: Address) -> bool;

    /// Whether attempts of this client are kept, whatever they are at.
    fn keeps_from(&self, _client: Address) -> bool {
        false
    }

    /// The id of a text about who decided; `None` when it is not kept.
    fn text(&mut self, text: &str) -> Option<TextId>;

    /// Whether the certificates of a server of this name, or of no name, are worth the reading.
    fn wants_certificates(&self, name: Option<NameId>) -> bool;

    /// The id of a certificate list, in the form of a Certificate message (RFC 5246 section 7.4.2);
    /// none when it is not kept.
    fn chain(&mut self, list: &[u8]) -> Option<ChainId>;

    /// An attempt came to its end.
    fn attempt(&mut self, attempt: &Attempt);

    /// A client was told where a name lives.
    fn resolution(&mut self, resolution: &Resolution);

    /// A client was told to ask for another name.
    fn alias(&mut self, _alias: &Alias) {}

    /// The host with this hardware address sends from this IP address.
    fn host(&mut self, _unit: u32, _hardware: u64, _address: Address) {}

    /// The clock of the unit was set back by as much as this.
    fn set_back(&mut self, _unit: u32, _by: Duration) {}

    /// A capture file states a name for an address.
    fn file_name(&mut self, _address: Address, _name: NameId) {}

    /// A name was seen.
    fn sighting(&mut self, sighting: &Sighting);

    /// Packets to this client are in the unit, so its silences are silences and not the view
    /// of a tap that sees one direction.
    fn heard(&mut self, unit: u32, client: Address);

    /// The name is said to be served by HTTP/3.
    fn http3_offered(&mut self, name: NameId, offer: Offer);
}

/// Something that adds up: associative and commutative, with a fresh value as identity.
pub trait Sum: Sized + Send {
    /// Adds `other`.
    fn merge(&mut self, other: Self);
}

//! TLS: the name that a client asks for and what the responder says first.
//!
//! Every function is pure and looks at the contiguous prefix of one direction of a TCP stream, or
//! at a bare handshake message. A function that needs more bytes says how long the prefix must be
//! before another call makes sense; the name is reported as soon as its last byte is there, so a
//! hello that never becomes whole still names its server. That takes a walker of our own: a parser
//! of whole messages refuses what is cut, spread over records or malformed further on.

mod alert;
mod certificate;
mod client;
mod flight;
mod hello;
mod record;
mod server;
#[cfg(test)]
mod tests;

pub use alert::{
    CLOSE_NOTIFY, FATAL, Protected, WARNING, first_protected, is_about_certificate, plaintext_alert,
};
pub use certificate::{Certificate, DistinguishedName};
pub use client::{looks_like_tls, scan_client_hello};
pub use flight::{CertificateReader, Certificates, certificates};
pub use hello::{HelloScan, scan_client_hello_message, scan_datagram_client_hello};
pub use record::{RecordKind, holds_data_beyond_alerts, record_kind, record_length};
pub use server::{
    HELLO_RETRY_REQUEST, ServerScan, begins_server_flight, looks_like_tls_answer, scan_server,
};

/// The longest handshake message that is read, header included, in bytes. Post-quantum hellos
/// take about 2 KiB; what claims to be longer than this is malformed.
pub const MAX_HANDSHAKE: usize = 64 * 1024;

/// How far a scan got.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Progress {
    /// The message goes on behind the bytes at hand.
    NeedMore {
        /// The length in bytes, counted from the start of the slice scanned, that the next slice
        /// must have before another call can get further. Always more than this one had.
        at_least: usize,
    },
    /// The whole message was read.
    Complete,
    /// The message contradicts itself. What was read until there is reported all the same.
    Malformed,
    /// Something else than the message looked for.
    NotTls,
}

/// Runs every function of this module over the bytes and checks what must hold for any bytes.
///
/// # Panics
///
/// When a promise of this module is broken; that is what a fuzzer looks for.
#[doc(hidden)]
pub fn fuzz_tls(bytes: &[u8]) {
    let mut scratch = Vec::new();
    let _ = (looks_like_tls(bytes), looks_like_tls_answer(bytes));
    let _ = (plaintext_alert(bytes), record_kind(bytes), holds_data_beyond_alerts(bytes));
    assert_eq!(record_length(bytes).is_some(), record_kind(bytes).is_some());
    let check = |status: Progress, length: usize| match status {
        Progress::NeedMore { at_least } => assert!(at_least > bytes.len() && length == 0),
        Progress::Complete => assert!(length > 0 && length <= bytes.len()),
        Progress::Malformed | Progress::NotTls => assert!(length <= bytes.len()),
    };
    let scan = scan_client_hello_message(bytes);
    check(scan.status, scan.length);
    let scan = scan_client_hello(bytes, &mut scratch);
    check(scan.status, scan.length);
    if scan.status == Progress::Complete {
        assert_eq!(looks_like_tls(bytes), Some(true));
    }
    match scan_server(bytes, &mut scratch) {
        ServerScan::NeedMore { at_least } => assert!(at_least > bytes.len()),
        ServerScan::ServerHello { length, .. } => assert!(length <= bytes.len()),
        ServerScan::Alert { .. } => assert_eq!(looks_like_tls_answer(bytes), Some(true)),
        ServerScan::NotTls => assert_eq!(looks_like_tls_answer(bytes), Some(false)),
        ServerScan::Malformed => {}
    }
}

//! Signals that ask for an end.

use std::io;

use crate::input::Stop;

/// What SIGINT (Ctrl-C) and SIGTERM ask. The first asks for an end with a result, the second
/// ends the program at once, with 128 and the signal's number as shells have it.
///
/// SIGHUP is left as it is, so that `nohup` works. Where there are no such signals, Ctrl-C ends
/// the program at once.
///
/// # Errors
///
/// The system does not let signals be caught.
#[cfg(unix)]
pub(super) fn stop_on_signals() -> io::Result<Stop> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    use signal_hook::iterator::Signals;

    let stop = Stop::default();
    let asked = stop.clone();
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        for signal in signals.forever() {
            if asked.is_asked() {
                std::process::exit(128 + signal);
            }
            asked.ask();
        }
    })?;
    Ok(stop)
}

#[cfg(not(unix))]
pub(super) fn stop_on_signals() -> io::Result<Stop> {
    Ok(Stop::default())
}

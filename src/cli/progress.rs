//! The progress bar: on a terminal, and only for work that takes a while.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::Progress;

/// How long the work goes on before a bar is shown.
const PATIENCE: Duration = Duration::from_secs(1);

const SPINNER: &str = "{spinner} {bytes} read, {bytes_per_sec}";
const BAR: &str = "{wide_bar} {bytes}/{total_bytes} {bytes_per_sec}, {eta} left";

/// A bar on standard error that appears after a second; nothing at all when it is not wanted.
pub(super) struct Bar {
    /// When the work began; none when no bar is wanted.
    start: Option<Instant>,
    total: AtomicU64,
    done: AtomicU64,
    shown: OnceLock<ProgressBar>,
}

impl Bar {
    /// Begins to measure; the bar will be shown only if `wanted`.
    #[must_use]
    pub(super) fn new(wanted: bool) -> Self {
        Self {
            start: wanted.then(now),
            total: AtomicU64::new(0),
            done: AtomicU64::new(0),
            shown: OnceLock::new(),
        }
    }

    /// Removes the bar.
    pub(super) fn finish(self) {
        if let Some(bar) = self.shown.get() {
            bar.finish_and_clear();
        }
    }
}

impl Progress for Bar {
    fn total(&self, bytes: u64) {
        let before = self.total.fetch_add(bytes, Ordering::Relaxed);
        if let Some(bar) = self.shown.get() {
            bar.set_length(before.saturating_add(bytes));
        }
    }

    fn advance(&self, bytes: u64) {
        let Some(start) = self.start else { return };
        let before = self.done.fetch_add(bytes, Ordering::Relaxed);
        if self.shown.get().is_none() && start.elapsed() < PATIENCE {
            return;
        }
        let bar = self.shown.get_or_init(|| draw(self.total.load(Ordering::Relaxed)));
        bar.set_position(before.saturating_add(bytes));
    }
}

/// A bar with a length, or a spinner where the length is not known, as for a pipe.
fn draw(total: u64) -> ProgressBar {
    let (length, template) = match total {
        0 => (None, SPINNER),
        total => (Some(total), BAR),
    };
    let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
    // A template that indicatif does not take leaves its own.
    bar.set_style(
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    bar
}

#[expect(clippy::disallowed_methods, reason = "the progress bar is no part of the report")]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_work_and_unwanted_bars_show_nothing() {
        for wanted in [false, true] {
            let bar = Bar::new(wanted);
            bar.total(100);
            bar.advance(100);
            assert!(bar.shown.get().is_none());
            bar.finish();
        }
    }

    #[test]
    fn the_templates_are_understood() {
        for template in [SPINNER, BAR] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }

    #[test]
    fn a_bar_that_is_shown_follows_the_work() {
        let bar = Bar::new(true);
        bar.total(100);
        bar.shown.set(draw(100)).unwrap();
        bar.advance(30);
        bar.total(50);
        let shown = bar.shown.get().unwrap();
        assert_eq!((shown.position(), shown.length()), (30, Some(150)));
        bar.finish();
    }
}

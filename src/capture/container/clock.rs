//! The clocks of pcapng interfaces.

use super::summary::TimeResolution;
use crate::observe::Timestamp;

/// From a pcapng timestamp to nanoseconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    resolution: TimeResolution,
    /// Seconds to add.
    offset: i64,
    /// Nanoseconds in a unit, if that is a whole number and there is no offset.
    unit: Option<u64>,
}

impl Clock {
    pub(super) fn new(resolution: TimeResolution, offset: i64) -> Self {
        let unit = match resolution {
            TimeResolution::Decimal(power @ 0..=9) if offset == 0 => {
                Some(10_u64.pow(9 - u32::from(power)))
            }
            _ => None,
        };
        Self { resolution, offset, unit }
    }

    #[inline]
    pub(super) fn time(&self, high: u32, low: u32) -> Timestamp {
        let units = u64::from(high) << 32 | u64::from(low);
        if let Some(unit) = self.unit
            && let Some(nanos) = units.checked_mul(unit)
            && let Ok(nanos) = i64::try_from(nanos)
        {
            return Timestamp::from_nanos(nanos);
        }
        self.any_time(units)
    }

    /// The general case, exact for every resolution.
    fn any_time(&self, units: u64) -> Timestamp {
        let units = i128::from(units);
        let nanos = match self.resolution {
            TimeResolution::Decimal(power @ 0..=9) => units * 10_i128.pow(9 - u32::from(power)),
            // Beyond 10^-28 s no 64-bit timestamp reaches a nanosecond.
            TimeResolution::Decimal(power @ 10..=28) => units / 10_i128.pow(u32::from(power) - 9),
            TimeResolution::Decimal(_) => 0,
            // 64 bits times 10^9 have 94.
            TimeResolution::Binary(power) => (units * 1_000_000_000) >> power.min(126),
        };
        Timestamp::from_nanos_saturating(nanos + i128::from(self.offset) * 1_000_000_000)
    }
}

//! Units as types: what a number means is part of its type.

use std::fmt;
use std::iter::Sum;
use std::ops::Add;

use serde::{Deserialize, Serialize};

macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($inner:ty)) => {
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub $inner);

        impl Add for $name {
            type Output = Self;
            fn add(self, other: Self) -> Self {
                Self(self.0.saturating_add(other.0))
            }
        }

        impl Sum for $name {
            fn sum<I: Iterator<Item = Self>>(items: I) -> Self {
                items.fold(Self::default(), Add::add)
            }
        }
    };
}

unit!(
    /// An amount of memory in bytes.
    Bytes(u64)
);
unit!(
    /// Power in milliwatts.
    MilliWatts(u32)
);
unit!(
    /// Temperature in degrees Celsius.
    Celsius(i32)
);
unit!(
    /// A share in percent, 0..=100.
    Percent(u8)
);
unit!(
    /// A clock rate in megahertz.
    MegaHertz(u32)
);
unit!(
    /// Energy in millijoules.
    MilliJoules(u64)
);

unit!(
    /// A rate in bytes per second.
    BytesPerSecond(u64)
);

impl fmt::Display for BytesPerSecond {
    /// Decimal prefixes, as network and bus rates have: `0B/s`, `640kB/s`, `12.4GB/s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["B/s", "kB/s", "MB/s", "GB/s", "TB/s"];
        let mut value = self.0 as f64;
        let mut unit = 0;
        while value >= 999.5 && unit + 1 < UNITS.len() {
            value /= 1000.0;
            unit += 1;
        }
        f.pad(&if unit < 2 || value >= 99.95 {
            format!("{value:.0}{}", UNITS[unit])
        } else {
            format!("{value:.1}{}", UNITS[unit])
        })
    }
}

unit!(
    /// Load average in hundredths: the number of processes that run or wait for disk, on average.
    LoadAverage(u32)
);

impl fmt::Display for LoadAverage {
    /// As uptime(1) shows it: `0.25`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

impl Bytes {
    /// `count` mebibytes (1024² bytes).
    #[must_use]
    pub const fn from_mib(count: u64) -> Self {
        Self(count.saturating_mul(1024 * 1024))
    }

    /// `count` gibibytes (1024³ bytes).
    #[must_use]
    pub const fn from_gib(count: u64) -> Self {
        Self(count.saturating_mul(1024 * 1024 * 1024))
    }

    /// In gibibytes.
    #[must_use]
    pub fn gib(self) -> f64 {
        self.0 as f64 / (1024.0 * 1024.0 * 1024.0)
    }

    /// `self` as a share of `total`, rounded; `None` when `total` is zero.
    #[must_use]
    pub fn share_of(self, total: Self) -> Option<Percent> {
        let percent = u128::from(self.0) * 100 + u128::from(total.0) / 2;
        let percent = percent.checked_div(u128::from(total.0))?;
        Some(Percent(u8::try_from(percent.min(100)).unwrap_or(100)))
    }
}

impl fmt::Display for Bytes {
    /// Binary prefixes, three significant digits: `512Mi`, `3.5Gi`, `23.7Gi`, `141Gi`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 6] = ["B", "Ki", "Mi", "Gi", "Ti", "Pi"];
        let mut value = self.0 as f64;
        let mut unit = 0;
        while value >= 1023.5 && unit + 1 < UNITS.len() {
            value /= 1024.0;
            unit += 1;
        }
        let text = if unit < 3 || value >= 99.95 {
            format!("{value:.0}{}", UNITS[unit])
        } else {
            format!("{value:.1}{}", UNITS[unit])
        };
        f.pad(&text)
    }
}

impl fmt::Display for MilliWatts {
    /// Whole watts: `285W`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}W", self.0.saturating_add(500) / 1000))
    }
}

impl fmt::Display for Celsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}°C", self.0))
    }
}

impl fmt::Display for Percent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}%", self.0))
    }
}

impl fmt::Display for MegaHertz {
    /// `1980MHz`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("{}MHz", self.0))
    }
}

impl MilliJoules {
    /// In kilowatt-hours (3.6 million joules).
    #[must_use]
    pub fn kilowatt_hours(self) -> f64 {
        self.0 as f64 / 3.6e9
    }
}

impl fmt::Display for MilliJoules {
    /// `640Wh`, `12.4kWh`, `3120kWh`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kwh = self.kilowatt_hours();
        f.pad(&if kwh < 0.9995 {
            format!("{:.0}Wh", kwh * 1000.0)
        } else if kwh < 99.95 {
            format!("{kwh:.1}kWh")
        } else {
            format!("{kwh:.0}kWh")
        })
    }
}

impl Percent {
    /// `value` limited to 0..=100.
    #[must_use]
    pub fn clamped(value: u32) -> Self {
        Self(u8::try_from(value.min(100)).unwrap_or(100))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_short_and_binary() {
        let shown = |b: Bytes| b.to_string();
        assert_eq!(shown(Bytes(0)), "0B");
        assert_eq!(shown(Bytes::from_mib(512)), "512Mi");
        assert_eq!(shown(Bytes::from_mib(24_576)), "24.0Gi");
        assert_eq!(shown(Bytes::from_mib(1023)), "1023Mi");
        assert_eq!(shown(Bytes::from_gib(141)), "141Gi");
        assert_eq!(shown(Bytes(u64::MAX)), "16384Pi");
    }

    #[test]
    fn shares_round_and_never_divide_by_zero() {
        assert_eq!(Bytes(1).share_of(Bytes(0)), None);
        assert_eq!(Bytes(1).share_of(Bytes(3)), Some(Percent(33)));
        assert_eq!(Bytes(2).share_of(Bytes(3)), Some(Percent(67)));
        assert_eq!(Bytes(u64::MAX).share_of(Bytes(1)), Some(Percent(100)));
    }

    #[test]
    fn energy_is_read_off_as_from_a_meter() {
        let shown = |watt_hours: u64| MilliJoules(watt_hours * 3_600_000).to_string();
        assert_eq!(shown(0), "0Wh");
        assert_eq!(shown(640), "640Wh");
        assert_eq!(shown(1000), "1.0kWh");
        assert_eq!(shown(12_440), "12.4kWh");
        assert_eq!(shown(3_120_000), "3120kWh");
        assert_eq!(MegaHertz(1980).to_string(), "1980MHz");
    }

    #[test]
    fn rates_and_loads_are_short() {
        let shown = |rate: u64| BytesPerSecond(rate).to_string();
        assert_eq!(shown(0), "0B/s");
        assert_eq!(shown(640_400), "640kB/s");
        assert_eq!(shown(999_600), "1.0MB/s");
        assert_eq!(shown(12_440_000_000), "12.4GB/s");
        assert_eq!(LoadAverage(25).to_string(), "0.25");
        assert_eq!(LoadAverage(1203).to_string(), "12.03");
    }

    #[test]
    fn watts_round_to_the_nearest() {
        assert_eq!(MilliWatts(349_500).to_string(), "350W");
        assert_eq!(MilliWatts(349_499).to_string(), "349W");
    }
}

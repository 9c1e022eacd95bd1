//! The PCIe link, and whether it is worse than it could be.

use std::fmt;

use crate::Reading;
use crate::group::readings;

readings! {
    /// The PCIe link.
    Pcie {
        /// Generation now; idle cards lower it by themselves to save power.
        measured generation: u32,
        /// Lanes now.
        measured width: u32,
        /// Best generation that card and slot together can have.
        fixed generation_max: u32,
        /// Most lanes that card and slot together can have.
        fixed width_max: u32,
        /// Packets sent again since the driver was loaded; a growing number means a bad
        /// connection.
        measured replays: u32,
    }
}

/// A link that is worse than card and slot allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PcieDegraded {
    /// Generation now and at best, if it is lower.
    pub generation: Option<(u32, u32)>,
    /// Lanes now and at best, if they are fewer.
    pub width: Option<(u32, u32)>,
}

impl Pcie {
    /// What is worse than it could be; `None` when nothing is or it is not known.
    ///
    /// Fewer lanes always count: they are settled when the machine starts. A lower generation
    /// counts under load only, since an idle card lowers it by itself.
    #[must_use]
    pub fn degraded(&self, under_load: bool) -> Option<PcieDegraded> {
        let worse = |now: &Reading<u32>, best: &Reading<u32>| {
            let (now, best) = (now.get()?, best.get()?);
            (now < best).then_some((now, best))
        };
        let generation = worse(&self.generation, &self.generation_max).filter(|_| under_load);
        let width = worse(&self.width, &self.width_max);
        (generation.is_some() || width.is_some()).then_some(PcieDegraded { generation, width })
    }
}

impl fmt::Display for PcieDegraded {
    /// `x4 of x16`, `gen 1 of 4`, or both.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.width.map(|(now, best)| format!("x{now} of x{best}"));
        let generation = self
            .generation
            .map(|(now, best)| format!("gen {now} of {best}"));
        let parts: Vec<_> = width.into_iter().chain(generation).collect();
        f.pad(&parts.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(generation: u32, width: u32) -> Pcie {
        Pcie {
            generation: generation.into(),
            width: width.into(),
            generation_max: 4.into(),
            width_max: 16.into(),
            replays: Reading::default(),
        }
    }

    #[test]
    fn an_idle_card_may_lower_its_generation() {
        assert_eq!(link(1, 16).degraded(false), None);
        let degraded = link(1, 16).degraded(true).unwrap();
        assert_eq!(degraded.to_string(), "gen 1 of 4");
        assert_eq!(link(4, 16).degraded(true), None);
    }

    #[test]
    fn missing_lanes_always_count() {
        assert_eq!(link(4, 4).degraded(false).unwrap().to_string(), "x4 of x16");
        let both = link(3, 8).degraded(true).unwrap().to_string();
        assert_eq!(both, "x8 of x16, gen 3 of 4");
    }

    #[test]
    fn what_is_not_known_is_not_degraded() {
        let unknown = Pcie {
            width: 4.into(),
            ..Pcie::default()
        };
        assert_eq!(unknown.degraded(true), None);
    }
}

//! What daemons have reported of the devices of a row, as values over time.

use std::time::Duration;

use gputop_fleet::state::{DeviceRow, Fleet, Sample, Series};
use gputop_model::{Bytes, Moment};

use crate::widgets::timeline::{Point, Window};

/// The time that graphs show: what the rings of the store can hold at one report a second.
pub(super) const SPAN: Duration = Duration::from_secs(300);

/// The curves of one device or of several together, each sorted by time.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct History {
    /// Percent of the time; the mean of several.
    pub(super) utilization: Vec<Point>,
    /// Memory in use in GiB; the sum of several.
    pub(super) memory: Vec<Point>,
    /// Watts; the sum of several.
    pub(super) power: Vec<Point>,
    /// °C; the highest of several.
    pub(super) temperature: Vec<Point>,
}

impl History {
    /// What is kept of `devices`.
    pub(super) fn of(fleet: &Fleet, devices: &[&DeviceRow], window: Window) -> Self {
        let series: Vec<(&DeviceRow, &Series)> = devices
            .iter()
            .filter_map(|row| {
                let series = fleet.history(&row.node, &row.device().uuid)?;
                Some((*row, series))
            })
            .collect();
        let curve = |value: fn(&Sample, &DeviceRow) -> Option<f32>, of: Together| {
            let curves = series.iter().map(|(row, series)| {
                let points = series.samples();
                points
                    .map(|sample| (sample.at, value(&sample, row)))
                    .collect()
            });
            merge(window, curves.collect(), of)
        };
        Self {
            utilization: curve(|sample, _| sample.utilization.map(f32::from), mean),
            memory: curve(memory, |sum, value, _| sum + value),
            power: curve(
                |sample, _| sample.power.map(|power| power.0 as f32 / 1000.0),
                |sum, value, _| sum + value,
            ),
            temperature: curve(
                |sample, _| sample.temperature.map(f32::from),
                |highest, value, _| highest.max(value),
            ),
        }
    }
}

/// What values come to: from what those before came to, a value, and how many that makes.
type Together = fn(f32, f32, f32) -> f32;

fn mean(before: f32, value: f32, count: f32) -> f32 {
    before + (value - before) / count
}

/// The store keeps shares of the memory, whose size does not change.
fn memory(sample: &Sample, row: &DeviceRow) -> Option<f32> {
    let percent = f32::from(sample.memory?);
    Some(percent / 100.0 * gib(row.device().memory_total.get()?))
}

/// In GiB, as precise as a graph needs it.
#[expect(clippy::cast_possible_truncation, reason = "a graph's precision")]
pub(super) fn gib(bytes: Bytes) -> f32 {
    bytes.gib() as f32
}

/// One curve of several. Nodes report at different moments, so each second has what was current
/// in it; as in the tables, those that are known then make the value.
fn merge(window: Window, mut curves: Vec<Vec<Point>>, of: Together) -> Vec<Point> {
    if curves.len() < 2 {
        return curves.pop().unwrap_or_default();
    }
    let seconds = window.span.as_secs();
    let count = usize::try_from(seconds).unwrap_or(0);
    let window = Window {
        span: Duration::from_secs(seconds),
        ..window
    };
    let mut merged = vec![(None, 0.0); count];
    for curve in curves {
        let columns = window.columns(curve, count);
        for ((sum, known), value) in merged.iter_mut().zip(columns) {
            let Some(value) = value else { continue };
            *known += 1.0;
            *sum = Some(sum.map_or(value, |sum| of(sum, value, *known)));
        }
    }
    let now = window.now.0.as_secs();
    let at = |back: u64| Moment(Duration::from_secs(now.saturating_sub(back)));
    let values = (0..seconds).rev().zip(merged);
    values.map(|(back, (value, _))| (at(back), value)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: Window = Window {
        now: Moment(Duration::from_millis(13_700)),
        span: Duration::from_secs(6),
        hold: Duration::from_secs(2),
    };

    fn points(points: &[(u64, Option<f32>)]) -> Vec<Point> {
        let at = |tenths: &u64| Moment(Duration::from_millis(tenths * 100));
        let points = points.iter().map(|(tenths, value)| (at(tenths), *value));
        points.collect()
    }

    #[test]
    fn one_curve_is_what_it_is() {
        let one = points(&[(81, Some(10.0)), (95, None), (103, Some(30.0))]);
        assert_eq!(merge(WINDOW, vec![one.clone()], mean), one);
        assert_eq!(merge(WINDOW, Vec::new(), mean), []);
    }

    #[test]
    fn what_was_known_in_a_second_is_one_value() {
        let one = points(&[(81, Some(10.0)), (95, None), (103, Some(30.0)), (136, None)]);
        let other = points(&[(92, Some(20.0)), (108, Some(50.0))]);
        let merged = |of| merge(WINDOW, vec![one.clone(), other.clone()], of);
        // One: 10 – 30 30 30 –, other: – 20 50 50 50 –.
        assert_eq!(
            merged(mean),
            points(&[
                (80, Some(10.0)),
                (90, Some(20.0)),
                (100, Some(40.0)),
                (110, Some(40.0)),
                (120, Some(40.0)),
                (130, None),
            ])
        );
        assert_eq!(merged(|sum, value, _| sum + value)[2].1, Some(80.0));
        assert_eq!(
            merged(|highest, value, _| highest.max(value))[2].1,
            Some(50.0)
        );
    }

    #[test]
    fn a_mean_is_that_of_all() {
        let curves = [10.0, 10.0, 70.0].map(|value| points(&[(130, Some(value))]));
        let merged = merge(WINDOW, curves.to_vec(), mean);
        assert_eq!(merged.last().map(|(_, value)| *value), Some(Some(30.0)));
    }
}

//! History in a single line: a label, the value, and a picture one character high.

use super::chart::{Chart, Line};
use super::graph::{Graph, Scale};
use super::text;
use crate::app::tables::{Piece, Tone};

/// Fewer characters of picture tell nothing.
const MIN_PICTURE: u16 = 4;

/// The chart in one line of at most `width` columns: the picture goes first, then the title.
pub(super) fn line(chart: &Chart<'_>, width: u16) -> Line {
    let mut text = label(chart, width);
    let room = width.saturating_sub(text::pieces_width(&text) + 1);
    if room < MIN_PICTURE {
        return Line {
            text,
            ..Line::default()
        };
    }
    text.push(Piece::new(" ", Tone::Plain));
    let values = chart.columns(room);
    let graph = Graph {
        values: &values,
        scale: Scale {
            // In a single line a mark could not be told from a value.
            mark: None,
            ..chart.scale
        },
        fill: chart.fill,
        dots: chart.dots,
    };
    let picture = graph.lines(room, 1).pop().unwrap_or_default();
    Line { text, picture }
}

/// Title and value in at most `width` columns: the value alone where both do not fit.
pub(super) fn label(chart: &Chart<'_>, width: u16) -> Vec<Piece> {
    let value = chart.now.clone();
    let both = vec![
        Piece::new(format!("{} ", chart.title), Tone::Muted),
        value.clone(),
    ];
    if text::pieces_width(&both) <= width {
        return both;
    }
    vec![Piece::new(
        text::fit(&value.text, width).into_owned(),
        value.tone,
    )]
}

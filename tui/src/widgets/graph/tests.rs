//! Exact pictures, and what holds for all of them.

use proptest::prelude::*;

use super::*;

const PERCENT: Scale<'static> = Scale {
    floor: 0.0,
    top: 100.0,
    mark: None,
    ramp: Ramp(&[(50.0, Shade::High), (95.0, Shade::Bad)]),
};

fn graph(values: &[Option<f32>], dots: Dots) -> Graph<'_> {
    Graph {
        values,
        scale: PERCENT,
        fill: Fill::Area,
        dots,
    }
}

fn lines(graph: &Graph<'_>, width: u16, height: u16) -> Vec<String> {
    let text = |runs: Vec<Run>| runs.iter().map(|run| run.text.as_str()).collect();
    graph.lines(width, height).into_iter().map(text).collect()
}

fn known(values: &[u8]) -> Vec<Option<f32>> {
    values.iter().map(|value| Some(f32::from(*value))).collect()
}

#[test]
fn braille_has_two_columns_and_four_steps_in_a_character() {
    let values = known(&[0, 1, 34, 66, 99, 100]);
    let graph = graph(&values, Dots::Braille);
    assert_eq!(lines(&graph, 3, 1), ["⣠⣴⣾"]);
    assert_eq!(lines(&graph, 3, 2), [" ⢠⣾", "⣠⣾⣿"]);
    assert_eq!(lines(&graph, 3, 3), ["  ⣾", " ⣸⣿", "⣠⣿⣿"]);
}

#[test]
fn blocks_have_eight_steps() {
    let values = known(&[0, 1, 20, 40, 60, 80, 99, 100]);
    let graph = graph(&values, Dots::Blocks);
    assert_eq!(lines(&graph, 8, 1), ["▁▂▂▄▅▇▇█"]);
    assert_eq!(lines(&graph, 8, 2), ["    ▂▅▇█", "▁▂▄▇████"]);
}

#[test]
fn ascii_tells_height_by_darkness() {
    let values = known(&[0, 1, 20, 40, 60, 80, 99, 100]);
    let graph = graph(&values, Dots::Ascii);
    assert_eq!(lines(&graph, 8, 1), [".::-+**#"]);
    assert_eq!(lines(&graph, 8, 2), ["    :=*#", ".:=*####"]);
}

#[test]
fn nothing_is_low_and_not_known_is_empty() {
    for (dots, picture) in [
        (Dots::Braille, "⣀ ⢀⡀"),
        (Dots::Blocks, "▁▁  "),
        (Dots::Ascii, "..  "),
    ] {
        let values = match dots {
            Dots::Braille => vec![
                Some(0.0),
                Some(0.0),
                None,
                None,
                None,
                Some(0.0),
                Some(0.0),
                None,
            ],
            _ => vec![Some(0.0), Some(0.0), None, Some(f32::NAN)],
        };
        assert_eq!(lines(&graph(&values, dots), 4, 1), [picture]);
    }
}

#[test]
fn the_newest_stands_at_the_right_and_the_oldest_falls_off() {
    let values = known(&[100, 0, 100]);
    assert_eq!(lines(&graph(&values, Dots::Blocks), 5, 1), ["  █▁█"]);
    assert_eq!(lines(&graph(&values, Dots::Blocks), 2, 1), ["▁█"]);
    assert_eq!(lines(&graph(&values, Dots::Braille), 2, 1), ["⢸⣸"]);
}

#[test]
fn a_line_joins_neighbours_but_not_over_a_gap() {
    fn line(values: &[Option<f32>]) -> Graph<'_> {
        Graph {
            fill: Fill::Line,
            ..graph(values, Dots::Braille)
        }
    }
    let mut values = known(&[0, 0, 100, 100, 0, 0]);
    assert_eq!(lines(&line(&values), 3, 2), [" ⡏⡆", "⣀⠇⣇"]);
    values[2] = None;
    assert_eq!(lines(&line(&values), 3, 2), [" ⠈⡆", "⣀ ⣇"]);
    let blocks = Graph {
        dots: Dots::Blocks,
        ..line(&values)
    };
    assert_eq!(lines(&blocks, 6, 1), ["▁▁ █▁▁"]);
}

#[test]
fn a_limit_is_marked_where_nothing_else_is() {
    let values = known(&[0, 100, 0]);
    let marked = |dots, mark| Graph {
        scale: Scale {
            mark: Some(mark),
            ..PERCENT
        },
        ..graph(&values, dots)
    };
    assert_eq!(lines(&marked(Dots::Blocks, 100.0), 3, 2), ["▔█▔", "▁█▁"]);
    assert_eq!(lines(&marked(Dots::Blocks, 60.0), 4, 2), ["╌ █ ", " ▁█▁"]);
    assert_eq!(lines(&marked(Dots::Ascii, 60.0), 4, 2), ["~ # ", " .#."]);
    assert_eq!(lines(&marked(Dots::Braille, 100.0), 4, 2), ["⠁⠁⠁⡇", "  ⢀⣇"]);
    assert_eq!(lines(&marked(Dots::Braille, 70.0), 3, 2), ["⠄⠄⡇", " ⢀⣇"]);
    // One that lies outside the scale is not there.
    for outside in [0.0, 100.5, f32::NAN] {
        assert_eq!(lines(&marked(Dots::Blocks, outside), 3, 2), [" █ ", "▁█▁"]);
    }
}

#[test]
fn shades_go_by_value_and_height() {
    let values = known(&[20, 60, 97]);
    let shades = |height| -> Vec<Vec<(String, Shade)>> {
        let lines = graph(&values, Dots::Blocks).lines(3, height);
        let runs = |line: Vec<Run>| line.into_iter().map(|run| (run.text, run.shade)).collect();
        lines.into_iter().map(runs).collect()
    };
    let run = |text: &str, shade| (text.to_owned(), shade);
    assert_eq!(
        shades(1),
        [[
            run("▂", Shade::Low),
            run("▅", Shade::High),
            run("▇", Shade::Bad)
        ]]
    );
    // The foot of a high column is no alarm.
    assert_eq!(
        shades(3),
        [
            vec![run("  ", Shade::Blank), run("▇", Shade::Bad)],
            vec![run(" ", Shade::Blank), run("▇█", Shade::High)],
            vec![run("▆██", Shade::Low)],
        ]
    );
}

#[test]
fn a_scale_without_height_or_room_is_survived() {
    let values = known(&[1, 2]);
    let flat = Graph {
        scale: Scale {
            top: 0.0,
            ..PERCENT
        },
        ..graph(&values, Dots::Blocks)
    };
    assert_eq!(lines(&flat, 2, 1), ["██"]);
    assert_eq!(lines(&flat, 0, 1), [""]);
    assert!(lines(&flat, 2, 0).is_empty());
}

proptest! {
    /// Every line is as wide as asked for, whatever the values are.
    #[test]
    fn lines_fill_their_room(
        values in proptest::collection::vec(proptest::option::of(any::<f32>()), 0..80),
        (floor, top, mark) in (any::<f32>(), any::<f32>(), proptest::option::of(any::<f32>())),
        (width, height) in (0_u16..40, 0_u16..8),
        fill in prop_oneof![Just(Fill::Area), Just(Fill::Line)],
        dots in prop_oneof![Just(Dots::Braille), Just(Dots::Blocks), Just(Dots::Ascii)],
    ) {
        let scale = Scale { floor, top, mark, ..PERCENT };
        let graph = Graph { values: &values, scale, fill, dots };
        let lines = lines(&graph, width, height);
        prop_assert_eq!(lines.len(), usize::from(height));
        for line in lines {
            prop_assert_eq!(text::width(&line), width);
        }
    }

    /// A higher value is never drawn lower, nothing is lower than anything, all is above all else.
    #[test]
    fn height_follows_the_value(a in 0.0_f32..=100.0, b in 0.0_f32..=100.0, steps in 3_usize..40) {
        let level = |value| PERCENT.level(value, steps);
        prop_assert!(a > b || level(a) <= level(b));
        prop_assert_eq!(level(a) == steps, a >= 100.0);
        prop_assert_eq!(level(a) == 1, a <= 0.0);
    }
}

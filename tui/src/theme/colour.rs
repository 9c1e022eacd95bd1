//! Arithmetic of colours for the tests: how well they can be read and told apart.

use ratatui::style::Color;

/// Red, green and blue from 0 to 255.
pub(super) type Rgb = [u8; 3];

pub(super) const BLACK: Rgb = [0; 3];
pub(super) const WHITE: Rgb = [255; 3];

/// The first sixteen colours as xterm has them (`XTerm-col.ad`).
const SIXTEEN: [Rgb; 16] = [
    [0, 0, 0],
    [205, 0, 0],
    [0, 205, 0],
    [205, 205, 0],
    [0, 0, 238],
    [205, 0, 205],
    [0, 205, 205],
    [229, 229, 229],
    [127, 127, 127],
    [255, 0, 0],
    [0, 255, 0],
    [255, 255, 0],
    [92, 92, 255],
    [255, 0, 255],
    [0, 255, 255],
    [255, 255, 255],
];

/// Position among the 256; `None` for the terminal's own colour and for 24-bit ones.
pub(super) fn index(color: Color) -> Option<u8> {
    Some(match color {
        Color::Black => 0,
        Color::Red => 1,
        Color::Green => 2,
        Color::Yellow => 3,
        Color::Blue => 4,
        Color::Magenta => 5,
        Color::Cyan => 6,
        Color::Gray => 7,
        Color::DarkGray => 8,
        Color::LightRed => 9,
        Color::LightGreen => 10,
        Color::LightYellow => 11,
        Color::LightBlue => 12,
        Color::LightMagenta => 13,
        Color::LightCyan => 14,
        Color::White => 15,
        Color::Indexed(index) => index,
        Color::Reset | Color::Rgb(..) => return None,
    })
}

/// What xterm shows: sixteen colours, a cube of 6×6×6, and 24 greys.
pub(super) fn rgb(index: u8) -> Rgb {
    match index {
        0..16 => SIXTEEN[usize::from(index)],
        16..232 => {
            let cube = index - 16;
            [cube / 36, cube / 6 % 6, cube % 6].map(|step| match step {
                0 => 0,
                step => 55 + 40 * step,
            })
        }
        232.. => [8 + 10 * (index - 232); 3],
    }
}

/// Linear light of a channel, 0 to 1 (IEC 61966-2-1).
fn linear(channel: u8) -> f64 {
    let value = f64::from(channel) / 255.0;
    if value <= 0.040_45 {
        value / 12.92
    } else {
        ((value + 0.055) / 1.055).powf(2.4)
    }
}

fn luminance(color: Rgb) -> f64 {
    let [r, g, b] = color.map(linear);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

/// Contrast of WCAG 2.1, 1 to 21.
pub(super) fn contrast(one: Rgb, other: Rgb) -> f64 {
    let (one, other) = (luminance(one), luminance(other));
    (one.max(other) + 0.05) / (one.min(other) + 0.05)
}

/// How an eye sees.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sight {
    Usual,
    /// Without the green receptors.
    Deuteranopia,
    /// Without the red receptors.
    Protanopia,
}

impl Sight {
    pub(super) const ALL: [Self; 3] = [Self::Usual, Self::Deuteranopia, Self::Protanopia];

    /// Machado, Oliveira, Fernandes: A Physiologically-based Model for Simulation of Color Vision
    /// Deficiency (2009), severity 1.
    const fn matrix(self) -> [[f64; 3]; 3] {
        match self {
            Self::Usual => [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            Self::Deuteranopia => [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            Self::Protanopia => [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
        }
    }
}

/// CIELAB under D65, as the eye sees it.
fn lab(color: Rgb, sight: Sight) -> [f64; 3] {
    let light = color.map(linear);
    let [red, green, blue] = sight.matrix().map(|row| {
        let sum: f64 = row
            .iter()
            .zip(light)
            .map(|(factor, light)| factor * light)
            .sum();
        sum.clamp(0.0, 1.0)
    });
    let f = |t: f64| {
        if t > 216.0 / 24_389.0 {
            t.cbrt()
        } else {
            (24_389.0 / 27.0 * t + 16.0) / 116.0
        }
    };
    let x = f((0.4124 * red + 0.3576 * green + 0.1805 * blue) / 0.950_47);
    let y = f(0.2126 * red + 0.7152 * green + 0.0722 * blue);
    let z = f((0.0193 * red + 0.1192 * green + 0.9505 * blue) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// How far apart two colours look (CIE76); 2.3 is just noticeable side by side.
pub(super) fn distance(one: Rgb, other: Rgb, sight: Sight) -> f64 {
    let (one, other) = (lab(one, sight), lab(other, sight));
    let squares = one.iter().zip(other).map(|(a, b)| (a - b).powi(2));
    squares.sum::<f64>().sqrt()
}

#[test]
fn known_values() {
    assert!((contrast(BLACK, WHITE) - 21.0).abs() < 0.001);
    // #767676 is the lightest grey that passes AA on white: 4.54.
    assert!((contrast([0x76; 3], WHITE) - 4.54).abs() < 0.01);
    assert_eq!(rgb(110), [0x87, 0xaf, 0xd7]);
    assert_eq!(rgb(255), [0xee; 3]);
    assert!(distance(BLACK, WHITE, Sight::Usual) > 99.0);
    // Red and green of equal weight: far apart for most, near for some.
    let (red, green) = ([0xd7, 0x5f, 0x5f], [0x87, 0x87, 0x5f]);
    let usual = distance(red, green, Sight::Usual);
    assert!(distance(red, green, Sight::Deuteranopia) < usual / 2.0);
}

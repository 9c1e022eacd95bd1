//! Cells as data: text with a meaning, and a share for a bar.

use std::borrow::Cow;

use gputop_model::Reading;

use crate::app::format::UNKNOWN;

/// What a piece of text means; the theme says how that looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Tone {
    /// Nothing in particular.
    #[default]
    Plain,
    /// What the row is about.
    Strong,
    /// Of second rank.
    Muted,
    /// Hardly there: rules, tracks of bars, repetitions.
    Faint,
    /// The product's own colour.
    Accent,
    /// At work.
    Good,
    /// Wants to be looked at: idle but allocated, lost, waiting.
    Warn,
    /// Heat, errors, throttling, memory nearly full.
    Bad,
    /// Use that the scheduler knows nothing of.
    Notice,
}

/// Text of one meaning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The text.
    pub text: Cow<'static, str>,
    /// Its meaning.
    pub tone: Tone,
}

impl Piece {
    /// Text with a meaning.
    pub fn new(text: impl Into<Cow<'static, str>>, tone: Tone) -> Self {
        Self {
            text: text.into(),
            tone,
        }
    }
}

/// A bar.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gauge {
    /// How full, 0..=100.
    pub percent: u8,
    /// What the filled part means.
    pub tone: Tone,
}

/// One cell of a table.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cell {
    /// What it says.
    pub pieces: Vec<Piece>,
    /// What it says when there is less room.
    pub short: Option<Vec<Piece>>,
    /// The bar beside the text, where there is room for it.
    pub gauge: Option<Gauge>,
    /// The value is no longer fresh, whatever the rest of the row is.
    pub stale: bool,
}

impl Cell {
    /// One piece of text.
    pub fn new(text: impl Into<Cow<'static, str>>, tone: Tone) -> Self {
        Self {
            pieces: vec![Piece::new(text, tone)],
            ..Self::default()
        }
    }

    /// Several pieces of text.
    #[must_use]
    pub fn of(pieces: Vec<Piece>) -> Self {
        Self {
            pieces,
            ..Self::default()
        }
    }

    /// A value that nobody knows.
    #[must_use]
    pub fn unknown() -> Self {
        Self::new(UNKNOWN, Tone::Faint)
    }

    /// `value`, or the sign for an unknown one.
    #[must_use]
    pub fn known<T>(value: Option<T>, make: impl FnOnce(T) -> Self) -> Self {
        value.map_or_else(Self::unknown, make)
    }

    /// A measured value; a stale one is marked as such.
    #[must_use]
    pub fn reading<T>(reading: &Reading<T>, make: impl FnOnce(&T) -> Self) -> Self {
        let mut cell = Self::known(reading.known(), make);
        cell.stale = reading.age().is_some();
        cell
    }

    /// The same with another text for less room.
    #[must_use]
    pub fn or_short(mut self, pieces: Vec<Piece>) -> Self {
        self.short = Some(pieces);
        self
    }

    /// The same with a bar.
    #[must_use]
    pub fn with_gauge(mut self, percent: u8, tone: Tone) -> Self {
        self.gauge = Some(Gauge {
            percent: percent.min(100),
            tone,
        });
        self
    }

    /// Whether it says nothing, or nothing but that nobody knows.
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.pieces
            .iter()
            .all(|piece| piece.text.is_empty() || piece.text == UNKNOWN)
    }

    /// The text without its meanings.
    #[must_use]
    pub fn text(&self) -> String {
        self.pieces.iter().map(|piece| &*piece.text).collect()
    }
}

//! What a column is: its title, how much room it wants, and what is in it.

use gputop_fleet::state::{DeviceRow, NodeRow, PodRow, ProcessRow};

use super::Cx;
use super::cell::Cell;

/// A column of a table.
#[derive(Debug)]
pub struct Column {
    /// Heading.
    pub title: &'static str,
    /// Side on which the text stands.
    pub align: Align,
    /// Below this many columns it is not worth showing.
    pub min: u16,
    /// How much it takes when there is room.
    pub want: Want,
    /// How much it takes when there is still room after all have what they want.
    pub max: u16,
    /// The highest number is given up first; 0 never.
    pub priority: u8,
    /// The lowest number is the first to get what it wants: words before bars.
    pub grows: u8,
    /// It shows measurements; a sentence takes their place where there are none.
    pub metric: bool,
    /// It goes dim when the measurements are old.
    pub fades: bool,
    /// It is left out while every cell of it is empty.
    pub optional: bool,
    pub(super) content: Content,
}

/// Side on which text stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// How much room a column wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Want {
    /// This many columns.
    Fixed(u16),
    /// As many as its widest cell, up to this many.
    Content(u16),
}

/// How a cell is made; each kind for the rows of one table.
#[derive(Debug, Clone, Copy)]
pub(super) enum Content {
    Node(fn(&Cx<'_>, &NodeRow) -> Cell),
    Device(fn(&Cx<'_>, &DeviceRow) -> Cell),
    Pod(fn(&Cx<'_>, &PodRow) -> Cell),
    Process(fn(&Cx<'_>, &ProcessRow) -> Cell),
}

impl Column {
    /// A column of words, as wide as its content.
    pub(super) const fn words(
        title: &'static str,
        priority: u8,
        (min, max): (u16, u16),
        content: Content,
    ) -> Self {
        Self {
            title,
            align: Align::Left,
            min,
            want: Want::Content(max),
            max: 0,
            priority,
            grows: priority,
            metric: false,
            fades: false,
            optional: false,
            content,
        }
    }

    /// A column of numbers.
    pub(super) const fn number(
        title: &'static str,
        priority: u8,
        width: u16,
        content: Content,
    ) -> Self {
        Self {
            align: Align::Right,
            want: Want::Fixed(width),
            ..Self::words(title, priority, (width, width), content)
        }
    }

    /// A column of numbers that may be followed by what they are measured against.
    pub(super) const fn amount(
        title: &'static str,
        priority: u8,
        (min, want): (u16, u16),
        content: Content,
    ) -> Self {
        Self {
            min,
            want: Want::Fixed(want),
            ..Self::number(title, priority, min, content)
        }
    }

    /// A number with a bar where there is room.
    pub(super) const fn gauge(
        title: &'static str,
        priority: u8,
        (min, want, max): (u16, u16, u16),
        content: Content,
    ) -> Self {
        Self {
            align: Align::Right,
            want: Want::Fixed(want),
            max,
            metric: true,
            fades: true,
            grows: priority + 10,
            ..Self::words(title, priority, (min, want), content)
        }
    }

    /// The same column, of measurements.
    pub(super) const fn measured(mut self) -> Self {
        self.metric = true;
        self.fades = true;
        self
    }

    /// The same column, in place of which a sentence may stand, but which does not go dim.
    pub(super) const fn remarks(mut self) -> Self {
        self.metric = true;
        self
    }

    /// The same column with another rank among those that grow; bars have theirs from 10 on.
    pub(super) const fn growing(mut self, rank: u8) -> Self {
        self.grows = rank;
        self
    }

    /// The same column, left out while it is empty.
    pub(super) const fn when_filled(mut self) -> Self {
        self.optional = true;
        self
    }
}

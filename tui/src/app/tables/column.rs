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
    /// Below this many columns it is not worth showing on a roomy screen: names come before more
    /// columns.
    pub roomy: u16,
    /// It is shown when its short form fits as a whole, if that takes no more than this; 0: never
    /// mind.
    pub short: u16,
    /// How much it takes when there is room.
    pub want: Want,
    /// How much it takes when there is still room after all have what they want.
    pub max: u16,
    /// The highest number is given up first; 0 never.
    pub priority: u8,
    /// The lowest number is the first to get what it wants: words before bars.
    pub grows: u8,
    /// What it has to do with measurements.
    pub shows: Shows,
    /// It is left out while no cell of it says anything, or nothing but that nobody knows.
    pub optional: bool,
    /// It is of second rank: shown when more columns are asked for.
    pub wide: bool,
    /// It says what rows that are grouped say by where they stand.
    pub flat: bool,
    /// The field that the table is sorted by when it is sorted by this column.
    pub field: Option<&'static str>,
    pub(super) content: Content,
}

/// What a column has to do with measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Nothing: what the API says.
    Facts,
    /// Measurements: they go dim when they are old, and a sentence takes their place where there
    /// are none.
    Measurements,
    /// Remarks, of which a sentence may take the place, but which do not go dim.
    Remarks,
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
    /// Whether a sentence takes its place where nothing is measured.
    #[must_use]
    pub const fn yields(&self) -> bool {
        !matches!(self.shows, Shows::Facts)
    }

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
            roomy: 0,
            short: 0,
            want: Want::Content(max),
            max: 0,
            priority,
            grows: priority,
            shows: Shows::Facts,
            optional: false,
            wide: false,
            flat: false,
            field: None,
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
            shows: Shows::Measurements,
            grows: priority + 10,
            ..Self::words(title, priority, (min, want), content)
        }
    }

    /// The same column, of measurements.
    pub(super) const fn measured(mut self) -> Self {
        self.shows = Shows::Measurements;
        self
    }

    /// The same column, in place of which a sentence may stand, but which does not go dim.
    pub(super) const fn remarks(mut self) -> Self {
        self.shows = Shows::Remarks;
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

    /// The same column, which takes at least this much where there is much room.
    pub(super) const fn roomy(mut self, min: u16) -> Self {
        self.roomy = min;
        self
    }

    /// The same column, of which the short form is not cut while it takes no more than this.
    pub(super) const fn short(mut self, most: u16) -> Self {
        self.short = most;
        self
    }

    /// The same column, of second rank: only there when more columns are asked for.
    pub(super) const fn second(mut self) -> Self {
        self.wide = true;
        self
    }

    /// The same column, left out where rows stand below what it says.
    pub(super) const fn flat(mut self) -> Self {
        self.flat = true;
        self
    }

    /// The same column, by which the table can be sorted as by the values of `field`.
    pub(super) const fn by(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }
}

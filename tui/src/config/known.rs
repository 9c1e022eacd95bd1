//! The names that a configuration may use: columns and actions of the app.

use super::keymap::{Bindable, Ground};
use crate::app::actions::{self, ActionId, Scope};
use crate::app::{View, sort, tables};

/// The names that a configuration may use.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Columns of each table, by [`View::position`].
    pub columns: [Vec<KnownColumn>; 4],
    /// Actions that have keys, or may have.
    pub actions: Vec<Bindable>,
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownColumn {
    /// Its title.
    pub title: &'static str,
    /// The table can be sorted by it.
    pub sortable: bool,
    /// The largest value is first unless asked for otherwise.
    pub descending_first: bool,
}

impl Known {
    /// Those of the app.
    #[must_use]
    pub fn of_app() -> Self {
        Self {
            columns: View::ALL.map(columns),
            actions: actions::all().map(bindable).collect(),
        }
    }

    /// The columns of a table.
    #[must_use]
    pub fn columns(&self, view: View) -> &[KnownColumn] {
        &self.columns[view.position()]
    }
}

fn columns(view: View) -> Vec<KnownColumn> {
    let sortable = sort::columns(view);
    let column = |column: &tables::Column| KnownColumn {
        title: column.title,
        sortable: sortable.contains(&column.title),
        descending_first: sort::begins_descending(view, column.title),
    };
    tables::columns(view).iter().map(column).collect()
}

fn bindable(action: &'static actions::Action) -> Bindable {
    let active = Scope::ACTIVE_SETS
        .iter()
        .filter(|scopes| scopes.contains(&action.scope));
    let ground = |scopes: &&'static [Scope]| Ground {
        name: scopes[0].title(),
        takes_text: matches!(
            scopes[0],
            Scope::Filter | Scope::Search | Scope::Picker | Scope::Prompt
        ),
    };
    Bindable {
        name: action.name,
        help: action.help,
        grounds: active.map(ground).collect(),
        keys: action.keys,
        quits: action.id == ActionId::Quit,
    }
}

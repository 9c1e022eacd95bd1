//! The lists to choose from, and what choosing does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gputop_fleet::inspect::shell::ShellTarget;
use gputop_fleet::inspect::{Ask, Subject};

use gputop_model::{ContainerInfo, ContainerRole, ContainerState, PodKey};

use super::actions::{self, ActionId, Scope};
use super::format;
use super::layers::{Choice, Item, Layer, PageKind, Picker, PickerKind};
use super::pages;
use super::perform::perform;
use super::sort::{self, Sort};
use super::state::State;
use super::update::Effect;
use crate::theme::Theme;

/// Opens a list.
pub(super) fn open(state: &mut State, kind: PickerKind) -> Vec<Effect> {
    let (title, items) = match kind {
        PickerKind::Palette => ("All actions", palette(state)),
        PickerKind::Sort => ("Sort by", sorts(state)),
        PickerKind::Namespace => ("Namespace", namespaces(state)),
        PickerKind::Context => ("Context", contexts(state)),
        PickerKind::Theme => ("Theme", themes()),
        PickerKind::LogContainer => ("Logs of which container", log_containers(state)),
        PickerKind::ShellContainer => ("A shell in which container", shell_containers(state)),
    };
    let mut picker = Picker::new(kind, title, items);
    let mut effects = Vec::new();
    if asks_for_namespaces(state, kind) {
        state.namespaces_asked = Some(state.time);
        let id = state.next_ask();
        picker.ask = Some(id);
        effects.push(Effect::Ask(id, Ask::Namespaces));
    }
    state.layers.push(Layer::Picker(Box::new(picker)));
    effects
}

/// How long a list of namespaces is new enough for the list of everything, which is opened often.
const NAMESPACES_KEEP: Duration = Duration::from_secs(60);

/// Namespaces without pods are only known to who asks for them.
fn asks_for_namespaces(state: &State, kind: PickerKind) -> bool {
    let asked = state.namespaces_asked;
    let lately = asked.is_some_and(|asked| state.time.since(asked) < NAMESPACES_KEEP);
    match kind {
        _ if state.session.replay => false,
        PickerKind::Namespace => true,
        PickerKind::Palette => !lately,
        _ => false,
    }
}

fn item(label: impl Into<String>, detail: impl Into<String>, choice: Choice) -> Item {
    Item {
        label: label.into(),
        detail: detail.into(),
        keys: String::new(),
        choice,
        reason: None,
    }
}

/// Every action of the table below, then every context, namespace, column and theme.
fn palette(state: &State) -> Vec<Item> {
    let scopes = Scope::active(state);
    let skipped = [
        ActionId::Palette,
        ActionId::Move(actions::Motion::Down),
        ActionId::Move(actions::Motion::Up),
    ];
    let mut named = BTreeSet::new();
    let mut items: Vec<Item> = actions::all()
        .filter(|action| scopes.contains(&action.scope) && !skipped.contains(&action.id))
        .filter(|action| action.name != "interrupt" && named.insert(action.name))
        .map(|action| {
            let keys: Vec<String> = state
                .keymap
                .chords(action)
                .iter()
                .map(ToString::to_string)
                .collect();
            Item {
                keys: keys.join(" "),
                reason: (action.available)(state).err(),
                ..item(action.name, action.help, Choice::Action(action.id))
            }
        })
        .collect();
    let prefixed = |prefix: &str, list: Vec<Item>| {
        list.into_iter()
            .map(|mut item| {
                item.label = format!("{prefix} {}", item.label);
                item
            })
            .collect::<Vec<_>>()
    };
    items.extend(prefixed("ctx", contexts(state)));
    items.extend(namespaces(state).into_iter().map(in_palette));
    items.extend(prefixed("sort", sorts(state)));
    items.extend(prefixed("theme", themes()));
    items
}

fn sorts(state: &State) -> Vec<Item> {
    let now = state.place().sort;
    let mut items = vec![item(
        "as it comes",
        "the table's own order",
        Choice::Sort(None),
    )];
    items.extend(sort::columns(state.place().view).into_iter().map(|column| {
        // Numbers are asked for from the top, names from the beginning.
        let descending = match now {
            Some(now) if now.column == column => !now.descending,
            _ => sort::begins_descending(state.place().view, column),
        };
        let order = if descending {
            "highest first"
        } else {
            "lowest first"
        };
        item(
            column,
            order,
            Choice::Sort(Some(Sort { column, descending })),
        )
    }));
    items
}

/// A namespace as the list of everything calls it.
fn in_palette(mut item: Item) -> Item {
    item.label = format!("ns {}", item.label);
    item
}

/// Adds the namespaces that the API server has listed to a list that has others already.
pub(super) fn offer_namespaces(picker: &mut Picker, names: &[String]) {
    let chosen = picker.item().map(|item| item.choice.clone());
    for name in names {
        let item = namespace_item(name, None);
        if picker.items.iter().any(|known| known.choice == item.choice) {
            continue;
        }
        picker.items.push(match picker.kind {
            PickerKind::Palette => in_palette(item),
            _ => item,
        });
    }
    picker.narrow();
    let at = picker
        .shown
        .iter()
        .position(|at| Some(&picker.items[*at].choice) == chosen.as_ref());
    picker.selected = at.unwrap_or(0);
}

fn namespace_item(name: &str, pods: Option<usize>) -> Item {
    let detail = pods.map_or_else(String::new, |pods| format::count(pods, "pod"));
    item(name, detail, Choice::Namespace(Some(name.to_owned())))
}

fn namespaces(state: &State) -> Vec<Item> {
    let listed = state.namespaces.iter();
    let mut counts: BTreeMap<&str, Option<usize>> =
        listed.map(|name| (name.as_str(), None)).collect();
    for row in &state.picture.pods {
        let count = counts.entry(&row.info.key.namespace).or_default();
        *count = Some(count.unwrap_or_default() + 1);
    }
    let mut items = vec![item("all", "of all namespaces", Choice::Namespace(None))];
    items.extend(
        counts
            .into_iter()
            .map(|(name, pods)| namespace_item(name, pods)),
    );
    items
}

fn contexts(state: &State) -> Vec<Item> {
    if state.can_switch_context().is_err() {
        return Vec::new();
    }
    state
        .session
        .contexts
        .iter()
        .map(|name| {
            let here = *name == state.session.context;
            item(
                name,
                if here {
                    "where you are"
                } else {
                    "another cluster or user"
                },
                Choice::Context(name.clone()),
            )
        })
        .collect()
}

fn themes() -> Vec<Item> {
    Theme::NAMES
        .iter()
        .map(|name| item(*name, "", Choice::Theme(name)))
        .collect()
}

fn log_containers(state: &State) -> Vec<Item> {
    let Some(Subject::Pod(key)) = state.page().and_then(|page| page.subject.as_ref()) else {
        return Vec::new();
    };
    let offer = |container: &ContainerInfo| {
        let choice = Choice::LogContainer(container.name.clone());
        container_item(state, container, choice)
    };
    state.containers(key).iter().map(offer).collect()
}

fn shell_containers(state: &State) -> Vec<Item> {
    let Ok(key) = state.pod() else {
        return Vec::new();
    };
    let offer = |container: &ContainerInfo| {
        let choice = Choice::ShellContainer(key.clone(), container.name.clone());
        container_item(state, container, choice)
    };
    running(state, &key).map(offer).collect()
}

/// What a container is and does: `Running for 3d4h`, `init · Terminated`.
fn container_item(state: &State, container: &ContainerInfo, choice: Choice) -> Item {
    let mut words = Vec::new();
    if container.role != ContainerRole::Main {
        words.push(container.role.name().to_owned());
    }
    words.push(match &container.state {
        ContainerState::Unknown => "not started".to_owned(),
        ContainerState::Waiting { reason } => format!("waiting: {reason}"),
        ContainerState::Running { since: Some(since) } => {
            format!("running for {}", format::age(state.clock.age(*since)))
        }
        ContainerState::Running { since: None } => "running".to_owned(),
        ContainerState::Terminated { reason, .. } => format!("ended: {reason}"),
    });
    if container.restarts > 0 {
        let times = usize::try_from(container.restarts).unwrap_or(usize::MAX);
        words.push(format::count(times, "restart"));
    }
    item(container.name.clone(), words.join(" · "), choice)
}

/// The containers of a pod in which something runs now.
fn running<'a>(state: &'a State, key: &PodKey) -> impl Iterator<Item = &'a ContainerInfo> {
    let containers = state.containers(key).iter();
    containers.filter(|container| matches!(container.state, ContainerState::Running { .. }))
}

/// Carries out what is selected in the list on top.
pub(super) fn choose(state: &mut State) -> Vec<Effect> {
    let Some(Layer::Picker(picker)) = state.layers.last() else {
        return Vec::new();
    };
    let Some(item) = picker.item().cloned() else {
        return Vec::new();
    };
    if let Some(reason) = item.reason {
        state.say(format!("{}: {reason}", item.label));
        return Vec::new();
    }
    let mut effects = pages::close(state);
    effects.extend(take(state, item.choice));
    effects
}

fn take(state: &mut State, choice: Choice) -> Vec<Effect> {
    match choice {
        Choice::Action(id) => return perform(state, id),
        Choice::Sort(sort) => {
            state.place_mut().sort = sort;
            state.rows_changed = true;
        }
        Choice::Namespace(namespace) => {
            state.last_namespace = state.namespace.take();
            state.namespace = namespace;
            state.rows_changed = true;
        }
        Choice::Context(name) if name == state.session.context => {
            state.say(format!("{name} is where you are"));
        }
        Choice::Context(name) => return vec![Effect::SwitchContext(name)],
        Choice::Theme(name) => {
            if let Some(theme) = Theme::by_name(name) {
                state.theme = theme;
            }
        }
        Choice::LogContainer(name) => {
            return pages::with_page(state, |state, page| {
                if page.kind != PageKind::Logs {
                    return Vec::new();
                }
                page.container = Some(name);
                page.follow = true;
                pages::ask(state, page)
            });
        }
        Choice::ShellContainer(pod, name) => {
            return vec![Effect::Shell(ShellTarget {
                pod,
                container: Some(name),
            })];
        }
    }
    Vec::new()
}

/// Opens a shell in the selected pod; asks for the container where there are several.
pub(super) fn shell(state: &mut State) -> Vec<Effect> {
    let Ok(pod) = state.pod() else {
        return Vec::new();
    };
    if running(state, &pod).count() > 1 {
        return open(state, PickerKind::ShellContainer);
    }
    vec![Effect::Shell(ShellTarget {
        pod,
        container: None,
    })]
}

//! The demo is recorded and played again: both show the same.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use flate2::Compression;
use flate2::read::MultiGzDecoder;
use flate2::write::GzEncoder;
use gputop_fleet::engine::{self, Engine, Options};
use gputop_fleet::link::Interest;
use gputop_fleet::state::{Fleet, Picture, Settings, join};
use gputop_k3s::app::{Seek, Session};
use gputop_k3s::export::{Kind, list};
use gputop_k3s::recording::{Header, NewFile, Recorder, Replay};
use gputop_k3s::runtime::{News, Source};
use gputop_model::{Clock, Holder, Moment};
use gputop_sim::{SimCluster, scenario};
use jiff::Timestamp;
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::{Instant, pause, resume, timeout, timeout_at};

const KINDS: [Kind; 4] = [Kind::Nodes, Kind::Gpus, Kind::Pods, Kind::Processes];

/// When what is shown is compared: not at whole seconds, where much happens at the same time.
fn offsets() -> impl Iterator<Item = Duration> {
    (0..15).map(|step| Duration::from_millis(5_337 + step * 10_000))
}

fn start() -> Timestamp {
    "2026-03-14T09:26:53Z".parse().unwrap()
}

/// An engine whose wall clock is the simulation's.
struct Simulated(Engine);

impl Source for Simulated {
    async fn next(&mut self) -> News {
        News::Event(self.0.next().await)
    }

    fn clock(&self, epoch: Instant) -> Clock {
        let now = engine::moment(epoch);
        let wall = start().checked_add(now.0).unwrap();
        Clock { now, wall }
    }

    fn interest(&mut self, interest: Interest) {
        self.0.interest(interest);
    }
}

/// What was shown at the offsets.
type Shown = Vec<Picture>;

fn take(fleet: &mut Fleet, news: News) -> Option<String> {
    match news {
        News::Event(event) => assert_eq!(event.apply(fleet), None, "nothing is asked"),
        News::Wound(found) => *fleet = *found,
        News::RecordingStopped(text) | News::Said(text) => return Some(text),
    }
    None
}

/// The tables of that moment, which it must be. Each timer is up to a millisecond late.
fn picture(fleet: &Fleet, clock: Clock, offset: Duration) -> Picture {
    let exact = Clock {
        now: Moment(offset),
        wall: start().checked_add(offset).unwrap(),
    };
    let late = clock.now.since(exact.now);
    assert!(
        clock.now >= exact.now && late < Duration::from_millis(5),
        "{late:?}"
    );
    let late = clock.wall.duration_since(exact.wall).as_millis();
    assert!((0..6).contains(&late), "{late} ms");
    join(fleet, exact, &Settings::default())
}

/// Looks at a source until each offset; what it says is none of what is expected.
async fn watch(source: &mut impl Source, fleet: &mut Fleet, epoch: Instant) -> Shown {
    let mut shown = Shown::new();
    for offset in offsets() {
        while let Ok(news) = timeout_at(epoch + offset, source.next()).await {
            assert_eq!(take(fleet, news), None);
        }
        shown.push(picture(fleet, source.clock(epoch), offset));
    }
    shown
}

/// A recording of two and a half minutes of the demo, and what was shown meanwhile.
struct Recorded {
    folder: TempDir,
    path: PathBuf,
    shown: Shown,
    fleet: Fleet,
}

/// Must be called under paused time.
async fn record(names: bool) -> Recorded {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("demo.gptr");
    let homelab = scenario::builtin("homelab").unwrap();
    let seed = gputop_sim::Options {
        seed: 7,
        start: start(),
    };
    let cluster = SimCluster::start(homelab, seed);
    let epoch = Instant::now();
    let options = Options {
        agents: true,
        namespace: "default".to_owned(),
        epoch,
    };
    let source = Simulated(Engine::start(&cluster.client(), &options));
    let session = Session {
        context: "homelab".to_owned(),
        ..Session::default()
    };
    let header = Header::new(&session, start(), names);
    let file = NewFile::create(&path).unwrap();
    let mut recorder = Recorder::start(source, file, header, epoch);
    // Somebody looks, so that daemons are asked for what they measured before.
    recorder.interest(Interest::default());
    let mut fleet = Fleet::new();
    let shown = watch(&mut recorder, &mut fleet, epoch).await;
    let rest = Instant::now() + Duration::from_secs(3);
    while let Ok(news) = timeout_at(rest, recorder.next()).await {
        take(&mut fleet, news);
    }
    // The disk is real, and time must not run away from it.
    resume();
    let summary = recorder.finish().await.unwrap();
    pause();
    assert_eq!((summary.dropped, &summary.failure), (0, &None));
    assert!(summary.length >= Duration::from_secs(140), "{summary:?}");
    Recorded {
        folder,
        path,
        shown,
        fleet,
    }
}

fn unpacked(path: &Path) -> String {
    let mut text = String::new();
    let mut unpacking = MultiGzDecoder::new(fs::File::open(path).unwrap());
    unpacking.read_to_string(&mut text).unwrap();
    text
}

fn items(picture: &Picture, kind: Kind) -> Vec<Value> {
    let mut value = serde_json::to_value(list(picture, kind, None)).unwrap();
    match value["items"].take() {
        Value::Array(items) => items,
        other => panic!("{other}"),
    }
}

/// Takes out what is redacted also where names stay.
fn without_users(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|key, _| key != "user" && key != "outside");
            object.values_mut().for_each(without_users);
        }
        Value::Array(list) => list.iter_mut().for_each(without_users),
        _ => {}
    }
}

/// Takes out all text, and with it the order that follows from it.
fn numbers(value: &mut Value) {
    match value {
        Value::String(text) => text.clear(),
        Value::Object(object) => object.values_mut().for_each(numbers),
        Value::Array(list) => {
            list.iter_mut().for_each(numbers);
            list.sort_by_key(ToString::to_string);
        }
        _ => {}
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_shows_what_was_shown() {
    let recorded = record(true).await;
    let mut replay = Replay::open(&recorded.path).unwrap();
    assert_eq!(replay.session().context, "replay demo.gptr");
    assert!(replay.session().replay);
    let mut fleet = Fleet::new();
    let shown = watch(&mut replay, &mut fleet, Instant::now()).await;
    assert_eq!(shown.len(), recorded.shown.len());
    for (then, now) in recorded.shown.iter().zip(&shown) {
        assert!(!then.devices.is_empty() && !then.processes.is_empty());
        assert_eq!(then.totals, now.totals);
        assert_eq!(then.alerts, now.alerts);
        for kind in KINDS {
            let (mut then, mut now) = (items(then, kind), items(now, kind));
            then.iter_mut().for_each(without_users);
            now.iter_mut().for_each(without_users);
            assert_eq!(then.len(), now.len());
            for (then, now) in then.iter().zip(&now) {
                assert_eq!(then, now, "{kind:?}");
            }
        }
    }
    // Graphs too, when the rest has come; what was measured before is a part of them.
    assert!(unpacked(&recorded.path).contains(r#"{"past":[["#));
    let over = loop {
        if let Some(said) = take(&mut fleet, replay.next().await) {
            break said;
        }
    };
    assert_eq!(over, "the end of the recording");
    for (node, report) in recorded.fleet.agents() {
        for device in &report.last.as_ref().unwrap().snapshot.devices {
            let then = recorded.fleet.history(node, &device.uuid);
            assert_eq!(then, fleet.history(node, &device.uuid));
        }
    }
    // It stands.
    let (position, length) = replay.position().unwrap();
    assert_eq!(position, length);
    let forever = timeout(Duration::from_secs(3600), replay.next()).await;
    assert!(forever.is_err());
    assert_eq!(replay.clock(Instant::now()).now.0, length);
}

#[tokio::test(start_paused = true)]
async fn with_pseudonyms_the_numbers_are_the_same_and_no_name_is_left() {
    let recorded = record(false).await;
    let mut replay = Replay::open(&recorded.path).unwrap();
    let shown = watch(&mut replay, &mut Fleet::new(), Instant::now()).await;
    for (then, now) in recorded.shown.iter().zip(&shown) {
        assert_eq!(then.totals, now.totals);
        assert_eq!(then.totals.alerts, now.totals.alerts);
        for kind in KINDS {
            let mut then = Value::from(items(then, kind));
            let mut now = Value::from(items(now, kind));
            numbers(&mut then);
            numbers(&mut now);
            assert_eq!(then, now, "{kind:?}");
        }
    }
    let text = unpacked(&recorded.path);
    let names = names(&recorded.fleet);
    assert!(names.len() > 60, "{names:?}");
    let words: BTreeSet<&str> = text
        .split(|c: char| !c.is_alphanumeric() && !"-._".contains(c))
        .collect();
    for name in names {
        assert!(!words.contains(name.as_str()), "{name} was recorded");
    }
    assert!(text.contains("node-1") && text.contains("user-1"));
}

/// All names that are not to be recorded.
fn names(fleet: &Fleet) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (name, node) in fleet.nodes() {
        names.insert(name.to_string());
        names.extend(node.addresses.iter().cloned());
    }
    for pod in fleet.pods().values() {
        names.extend([pod.key.name.to_string(), pod.uid.as_str().to_owned()]);
        if !pod.key.namespace.starts_with("kube-") && &*pod.key.namespace != "gputop-k3s" {
            names.insert(pod.key.namespace.to_string());
        }
    }
    for report in fleet.agents().values() {
        let Some(last) = &report.last else { continue };
        for device in &last.snapshot.devices {
            names.insert(device.uuid.as_str().to_owned());
        }
        for process in &last.snapshot.processes {
            names.extend(process.user.known().cloned());
            if let Holder::Outside { name, .. } = &process.holder {
                names.insert(name.clone());
            }
        }
    }
    names.remove("default");
    // Programs keep their names, and some containers and users are called like them.
    for report in fleet.agents().values() {
        for process in report.last.iter().flat_map(|last| &last.snapshot.processes) {
            names.remove(&process.name);
        }
    }
    names
}

#[tokio::test(start_paused = true)]
async fn winding_leads_to_what_was_shown_then() {
    let recorded = record(true).await;
    let mut replay = Replay::open(&recorded.path).unwrap();
    let epoch = Instant::now();
    let mut fleet = Fleet::new();
    watch(&mut replay, &mut fleet, epoch).await;
    let last = offsets().last().unwrap();
    let step = Duration::from_secs(10);
    // Three steps in one go, one back again, and then from there on.
    for seek in [Seek::Back, Seek::Back, Seek::Back, Seek::On] {
        replay.seek(seek);
    }
    let wound = replay.next().await;
    assert!(matches!(wound, News::Wound(_)), "{wound:?}");
    take(&mut fleet, wound);
    let shown = picture(&fleet, replay.clock(epoch), last.saturating_sub(2 * step));
    let at = recorded.shown.len() - 3;
    assert_eq!(shown.totals, recorded.shown[at].totals);
    assert_eq!(
        items(&shown, Kind::Nodes),
        items(&recorded.shown[at], Kind::Nodes)
    );
    // It plays on to the same end.
    let begun = Instant::now();
    while let Ok(news) = timeout_at(begun + 2 * step, replay.next()).await {
        assert_eq!(take(&mut fleet, news), None);
    }
    let shown = picture(&fleet, replay.clock(epoch), last);
    assert_eq!(
        items(&shown, Kind::Nodes),
        items(&recorded.shown[at + 2], Kind::Nodes)
    );
    // Back past the beginning is the beginning, on past the end is the end.
    for _ in 0..20 {
        replay.seek(Seek::Back);
    }
    assert!(matches!(replay.next().await, News::Wound(_)));
    assert_eq!(replay.position().unwrap().0, Duration::ZERO);
    for _ in 0..20 {
        replay.seek(Seek::On);
    }
    assert!(matches!(replay.next().await, News::Wound(_)));
    let (position, length) = replay.position().unwrap();
    assert_eq!(position, length);
    assert!(matches!(replay.next().await, News::Said(_)));
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_breaks_off_is_played_as_far_as_it_goes() {
    let recorded = record(true).await;
    let whole = fs::read(&recorded.path).unwrap();
    let length = Replay::open(&recorded.path).unwrap().position().unwrap().1;
    for share in [35, 70, 99] {
        let path = recorded.folder.path().join(format!("{share}.gptr"));
        fs::write(&path, &whole[..whole.len() * share / 100]).unwrap();
        let mut replay = Replay::open(&path).unwrap();
        let said = replay.next().await;
        assert!(
            matches!(&said, News::Said(text) if text.contains("breaks off")),
            "{said:?}"
        );
        let mut fleet = Fleet::new();
        let last = loop {
            if let Some(said) = take(&mut fleet, replay.next().await) {
                break said;
            }
        };
        assert_eq!(last, "the recording breaks off here");
        assert!(!fleet.nodes().is_empty() && !fleet.agents().is_empty());
        let (position, end) = replay.position().unwrap();
        assert_eq!(position, end);
        assert!(end < length, "{end:?}");
        assert!(
            end > length * u32::try_from(share).unwrap() / 200,
            "{share}: {end:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_damaged_recording_is_played_up_to_the_damage() {
    let recorded = record(true).await;
    let mut bytes = fs::read(&recorded.path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 64].fill(0x55);
    fs::write(&recorded.path, bytes).unwrap();
    let mut replay = Replay::open(&recorded.path).unwrap();
    let length = replay.position().unwrap().1;
    let mut fleet = Fleet::new();
    let last = loop {
        if let Some(said) = take(&mut fleet, replay.next().await) {
            break said;
        }
    };
    assert_eq!(last, "the recording breaks off here");
    let (position, end) = replay.position().unwrap();
    assert!(
        position == end && end < length,
        "{position:?} {end:?} {length:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn a_recording_that_was_packed_anew_is_played() {
    let recorded = record(true).await;
    let path = recorded.folder.path().join("again.gptr");
    let mut packing = GzEncoder::new(fs::File::create(&path).unwrap(), Compression::fast());
    packing
        .write_all(unpacked(&recorded.path).as_bytes())
        .unwrap();
    packing.finish().unwrap();
    let mut replay = Replay::open(&path).unwrap();
    let first = Replay::open(&recorded.path).unwrap();
    assert_eq!(replay.position(), first.position());
    let epoch = Instant::now();
    let shown = watch(&mut replay, &mut Fleet::new(), epoch).await;
    let totals = |shown: &Shown| shown.iter().map(|p| p.totals.clone()).collect::<Vec<_>>();
    assert_eq!(totals(&shown), totals(&recorded.shown));
}

#[test]
fn other_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    let problem = Replay::open(&path).unwrap_err();
    assert!(problem.what.contains("can not be read"), "{problem:?}");
    let packed = |text: &[u8]| {
        let mut packing = GzEncoder::new(Vec::new(), Compression::fast());
        packing.write_all(text).unwrap();
        packing.finish().unwrap()
    };
    let newer = br#"{"format":"gputop-k3s/recording","version":99}"#;
    for (content, expected) in [
        (Vec::new(), "no recording"),
        (b"hello\n".to_vec(), "no recording"),
        (packed(b"hello\n"), "no recording"),
        (packed(&[&newer[..], b"\n"].concat()), "version 99"),
        (packed(&[0xff, b'\n']), "no recording"),
    ] {
        fs::write(&path, content).unwrap();
        let problem = Replay::open(&path).unwrap_err();
        assert!(problem.what.contains(expected), "{problem:?}");
    }
    assert!(Replay::open(folder.path()).is_err());
}

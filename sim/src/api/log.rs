//! `GET pods/NAME/log`: a few lines that fit what the container does.

use jiff::Timestamp;
use serde_json::Value;

use super::path::Target;
use super::query::Query;
use super::status::Failure;
use super::write::key_of;
use crate::annotations;
use crate::clock::{before, rfc3339};
use crate::identity::hash;
use crate::store::{Kind, ObjectExt, Store};

/// Seconds between two lines.
const EVERY: u64 = 7;

/// Answers the request with the whole log; it is not followed.
pub(crate) fn log(
    store: &Store,
    target: &Target,
    query: &Query,
    now: Timestamp,
) -> Result<String, Failure> {
    let pod = store.require(Kind::Pod, &key_of(target))?;
    let container = query
        .get("container")
        .unwrap_or_else(|| pod.text("/spec/containers/0/name"));
    let statuses = pod.items("/status/containerStatuses");
    let status = statuses.iter().find(|item| item.text("/name") == container);
    let started = status.and_then(|status| status.time("/state/running/startedAt"));
    let Some(started) = started else {
        return Err(Failure::bad_request(format!(
            "container \"{container}\" in pod \"{}\" is waiting to start: {}",
            pod.name(),
            status.map_or("ContainerCreating", |s| s.text("/state/waiting/reason"))
        )));
    };
    let wanted = query.number("tailLines")?.unwrap_or(40).min(200);
    let age = u64::try_from(now.duration_since(started).as_secs()).unwrap_or_default();
    let last = age / EVERY;
    let first = last.saturating_sub(wanted.saturating_sub(1));
    let lines = (first..=last).take(usize::try_from(wanted).unwrap_or(40));
    let lines: Vec<String> = lines
        .map(|number| {
            let ago = std::time::Duration::from_secs(age - number * EVERY);
            format!("{} {}\n", rfc3339(before(now, ago)), line(pod, number))
        })
        .collect();
    Ok(lines.concat())
}

fn line(pod: &Value, number: u64) -> String {
    let dice = hash(&[pod.uid(), &number.to_string()]);
    let tenths = dice % 1000;
    match pod.annotation(annotations::BEHAVIOUR).unwrap_or("") {
        "training" => format!(
            "step {} loss 1.{:03} lr 3.0e-05 {} tokens/s",
            number * 20,
            tenths,
            4200 + tenths
        ),
        "inference" | "loading" | "quiet-server" => format!(
            "INFO POST /v1/completions 200 {} ms, {} tokens",
            180 + tenths,
            30 + dice % 400
        ),
        "media" => format!("[INF] Transcoding, {} fps", 40 + dice % 60),
        "notebook" => "[I ServerApp] Saving file at /work/notebook.ipynb".to_owned(),
        _ => "level=info msg=\"still here\"".to_owned(),
    }
}

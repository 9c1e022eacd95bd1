//! What simulated containers write: made-up lines that fit what the pod is said to do.

use std::time::Duration;

use serde_json::Value;

use super::run::Run;
use crate::annotations;
use crate::identity::hash;
use crate::store::ObjectExt;

/// Time between two lines of a pod's containers.
pub(super) fn interval(pod: &Value) -> Duration {
    Duration::from_millis(match behaviour(pod) {
        "training" => 2000,
        "inference" => 1500,
        "notebook" => 30_000,
        "media" => 5000,
        _ => 7000,
    })
}

/// The line with this number; `last`: the one with which a run ends.
pub(super) fn line(pod: &Value, container: &str, run: &Run, number: u64, last: bool) -> String {
    if last && let Some((_, code)) = run.ended {
        return farewell(pod, code);
    }
    let dice = hash(&[pod.uid(), container, &number.to_string()]);
    if number < 3 {
        return greeting(pod, container, number);
    }
    let thousandths = dice % 1000;
    match behaviour(pod) {
        "training" => training(number, dice),
        // Nobody asks it for anything.
        "quiet-server" => {
            "\u{1b}[32mINFO\u{1b}[0m:     10.42.0.1:41022 - \"GET /health HTTP/1.1\" 200 OK"
                .to_owned()
        }
        "inference" | "loading" => {
            // As uvicorn writes it: with colours, even where nobody sees them.
            let client = 2 + dice % 250;
            format!(
                "\u{1b}[32mINFO\u{1b}[0m:     10.42.0.{client}:{} - \"\u{1b}[1mPOST /v1/completions \
                 HTTP/1.1\u{1b}[0m\" \u{1b}[32m200 OK\u{1b}[0m {} ms, {} tokens",
                32_768 + dice % 28_000,
                180 + thousandths,
                30 + dice % 400
            )
        }
        "media" => format!(
            "[INF] [ffmpeg] frame={} fps={} speed=2.1x",
            number * 210,
            40 + dice % 60
        ),
        "notebook" => "[I ServerApp] Saving file at /work/notebook.ipynb".to_owned(),
        _ => format!("level=info msg=\"still here\" seq={number}"),
    }
}

fn behaviour(pod: &Value) -> &str {
    pod.annotation(annotations::BEHAVIOUR).unwrap_or_default()
}

/// The first lines of every run say what this is.
fn greeting(pod: &Value, container: &str, number: u64) -> String {
    match number {
        0 => "This log is made up: the container is simulated.".to_owned(),
        1 => {
            let containers = pod.items("/spec/containers").iter();
            let inits = pod.items("/spec/initContainers").iter();
            let spec = containers
                .chain(inits)
                .find(|c| c.text("/name") == container);
            format!("Starting {}", spec.map_or("", |spec| spec.text("/image")))
        }
        _ => "Ready".to_owned(),
    }
}

/// A progress bar that returns to the beginning of its line, and a figure now and then.
fn training(number: u64, dice: u64) -> String {
    let step = number * 20;
    if number.is_multiple_of(10) {
        let percent = number / 10 % 101;
        let bar = |percent: u64| {
            let full = usize::try_from(percent / 10).unwrap_or_default();
            format!("epoch {percent:3}%|{:<10}|", "#".repeat(full))
        };
        return format!("{}\r{}", bar(percent.saturating_sub(1)), bar(percent));
    }
    format!(
        "step {step} loss 1.{:03} lr 3.0e-05 {} tokens/s",
        dice % 1000,
        4200 + dice % 1000
    )
}

fn farewell(pod: &Value, code: i64) -> String {
    match code {
        0 => "Done.".to_owned(),
        1 if behaviour(pod) == "training" || behaviour(pod) == "loading" => {
            "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.".to_owned()
        }
        137 => "Killed".to_owned(),
        143 => "Received SIGTERM, shutting down.".to_owned(),
        code => format!("fatal: giving up with exit code {code}"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_line_stays_what_it_is_and_a_crash_says_why() {
        let pod = json!({"metadata": {
            "uid": "u", "annotations": {"sim/behaviour": "training"},
        }});
        let mut run = Run {
            started: jiff::Timestamp::UNIX_EPOCH,
            ended: None,
        };
        let running = line(&pod, "main", &run, 17, true);
        assert_eq!(running, line(&pod, "main", &run, 17, false));
        assert!(running.starts_with("step 340 loss"), "{running}");
        run.ended = Some((jiff::Timestamp::UNIX_EPOCH, 1));
        assert_eq!(running, line(&pod, "main", &run, 17, false));
        assert!(line(&pod, "main", &run, 18, true).contains("out of memory"));
    }
}

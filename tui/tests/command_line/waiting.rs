//! `wait`.

use std::process::Output;

use serde_json::Value;

use super::{gputop, list, printed, said};

/// `wait` on the demo's cluster.
fn wait(arguments: &[&str]) -> Output {
    gputop(&[&["wait"], arguments, &["--demo", "--seed", "7"]].concat())
}

#[test]
fn waiting_ends_when_devices_are_free() {
    let output = wait(&["--free", "1", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["satisfied"], true, "{result}");
    assert_eq!(result["basis"], "devices");
    let free = result["free"].as_array().unwrap();
    let listed = list("gpus");
    let expected: Vec<&Value> = listed["items"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|gpu| gpu["state"] == "free" && gpu["closed"].is_null())
        .map(|gpu| &gpu["uuid"])
        .collect();
    assert_eq!(
        free.iter().map(|gpu| &gpu["uuid"]).collect::<Vec<_>>(),
        expected
    );
    let names = printed(&wait(&["--free", "1", "-o", "name"]));
    assert!(
        names.starts_with("gpu/") && names.lines().count() == expected.len(),
        "{names}"
    );
}

#[test]
fn waiting_says_how_close_it_came() {
    let output = wait(&["--free", "90", "--timeout", "0"]);
    assert_eq!((output.status.code(), &*printed(&output)), (Some(1), ""));
    let said = said(&output);
    assert!(
        said.contains("of 90 free; others that match: ") && said.contains("working"),
        "{said}"
    );
    let output = wait(&[
        "--free",
        "2",
        "--product",
        "3090",
        "--timeout",
        "0",
        "-o",
        "json",
    ]);
    assert_eq!(output.status.code(), Some(1));
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(
        (&result["satisfied"], &result["most_free"]),
        (&false.into(), &0.into())
    );
}

#[test]
fn waiting_without_daemons_counts_units_and_says_so() {
    let output = wait(&["--free", "1", "--no-agents", "-o", "json"]);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(result["basis"], "units");
    assert!(
        said(&output).contains("units are counted"),
        "{}",
        said(&output)
    );
}

#[test]
fn waiting_for_nonsense_ends_at_once() {
    for wrong in [
        &["--free", "0"][..],
        &["--free", "1", "--vram", "20X"],
        &["--free", "1", "--product", "("],
        &["--free", "1", "--timeout", "soon"],
        &[],
    ] {
        assert_eq!(wait(wrong).status.code(), Some(2), "{wrong:?}");
    }
    let output = wait(&["--free", "1", "--node", "altas"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("Did you mean atlas?"),
        "{}",
        said(&output)
    );
}

//! Process lists and what processes use.

use gputop_model::{Bytes, Percent, ProcessKind, Reading};
use gputop_node::source::Sample;
use gputop_nvml_mock::Code;
use gputop_nvml_mock::scenario::{Process, Rule, Scenario};

use super::lab::Lab;

fn pids(sample: &Sample) -> Vec<(u32, ProcessKind)> {
    let processes = sample.processes.iter();
    processes
        .map(|process| (process.pid, process.kind))
        .collect()
}

fn with(processes: Vec<Process>) -> Lab {
    let mut scenario = Scenario::with_gpus(1);
    scenario.gpus[0].processes = processes;
    Lab::new(scenario)
}

#[test]
fn compute_and_graphics_lists_are_one() {
    let graphics = |pid, compute| Process {
        pid,
        compute,
        graphics: true,
        memory_mib: None,
        ..Process::default()
    };
    let lab = with(vec![
        graphics(9, true),
        Process::compute(4),
        graphics(7, false),
    ]);
    let sample = lab.until_all_answer();
    let expected = [
        (4, ProcessKind::Compute),
        (7, ProcessKind::Graphics),
        (9, ProcessKind::ComputeAndGraphics),
    ];
    assert_eq!(pids(&sample), expected);
    assert_eq!(sample.processes[0].memory_used, Bytes::from_gib(1).into());
    assert_eq!(sample.processes[1].memory_used, Reading::Unsupported);
    assert_eq!(sample.devices[0].process_count, Reading::Value(3));
}

#[test]
fn a_list_that_grows_while_it_is_read_is_read_whole() {
    let mut lab = with(vec![Process::compute(4)]);
    lab.until_all_answer();
    // More than any reserve that a reader keeps, twice in a row.
    lab.card(0, |gpu| {
        gpu.list_growth = 40;
        gpu.list_growths = 2;
    });
    let sample = lab.sample();
    assert_eq!(sample.processes.len(), 81);
    assert_eq!(sample.devices[0].process_count, Reading::Value(81));
}

#[test]
fn a_list_that_never_stops_growing_is_given_up_for_this_time() {
    let mut lab = with(vec![Process::compute(4)]);
    lab.until_all_answer();
    lab.card(0, |gpu| {
        gpu.list_growth = 40;
        gpu.list_growths = 1000;
    });
    let sample = lab.sample();
    assert_eq!(pids(&sample), [(4, ProcessKind::Compute)]);
    assert!(sample.processes[0].memory_used.age().is_some());
    assert_eq!(sample.devices[0].process_count.known(), None);
}

#[test]
fn clients_of_mps_are_told_apart() {
    let client = |pid, compute| Process {
        compute,
        mps: true,
        ..Process::compute(pid)
    };
    let lab = with(vec![Process::compute(3), client(4, true), client(5, false)]);
    let expected = [
        (3, ProcessKind::Compute),
        (4, ProcessKind::Mps),
        (5, ProcessKind::Mps),
    ];
    assert_eq!(pids(&lab.until_all_answer()), expected);
}

#[test]
fn a_driver_before_510_has_the_older_lists() {
    let mut scenario = Scenario::with_gpus(1);
    let card = &mut scenario.gpus[0];
    card.processes.push(Process::compute(4));
    for function in [
        "nvmlDeviceGetComputeRunningProcesses_v3",
        "nvmlDeviceGetGraphicsRunningProcesses_v3",
    ] {
        let rule = Rule::code(Code::FunctionNotFound);
        card.calls.insert(function.to_owned(), rule);
    }
    let lab = Lab::new(scenario);
    let sample = lab.until_all_answer();
    assert_eq!(pids(&sample), [(4, ProcessKind::Compute)]);
}

#[test]
fn what_a_process_uses_is_kept_when_there_is_no_newer_sample() {
    let mut lab = with(vec![Process {
        sm: Some(40),
        memory: 30,
        encoder: 2,
        decoder: 1,
        ..Process::compute(4)
    }]);
    lab.card(0, |gpu| gpu.utilization = 40);
    let first = lab.until("there is a sample", |sample| {
        let process = sample.processes.first();
        process.is_some_and(|p| p.sm == Reading::Value(Percent(40)))
    });
    let process = &first.processes[0];
    let others = [&process.memory_busy, &process.encoder, &process.decoder];
    assert_eq!(
        others.map(Reading::get),
        [30, 2, 1].map(|n| Some(Percent(n)))
    );
    lab.card(0, |gpu| gpu.processes[0].sm = None);
    let sample = lab.sample();
    assert_eq!(sample.processes[0].sm, Reading::Value(Percent(40)));
    lab.pass(10);
    let sample = lab.sample();
    assert_eq!(sample.processes[0].sm.known(), Some(&Percent(40)));
    assert!(sample.processes[0].sm.age().is_some());
    // A card at rest has processes at rest.
    lab.card(0, |gpu| gpu.utilization = 0);
    let sample = lab.sample();
    assert_eq!(sample.processes[0].sm, Reading::Value(Percent(0)));
}

#[test]
fn a_process_that_ends_is_gone_with_its_samples() {
    let mut lab = with(vec![Process::compute(4), Process::compute(5)]);
    assert_eq!(lab.until_all_answer().processes.len(), 2);
    lab.card(0, |gpu| {
        gpu.processes.remove(0);
    });
    assert_eq!(pids(&lab.sample()), [(5, ProcessKind::Compute)]);
    lab.card(0, |gpu| gpu.processes.clear());
    let sample = lab.sample();
    assert_eq!(pids(&sample), []);
    assert_eq!(sample.devices[0].process_count, Reading::Value(0));
}

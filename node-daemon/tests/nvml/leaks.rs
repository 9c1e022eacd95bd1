//! A long life leaves nothing behind.

use std::fs;

use gputop_nvml_mock::Code;
use gputop_nvml_mock::scenario::{Process, Rule, Scenario};

use super::lab::{Lab, is_ready, threads, wait_until};

fn open_files() -> usize {
    fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_thousand_samples_with_twenty_drivers_leak_no_thread_and_no_file() {
    let mut scenario = Scenario::with_gpus(4);
    for gpu in &mut scenario.gpus {
        gpu.processes = (1..=8).map(Process::compute).collect();
    }
    let mut lab = Lab::alone(scenario);
    lab.until_all_answer();
    let (at_work, files) = (threads(), open_files());
    let mut ready = 0_u32;
    for cycle in 1..=1000_u64 {
        if cycle % 50 == 0 {
            // The driver is loaded anew, every other time with a card that fails.
            lab.change(|scenario| {
                scenario.epoch += 1;
                scenario.gpus[3].calls.clear();
                if cycle % 100 == 0 {
                    let rule = Rule::code(Code::GpuIsLost);
                    scenario.gpus[3].calls.insert("nvml*".to_owned(), rule);
                }
            });
        }
        ready += u32::from(is_ready(&lab.sample()));
    }
    assert!(ready > 500, "{ready} of 1,000 samples had a driver");
    lab.change(|scenario| scenario.gpus[3].calls.clear());
    lab.until_all_answer();
    // Threads of drivers before the last end by themselves.
    wait_until("the threads are those of the beginning", || {
        threads() == at_work
    });
    assert_eq!(open_files(), files);
    lab.close();
    wait_until("no thread is left", || threads().is_empty());
    wait_until("the library is unloaded", || !lab.is_loaded());
}

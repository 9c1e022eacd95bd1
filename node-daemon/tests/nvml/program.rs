//! The program in a container whose driver is replaced.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Stdio};

use gputop_nvml_mock::scenario::Scenario;

use super::lab::{put_library, put_scenario};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended, as it should.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn in_a_container_it_says_that_the_driver_was_replaced_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    put_library(folder.path());
    let mut scenario = Scenario::with_gpus(1);
    // What was put into a container stays as it is.
    scenario.library = Some(scenario.driver.clone());
    put_scenario(folder.path(), &scenario);
    #[expect(clippy::disallowed_methods, reason = "the program under test")]
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_gputop-node"));
    command
        .args(["serve", "--listen", "127.0.0.1:0"])
        .env("LD_LIBRARY_PATH", folder.path())
        .env("KUBERNETES_SERVICE_HOST", "10.43.0.1")
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    let mut program = Running(command.spawn().unwrap());
    let mut lines = BufReader::new(program.0.stderr.take().unwrap()).lines();
    let mut said = String::new();
    let mut line_with = |wanted: &str| {
        let found = lines.by_ref().find(|line| {
            let line = line.as_deref().unwrap_or_default();
            said.push_str(line);
            said.push('\n');
            line.contains(wanted)
        });
        assert!(found.is_some(), "it did not say '{wanted}', but: {said}");
    };
    line_with("driver ready");
    scenario.driver = "580.95.05".to_owned();
    put_scenario(folder.path(), &scenario);
    line_with("the driver was replaced while this container ran");
    let status = program.0.wait().unwrap();
    assert!(!status.success());
}

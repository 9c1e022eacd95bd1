//! Rules about the workspace's members: lints are inherited, dependencies follow the arrows.

use std::path::{Path, PathBuf};

use color_eyre::eyre::{Result, WrapErr as _, eyre};
use toml::Table;

use super::Finding;

/// Which of our crates each crate may use. An arrow that is not here is not allowed.
const ARROWS: &[(&str, &[&str])] = &[
    ("gputop-model", &[]),
    ("gputop-proto", &["gputop-model"]),
    // The mock in its tests only.
    (
        "gputop-node",
        &["gputop-model", "gputop-proto", "gputop-nvml-mock"],
    ),
    ("gputop-fleet", &["gputop-model", "gputop-proto"]),
    (
        "gputop-sim",
        &["gputop-model", "gputop-proto", "gputop-node"],
    ),
    (
        "gputop-k3s",
        &["gputop-model", "gputop-fleet", "gputop-sim"],
    ),
    (
        "gputop-e2e",
        &[
            "gputop-model",
            "gputop-proto",
            "gputop-node",
            "gputop-fleet",
            "gputop-sim",
            "gputop-k3s",
            "gputop-nvml-mock",
            "xtask",
        ],
    ),
    ("gputop-nvml-mock", &[]),
    // Draws the screenshots, in its tests' company only.
    ("xtask", &[]),
];

/// Crates of ours that are for tests: products name them among their dev-dependencies.
const FOR_TESTS: &[&str] = &["gputop-nvml-mock"];

/// Crates that are tests themselves.
const TESTS: &[&str] = &["gputop-e2e"];

/// Crates that serve an interface of C, which takes unsafe code. They have the workspace's lints as
/// a copy of their own, but for that one.
const UNSAFE: &[&str] = &["gputop-nvml-mock"];

/// Libraries that belong to one layer.
const RESERVED: &[(&str, &[&str])] = &[
    ("ratatui", &["gputop-k3s", "gputop-e2e"]),
    ("crossterm", &["gputop-k3s", "gputop-e2e"]),
    ("kube", &["gputop-fleet", "gputop-sim", "gputop-e2e"]),
    ("k8s-openapi", &["gputop-fleet", "gputop-sim", "gputop-e2e"]),
    ("nvml-wrapper", &["gputop-node"]),
    ("zbus", &["gputop-node"]),
];

/// Folders of the workspace's members.
pub(super) fn folders(root: &Path) -> Result<Vec<String>> {
    let manifest = read(&root.join("Cargo.toml"))?;
    let members = manifest
        .get("workspace")
        .and_then(|workspace| workspace.get("members"))
        .and_then(toml::Value::as_array)
        .ok_or_else(|| eyre!("Cargo.toml has no list workspace.members"))?;
    Ok(members
        .iter()
        .filter_map(|member| member.as_str())
        .map(str::to_owned)
        .collect())
}

/// Checks every member's manifest.
pub(super) fn check(root: &Path) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    let lints = lints(&read(&root.join("Cargo.toml"))?);
    for folder in folders(root)? {
        let file = PathBuf::from(&folder).join("Cargo.toml");
        let manifest = read(&root.join(&file))?;
        findings.extend(
            check_one(&manifest, lints.as_ref())
                .into_iter()
                .map(|what| Finding {
                    file: file.clone(),
                    line: 0,
                    what,
                }),
        );
    }
    Ok(findings)
}

/// The workspace's lints, as those have them who may write unsafe code.
fn lints(workspace: &Table) -> Option<toml::Value> {
    let mut lints = workspace.get("workspace")?.get("lints")?.clone();
    let unsafe_code = lints.get_mut("rust")?.get_mut("unsafe_code")?;
    *unsafe_code = toml::Value::String("allow".to_owned());
    Some(lints)
}

fn check_one(manifest: &Table, with_unsafe: Option<&toml::Value>) -> Vec<String> {
    let mut wrong = Vec::new();
    let name = manifest
        .get("package")
        .and_then(|p| p.get("name"))
        .and_then(|n| n.as_str());
    let name = name.unwrap_or_default();
    let own = manifest.get("lints");
    if UNSAFE.contains(&name) {
        if own != with_unsafe {
            let what = "its lints must be the workspace's, with `unsafe_code = \"allow\"`";
            wrong.push(what.to_owned());
        }
    } else if own.and_then(|l| l.get("workspace")) != Some(&toml::Value::Boolean(true)) {
        wrong
            .push("add `[lints] workspace = true`: without it the lints are dead rules".to_owned());
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(member, _)| *member == name) else {
        wrong.push(format!(
            "crate {name} has no place in the arrows: add it in xtask/src/tidy"
        ));
        return wrong;
    };
    for dependency in dependencies(manifest, &["dependencies", "build-dependencies"]) {
        if FOR_TESTS.contains(&dependency.as_str()) && !TESTS.contains(&name) {
            wrong.push(format!(
                "{dependency} is for tests: name it among the dev-dependencies"
            ));
        }
    }
    let sections = ["dependencies", "dev-dependencies", "build-dependencies"];
    for dependency in dependencies(manifest, &sections) {
        let ours = ARROWS.iter().any(|(member, _)| *member == dependency);
        if ours && !allowed.contains(&dependency.as_str()) {
            wrong.push(format!(
                "{name} must not depend on {dependency} (design: arrows)"
            ));
        }
        if let Some((_, owners)) = RESERVED.iter().find(|(library, _)| *library == dependency)
            && !owners.contains(&name)
        {
            wrong.push(format!("only {} may use {dependency}", owners.join(", ")));
        }
    }
    wrong
}

fn dependencies(manifest: &Table, sections: &[&str]) -> Vec<String> {
    sections
        .iter()
        .filter_map(|section| manifest.get(*section).and_then(toml::Value::as_table))
        .flat_map(|table| table.keys().cloned())
        .collect()
}

fn read(file: &Path) -> Result<Table> {
    let text = std::fs::read_to_string(file)
        .wrap_err_with(|| format!("can not read {}", file.display()))?;
    text.parse()
        .wrap_err_with(|| format!("{} is not TOML", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(manifest: &str) -> Vec<String> {
        let workspace = "[workspace.lints.rust]\nunsafe_code = \"forbid\"\nmissing_docs = \"warn\"";
        let lints = lints(&workspace.parse().unwrap());
        check_one(&manifest.parse().unwrap(), lints.as_ref())
    }

    #[test]
    fn arrows_point_one_way() {
        let manifest = "[package]\nname = \"gputop-model\"\n[lints]\nworkspace = true\n\
                        [dependencies]\ngputop-fleet = {}\n";
        assert_eq!(
            wrong(manifest),
            ["gputop-model must not depend on gputop-fleet (design: arrows)"]
        );
        let manifest = "[package]\nname = \"gputop-fleet\"\n[lints]\nworkspace = true\n\
                        [dev-dependencies]\ngputop-sim = {}\n";
        assert_eq!(wrong(manifest).len(), 1);
    }

    #[test]
    fn libraries_stay_in_their_layer() {
        let manifest = "[package]\nname = \"gputop-k3s\"\n[lints]\nworkspace = true\n\
                        [dependencies]\nkube = {}\nratatui = {}\n";
        assert_eq!(
            wrong(manifest),
            ["only gputop-fleet, gputop-sim, gputop-e2e may use kube"]
        );
    }

    #[test]
    fn lints_have_to_be_inherited() {
        let manifest = "[package]\nname = \"gputop-model\"\n";
        assert!(wrong(manifest)[0].contains("[lints] workspace = true"));
    }

    #[test]
    fn who_may_write_unsafe_code_has_all_other_lints() {
        let mock = |lints: &str| {
            wrong(&format!(
                "[package]\nname = \"gputop-nvml-mock\"\n[lints.rust]\n{lints}"
            ))
        };
        let none: [&str; 0] = [];
        assert_eq!(
            mock("unsafe_code = \"allow\"\nmissing_docs = \"warn\""),
            none
        );
        assert_eq!(mock("unsafe_code = \"allow\"").len(), 1);
        assert_eq!(
            mock("unsafe_code = \"forbid\"\nmissing_docs = \"warn\"").len(),
            1
        );
        let other = "[package]\nname = \"gputop-model\"\n[lints.rust]\nunsafe_code = \"allow\"\n\
                     missing_docs = \"warn\"";
        assert_eq!(wrong(other).len(), 1);
    }

    #[test]
    fn what_is_for_tests_stays_out_of_the_product() {
        let manifest = |section: &str| {
            format!(
                "[package]\nname = \"gputop-node\"\n[lints]\nworkspace = true\n\
                 [{section}]\ngputop-nvml-mock = {{}}\n"
            )
        };
        assert_eq!(
            wrong(&manifest("dependencies")),
            ["gputop-nvml-mock is for tests: name it among the dev-dependencies"]
        );
        let none: [&str; 0] = [];
        assert_eq!(wrong(&manifest("dev-dependencies")), none);
    }
}

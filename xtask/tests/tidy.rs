//! The repository keeps its own rules.

#[test]
fn the_repository_is_tidy() {
    let findings = xtask::tidy::check(&xtask::repository::root()).unwrap();
    let list: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "\n{}", list.join("\n"));
}

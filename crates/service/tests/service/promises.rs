//! docs/scale.md has each promise of the service with the test that proves it, and each test of the service
//! is there. SECURITY.md names tests that are there, too, and cases of docs/sandbox.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The names of the tests in the files of a folder, and of the folders in it.
fn tests(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.ends_with("promises.rs") {
            // Its tests are about the table itself.
        } else if path.is_dir() {
            names.extend(tests(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(path).unwrap();
            let mut is_test = false;
            for line in text.lines().map(str::trim) {
                let function = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ");
                match function.and_then(|rest| rest.split('(').next()) {
                    Some(name) if is_test => is_test = !names.insert(name.to_owned()),
                    _ => {
                        is_test = is_test && line.starts_with("#[")
                            || line.starts_with("#[test]")
                            || line.starts_with("#[tokio::test")
                    }
                }
            }
        }
    }
    names
}

/// The tests in the last column of the table.
fn promised() -> BTreeSet<String> {
    let text = fs::read_to_string(project().join("docs/scale.md")).unwrap();
    let (_, table) = text.split_once("| promise | test |\n|---|---|\n").expect("a table of promises");
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    rows.flat_map(|row| {
        let tests = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        tests.split(',').map(|name| name.trim().trim_matches('`').to_owned()).collect::<Vec<_>>()
    })
    .collect()
}

/// The names of all tests of the project in Rust.
fn all_tests() -> BTreeSet<String> {
    let crates = project().join("crates");
    ["service", "cli", "sync", "mock", "host", "xtask"]
        .iter()
        .flat_map(|name| [crates.join(name).join("src"), crates.join(name).join("tests")])
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| tests(&folder))
        .chain(tests(&project().join("host-test")))
        .chain(tests(&project().join("examples/tenant/tests")))
        .collect()
}

#[test]
fn every_promise_has_a_test() {
    let missing: Vec<String> = promised().difference(&all_tests()).cloned().collect();
    assert!(missing.is_empty(), "docs/scale.md names tests that are not there: {missing:?}");
}

#[test]
fn what_nobody_can_do_has_a_proof() {
    let read = |name: &str| fs::read_to_string(project().join(name)).unwrap();
    let (text, sandbox, there) = (read("SECURITY.md"), read("docs/sandbox.md"), all_tests());
    let proofs = text.lines().filter_map(|line| line.strip_suffix(" |")?.rsplit_once("| "));
    let mut count = 0;
    for (claim, proofs) in proofs.filter(|(_, proofs)| *proofs != "proof") {
        for proof in proofs.split(", ") {
            let is_there = match proof.strip_prefix('*').and_then(|case| case.strip_suffix('*')) {
                Some(case) => sandbox.contains(&format!("\n| {case} | ")),
                None => there.contains(proof.trim_matches('`')),
            };
            assert!(is_there, "{proof}, of {claim}, is not there");
            count += 1;
        }
    }
    assert!(count > 50, "{count}");
}

#[test]
fn every_test_of_the_service_has_a_promise() {
    let there = tests(&project().join("crates/service/tests/service"));
    assert!(there.len() > 30, "{there:?}");
    let missing: Vec<String> = there.difference(&promised()).cloned().collect();
    assert!(missing.is_empty(), "docs/scale.md does not name {missing:?}");
}

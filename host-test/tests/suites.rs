//! The suites are whole: no guest without a case, no limit without a proof, and the documentation lists them all.

use anyhow::{Context, Result};
use host_test::{hostile, servers};
use klaviyo_host::Limits;
use std::collections::BTreeSet;
use std::path::Path;

fn proofs() -> Vec<&'static str> {
    hostile::CASES.iter().chain(servers::CASES).map(|case| case.proves).collect()
}

#[test]
fn every_guest_has_a_case() -> Result<()> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("hostile");
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(|name| name.to_str()).context("a name")?.to_owned();
        let has_case = hostile::CASES.iter().any(|case| case.name == name);
        assert!(has_case || name == "prelude", "{name}.wat has no case in hostile.rs");
    }
    Ok(())
}

#[test]
fn every_limit_is_proved() {
    // A new field does not compile here until it is named.
    let Limits {
        memory: _,
        components: _,
        table_elements: _,
        stack: _,
        cpu: _,
        time: _,
        wait: _,
        concurrent_calls: _,
        hostcall_fuel: _,
        requests: _,
        request_bytes: _,
        header_bytes: _,
        response_bytes: _,
        attempts: _,
        connect: _,
        attempt: _,
    } = Limits::default();
    let fields = "memory components table_elements stack cpu time wait concurrent_calls hostcall_fuel requests request_bytes \
                  header_bytes response_bytes attempts connect attempt";
    let proved: BTreeSet<&str> = proofs()
        .into_iter()
        .flat_map(|proof| proof.split("Limits::").skip(1))
        .filter_map(|rest| rest.split(|c: char| !c.is_ascii_lowercase() && c != '_').next())
        .collect();
    assert_eq!(proved, fields.split_whitespace().collect());
}

#[test]
fn the_documentation_lists_every_case() -> Result<()> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/sandbox.md"))?;
    for case in hostile::CASES.iter().chain(servers::CASES) {
        let row = format!("| {} | {} |", case.name, case.proves);
        assert!(text.contains(&row), "docs/sandbox.md has no row {row}");
    }
    Ok(())
}

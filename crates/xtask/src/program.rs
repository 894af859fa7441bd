//! The programs that run the component: the command, `klaviyo-connector`, and the test host.

use crate::command::{cargo, program, root, run};
use crate::file;
use anyhow::Result;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

/// The crates with wasmtime in them. They are always built together: one alone would ask for other features
/// of their common dependencies, and wasmtime, which takes minutes, would be built once more.
pub(crate) const CRATES: [&str; 8] = [
    "klaviyo-host",
    "klaviyo-service",
    "klaviyo-sync",
    "klaviyo-cli",
    "host-test",
    "klaviyo-fuzz",
    "klaviyo-example-rust",
    "klaviyo-example-tenant",
];

/// Cargo on those crates.
fn cargo_on_crates(task: &str) -> Command {
    let mut command = cargo(task);
    command.args(CRATES.map(|name| format!("--package={name}")));
    command
}

/// The tests of those crates. Most of them wait, for a rate, a pause or another process, so several run on
/// each core.
pub(crate) fn tests() -> Command {
    const VARIABLE: &str = "RUST_TEST_THREADS";
    const ON_EACH_CORE: usize = 4;
    let mut tests = cargo_on_crates("test");
    if std::env::var_os(VARIABLE).is_none() {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        tests.env(VARIABLE, (ON_EACH_CORE * cores).to_string());
    }
    tests
}

/// Builds the command with the component inside, as one file: `target/klaviyo-connector`.
pub(crate) fn build_command(release: bool) -> Result<()> {
    let mut build = cargo_on_crates("build");
    build.args(["--features", "klaviyo-cli/embedded"]).args(release.then_some("--release"));
    run(build.env("KLAVIYO_COMPONENT", component()))?;
    let built = built("klaviyo-connector", profile(release));
    let klaviyo = root().join("target").join(format!("klaviyo-connector{}", std::env::consts::EXE_SUFFIX));
    file::copy(&built, &klaviyo)?;
    eprintln!(
        "xtask: target/klaviyo-connector, {} MB, the component inside",
        klaviyo.metadata()?.len() >> 20
    );
    Ok(())
}

/// Builds the programs before they run, so that their output has no progress of a build in it.
pub(crate) fn build(release: bool) -> Result<()> {
    run(cargo_on_crates("build").args(release.then_some("--release")))
}

/// Builds the test host beside the command, runs it, and returns its status. It prints what failed itself.
pub(crate) fn host_test(arguments: &[String], release: bool) -> Result<ExitCode> {
    build(release)?;
    let status = program(built("host-test", profile(release))).args(arguments).status()?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Runs the test host of the last build; fails when it does.
pub(crate) fn run_host_test(arguments: &[&str]) -> Result<()> {
    run(host_test_command().args(arguments))
}

/// The test host, which was built before, without arguments.
pub(crate) fn host_test_command() -> Command {
    program(built("host-test", "debug"))
}

pub(crate) fn profile(release: bool) -> &'static str {
    if release { "release" } else { "debug" }
}

/// Where cargo builds.
pub(crate) fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |dir| root().join(dir))
}

/// The connector.
pub(crate) fn component() -> PathBuf {
    root().join("target/component/klaviyo.wasm")
}

/// A program that cargo has built.
pub(crate) fn built(name: &str, profile: &str) -> PathBuf {
    target().join(profile).join(format!("{name}{}", std::env::consts::EXE_SUFFIX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Built among the others, a crate with wasmtime in it would compile all of wasmtime once more.
    #[test]
    fn the_crates_with_wasmtime_are_known() {
        let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
        let quoted = |line: &str| line.split('"').nth(1).map(str::to_owned);
        let (mut dependencies, mut own) = (BTreeMap::new(), BTreeSet::new());
        for package in lock.split("[[package]]").skip(1) {
            let name = package.lines().find(|line| line.starts_with("name = ")).and_then(quoted).unwrap();
            let list =
                package.split("dependencies = [").nth(1).unwrap_or_default().lines().filter_map(quoted);
            let list = list.map(|each| each.split(' ').next().unwrap_or_default().to_owned());
            dependencies.insert(name.clone(), list.collect::<Vec<_>>());
            if !package.contains("source = ") {
                own.insert(name);
            }
        }
        let mut with = BTreeSet::from(["wasmtime".to_owned()]);
        let mut found = 0;
        while found < with.len() {
            found = with.len();
            for (name, list) in &dependencies {
                if list.iter().any(|each| with.contains(each)) {
                    with.insert(name.clone());
                }
            }
        }
        let with: BTreeSet<&str> = with.intersection(&own).map(String::as_str).collect();
        assert_eq!(with, CRATES.into_iter().collect());
    }
}

//! Each crate by itself. In a build of the workspace a crate also has the features that other crates turn on,
//! and nobody notices what it lacks until somebody depends on it alone.

use crate::command::{cargo, output, root, run, unlocked};
use crate::nats::Servers;
use crate::program::{CRATES, component, target};
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;

/// A program that is no member of the workspace.
const OUTSIDE: &str = "host-test/outside";

/// Checks each crate as others depend on it: without its tests, whose dependencies turn on more, and with
/// each of its features. Those with wasmtime in them are checked with their tests, too; of the others the
/// tests are run.
pub(crate) fn check() -> Result<()> {
    for Package { name, features } in packages()? {
        run(cargo("check").args(["--package", &name]))?;
        if !features.is_empty() {
            run(cargo("check").args(["--package", &name, "--no-default-features"]))?;
        }
        for feature in features {
            run(cargo("check")
                .args(["--package", &name, "--no-default-features", "--features", &feature])
                .env("KLAVIYO_COMPONENT", component()))?;
        }
        if has_wasmtime(&name) {
            run(cargo("check").args(["--package", &name, "--all-targets"]))?;
        }
    }
    Ok(())
}

/// Runs the tests of the crates without wasmtime.
pub(crate) fn test(nats: &Servers) -> Result<()> {
    for Package { name, .. } in packages()?.into_iter().filter(|package| !has_wasmtime(&package.name)) {
        run(nats.known_to(cargo("test").args(["--package", &name, "--all-features"])))?;
    }
    Ok(())
}

/// Runs the tests of klaviyo-host, and a program of which it is the dependency. Both have the same features,
/// so wasmtime is compiled once for the two.
pub(crate) fn host() -> Result<()> {
    run(cargo("test").args(["--package", "klaviyo-host"]))?;
    let folder = root().join(OUTSIDE);
    let (ours, theirs) = (root().join("Cargo.lock"), folder.join("Cargo.lock"));
    fs::copy(&ours, &theirs).with_context(|| format!("cannot write {}", theirs.display()))?;
    let manifest = folder.join("Cargo.toml");
    run(cargo("fmt").args(["--check", "--manifest-path"]).arg(&manifest))?;
    run(unlocked("run")
        .arg("--manifest-path")
        .arg(&manifest)
        .arg("--target-dir")
        .arg(target())
        .arg("--")
        .arg(component()))?;
    // It must have been built with the versions of the workspace.
    let (ours, theirs) = (locked(&fs::read_to_string(ours)?), locked(&fs::read_to_string(theirs)?));
    let others: Vec<_> =
        theirs.difference(&ours).filter(|package| !package.contains("\"outside\"")).collect();
    ensure!(others.is_empty(), "{OUTSIDE} is built with versions that are not the workspace's: {others:?}");
    Ok(())
}

struct Package {
    name: String,
    features: Vec<String>,
}

/// The packages of the workspace.
fn packages() -> Result<Vec<Package>> {
    let metadata = output(cargo("metadata").args(["--no-deps", "--format-version=1"]))
        .context("cargo metadata failed")?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("cargo names no packages")?;
    let package = |package: &Value| {
        let name = package.get("name")?.as_str()?.to_owned();
        let features = package.get("features")?.as_object()?.keys();
        Some(Package { name, features: features.filter(|feature| *feature != "default").cloned().collect() })
    };
    packages.iter().map(|value| package(value).context("a package has no name or no features")).collect()
}

fn has_wasmtime(name: &str) -> bool {
    CRATES.contains(&name)
}

/// The packages of a lock file: the lines with names, versions and checksums.
fn locked(lock: &str) -> BTreeSet<String> {
    lock.split("[[package]]")
        .skip(1)
        .map(|package| {
            let lines = package
                .lines()
                .filter(|line| ["name", "version", "checksum"].iter().any(|key| line.starts_with(key)));
            lines.collect::<Vec<_>>().join(", ")
        })
        .collect()
}

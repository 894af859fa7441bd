//! The package for Node, by npm itself: what is packed, with the versions of the lock file.

use super::package::{self, Package};
use crate::command::{output, program, root};
use crate::dist::packages::{packed, unpack};
use crate::runtimes::Skipped;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// The manifest of the package, and the versions of what it depends on.
const SOURCES: [&str; 2] = ["examples/node/package.json", "examples/node/package-lock.json"];

/// Writes the document about the package, if there is one.
pub(super) fn write(folder: &Path, date: &str, skipped: &mut Skipped) -> Result<()> {
    let Some(file) = packed(folder, ".tgz")? else { return Ok(()) };
    if output(program("npm").args(["sbom", "--help"])).is_none() {
        return skipped.add("the SBOM of the package for Node", "this npm has no `npm sbom`: npm 10 has");
    }
    let [manifest, lock] = SOURCES.map(|file| std::fs::read_to_string(root().join(file)).context(file));
    let document = document(&file, &lock?).context("there is no SBOM of the package for Node")?;
    let dependencies = dependencies(&manifest?)?;
    Package { language: "node", file: &file, dependencies }.write(document, folder, date)
}

fn document(file: &Path, lock: &str) -> Result<Value> {
    let folder = tempfile::tempdir()?;
    // npm takes the folder's name for the package's.
    let unpacked = folder.path().join(package::NAME);
    unpack(file, &unpacked)?;
    std::fs::write(unpacked.join("package-lock.json"), lock)?;
    let mut npm = program("npm");
    npm.args(["sbom", "--sbom-format", "cyclonedx", "--omit", "dev", "--package-lock-only"]);
    package::printed(npm.current_dir(unpacked))
}

/// What `package.json` says that the package depends on.
fn dependencies(manifest: &str) -> Result<BTreeSet<String>> {
    let manifest: Value = serde_json::from_str(manifest).context("package.json")?;
    let dependencies = manifest.get("dependencies").and_then(Value::as_object);
    Ok(dependencies.into_iter().flatten().map(|(name, _)| name.clone()).collect())
}

//! The crates that other projects depend on, as crates.io takes them. Each has all that it is compiled from.

use super::{copy, names};
use crate::command::{root, run, unlocked};
use crate::label::Origin;
use anyhow::{Context, Result, ensure};
use std::fs;
use std::path::Path;

/// The crates, by their folders: each behind those that it depends on, which is the order to publish them in.
pub(crate) const PUBLISHED: [&str; 5] = ["core", "mock", "compose", "host", "sync"];

/// What is compiled of a folder that is beside the crates: `wit/`, which is in the package of klaviyo-host then.
const CONTRACT: (&str, &str) = ("crates/host/src/bindings.rs", "path: \"../../wit\"");

/// Where cargo compiles them.
const TARGET: &str = "target/crates";
/// The workspace that they are packed in, and published from.
pub(crate) const WORKSPACE: &str = "target/crates/workspace";

/// Packs them, into a folder.
pub(super) fn package(folder: &Path) -> Result<()> {
    pack(folder, &["--no-verify"])
}

/// Compiles the packed crates, each with the other ones as they are packed. That takes minutes.
pub(crate) fn check() -> Result<()> {
    let folder = tempfile::tempdir()?;
    pack(folder.path(), &[])?;
    for name in names(folder.path())? {
        let (compiled, packed) =
            (fs::read(folder.path().join(&name))?, fs::read(super::folder().join(&name))?);
        ensure!(compiled == packed, "{name} in dist/ is another one than what was compiled now");
    }
    Ok(())
}

fn pack(folder: &Path, options: &[&str]) -> Result<()> {
    let workspace = root().join(WORKSPACE);
    make(&workspace, Origin::of_release()?.as_ref())?;
    let mut cargo = unlocked("package");
    cargo.args(["--quiet", "--workspace", "--manifest-path"]).arg(workspace.join("Cargo.toml"));
    let target = root().join(TARGET);
    run(cargo.args(options).arg("--target-dir").arg(&target).env_remove("CARGO_TARGET_DIR"))?;
    for name in PUBLISHED {
        let file = format!("klaviyo-{name}-{}.crate", env!("CARGO_PKG_VERSION"));
        let packed = target.join("package").join(&file);
        fs::copy(&packed, folder.join(file)).with_context(|| format!("cannot copy {}", packed.display()))?;
    }
    Ok(())
}

/// Writes the crates as a workspace of their own. What git ignores has no commits, of which cargo would write into the
/// packages.
fn make(folder: &Path, origin: Option<&Origin>) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let members = PUBLISHED.map(|name| format!("\"crates/{name}\"")).join(", ");
    let manifest = fs::read_to_string(root().join("Cargo.toml"))?;
    let alone = |line: &str| match line {
        line if line.starts_with("members = ") => format!("members = [{members}]\n"),
        line => format!("{line}\n"),
    };
    fs::write(folder.join("Cargo.toml"), manifest.lines().map(alone).collect::<String>())?;
    fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    for name in PUBLISHED {
        let (from, to) = (root().join("crates").join(name), folder.join("crates").join(name));
        copy::folder(&from, &to)?;
        fs::copy(root().join("LICENSE"), to.join("LICENSE"))?;
        if let Some(origin) = origin {
            let manifest = fs::read_to_string(to.join("Cargo.toml"))?;
            let [before, after] = ["[package]\n", "[package]\nrepository = "];
            let written = manifest.replacen(before, &format!("{after}{:?}\n", origin.repository()), 1);
            fs::write(to.join("Cargo.toml"), written)?;
        }
    }
    let (file, path) = CONTRACT;
    let bindings = fs::read_to_string(folder.join(file))?;
    ensure!(
        bindings.contains(path),
        "{file} has no {path:?} any more: pack the contract where it looks for it"
    );
    fs::write(folder.join(file), bindings.replace(path, "path: \"wit\""))?;
    copy::folder(&root().join("wit"), &folder.join("crates/host/wit"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{cargo, output};
    use serde_json::Value;

    /// What `cargo metadata` says of the packages of the workspace.
    fn packages() -> Vec<Value> {
        let said = output(cargo("metadata").args(["--no-deps", "--format-version=1"])).unwrap();
        let said: Value = serde_json::from_str(&said).unwrap();
        said["packages"].as_array().unwrap().clone()
    }

    #[test]
    fn what_is_published_says_so_and_nothing_else_does() {
        let packages = packages();
        let says_so = |package: &&Value| package["publish"] != serde_json::json!([]);
        let mut names: Vec<_> = packages.iter().filter(says_so).map(|package| &package["name"]).collect();
        let mut expected = PUBLISHED.map(|name| format!("klaviyo-{name}"));
        names.sort_by_key(|name| name.to_string());
        expected.sort();
        assert_eq!(names, expected.each_ref());
    }

    #[test]
    fn a_crate_is_published_behind_those_that_it_needs() {
        let packages = packages();
        let mut published = Vec::new();
        for name in PUBLISHED.map(|name| format!("klaviyo-{name}")) {
            let package = packages.iter().find(|package| package["name"] == *name).unwrap();
            for dependency in package["dependencies"].as_array().unwrap() {
                let is_own = !dependency["path"].is_null();
                let needed = dependency["name"].as_str().unwrap().to_owned();
                assert!(!is_own || published.contains(&needed), "{name} needs {needed}");
            }
            published.push(name);
        }
    }
}

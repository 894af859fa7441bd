//! The packages for Node and for Python, as their registries take them.

use super::{DATE, Install};
use crate::command::{program, root, run};
use crate::label::Origin;
use crate::{examples, licences, runtimes::Skipped};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// What the package for Node is built with, in the project's folder.
pub(super) const NODE_MODULES: &str = "examples/node/node_modules";

/// The licences of what is in the component, beside the package's own. Both registries take each file that is called so.
const LICENCES: &str = "LICENSE.third-party.txt";

/// Packs the package for Node, built.
pub(super) fn node(folder: &Path, install: Install, skipped: &mut Skipped) -> Result<()> {
    if !skipped.has("the package for Node", &["node", "npm"])? {
        return Ok(());
    }
    if install != Install::Nothing {
        examples::install_for_node()?;
    }
    examples::build_node()?;
    add_licences("examples/node")?;
    let mut npm = examples::npm("node");
    // A release has the addresses of its repository.
    match Origin::of_release()? {
        Some(_) => npm.args(["run", "--silent", "release", "--"]),
        None => npm.arg("pack"),
    };
    // It prints the name of the file.
    run(npm.args(["--silent", "--pack-destination"]).arg(folder).stdout(Stdio::null()))
}

/// Packs the package for Python: the source distribution, and the wheel that is built from it, where nothing else
/// of the project is; dated by seconds since 1970.
pub(super) fn python(folder: &Path, date: &str, install: Install, skipped: &mut Skipped) -> Result<()> {
    if !skipped.has("the package for Python", &["python3"])? {
        return Ok(());
    }
    if install != Install::Nothing {
        examples::install_for_python()?;
    }
    add_licences("examples/python")?;
    let hatchling = |target| {
        let mut command = examples::interpreter();
        command.args(["-m", "hatchling", "build", "--target", target, "--directory"]).arg(folder);
        command.env(DATE, date);
        command
    };
    run(&mut hatchling("sdist"))?;
    let name = format!("klaviyo_connector-{}.tar.gz", env!("CARGO_PKG_VERSION"));
    let source = packed(folder, &name)?.context("there is no source distribution")?;
    let unpacked = tempfile::tempdir()?;
    unpack(&source, unpacked.path())?;
    run(hatchling("wheel").current_dir(unpacked.path()))
}

/// Puts the licences of what is in the component into the folder of a package, where git ignores them.
fn add_licences(package: &str) -> Result<()> {
    let texts = std::fs::read(licences::path("klaviyo.wasm"))?;
    let file = root().join(package).join(LICENCES);
    std::fs::write(&file, texts).with_context(|| format!("cannot write {}", file.display()))
}

/// Unpacks a package into a folder, without the one folder that it has itself.
pub(super) fn unpack(package: &Path, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)?;
    let mut tar = program("tar");
    run(tar.args(["--extract", "--strip-components=1", "--file"]).arg(package).arg("-C").arg(folder))
}

/// The file in a folder whose name ends like that.
pub(super) fn packed(folder: &Path, end: &str) -> Result<Option<PathBuf>> {
    let names = super::names(folder)?;
    Ok(names.into_iter().find(|name| name.ends_with(end)).map(|name| folder.join(name)))
}

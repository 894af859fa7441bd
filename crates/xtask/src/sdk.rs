//! Klaviyo's own client libraries against the simulator, and beside the connector.

use crate::command::{self, cargo, program, root, run};
use crate::file;
use crate::program::host_test_command;
use crate::runtimes::Skipped;
use anyhow::Result;
use std::path::PathBuf;

/// Runs the official libraries for Python and Node against the simulator, and beside the connector, each where its
/// runtime is found.
pub(crate) fn test(skipped: &mut Skipped) -> Result<()> {
    if skipped.has("Klaviyo's library for Python", &["python3"])? {
        python()?;
    }
    if skipped.has("Klaviyo's library for Node", &["node", "npm"])? {
        node()?;
    }
    Ok(())
}

/// Installs the library for Python; the interpreter that has it.
pub(crate) fn install_python() -> Result<PathBuf> {
    command::python("target/sdk/python", &["--requirement", "crates/mock/sdk/python/requirements.txt"])
}

/// Installs the library for Node; the folder that it is in, for `NODE_PATH`.
pub(crate) fn install_node() -> Result<PathBuf> {
    let folder = "target/sdk/node";
    let to = root().join(folder);
    std::fs::create_dir_all(&to)?;
    for name in ["package.json", "package-lock.json"] {
        file::copy(&root().join("crates/mock/sdk/node").join(name), &to.join(name))?;
    }
    run(program("npm").args(["ci", "--silent", "--no-audit", "--no-fund", "--prefix", folder]))?;
    Ok(to.join("node_modules"))
}

fn python() -> Result<()> {
    let interpreter = install_python()?;
    run(steps().arg("python").arg(&interpreter).arg("crates/mock/sdk/python/steps.py"))?;
    // Compiled modules would be written beside the sources.
    let mut beside = host_test_command();
    beside.args(["sdk", "python"]).arg(interpreter).arg("crates/mock/sdk/python/beside.py");
    run(beside.env("PYTHONDONTWRITEBYTECODE", "1"))
}

fn node() -> Result<()> {
    let modules = install_node()?;
    run(steps().args(["node", "node", "crates/mock/sdk/node/steps.mjs"]).env("NODE_PATH", &modules))?;
    let beside = ["sdk", "node", "node", "crates/mock/sdk/node/beside.mjs"];
    run(host_test_command().args(beside).env("NODE_PATH", modules))
}

fn steps() -> std::process::Command {
    let mut command = cargo("run");
    command.args(["--quiet", "--package", "klaviyo-mock", "--example", "sdk", "--"]);
    command
}

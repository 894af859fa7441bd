//! Commands that others compile, and that packages for Python have.

use crate::command::{output, program, python, run};
use anyhow::{Context, Result};
use std::path::PathBuf;

/// A command, and the module that its file lies in. `crates/xtask/NAME` has its version and the hashes of its packages.
pub(crate) struct Prebuilt {
    name: &'static str,
    module: &'static str,
}

pub(crate) const WASH: Prebuilt = Prebuilt { name: "wash", module: "wash_cli" };
pub(crate) const WASMTIME: Prebuilt = Prebuilt { name: "wasmtime", module: "wasmtime_cli" };

impl Prebuilt {
    /// Installs it; its file.
    pub(crate) fn install(&self) -> Result<PathBuf> {
        let Self { name, module } = self;
        let lock = format!("crates/xtask/{name}/requirements.lock");
        let interpreter = python(&format!("target/{name}"), &["--require-hashes", "--requirement", &lock])?;
        let ask =
            format!("import pathlib, {module}; print(pathlib.Path({module}.__file__).with_name('{name}'))");
        let file = output(program(interpreter).args(["-c", &ask]))
            .with_context(|| format!("the package of {lock} has no module {module}"))?;
        // Packages do not say which of their files are programs.
        run(program("chmod").arg("+x").arg(&file))?;
        Ok(file.into())
    }
}

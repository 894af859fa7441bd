//! wasmtime in Python.

use super::simulator;
use crate::document::blocks;
use crate::{artifact, examples, file};
use anyhow::Result;
use std::fs;
use std::path::Path;

pub(super) fn run(recipe: &str, folder: &Path) -> Result<()> {
    examples::install_for_python()?;
    file::copy(&artifact::path("klaviyo"), &folder.join("klaviyo.wasm"))?;
    let [code] = blocks(recipe, "python")?;
    fs::write(folder.join("opt_in.py"), code)?;
    let mut command = examples::interpreter();
    simulator()?.expect_opt_in(command.current_dir(folder).arg("opt_in.py"))
}

//! The recipes of `docs/runtimes.md`: the components in runtimes that have no package here.

mod bot;
mod jco;
mod python;

use crate::command::root;
use crate::document;
use crate::runtimes::Skipped;
use crate::simulator::Simulator;
use anyhow::{Context, Result};
use std::ffi::OsString;
use std::fs;
use std::path::Path;

const DOCUMENT: &str = "docs/runtimes.md";
/// Where the recipes run.
const FOLDER: &str = "target/recipes";

/// Runs each recipe on a simulator of the last build.
pub(crate) fn test(skipped: &mut Skipped) -> Result<()> {
    let document = fs::read_to_string(root().join(DOCUMENT)).context(DOCUMENT)?;
    let folder = &root().join(FOLDER);
    fs::create_dir_all(folder)?;
    let run = |heading: &str, recipe: &dyn Fn(&str) -> Result<()>| {
        let missing = || format!("{DOCUMENT} has nothing below \"{heading}\"");
        let text = document::section(&document, heading).with_context(missing)?;
        recipe(text).with_context(|| format!("\"{heading}\" of {DOCUMENT} fails"))
    };
    if skipped.has("the recipe for wasmtime in Python", &["python3"])? {
        run("Python, with wasmtime", &|text| python::run(text, folder))?;
    }
    if let Some(node) = &jco::install(folder, skipped)? {
        run("JavaScript, with jco", &|text| jco::run(text, folder, node))?;
        run("Your component, on top of the connector", &|text| bot::build(text, folder, node))?;
        if skipped.has("the recipes for wac and wasmCloud", &["python3"])? {
            run("wac, and the command wasmtime", &|text| bot::composed(text, folder))?;
            run("wasmCloud", &|text| bot::on_wasmcloud(text, folder, node))?;
        }
    }
    Ok(())
}

/// A simulator for one recipe.
fn simulator() -> Result<Simulator> {
    Simulator::start("debug", "off", &[])
}

/// The programs of this machine, behind those of other folders.
fn path(folders: &[&Path]) -> Result<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let own = folders.iter().map(|folder| folder.to_path_buf());
    Ok(std::env::join_paths(own.chain(std::env::split_paths(&path)))?)
}

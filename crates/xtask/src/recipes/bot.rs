//! A component that imports the connector: how it is made, and who links the two.

use super::{path, simulator};
use crate::command::{program, run};
use crate::dist::contract;
use crate::document::blocks;
use crate::prebuilt::{WASH, WASMTIME};
use crate::{artifact, file};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions};

/// What the component is linked with.
const CONNECTOR: &str = "klaviyo-wasi";

/// Makes the component.
pub(super) fn build(recipe: &str, folder: &Path, node: &Path) -> Result<()> {
    let dependencies = folder.join("wit/deps");
    fs::create_dir_all(&dependencies)?;
    fs::write(dependencies.join("klaviyo-wit.wasm"), contract::package(None)?)?;
    let [world] = blocks(recipe, "wit")?;
    fs::write(folder.join("wit/bot.wit"), world)?;
    let [code] = blocks(recipe, "js")?;
    fs::write(folder.join("bot.js"), code)?;
    let [commands] = blocks(recipe, "sh")?;
    let mut shell = program("sh");
    shell.args(["-eu", "-c", commands]).current_dir(folder).env("PATH", path(&[node])?);
    run(&mut shell)
}

/// The two in one file.
pub(super) fn composed(recipe: &str, folder: &Path) -> Result<()> {
    file::copy(&artifact::path(CONNECTOR), &folder.join(CONNECTOR).with_extension("wasm"))?;
    let [commands] = blocks(recipe, "sh")?;
    let (wac, commands) = commands.split_once('\n').unwrap_or_default();
    let ["wac", "plug", "--plug", lower, upper, "--output", output] = *wac.split(' ').collect::<Vec<_>>()
    else {
        bail!("the components are composed otherwise now: {wac:?}");
    };
    let whole = plug(&fs::read(folder.join(lower))?, &fs::read(folder.join(upper))?)?;
    file::write(&folder.join(output), &whole)?;
    let wasmtime = WASMTIME.install()?;
    let wasmtime = wasmtime.parent().context("a program is in a folder")?;
    let mut shell = program("sh");
    shell.args(["-eu", "-c", commands]).current_dir(folder).env("PATH", path(&[wasmtime])?);
    simulator()?.expect_opt_in(&mut shell)
}

/// What `wac plug` does, by its library: the command would take minutes to compile.
fn plug(lower: &[u8], upper: &[u8]) -> Result<Vec<u8>> {
    let mut graph = CompositionGraph::new();
    let upper = Package::from_bytes("upper", None, upper, graph.types_mut())?;
    let upper = graph.register_package(upper)?;
    let lower = Package::from_bytes("lower", None, lower, graph.types_mut())?;
    let lower = graph.register_package(lower)?;
    wac_graph::plug(&mut graph, vec![lower], upper)?;
    Ok(graph.encode(EncodeOptions::default())?)
}

/// The two as components of one workload.
pub(super) fn on_wasmcloud(recipe: &str, folder: &Path, node: &Path) -> Result<()> {
    file::copy(&artifact::path(CONNECTOR), &folder.join(CONNECTOR).with_extension("wasm"))?;
    let settings = folder.join(".wash");
    fs::create_dir_all(&settings)?;
    let [local, _cluster] = blocks(recipe, "yaml")?;
    fs::write(settings.join("config.yaml"), local)?;
    let [command] = blocks(recipe, "sh")?;
    let wash = WASH.install()?;
    let wash = wash.parent().context("a program is in a folder")?;
    let mut shell = program("sh");
    // The shell becomes the command, so that it is what ends.
    shell.args(["-eu", "-c", &format!("exec {command}")]).current_dir(folder);
    // Its own settings and its cache are there, too.
    shell.env("PATH", path(&[wash, node])?).env("HOME", folder);
    simulator()?.expect_opt_in_by_service(&mut shell)
}

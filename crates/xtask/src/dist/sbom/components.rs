//! What the components and the command are made of, as CycloneDX: the crates that cargo takes for each, with their versions,
//! checksums and licences. Those that its macros are made of are among them.

use super::FOLDER;
use crate::command::{output, program, root, run, unlocked};
use crate::dist::{DATE, Install, binary, copy};
use crate::runtimes::Skipped;
use crate::toolchain::TARGET;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Stdio;

/// The version of cargo-cyclonedx.
const VERSION: &str = "0.5.9";

/// The name of each document, the crate that it is about, and what that is compiled for. `klaviyo.wasm` and
/// `klaviyo-opt-in.wasm` are of one crate, `klaviyo-wasi.wasm` is `klaviyo.wasm` with the adapter, and the command has
/// `klaviyo.wasm` inside.
const DOCUMENTS: [(&str, &str, &str); 4] = [
    ("klaviyo", "component", TARGET),
    ("klaviyo-wasi-adapter", "wasi-http", TARGET),
    ("klaviyo-mock", "mock-component", TARGET),
    ("klaviyo-connector", "cli", binary::TARGET),
];

/// The document about what both packages have inside.
pub(super) const CONNECTOR: &str = "klaviyo.cdx.json";

/// Writes the documents, dated by seconds since 1970.
pub(super) fn write(folder: &Path, date: &str, install: Install, skipped: &mut Skipped) -> Result<()> {
    let Some(tool) = tool(install, skipped)? else { return Ok(()) };
    for (name, package, target) in DOCUMENTS {
        let document = document(&tool, package, target, date)
            .with_context(|| format!("there is no SBOM of {package}"))?;
        std::fs::write(folder.join(name).with_extension("cdx.json"), document)?;
    }
    Ok(())
}

fn tool(install: Install, skipped: &mut Skipped) -> Result<Option<PathBuf>> {
    let tool =
        root().join(FOLDER).join("bin").join(format!("cargo-cyclonedx{}", std::env::consts::EXE_SUFFIX));
    let installed = || {
        output(program(&tool).args(["cyclonedx", "--version"])).is_some_and(|said| said.ends_with(VERSION))
    };
    if !installed() {
        if install != Install::Everything {
            eprintln!(
                "xtask: no SBOMs of the components: `cargo xtask dist` installs cargo-cyclonedx, which makes them"
            );
            return Ok(None);
        }
        let package = format!("cargo-cyclonedx@{VERSION}");
        // Optimised, it would take twice as long to compile, and to run no less.
        // It runs for a moment, and to optimise it takes longer.
        let mut cargo = unlocked("install");
        cargo.args(["--quiet", "--debug", "--locked", "--force", "--root", FOLDER, &package]);
        if let Err(error) = run(&mut cargo) {
            skipped.add("the SBOMs of the components", &format!("{error:#}"))?;
            return Ok(None);
        }
        ensure!(installed(), "{} is not cargo-cyclonedx {VERSION}", tool.display());
    }
    Ok(Some(tool))
}

/// The document about one crate. In a workspace of its own its dependencies have the features that it asks for, and
/// the tool, which writes beside each manifest, does not write among the sources.
fn document(tool: &Path, package: &str, target: &str, date: &str) -> Result<String> {
    let workspace = tempfile::tempdir()?;
    let folder = workspace.path().canonicalize()?;
    copy::folder(&root().join("crates"), &folder.join("crates"))?;
    std::fs::copy(root().join("Cargo.lock"), folder.join("Cargo.lock"))?;
    let manifest = std::fs::read_to_string(root().join("Cargo.toml"))?;
    let alone = |line: &str| match line.starts_with("members = ") {
        true => format!("members = [\"crates/{package}\"]\n"),
        false => format!("{line}\n"),
    };
    std::fs::write(folder.join("Cargo.toml"), manifest.lines().map(alone).collect::<String>())?;
    let mut generate = program(tool);
    generate.args([
        "cyclonedx",
        "--format=json",
        "--spec-version=1.5",
        "--all",
        "--no-build-deps",
        "--target",
        target,
    ]);
    generate
        .arg("--quiet")
        .arg("--manifest-path")
        .arg(folder.join("crates").join(package).join("Cargo.toml"));
    run(generate.env(DATE, date).stdout(Stdio::null()))?;
    let written = folder.join("crates").join(package).join(format!("klaviyo-{package}.cdx.json"));
    let document =
        std::fs::read_to_string(&written).with_context(|| format!("cannot read {}", written.display()))?;
    // The tool names a crate of this project by where it is on this machine.
    Ok(document.replace(&format!("file://{}", folder.display()), "file://"))
}

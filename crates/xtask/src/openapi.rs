//! The connector's requests against Klaviyo's OpenAPI documents, which are not part of the project.

use crate::command::{cargo, program, root, run};
use crate::program::built;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const PACKAGE: &str = "klaviyo-openapi";

/// Where documents are found, beside the project's folder.
const FOLDER: &str = "../shared/openapi";

/// Runs the check, and returns its status. It prints what is wrong itself.
pub(crate) fn check(arguments: &[String]) -> Result<ExitCode> {
    let mut check = command()?;
    // The files are named from where the caller is.
    check.current_dir(std::env::current_dir()?).args(arguments);
    let status = check.status().context("the check cannot be run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks against the documents beside the project, if there are any.
pub(crate) fn test() -> Result<()> {
    let documents = documents();
    if documents.is_empty() {
        eprintln!("xtask: skipped: there are no OpenAPI documents in {FOLDER}");
        return Ok(());
    }
    let mut check = command()?;
    check.arg("--openapi").args(documents);
    if !check.status().context("the check cannot be run")?.success() {
        bail!("requests are not what Klaviyo's OpenAPI describes");
    }
    Ok(())
}

fn documents() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(root().join(FOLDER)).into_iter().flatten().flatten();
    let files = entries.map(|entry| entry.path());
    let mut files: Vec<_> = files.filter(|file| file.extension().is_some_and(|e| e == "json")).collect();
    files.sort();
    files
}

fn command() -> Result<Command> {
    run(cargo("build").args(["--quiet", "--package", PACKAGE]))?;
    Ok(program(built(PACKAGE, "debug")))
}

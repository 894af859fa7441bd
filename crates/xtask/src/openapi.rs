//! The connector's requests against Klaviyo's OpenAPI documents, which are not part of the project.

use crate::command::{cargo, program, root, run};
use crate::program::built;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::{Command, ExitCode};

const PACKAGE: &str = "klaviyo-openapi";

/// Where documents are found, beside the project's folder.
const FOLDERS: [&str; 2] = ["../shared/openapi", "../shared/openapi/next"];

/// The revisions that are checked: the oldest that lives, and two in which much has changed.
const REVISIONS: [&str; 3] = ["2025-01-15", "2026-04-15", "2026-07-15"];

/// Runs the check, and returns its status. It prints what is wrong itself.
pub(crate) fn check(arguments: &[String]) -> Result<ExitCode> {
    let mut check = command()?;
    // The files are named from where the caller is.
    check.current_dir(std::env::current_dir()?).args(arguments);
    let status = check.status().context("the check cannot be run")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Checks against the documents beside the project, if there are any, and says which are missing.
pub(crate) fn test() -> Result<()> {
    let (mut documents, mut missing) = (Vec::new(), Vec::new());
    for revision in REVISIONS {
        match document(revision) {
            Some(document) => documents.push(document),
            None => missing.push(revision),
        }
    }
    if !missing.is_empty() {
        let (missing, folders) = (missing.join(", "), FOLDERS.join(" and "));
        eprintln!("xtask: skipped: there is no OpenAPI document of {missing} in {folders}");
    }
    if documents.is_empty() {
        return Ok(());
    }
    let mut check = command()?;
    check.arg("--openapi").args(documents);
    if !check.status().context("the check cannot be run")?.success() {
        bail!("the requests or the simulator are not what Klaviyo's OpenAPI describes");
    }
    Ok(())
}

/// The document of a revision.
fn document(revision: &str) -> Option<PathBuf> {
    let file = format!("klaviyo-{revision}.json");
    FOLDERS.iter().map(|folder| root().join(folder).join(&file)).find(|path| path.is_file())
}

fn command() -> Result<Command> {
    run(cargo("build").args(["--quiet", "--package", PACKAGE]))?;
    Ok(program(built(PACKAGE, "debug")))
}

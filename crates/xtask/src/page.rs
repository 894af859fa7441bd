//! The status page of the service, in a browser.

use crate::command::{program, root, run};
use crate::program::{built, profile};
use crate::runtimes::{self, Skipped};
use anyhow::Result;
use std::process::Command;

/// Runs the tests of the page, with the command of the last build.
pub(crate) fn test(skipped: &mut Skipped) -> Result<()> {
    if skipped.has("the status page", &["node", "npm", "chromium"])? {
        run(npm().args(["ci", "--silent", "--no-audit", "--no-fund"]))?;
        run(npm()
            .args(["run", "--silent", "test"])
            .env("KLAVIYO_CONNECTOR", built("klaviyo-connector", profile(false))))?;
    }
    Ok(())
}

fn npm() -> Command {
    let mut command = program("npm");
    command.current_dir(root().join("crates/service/tests/page"));
    if let Some(browser) = runtimes::browser() {
        command.env("CHROMIUM", browser);
    }
    command
}

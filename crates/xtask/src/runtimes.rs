//! The runtimes of other languages, where they are found.

use crate::command::{output, program};
use anyhow::{Result, bail};
use std::path::{Path, PathBuf};

/// Where Debian and others install the browser.
const BROWSERS: [&str; 4] = [
    "/usr/bin/chromium",
    "/usr/bin/chromium-browser",
    "/usr/bin/google-chrome",
    "/usr/bin/google-chrome-stable",
];

/// The tests that were left out, and what was missing for them.
#[derive(Default)]
pub(crate) struct Skipped(Vec<String>);

impl Skipped {
    /// Whether all of these programs are there. Where everything is supposed to be, a missing one is a
    /// failure.
    pub(crate) fn has(&mut self, what: &str, programs: &[&str]) -> Result<bool> {
        let Some(missing) = programs.iter().find(|name| !found(name)) else { return Ok(true) };
        self.add(what, &format!("there is no {missing}"))?;
        Ok(false)
    }

    /// Leaves something out, for a reason. Where everything is supposed to be, that is a failure.
    pub(crate) fn add(&mut self, what: &str, reason: &str) -> Result<()> {
        if std::env::var_os("CI").is_some() {
            bail!("{what} cannot be tried: {reason}");
        }
        let skipped = format!("{what}: {reason}");
        eprintln!("xtask: skipped: {skipped}");
        self.0.push(skipped);
        Ok(())
    }

    /// Takes over what another run of these tests has said of this.
    pub(crate) fn extend(&mut self, output: &str) {
        self.0.extend(output.lines().filter_map(|line| line.strip_prefix("skipped: ")).map(str::to_owned));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Prints at the end what was not tested.
    pub(crate) fn report(&self) {
        for skipped in &self.0 {
            eprintln!("skipped: {skipped}");
        }
    }
}

fn found(name: &str) -> bool {
    match name {
        "chromium" => browser().is_some(),
        // A distribution may have Python without the modules that make environments.
        "python3" => output(program("python3").args(["-c", "import ensurepip, venv"])).is_some(),
        "openssl" => output(program("openssl").arg("version")).is_some(),
        name => output(program(name).arg("--version")).is_some(),
    }
}

/// Where a program is that is found by its name.
pub(crate) fn place(name: &str) -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join(name)).find(|path| path.is_file())
}

/// The browser to test pages in: `CHROMIUM`, or one at a usual place.
pub(crate) fn browser() -> Option<String> {
    let usual = || BROWSERS.into_iter().find(|path| Path::new(path).is_file()).map(str::to_owned);
    std::env::var("CHROMIUM").ok().filter(|path| !path.is_empty()).or_else(usual)
}

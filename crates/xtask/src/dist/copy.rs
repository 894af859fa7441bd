//! The project in another folder, whose name is another.

use super::packages::NODE_MODULES;
use super::sbom;
use crate::command::{MANIFEST_FOLDER, program, root};
use crate::examples::PYTHON;
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// What a build uses, and what comes into none of its files: what is installed, the macros and build scripts, which
/// cargo compiles for this machine, and the command, which tells its manual pages: there it tells them once more.
const TOOLS: [&str; 5] = [NODE_MODULES, PYTHON, sbom::FOLDER, "target/wasm", "target/klaviyo-connector"];

/// A copy of the sources. What is built there is gone with it.
pub(super) struct Copy(TempDir);

impl Copy {
    /// Copies what git has, as it is now, and what it has not and does not ignore either.
    pub(super) fn make() -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("elsewhere-").tempdir()?;
        let listed =
            program("git").args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).output();
        let listed = listed.context("cannot run git, which lists the sources")?;
        ensure!(
            listed.status.success(),
            "git does not list the sources: {}",
            String::from_utf8_lossy(&listed.stderr)
        );
        for name in String::from_utf8(listed.stdout)?.split_terminator('\0') {
            let from = root().join(name);
            // One that is gone, and not committed yet.
            if from.exists() {
                copy(&from, &folder.path().join(name))?;
            }
        }
        for name in TOOLS {
            let (from, to) = (root().join(name), folder.path().join(name));
            if from.exists() {
                make_folder_of(&to)?;
                link(&from, &to).with_context(|| format!("cannot link to {}", from.display()))?;
            }
        }
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    /// This program, about to run for the copy.
    pub(super) fn xtask(&self) -> Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.current_dir(self.path()).env(MANIFEST_FOLDER, self.path().join("crates/xtask"));
        // Those would lead back.
        command.env_remove("CARGO_TARGET_DIR").env_remove("KLAVIYO_CONNECTOR");
        Ok(command)
    }
}

#[cfg(unix)]
pub(super) use std::os::unix::fs::symlink as link;
#[cfg(windows)]
pub(super) use std::os::windows::fs::symlink_dir as link;

fn make_folder_of(path: &Path) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))
}

/// Copies a folder with all that is in it.
pub(super) fn folder(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let into = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => folder(&entry.path(), &into)?,
            false => std::fs::copy(entry.path(), into).map(|_| ())?,
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result<()> {
    make_folder_of(to)?;
    std::fs::copy(from, to).with_context(|| format!("cannot copy {}", from.display()))?;
    Ok(())
}

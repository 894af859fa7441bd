//! What belongs to the command and is no program: its manual pages, and the scripts that complete it in shells.

use super::archive::{Archive, TEXT, gzip};
use super::names;
use crate::command::{program, root};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::Command;

/// The shells, and where Debian looks for their scripts.
const SHELLS: [(&str, &str, &str); 3] = [
    ("bash", "bash-completion/completions", "klaviyo-connector"),
    ("fish", "fish/vendor_completions.d", "klaviyo-connector.fish"),
    ("zsh", "zsh/vendor-completions", "_klaviyo-connector"),
];

/// A file, and where it is below `/usr/share`.
pub(super) struct Shared {
    pub(super) path: String,
    pub(super) contents: Vec<u8>,
}

/// Writes them as an archive, dated by seconds since 1970.
pub(super) fn write(folder: &Path, date: &str) -> Result<()> {
    let mut archive = Archive::new(date)?;
    for Shared { path, contents } in files()? {
        archive.add(&format!("share/{path}"), TEXT, &contents)?;
    }
    let name = format!("klaviyo-connector-{}-share.tar.gz", env!("CARGO_PKG_VERSION"));
    Ok(std::fs::write(folder.join(name), archive.finish()?)?)
}

/// All of them, by the command of the last build.
pub(super) fn files() -> Result<Vec<Shared>> {
    let mut files = Vec::new();
    for (shell, folder, name) in SHELLS {
        let contents = printed(command().args(["completions", shell]))?;
        files.push(Shared { path: format!("{folder}/{name}"), contents });
    }
    let pages = tempfile::tempdir()?;
    printed(command().arg("man").arg(pages.path()))?;
    for name in names(pages.path())? {
        let contents = gzip(&std::fs::read(pages.path().join(&name))?)?;
        files.push(Shared { path: format!("man/man1/{name}.gz"), contents });
    }
    Ok(files)
}

fn command() -> Command {
    program(root().join("target").join(format!("klaviyo-connector{}", std::env::consts::EXE_SUFFIX)))
}

fn printed(command: &mut Command) -> Result<Vec<u8>> {
    let output = command.output().context("cannot run target/klaviyo-connector")?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "target/klaviyo-connector tells nothing of itself: {said}");
    Ok(output.stdout)
}

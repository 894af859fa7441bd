//! Runs other programs.

use anyhow::{Context, Result, bail};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What cargo tells the program that it runs about its package's folder.
pub(crate) const MANIFEST_FOLDER: &str = "CARGO_MANIFEST_DIR";

/// The workspace's folder: the one that this was built in, unless it is run for a copy of that.
pub(crate) fn root() -> PathBuf {
    let here = std::env::var_os(MANIFEST_FOLDER).unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let here = Path::new(&here);
    here.ancestors().nth(2).unwrap_or(here).to_owned()
}

/// A subcommand of the cargo that runs this task, in the workspace's folder. It takes the dependencies that
/// `Cargo.lock` has, and fails when that is out of date.
pub(crate) fn cargo(subcommand: &str) -> Command {
    let mut command = unlocked(subcommand);
    // Formatting has nothing to do with dependencies.
    if subcommand != "fmt" {
        command.arg("--locked");
    }
    command
}

/// The same, for a package that has a lock file of its own.
pub(crate) fn unlocked(subcommand: &str) -> Command {
    let mut command = program(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.arg(subcommand);
    command
}

/// Any program, in the workspace's folder.
pub(crate) fn program(name: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root());
    command
}

/// How Python installs packages.
pub(crate) const PIP: [&str; 5] = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];

/// Makes a virtual environment of Python in a folder of the workspace, and installs packages into it, as a file
/// there has them; returns its interpreter.
pub(crate) fn python(folder: &str, install: &[&str]) -> Result<PathBuf> {
    run(program("python3").args(["-m", "venv", folder]))?;
    let interpreter = root().join(folder).join("bin/python");
    run(program(&interpreter).args(PIP).args(install))?;
    Ok(interpreter)
}

/// Runs a command to its end; fails when it does.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot run {}", shown(command)))?;
    if !status.success() {
        bail!("{} failed ({status})", shown(command));
    }
    Ok(())
}

/// What a command prints on standard output, if it can be run and succeeds.
pub(crate) fn output(command: &mut Command) -> Option<String> {
    let output = command.output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let name = |word: &OsStr| match Path::new(word).file_name() {
        Some(name) if Path::new(word).is_absolute() => name.to_string_lossy().into_owned(),
        _ => word.to_string_lossy().into_owned(),
    };
    format!("`{}`", words.map(name).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::cargo;

    #[test]
    fn cargo_keeps_to_the_lock_file() {
        for subcommand in ["build", "clippy", "run", "test"] {
            assert_eq!(cargo(subcommand).get_args().collect::<Vec<_>>(), [subcommand, "--locked"]);
        }
    }
}

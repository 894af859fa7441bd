//! From a packed file to an opt-in, by the commands of `docs/install.md`: in an empty folder, where there is no program
//! but the runtime, and nothing that tells where the project is.

use super::binary;
use super::copy::link;
use super::packages::packed;
use crate::command::{program, root, run};
use crate::document::section;
use crate::prebuilt::WASMTIME;
use crate::program::profile;
use crate::runtimes::{Skipped, place};
use crate::simulator::Simulator;
use anyhow::{Context, Result, ensure};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// Where the commands are.
const DOCUMENT: &str = "docs/install.md";
/// So many may lie between the file and the opt-in.
const COMMANDS: usize = 2;

/// Tries each packed file that there is.
pub(super) fn run_all(folder: &Path, skipped: &mut Skipped) -> Result<()> {
    let simulator = || Simulator::start(profile(false), "off", &[]);
    if let Some(file) = packed(folder, ".tgz")? {
        let machine = Machine::with(&["node", "npm"])?;
        // The package needs nothing of a registry.
        opt_in("Node", &file, &machine, &simulator()?, &[("npm_config_offline", "true")])?;
    }
    if let Some(file) = packed(folder, ".whl")? {
        opt_in("Python", &file, &Machine::with_python()?, &simulator()?, &[])?;
    }
    if skipped.has("the component in the command wasmtime", &["python3"])? {
        let machine = Machine::of(&[WASMTIME.install()?])?;
        opt_in("wasmtime", &folder.join("klaviyo-wasi.wasm"), &machine, &simulator()?, &[])?;
    }
    if let Some(file) = packed(folder, binary::ARCHIVE)? {
        opt_in("The command", &file, &Machine::with(&["tar", "gzip"])?, &simulator()?, &[])?;
    }
    if let Some(file) = packed(folder, binary::DEBIAN)?
        && skipped.has("the Debian package", &["dpkg-deb"])?
    {
        let machine = Machine::with_package(&file)?;
        let simulator = Simulator::of(&machine.path.join("klaviyo-connector"), "off", &[])?;
        opt_in("Debian and Ubuntu", &file, &machine, &simulator, &[])?;
    }
    Ok(())
}

/// Runs the commands below a heading of the document, in a folder with one file, and asks the simulator what became
/// of it.
fn opt_in(
    heading: &str,
    file: &Path,
    machine: &Machine,
    simulator: &Simulator,
    settings: &[(&str, &str)],
) -> Result<()> {
    let document = std::fs::read_to_string(root().join(DOCUMENT)).context(DOCUMENT)?;
    let commands = commands(&document, heading)?;
    let folder = tempfile::tempdir()?;
    std::fs::copy(file, folder.path().join(file.file_name().context("a file has a name")?))?;
    let mut shell = Command::new("/bin/sh");
    shell.args(["-eu", "-c", commands]).current_dir(folder.path()).stdout(Stdio::null());
    forget_project(&mut shell, &root(), std::env::vars_os());
    shell.env("PATH", &machine.path).envs(settings.iter().copied());
    simulator
        .expect_opt_in(&mut shell)
        .with_context(|| format!("the commands of {DOCUMENT} below \"{heading}\" fail"))?;
    eprintln!("xtask: {heading}: from a packed file to an opt-in");
    Ok(())
}

/// All programs that the commands find.
struct Machine {
    path: PathBuf,
    /// Is there as long as this is.
    _folder: TempDir,
}

impl Machine {
    /// A machine with these programs of this one.
    fn with(names: &[&str]) -> Result<Self> {
        let places = names.iter().map(|name| place(name).with_context(|| format!("there is no {name}")));
        Self::of(&places.collect::<Result<Vec<_>>>()?)
    }

    /// A machine with these programs.
    fn of(places: &[PathBuf]) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        for place in places {
            link(place, folder.path().join(place.file_name().context("a program has a name")?))?;
        }
        Ok(Self { path: folder.path().to_owned(), _folder: folder })
    }

    /// A machine with Python and pip, in an environment that has nothing else.
    fn with_python() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        run(program("python3").args(["-m", "venv"]).arg(folder.path()))?;
        Ok(Self { path: folder.path().join("bin"), _folder: folder })
    }

    /// A machine with what a Debian package has. It is there when somebody asks to install it: this machine keeps what it
    /// has, so it is only unpacked.
    fn with_package(file: &Path) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        run(program("dpkg-deb").arg("--extract").arg(file).arg(folder.path()))?;
        let path = folder.path().join("usr/bin");
        link(place("true").context("there is no true")?, path.join("sudo"))?;
        Ok(Self { path, _folder: folder })
    }
}

/// Takes what leads to the project, or is about it, out of an environment.
fn forget_project(
    command: &mut Command,
    project: &Path,
    environment: impl Iterator<Item = (OsString, OsString)>,
) {
    let project = project.to_string_lossy();
    let is_about = |name: &OsStr, value: &OsStr| {
        value.to_string_lossy().contains(&*project)
            || ["CARGO", "KLAVIYO_", "NODE_PATH", "PYTHON"]
                .iter()
                .any(|own| name.to_string_lossy().starts_with(own))
    };
    for (name, _) in environment.filter(|(name, value)| is_about(name, value)) {
        command.env_remove(name);
    }
}

/// The commands in the first block of a shell below a heading.
fn commands<'a>(document: &'a str, heading: &str) -> Result<&'a str> {
    let missing = || format!("{DOCUMENT} has no commands below \"{heading}\"");
    let part = section(document, heading).with_context(missing)?;
    let (_, block) = part.split_once("```sh\n").with_context(missing)?;
    let (commands, _) = block.split_once("```").with_context(missing)?;
    let number = commands.trim().lines().count();
    ensure!(
        (1..=COMMANDS).contains(&number),
        "{DOCUMENT} needs {number} commands below \"{heading}\", and {COMMANDS} have to do"
    );
    Ok(commands)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_those_below_their_heading() {
        let document = "# All\n\n## One\n\n```\nnone\n```\n\n```sh\na\nb\n```\n\n## Two\n\ntext\n\n## Three\n\n```sh\na\nb\nc\n```\n";
        assert_eq!(commands(document, "One").unwrap(), "a\nb\n");
        for (heading, said) in [("Two", "no commands"), ("Four", "no commands"), ("Three", "3 commands")] {
            let refusal = commands(document, heading).unwrap_err().to_string();
            assert!(refusal.contains(said) && refusal.contains(heading), "{refusal}");
        }
    }

    #[test]
    fn nothing_leads_to_the_project() {
        let mut command = Command::new("sh");
        let environment = [
            ("CARGO_MANIFEST_DIR", "/elsewhere"),
            ("HOME", "/root"),
            ("KLAVIYO_CONNECTOR", "/elsewhere"),
            ("LD_LIBRARY_PATH", "/lib:/project/target"),
            ("PIP_CERT", "/etc/ssl"),
            ("PYTHONPATH", "/lib"),
        ];
        let environment = environment.map(|(name, value)| (name.into(), value.into()));
        forget_project(&mut command, Path::new("/project"), environment.into_iter());
        let removed: Vec<_> = command.get_envs().map(|(name, _)| name).collect();
        assert_eq!(removed, ["CARGO_MANIFEST_DIR", "KLAVIYO_CONNECTOR", "LD_LIBRARY_PATH", "PYTHONPATH"]);
    }
}

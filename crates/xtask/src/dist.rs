//! `cargo xtask dist`: what a release consists of, as files in `dist/`. Two builds of the same sources have the same
//! bytes, wherever they are.

mod archive;
mod binary;
pub(crate) mod contract;
mod copy;
pub(crate) mod crates;
mod deb;
mod first_opt_in;
mod packages;
mod sbom;
mod shell;
mod sums;
mod trial;

use crate::command::{self, output, root, run};
use crate::label::Origin;
use crate::runtimes::Skipped;
use crate::{artifact, licences, program, versions};
use anyhow::{Context, Result, bail};
use copy::Copy;
use std::path::{Path, PathBuf};

/// The time of a release, in seconds since 1970.
const DATE: &str = "SOURCE_DATE_EPOCH";

/// The catalogue of actions.
const ACTIONS: &str = "klaviyo.actions.json";

/// What is installed before a build.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Install {
    /// All that it needs.
    Everything,
    /// All but cargo-cyclonedx, which takes longer to compile than all the rest. Where it is missing, there are no SBOMs of
    /// the components.
    Packages,
    /// Nothing more.
    Nothing,
}

/// Whether the command is built, too, static and as a Debian package, which takes a quarter of an hour.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Binary {
    Yes,
    No,
}

/// Builds the files.
pub(crate) fn build(install: Install, binary: Binary, skipped: &mut Skipped) -> Result<()> {
    let date = date()?;
    versions::check()?;
    artifact::build()?;
    if install != Install::Nothing {
        // It tells its manual pages and completions, and the packages are tried on its simulator.
        program::build_command(false)?;
    }
    let folder = folder();
    if folder.exists() {
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    for name in artifact::RELEASED {
        let built = artifact::path(name);
        std::fs::write(folder.join(name).with_extension("wasm"), std::fs::read(&built)?)?;
    }
    licences::write()?;
    for (name, _) in licences::COMPONENTS {
        std::fs::write(folder.join(format!("{name}.txt")), std::fs::read(licences::path(name))?)?;
    }
    std::fs::write(folder.join(ACTIONS), std::fs::read(root().join(ACTIONS))?)?;
    std::fs::write(folder.join("klaviyo-wit.wasm"), contract::package(Origin::of_release()?.as_ref())?)?;
    std::fs::write(folder.join("Dockerfile"), std::fs::read(root().join("deploy/Dockerfile"))?)?;
    shell::write(&folder, &date)?;
    crates::package(&folder)?;
    if binary == Binary::Yes {
        binary::write(&folder, &date)?;
    }
    packages::node(&folder, install, skipped)?;
    packages::python(&folder, &date, install, skipped)?;
    sbom::write(&folder, &date, install, skipped)?;
    sums::write(&folder)?;
    eprintln!("xtask: dist/, {} files", names(&folder)?.len());
    Ok(())
}

/// Builds the files, tries each package as it is packed, builds them once more in a copy of the sources, and compares
/// them byte for byte.
pub(crate) fn check(install: Install, binary: Binary, skipped: &mut Skipped) -> Result<()> {
    build(install, binary, skipped)?;
    trial::run_all(&folder())?;
    first_opt_in::run_all(&folder(), skipped)?;
    let copy = Copy::make()?;
    let mut other = copy.xtask()?;
    // A copy has no commits.
    other.args(["dist", "--prepared"]).env(DATE, date()?);
    run(other.args((binary == Binary::Yes).then_some("--binary")))?;
    same(&folder(), &copy.path().join("dist"))
}

/// Where the files are.
pub(crate) fn folder() -> PathBuf {
    root().join("dist")
}

/// The time that the environment has, or that of the last commit.
fn date() -> Result<String> {
    let of_commit = || output(command::program("git").args(["log", "-1", "--format=%ct"]));
    let date = std::env::var(DATE).ok().or_else(of_commit);
    date.with_context(|| format!("there is no git here that tells of when the sources are: set {DATE}"))
}

/// The names in a folder, in their order.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut names: Vec<String> =
        entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect::<Result<_>>()?;
    names.sort();
    Ok(names)
}

/// Fails unless two folders have the same files.
fn same(one: &Path, other: &Path) -> Result<()> {
    let (ours, theirs) = (names(one)?, names(other)?);
    if ours != theirs {
        bail!("a build in another folder makes other files: {theirs:?}, and here {ours:?}");
    }
    let mut differ = Vec::new();
    for name in ours {
        let (ours, theirs) = (std::fs::read(one.join(&name))?, std::fs::read(other.join(&name))?);
        if ours != theirs {
            let at = ours.iter().zip(&theirs).take_while(|(one, other)| one == other).count();
            differ.push(format!("{name}, from byte {at} of {}", ours.len()));
        }
    }
    if differ.is_empty() { Ok(()) } else { bail!("a build in another folder differs: {}", differ.join("; ")) }
}

#[cfg(test)]
mod tests {
    use super::same;

    #[test]
    fn a_byte_or_a_file_more_or_less_is_a_difference() {
        let [one, other] = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
        let write = |folder: &tempfile::TempDir, name, bytes: &[u8]| {
            std::fs::write(folder.path().join(name), bytes).unwrap();
        };
        let refusal = || same(one.path(), other.path()).unwrap_err().to_string();
        write(&one, "a.wasm", b"0123");
        assert!(refusal().contains("a.wasm"));
        write(&other, "a.wasm", b"01234");
        assert!(refusal().contains("a.wasm, from byte 4 of 4"));
        write(&other, "a.wasm", b"0423");
        assert!(refusal().contains("a.wasm, from byte 1 of 4"));
        write(&other, "a.wasm", b"0123");
        same(one.path(), other.path()).unwrap();
        write(&other, "b.wasm", b"");
        assert!(refusal().contains("b.wasm"));
    }
}

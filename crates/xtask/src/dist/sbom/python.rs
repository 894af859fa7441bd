//! The package for Python, by cyclonedx-bom: the wheel, installed with what it depends on and nothing else.

use super::FOLDER;
use super::package::{self, Package};
use crate::command::{program, python, root, run};
use crate::dist::packages::packed;
use crate::dist::{DATE, Install, sums};
use crate::examples::interpreter;
use crate::runtimes::Skipped;
use anyhow::{Context, Result};
use serde_json::Value;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::process::Command;
use tempfile::NamedTempFile;

/// Where cyclonedx-bom is installed, in the project's folder.
const TOOL: &str = "target/sbom/python";
/// Its packages, with their hashes.
const LOCK: &str = "crates/xtask/sbom/requirements.lock";
/// Where the packages are that the wheel is installed with. They are there as soon as all is that a document needs.
const WHEELS: &str = "target/sbom/wheels";

/// The manifest of the package, and the versions with the hashes of what it is installed with.
const SOURCES: [&str; 2] = ["examples/python/pyproject.toml", "examples/python/requirements.lock"];

/// Writes the document about the wheel, if there is one.
pub(super) fn write(folder: &Path, date: &str, install: Install, skipped: &mut Skipped) -> Result<()> {
    let Some(wheel) = packed(folder, ".whl")? else { return Ok(()) };
    let [manifest, lock] = SOURCES.map(|file| std::fs::read_to_string(root().join(file)).context(file));
    let dependencies = dependencies(&manifest?)?;
    let mut requirements = NamedTempFile::new()?;
    // By its name: of a file, pip notes where that is on this machine.
    writeln!(requirements, "{}=={} --hash=sha256:{}", package::NAME, package::VERSION, sums::of(&wheel)?)?;
    requirements.write_all(pins(&lock?, &dependencies).as_bytes())?;
    if install != Install::Nothing
        && let Err(error) = prepare(folder, requirements.path())
    {
        return skipped.add("the SBOM of the package for Python", &format!("{error:#}"));
    }
    if !root().join(WHEELS).exists() {
        // The run that installs has said so.
        return Ok(());
    }
    let document =
        document(folder, requirements.path(), date).context("there is no SBOM of the package for Python")?;
    Package { language: "python", file: &wheel, dependencies }.write(document, folder, date)
}

/// Installs the tool, and downloads what the wheel is installed with.
fn prepare(folder: &Path, requirements: &Path) -> Result<()> {
    let wheels = root().join(WHEELS);
    if wheels.exists() {
        std::fs::remove_dir_all(&wheels)?;
    }
    python(TOOL, &["--require-hashes", "--requirement", LOCK])?;
    let downloaded = tempfile::tempdir_in(root().join(FOLDER))?;
    run(pip("download", folder, requirements).arg("--dest").arg(downloaded.path()))?;
    Ok(std::fs::rename(downloaded.keep(), wheels)?)
}

fn document(folder: &Path, requirements: &Path, date: &str) -> Result<Value> {
    let environment = tempfile::tempdir()?;
    // pip would be one of its packages.
    run(interpreter().args(["-m", "venv", "--without-pip"]).arg(environment.path()))?;
    let mut install = pip("install", folder, requirements);
    install.args(["--ignore-installed", "--no-index", "--find-links"]).arg(root().join(WHEELS));
    run(install.arg("--prefix").arg(environment.path()))?;
    let mut tool = program(root().join(TOOL).join("bin/python"));
    tool.args(["-m", "cyclonedx_py", "environment", "--output-reproducible", "--spec-version", "1.5"]);
    let mut document = package::printed(tool.arg(environment.path()).env(DATE, date))?;
    make_subject(&mut document).context("cyclonedx-bom does not name the package")?;
    Ok(document)
}

/// pip, for compiled packages of a folder, too.
fn pip(command: &str, folder: &Path, requirements: &Path) -> Command {
    let mut pip = interpreter();
    pip.args(["-m", "pip", command, "--quiet", "--disable-pip-version-check", "--only-binary", ":all:"]);
    pip.arg("--find-links").arg(folder).arg("--requirement").arg(requirements);
    pip
}

/// Says that the document is about the package: to the tool it is one among others in an environment.
fn make_subject(document: &mut Value) -> Option<()> {
    let components = document.get_mut("components")?.as_array_mut()?;
    let at = components
        .iter()
        .position(|component| component.get("name").is_some_and(|name| name == package::NAME))?;
    let package = components.remove(at);
    document.get_mut("metadata")?.as_object_mut()?.insert("component".to_owned(), package);
    Some(())
}

/// What `pyproject.toml` says that the package depends on.
fn dependencies(manifest: &str) -> Result<BTreeSet<String>> {
    let line = manifest.lines().find_map(|line| line.strip_prefix("dependencies = "));
    let line = line.context("pyproject.toml has no dependencies")?;
    let requirements: Vec<String> =
        serde_json::from_str(line).context("pyproject.toml has them on one line")?;
    Ok(requirements.iter().map(|requirement| name(requirement).to_owned()).collect())
}

/// The requirements of a lock file that have these names, with their hashes.
fn pins(lock: &str, names: &BTreeSet<String>) -> String {
    let mut is_wanted = false;
    let wanted = lock.lines().filter(|line| {
        if !line.starts_with(' ') {
            is_wanted = names.contains(name(line));
        }
        is_wanted
    });
    wanted.map(|line| format!("{line}\n")).collect()
}

/// The name that a requirement begins with.
fn name(requirement: &str) -> &str {
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
    requirement.split(|c| !is_of_name(c)).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn requirements_of_tests_are_none_of_the_package() {
        let manifest = "[project]\ndependencies = [\"urllib3>=2.6,<3\", \"wasmtime\"]\n\n\
                        [project.optional-dependencies]\ntest = [\n    \"pytest>=9.2,<10\",\n]\n";
        assert_eq!(dependencies(manifest).unwrap().into_iter().collect::<Vec<_>>(), ["urllib3", "wasmtime"]);
    }

    #[test]
    fn a_pin_has_its_hashes_and_its_whole_name() {
        let lock = "celery==5.7.0 \\\n    --hash=sha256:0\nurllib3==2.8.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n\
                    urllib3-more==1.0.0 \\\n    --hash=sha256:3\n";
        let pins = pins(lock, &BTreeSet::from(["urllib3".to_owned()]));
        assert_eq!(pins, "urllib3==2.8.0 \\\n    --hash=sha256:1 \\\n    --hash=sha256:2\n");
    }

    #[test]
    fn the_package_is_the_subject_and_no_part_of_it() {
        let mut document = json!({"metadata": {}, "components": [{"name": "urllib3"}, {"name": package::NAME, "version": "1"}]});
        make_subject(&mut document).unwrap();
        let expected = json!({
            "metadata": {"component": {"name": package::NAME, "version": "1"}},
            "components": [{"name": "urllib3"}],
        });
        assert_eq!(document, expected);
        assert_eq!(make_subject(&mut document), None);
    }
}

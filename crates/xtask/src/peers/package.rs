//! Clients, installed as their users install them: with what they need, and nothing else.

use crate::command::{self, output, program, root, run};
use crate::{examples, sdk};
use anyhow::{Context, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What environments of Python bring along.
const OF_PYTHON: [&str; 5] =
    ["pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence"];

/// A client's package.
pub(crate) struct Package {
    /// `klaviyo-api 23.0.0`.
    pub(crate) title: String,
    /// What is installed: bytes, compiled Python not counted, and packages beside this one.
    pub(crate) bytes: u64,
    pub(crate) dependencies: usize,
    /// Runs a program that may use it, in the folder of the scripts.
    pub(crate) command: Box<dyn Fn() -> Command + Sync>,
}

/// Node's version, Klaviyo's package and ours.
pub(crate) fn node() -> Result<(String, Package, Package)> {
    let official = sdk::install_node()?;
    examples::prepare_node()?;
    let folder = emptied("target/peers/node")?;
    // It prints the name of the file.
    let mut pack = examples::npm("node");
    run(pack.args(["pack", "--silent", "--pack-destination"]).arg(&folder).stdout(Stdio::null()))?;
    let file = only(&folder, |name| name.ends_with(".tgz"))?;
    std::fs::write(folder.join("package.json"), "{\"private\":true}\n")?;
    let install = ["install", "--silent", "--no-audit", "--no-fund", "--no-save", "--prefix"];
    run(program("npm").args(install).arg(&folder).arg(file))?;
    let version = output(program("node").arg("--version")).context("node has no version")?;
    let own = of_node("klaviyo-connector", folder.join("node_modules"))?;
    Ok((format!("Node {}", version.trim_start_matches('v')), of_node("klaviyo-api", official)?, own))
}

fn of_node(name: &str, modules: PathBuf) -> Result<Package> {
    let about = std::fs::read_to_string(modules.join(name).join("package.json"))?;
    let about: serde_json::Value = serde_json::from_str(&about)?;
    let version = about.get("version").and_then(serde_json::Value::as_str).unwrap_or_default();
    let listed = std::fs::read_to_string(modules.join(".package-lock.json"))?;
    let listed: serde_json::Value = serde_json::from_str(&listed)?;
    let packages =
        listed.get("packages").and_then(serde_json::Value::as_object).map_or(0, serde_json::Map::len);
    Ok(Package {
        title: format!("{name} {version}"),
        bytes: bytes(&modules, &|_| true)?,
        dependencies: packages.saturating_sub(1),
        command: Box::new(move || {
            let mut command = program("node");
            command.current_dir(root().join("crates/xtask/peers/node")).env("NODE_PATH", &modules);
            command.args(["--expose-gc", "measure.mjs"]);
            command
        }),
    })
}

/// Python's version, Klaviyo's package and ours.
pub(crate) fn python() -> Result<(String, Package, Package)> {
    let official = sdk::install_python()?;
    examples::prepare_python()?;
    let folder = emptied("target/peers/python")?;
    let wheel = ["wheel", "--quiet", "--disable-pip-version-check", "--no-deps", "--no-build-isolation"];
    run(examples::interpreter().args(["-m", "pip"]).args(wheel).arg("--wheel-dir").arg(&folder).arg("."))?;
    let file = only(&folder, |name| name.ends_with(".whl"))?;
    // The versions of the lock file, without its hashes: the wheel, which is made here, has none.
    let lock = std::fs::read_to_string(root().join("examples/python/requirements.lock"))?;
    let versions = lock.lines().filter(|line| line.contains("==")).filter_map(|line| line.split(' ').next());
    let constraints = folder.join("constraints.txt");
    std::fs::write(&constraints, versions.map(|version| format!("{version}\n")).collect::<String>())?;
    let [constraints, file] = [constraints, file].map(|path| path.to_string_lossy().into_owned());
    let install = ["--constraint", &constraints, &file];
    let interpreter = command::python("target/peers/python/environment", &install)?;
    let version = output(program(&interpreter).arg("--version")).context("Python has no version")?;
    let own = of_python("klaviyo_connector", interpreter)?;
    Ok((version, of_python("klaviyo_api", official)?, own))
}

fn of_python(name: &str, interpreter: PathBuf) -> Result<Package> {
    let environment = interpreter.ancestors().nth(2).context("an interpreter is in a folder")?;
    let packages = only(&environment.join("lib"), |name| name.starts_with("python"))?.join("site-packages");
    let ours = |name: &str| !OF_PYTHON.iter().any(|other| name.starts_with(other)) && name != "__pycache__";
    let installed: Vec<String> = names(&packages)?
        .into_iter()
        .filter_map(|name| name.strip_suffix(".dist-info").map(str::to_owned))
        .filter(|name| ours(name))
        .collect();
    let title = installed.iter().find_map(|each| each.strip_prefix(&format!("{name}-")));
    let title = title.with_context(|| format!("{name} is not installed"))?;
    Ok(Package {
        title: format!("{} {title}", name.replace('_', "-")),
        bytes: bytes(&packages, &ours)?,
        dependencies: installed.len().saturating_sub(1),
        command: Box::new(move || {
            let mut command = program(&interpreter);
            command.current_dir(root().join("crates/xtask/peers/python"));
            // Compiled modules would be written beside the sources.
            command.env("PYTHONDONTWRITEBYTECODE", "1").arg("measure.py");
            command
        }),
    })
}

/// A folder of the workspace, new.
fn emptied(folder: &str) -> Result<PathBuf> {
    let folder = root().join(folder);
    if folder.exists() {
        std::fs::remove_dir_all(&folder)?;
    }
    std::fs::create_dir_all(&folder)?;
    Ok(folder)
}

fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    entries.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
}

/// What a folder has of a name like that.
fn only(folder: &Path, is_it: impl Fn(&str) -> bool) -> Result<PathBuf> {
    let found = names(folder)?.into_iter().find(|name| is_it(name));
    Ok(folder.join(found.with_context(|| format!("{} has not what it should", folder.display()))?))
}

/// The bytes of all files in a folder, but for those below a name that does not count.
fn bytes(folder: &Path, counts: &dyn Fn(&str) -> bool) -> Result<u64> {
    let mut sum = 0;
    for name in names(folder)?.into_iter().filter(|name| counts(name)) {
        let path = folder.join(name);
        let about = path.symlink_metadata()?;
        sum += if about.is_dir() { bytes(&path, counts)? } else { about.len() };
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn the_bytes_of_a_folder_are_those_of_its_files_that_count() {
        let folder = tempfile::tempdir().unwrap();
        for (name, size) in [("a", 3), ("below/b", 5), ("below/cache/c", 7), ("cache/d", 11)] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, vec![0; size]).unwrap();
        }
        assert_eq!(bytes(folder.path(), &|_| true).unwrap(), 26);
        assert_eq!(bytes(folder.path(), &|name| name != "cache").unwrap(), 8);
    }
}

//! `cargo xtask licences`: the licences of the crates that are in what is passed on, with the texts that their packages
//! have. `deny.toml` says which licences there may be.

use crate::command::{cargo, output, root};
use crate::toolchain::TARGET;
use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

/// Where they are written.
const FOLDER: &str = "target/licences";
/// The components that are passed on by themselves, and the packages that are in each. `klaviyo-opt-in.wasm` and
/// `klaviyo-async.wasm` have those of `klaviyo.wasm`.
pub(crate) const COMPONENTS: [(&str, &[&str]); 3] = [
    ("klaviyo.wasm", &["--package=klaviyo-component"]),
    ("klaviyo-wasi.wasm", &["--package=klaviyo-component", "--package=klaviyo-wasi-http"]),
    ("klaviyo-mock.wasm", &["--package=klaviyo-mock-component"]),
];
/// How the names of such texts begin.
const NAMES: [&str; 6] = ["license", "licence", "copying", "copyright", "notice", "unlicense"];
/// The text of the project's own licence, which packages with the same often leave out.
const OWN: &str = "LICENSE";
/// What no crate stands for.
const STANDARD_LIBRARY: &str = "\
Besides, it has parts of Rust's standard library: MIT OR Apache-2.0, copyright The Rust Project contributors,
https://github.com/rust-lang/rust/blob/HEAD/COPYRIGHT.
";

/// Writes them, a file for each of what is passed on.
pub(crate) fn write() -> Result<()> {
    let packages = packages()?;
    fs::create_dir_all(root().join(FOLDER))?;
    // The command has the connector inside as a component, and the simulator as code.
    let mut command = crates(&["--package=klaviyo-cli", "--features=klaviyo-cli/embedded"])?;
    for (name, selection) in COMPONENTS {
        let component = crates(&[selection, &["--target", TARGET]].concat())?;
        write_one(name, &component, &packages)?;
        command.extend(component);
    }
    write_one("klaviyo-connector", &command, &packages)
}

/// Where the licences of something that is passed on are written.
pub(crate) fn path(name: &str) -> PathBuf {
    root().join(FOLDER).join(format!("{name}.txt"))
}

fn write_one(name: &str, crates: &BTreeSet<Crate>, packages: &BTreeMap<Crate, Package>) -> Result<()> {
    let document = document(name, crates, packages).with_context(|| format!("the licences of {name}"))?;
    fs::write(path(name), document)?;
    eprintln!("xtask: the licences of {name}, {} crates", crates.len());
    Ok(())
}

/// A name and a version, such as `serde 1.0.229`.
type Crate = String;

/// What the manifest of a package says.
struct Package {
    licence: String,
    authors: String,
    folder: PathBuf,
}

/// The crates of others that are linked into a package. Macros are not in what they make.
fn crates(selection: &[&str]) -> Result<BTreeSet<Crate>> {
    let mut tree = cargo("tree");
    tree.args(["--edges=normal,no-proc-macro", "--prefix=none", "--format={p}"]).args(selection);
    let lines = output(&mut tree).context("`cargo tree` failed")?;
    Ok(others(&lines))
}

/// The crates in lines of `cargo tree`. Those of the workspace have a path behind their version.
fn others(lines: &str) -> BTreeSet<Crate> {
    let words = lines.lines().map(|line| line.trim_end_matches(" (*)"));
    words
        .filter_map(|line| line.split_once(" v"))
        .filter(|(_, version)| !version.contains(' '))
        .map(|(name, version)| format!("{name} {version}"))
        .collect()
}

/// All packages that the lock file has.
fn packages() -> Result<BTreeMap<Crate, Package>> {
    let metadata = output(cargo("metadata").arg("--format-version=1")).context("`cargo metadata` failed")?;
    let metadata: Value = serde_json::from_str(&metadata)?;
    let packages = metadata.get("packages").and_then(Value::as_array).context("cargo names no packages")?;
    let package = |package: &Value| {
        let text = |name: &str| package.get(name).and_then(Value::as_str);
        let authors = package.get("authors")?.as_array()?.iter().filter_map(Value::as_str);
        let about = Package {
            licence: text("license").or_else(|| text("license_file"))?.to_owned(),
            authors: authors.collect::<Vec<_>>().join(", "),
            folder: Path::new(text("manifest_path")?).parent()?.to_owned(),
        };
        Some((format!("{} {}", text("name")?, text("version")?), about))
    };
    Ok(packages.iter().filter_map(package).collect())
}

/// The crates with their licences, and each text once.
fn document(name: &str, crates: &BTreeSet<Crate>, packages: &BTreeMap<Crate, Package>) -> Result<String> {
    ensure!(!crates.is_empty(), "it has no crates");
    let mut list = format!("{name} has these crates of others, under these licences:\n\n");
    let mut texts = BTreeMap::<String, Vec<&str>>::new();
    let mut has_gaps = false;
    for each in crates {
        let package = packages.get(each).with_context(|| format!("{each} has no licence"))?;
        write!(list, "  {each}: {}", package.licence)?;
        let found = licences(&package.folder)?;
        has_gaps |= found.is_empty();
        match (found.is_empty(), package.authors.as_str()) {
            (false, _) => {}
            (true, "") => list.push_str(" (its package has no text)"),
            (true, authors) => write!(list, " (its package has no text; by {authors})")?,
        }
        list.push('\n');
        for text in found {
            texts.entry(text).or_default().push(each);
        }
    }
    write!(list, "\n{STANDARD_LIBRARY}")?;
    for (text, of) in &texts {
        write!(list, "\n──── {}\n\n{}\n", of.join(", "), text.trim_end())?;
    }
    if has_gaps {
        let own = fs::read_to_string(root().join(OWN))?;
        write!(list, "\n──── Apache-2.0, for those whose packages have no text\n\n{}\n", own.trim_end())?;
    }
    Ok(list)
}

/// The texts in a package, those of code that it has taken over too.
fn licences(folder: &Path) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))? {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name()))?;
        let name = name.to_string_lossy().to_lowercase();
        if entry.is_dir() {
            texts.extend(licences(&entry)?);
        } else if NAMES.iter().any(|beginning| name.starts_with(beginning)) && !name.ends_with(".rs") {
            texts.insert(String::from_utf8_lossy(&fs::read(&entry)?).replace("\r\n", "\n"));
        }
    }
    Ok(texts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crates_of_others_are_told_from_those_of_the_workspace() {
        let lines =
            "klaviyo-core v0.1.0 (/src/crates/core)\nserde v1.0.229\nserde v1.0.229 (*)\nring v0.17.14\n\n";
        assert_eq!(others(lines).into_iter().collect::<Vec<_>>(), ["ring 0.17.14", "serde 1.0.229"]);
    }

    #[test]
    fn a_text_stands_once_and_names_all_who_have_it() {
        let folder = tempfile::tempdir().unwrap();
        let package = |name: &str, files: &[(&str, &str)]| {
            let folder = folder.path().join(name);
            fs::create_dir_all(folder.join("third_party")).unwrap();
            for (file, text) in files {
                fs::write(folder.join(file), text).unwrap();
            }
            (name.to_owned(), Package { licence: "MIT".to_owned(), authors: "Priya".to_owned(), folder })
        };
        let packages = BTreeMap::from([
            package("one 1.0.0", &[("LICENSE-MIT", "the text\r\n"), ("license.rs", "fn of_code")]),
            package("two 2.0.0", &[("third_party/COPYING", "the text\n"), ("NOTICE", "of two")]),
            package("none 3.0.0", &[("lib.rs", "fn of_code")]),
        ]);
        let crates = packages.keys().cloned().collect();
        let document = document("klaviyo.wasm", &crates, &packages).unwrap();
        assert!(document.contains("──── one 1.0.0, two 2.0.0\n\nthe text\n"), "{document}");
        assert!(document.contains("──── two 2.0.0\n\nof two\n"), "{document}");
        assert!(document.contains("  none 3.0.0: MIT (its package has no text; by Priya)\n"), "{document}");
        assert!(!document.contains("fn of_code"), "{document}");
    }

    #[test]
    fn a_crate_that_no_manifest_tells_of_is_an_error() {
        let crates = BTreeSet::from(["unknown 1.0.0".to_owned()]);
        let refused = document("klaviyo.wasm", &crates, &BTreeMap::new()).unwrap_err().to_string();
        assert!(refused.contains("unknown 1.0.0"), "{refused}");
    }
}

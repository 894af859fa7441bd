//! The versions: `Cargo.toml` has the one of the product, `wit/world.wit` the one of the contract. Whatever else
//! names one of them names the same.

use crate::command::root;
use anyhow::{Context, Result, ensure};

/// Where a version is written, and the text before it, wherever this is in the file.
type Place = (&'static str, &'static str);

const PRODUCT: Place = ("Cargo.toml", "[workspace.package]\nversion = \"");
const PRODUCTS: &[Place] = &[
    // Of the crates that others depend on.
    ("Cargo.toml", "\", version = \""),
    ("CHANGELOG.md", "# Changelog\n\n## "),
    ("deploy/kubernetes.yaml", "image: registry.example.com/klaviyo-connector:"),
    ("docs/scale.md", "image=registry.example.com/klaviyo-connector:"),
    ("examples/node/README.md", "`klaviyo-connector-"),
    ("examples/node/package.json", "{\n  \"name\": \"klaviyo-connector\",\n  \"version\": \""),
    ("examples/node/package-lock.json", "\"name\": \"klaviyo-connector\",\n  \"version\": \""),
    ("examples/node/package-lock.json", "\"name\": \"klaviyo-connector\",\n      \"version\": \""),
    ("examples/python/pyproject.toml", "name = \"klaviyo-connector\"\nversion = \""),
    ("examples/python/src/klaviyo_connector/_outbound_http.py", "\"klaviyo-connector-python/"),
];

const CONTRACT: Place = ("wit/world.wit", "package klaviyo:connector@");
const CONTRACTS: &[Place] = &[
    ("crates/host/src/json.rs", "CONTRACT_VERSION: &str = \""),
    ("crates/xtask/src/wit.rs", "\"klaviyo:connector/http@"),
    ("examples/python/src/klaviyo_connector/_compiled.py", "\nVERSION = \""),
];

/// The version of the contract.
pub(crate) fn contract() -> Result<String> {
    let (file, before) = CONTRACT;
    one(file, &text(file)?, before)
}

/// Checks that each version is the same wherever it is written.
pub(crate) fn check() -> Result<()> {
    for ((first, before), others) in [(PRODUCT, PRODUCTS), (CONTRACT, CONTRACTS)] {
        let version = one(first, &text(first)?, before)?;
        for (file, before) in others {
            same(first, &version, file, &text(file)?, before)?;
        }
    }
    Ok(())
}

fn text(file: &str) -> Result<String> {
    std::fs::read_to_string(root().join(file)).with_context(|| format!("cannot read {file}"))
}

fn one(file: &str, text: &str, before: &str) -> Result<String> {
    let mut found = versions(text, before);
    let version = found.next().map(str::to_owned);
    version.with_context(|| format!("{file} has no version behind {before:?}"))
}

fn same(first: &str, version: &str, file: &str, text: &str, before: &str) -> Result<()> {
    one(file, text, before)?;
    for found in versions(text, before) {
        ensure!(
            found == version,
            "{file} has the version {found} behind {before:?}, and {first} has {version}: change {file}, or {first} \
             if that is the wrong one"
        );
    }
    Ok(())
}

/// What stands behind a text, wherever it is, as far as it can be a version.
fn versions<'a>(text: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    let is_of_version = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
    let versions = text.split(before).skip(1).map(move |rest| {
        let version = rest.split(|c: char| !is_of_version(c)).next().unwrap_or_default();
        // The end of a file's name is none of its version.
        version.strip_suffix(".tgz").unwrap_or(version)
    });
    versions.filter(|version| version.starts_with(|c: char| c.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> Result<()> {
        same("Cargo.toml", "1.2.3", "other.yaml", text, "image: ")
    }

    #[test]
    fn another_version_is_refused_wherever_it_is() {
        checked("image: 1.2.3\nimage: 1.2.3\n").unwrap();
        let refusal = checked("image: 1.2.3\nimage: 1.2.3-rc.1\n").unwrap_err().to_string();
        assert!(
            ["other.yaml", "1.2.3-rc.1", "Cargo.toml"].iter().all(|text| refusal.contains(text)),
            "{refusal}"
        );
        for none in ["", "picture: 1.2.3", "image: latest"] {
            assert!(checked(none).unwrap_err().to_string().contains("other.yaml"));
        }
    }

    #[test]
    fn the_project_has_one_version() {
        check().unwrap();
    }
}

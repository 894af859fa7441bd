//! What the documents about packages have in common: the same bytes wherever they are made, what they say of the packed
//! file, and what they must say.

use super::components;
use crate::command::root;
use crate::dist::sums;
use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, UNIX_EPOCH};

/// What both packages are called.
pub(super) const NAME: &str = "klaviyo-connector";
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
const LICENCE: &str = env!("CARGO_PKG_LICENSE");

/// A packed file, and what is known of it without its document.
pub(super) struct Package<'a> {
    pub(super) language: &'a str,
    pub(super) file: &'a Path,
    /// What its manifest says that it depends on.
    pub(super) dependencies: BTreeSet<String>,
}

impl Package<'_> {
    /// Writes the document, as a tool has made it, into a folder, dated by seconds since 1970.
    pub(super) fn write(&self, mut document: Value, folder: &Path, date: &str) -> Result<()> {
        let name = format!("{NAME}-{}.cdx.json", self.language);
        let component = Some(folder.join(components::CONNECTOR)).filter(|file| file.exists());
        let component = component.map(|file| sums::of(&file)).transpose()?;
        let settled = settle(&mut document, date.parse()?, &sums::of(self.file)?, component.as_deref());
        settled.with_context(|| format!("{name} is not about a package"))?;
        check(&document, &self.dependencies).with_context(|| format!("{name} is wrong"))?;
        let text = format!("{document:#}\n");
        ensure!(
            !text.contains(&*root().to_string_lossy()),
            "{name} says where the project is on this machine"
        );
        Ok(std::fs::write(folder.join(name), text)?)
    }
}

/// The document that a tool prints.
pub(super) fn printed(tool: &mut Command) -> Result<Value> {
    let output = tool.stderr(Stdio::inherit()).output();
    let name = tool.get_program().to_string_lossy();
    let output = output.with_context(|| format!("cannot run {name}"))?;
    ensure!(output.status.success(), "{name} failed ({})", output.status);
    serde_json::from_slice(&output.stdout).with_context(|| format!("{name} does not print JSON"))
}

/// Takes out what each run makes anew, and puts in what the tool does not know: the checksums of the packed file and of
/// the document about the component inside, if there is one.
fn settle(document: &mut Value, date: u64, packed: &str, component: Option<&str>) -> Option<()> {
    let document = document.as_object_mut()?;
    document.remove("serialNumber");
    let metadata = document.get_mut("metadata")?.as_object_mut()?;
    let date = humantime::format_rfc3339_seconds(UNIX_EPOCH + Duration::from_secs(date));
    metadata.insert("timestamp".to_owned(), json!(date.to_string()));
    let subject = metadata.get_mut("component")?.as_object_mut()?;
    let hashes = |sum| json!([{"alg": "SHA-256", "content": sum}]);
    subject.insert("hashes".to_owned(), hashes(packed));
    if let Some(sum) = component {
        let references = subject.entry("externalReferences").or_insert_with(|| json!([])).as_array_mut()?;
        references.push(json!({
            "type": "bom",
            "url": components::CONNECTOR,
            "comment": "the component in this package",
            "hashes": hashes(sum),
        }));
    }
    Some(())
}

/// Fails unless a document is about this version of the package, and lists what that depends on, and nothing else.
fn check(document: &Value, dependencies: &BTreeSet<String>) -> Result<()> {
    let subject = document.pointer("/metadata/component").context("it has no subject")?;
    for (pointer, right) in [("/name", NAME), ("/version", VERSION), ("/licenses/0/license/id", LICENCE)] {
        let said = subject.pointer(pointer).and_then(Value::as_str);
        ensure!(said == Some(right), "{pointer} of its subject is {said:?}, and must be {right:?}");
    }
    let listed = |name: &str| document.get(name).and_then(Value::as_array).into_iter().flatten();
    let text =
        |of: &'_ Value, name: &str| of.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let names: BTreeMap<_, _> =
        listed("components").map(|each| (text(each, "bom-ref"), text(each, "name"))).collect();
    let edges: BTreeMap<_, BTreeSet<String>> = listed("dependencies")
        .map(|each| {
            let on = each.get("dependsOn").and_then(Value::as_array).into_iter().flatten();
            (text(each, "ref"), on.filter_map(Value::as_str).map(str::to_owned).collect())
        })
        .collect();
    let root = text(subject, "bom-ref");
    let direct: BTreeSet<_> =
        edges.get(&root).into_iter().flatten().filter_map(|each| names.get(each).cloned()).collect();
    ensure!(direct == *dependencies, "it depends on {direct:?}, and its manifest says {dependencies:?}");
    let mut reached = BTreeSet::from([root.clone()]);
    let mut left = vec![root];
    while let Some(each) = left.pop() {
        left.extend(
            edges.get(&each).into_iter().flatten().filter(|on| reached.insert((*on).clone())).cloned(),
        );
    }
    let foreign: Vec<_> =
        names.iter().filter(|(each, _)| !reached.contains(*each)).map(|(_, name)| name).collect();
    ensure!(foreign.is_empty(), "nothing in it needs {foreign:?}");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a tool prints it: the package needs `direct`, which needs `below`.
    fn document() -> Value {
        json!({
            "serialNumber": "urn:uuid:d0b05b1a-3def-43d7-ad0d-36430383f770",
            "metadata": {
                "timestamp": "2026-11-28T09:02:52.047Z",
                "component": {
                    "bom-ref": "own",
                    "name": NAME,
                    "version": VERSION,
                    "licenses": [{"license": {"id": LICENCE}}],
                },
            },
            "components": [{"bom-ref": "direct@1", "name": "direct"}, {"bom-ref": "below@1", "name": "below"}],
            "dependencies": [
                {"ref": "own", "dependsOn": ["direct@1"]},
                {"ref": "direct@1", "dependsOn": ["below@1"]},
                {"ref": "below@1"},
            ],
        })
    }

    fn checked(document: &Value, dependencies: &[&str]) -> Result<()> {
        check(document, &dependencies.iter().map(|&name| name.to_owned()).collect())
    }

    #[test]
    fn nothing_of_a_run_is_left() {
        let mut other = document();
        *other.pointer_mut("/serialNumber").unwrap() = json!("urn:uuid:5ac31b4e-0cbf-4c3f-8c28-a6b9d3a7a4ce");
        *other.pointer_mut("/metadata/timestamp").unwrap() = json!("2026-11-28T10:00:00.000Z");
        let mut one = document();
        for document in [&mut one, &mut other] {
            settle(document, 1_790_000_000, "0a", Some("0b")).unwrap();
        }
        assert_eq!(one, other);
        assert_eq!(one.pointer("/metadata/timestamp").unwrap(), "2026-09-21T14:13:20Z");
        assert_eq!(one.pointer("/metadata/component/hashes/0/content").unwrap(), "0a");
        let reference = one.pointer("/metadata/component/externalReferences/0").unwrap();
        assert_eq!(reference.pointer("/hashes/0/content").unwrap(), "0b");
        assert_eq!(reference.get("url").unwrap(), components::CONNECTOR);
        let mut alone = document();
        settle(&mut alone, 0, "0a", None).unwrap();
        assert_eq!(alone.pointer("/metadata/component/externalReferences"), None);
    }

    #[test]
    fn it_is_about_this_package() {
        checked(&document(), &["direct"]).unwrap();
        for pointer in ["/name", "/version", "/licenses/0/license/id"] {
            let mut other = document();
            *other.pointer_mut(&format!("/metadata/component{pointer}")).unwrap() = json!("other");
            let refusal = checked(&other, &["direct"]).unwrap_err().to_string();
            assert!(refusal.contains(pointer) && refusal.contains("other"), "{refusal}");
        }
    }

    #[test]
    fn it_has_what_the_manifest_says() {
        for dependencies in [&["direct", "missing"][..], &[]] {
            checked(&document(), dependencies).unwrap_err();
        }
    }

    #[test]
    fn it_has_nothing_that_only_tests_need() {
        let mut document = document();
        let components = document.pointer_mut("/components").unwrap().as_array_mut().unwrap();
        components.push(json!({"bom-ref": "pytest==9", "name": "pytest"}));
        let refusal = checked(&document, &["direct"]).unwrap_err().to_string();
        assert!(refusal.contains("pytest") && !refusal.contains("below"), "{refusal}");
    }
}

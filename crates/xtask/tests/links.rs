//! That the links of the project's documents lead to files, and to headings, that are there.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The documents that are under version control.
fn documents() -> Vec<PathBuf> {
    let listed = Command::new("git").current_dir(root()).args(["ls-files", "*.md"]).output().unwrap();
    assert!(listed.status.success());
    String::from_utf8(listed.stdout).unwrap().lines().map(|name| root().join(name)).collect()
}

/// A document without its blocks of code.
fn prose(text: &str) -> String {
    text.split("```").step_by(2).collect()
}

/// The targets of links, but for those on the web.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|after| after.split_once(')'));
    targets.map(|(target, _)| target.to_owned()).filter(|target| !target.contains("://")).collect()
}

/// The names of a document's headings, as links have them.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = text.lines().filter(|line| line.starts_with('#'));
    let name = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|letter| letter.is_alphanumeric() || matches!(letter, '-' | '_')).collect()
    };
    headings.map(name).collect()
}

/// Why a link of a document leads nowhere.
fn broken(document: &Path, link: &str) -> Option<String> {
    let (file, heading) = link.split_once('#').unwrap_or((link, ""));
    let file = if file.is_empty() { document.to_owned() } else { document.parent()?.join(file) };
    if !file.exists() {
        return Some(format!("{}: {link}: there is no such file", document.display()));
    }
    let known =
        heading.is_empty() || anchors(&prose(&std::fs::read_to_string(&file).ok()?)).contains(heading);
    (!known).then(|| format!("{}: {link}: there is no such heading", document.display()))
}

#[test]
fn links_lead_somewhere() {
    let mut seen = 0;
    let mut errors = Vec::new();
    for document in documents() {
        let text = prose(&std::fs::read_to_string(&document).unwrap());
        for link in links(&text) {
            seen += 1;
            errors.extend(broken(&document, &link));
        }
    }
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    assert!(seen > 0, "no link was found");
}

#[test]
fn a_link_that_leads_nowhere_is_told() {
    let document = root().join("docs/sandbox.md");
    for (link, is_right) in [
        ("../SECURITY.md", true),
        ("scale.md#which-nats", true),
        ("#limits", true),
        ("../host-test/hostile", true),
        ("scale.md#which-natz", false),
        ("#limit", false),
        ("gone.md", false),
    ] {
        assert_eq!(broken(&document, link).is_none(), is_right, "{link}");
    }
    let text = "[a](b.md) [c](https://d)\n```\n[e](f.md)\n```\n[g](h.md#i)";
    assert_eq!(links(&prose(text)), ["b.md", "h.md#i"]);
}

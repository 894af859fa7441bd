//! `cargo xtask release --dry-run`: the whole way to a release, but for what only a person with accounts can do. That is
//! what it prints at its end.

use crate::artifact::RELEASED;
use crate::command::{output, program, root};
use crate::dist::crates::{PUBLISHED, WORKSPACE};
use crate::label::Origin;
use crate::runtimes::Skipped;
use crate::{compatibility, dist, versions};
use anyhow::{Context, Result, bail, ensure};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const CHANGELOG: &str = "CHANGELOG.md";

/// What has to be true, and what finds out whether it is.
type Check = (&'static str, fn() -> Result<()>);

/// What has to be true before anything is built.
const CHECKS: [Check; 4] = [
    ("all is committed", is_committed),
    ("each version is the same wherever it is written", versions::check),
    ("this version is not released yet", is_new),
    ("programs that were built for the last contract work with this one", compatibility::check),
];

/// Checks, builds and tries all that a release has, and says what is left to do.
pub(crate) fn dry_run() -> Result<()> {
    let origin = Origin::of_release()?;
    let failed = CHECKS.iter().filter_map(|(what, check)| {
        let error = check().err()?;
        Some(format!("  {what}: {error:#}"))
    });
    let failed: Vec<_> = failed.collect();
    ensure!(failed.is_empty(), "{VERSION} cannot be released\n{}", failed.join("\n"));
    let mut skipped = Skipped::default();
    dist::check(dist::Install::Everything, dist::Binary::Yes, &mut skipped)?;
    skipped.report();
    ensure!(skipped.is_empty(), "a release has all of its files: install what is missing");
    eprintln!("xtask: compiling the packed crates, each with the other ones as they are packed");
    dist::crates::check()?;
    let changelog = std::fs::read_to_string(root().join(CHANGELOG)).context(CHANGELOG)?;
    println!("\nAll of dist/ is as it should be. What a person does now, in this order:");
    for (number, step) in steps(origin.as_ref(), is_dated(&changelog), has_contract()?).iter().enumerate() {
        println!("\n{}. {step}", number + 1);
    }
    Ok(())
}

fn is_committed() -> Result<()> {
    let changed = output(program("git").args(["status", "--porcelain"])).context("there is no git here")?;
    ensure!(changed.is_empty(), "commit or remove this first:\n{changed}");
    Ok(())
}

fn is_new() -> Result<()> {
    let tag = format!("v{VERSION}");
    let tags = output(program("git").args(["tag", "--list", &tag])).context("there is no git here")?;
    if !tags.is_empty() {
        bail!("there is a tag {tag}: raise the version in Cargo.toml, and wherever the step `versions` says");
    }
    Ok(())
}

/// Whether the changes of this version have a day.
fn is_dated(changelog: &str) -> bool {
    !changelog.lines().any(|line| line.starts_with(&format!("## {VERSION}")) && line.contains("unreleased"))
}

/// Whether the contract of this version is among the released ones.
fn has_contract() -> Result<bool> {
    Ok(root().join("wit/released").join(versions::contract()?).is_dir())
}

/// What is left to do, with commands for the project's folder.
fn steps(origin: Option<&Origin>, is_dated: bool, has_contract: bool) -> Vec<String> {
    let mut steps = Vec::new();
    let changes = !is_dated || !has_contract;
    if changes {
        let mut step = "Commit what says that this is released:".to_owned();
        if !is_dated {
            step.push_str(&format!("\n     {CHANGELOG}: the day, instead of `unreleased`"));
        }
        if !has_contract {
            let folder =
                "wit/released/$(sed -n 's/^package klaviyo:connector@\\(.*\\);/\\1/p' wit/world.wit)";
            step.push_str(&format!("\n     mkdir -p {folder} && cp wit/*.wit {folder}/"));
        }
        steps.push(step);
    }
    steps.push("Let all tests pass on that commit:\n     CI=1 cargo xtask test".to_owned());
    if changes || origin.is_none() {
        steps.push(
            "Say where the source is, and build again: the files name it.\n     \
             export KLAVIYO_CONNECTOR_REPOSITORY=https://… KLAVIYO_CONNECTOR_REVISION=$(git rev-parse HEAD)\n     \
             cargo xtask release --dry-run"
                .to_owned(),
        );
    }
    let crates = PUBLISHED.map(|name| format!("klaviyo-{name}")).join(", ");
    steps.extend([
        format!("Tag it, signed:\n     git tag --sign v{VERSION} --message v{VERSION} && git push origin v{VERSION}"),
        "Sign the checksums, which are of all files:\n     \
         cosign sign-blob --bundle dist/SHA256SUMS.sigstore.json dist/SHA256SUMS"
            .to_owned(),
        format!(
            "crates.io (`cargo login` once; in this order: {crates}):\n     \
             cargo publish --workspace --manifest-path {WORKSPACE}/Cargo.toml"
        ),
        format!(
            "npm, in a workflow of the repository's that has `id-token: write`, since the package asks for provenance:\n     \
             npm publish ./dist/klaviyo-connector-{VERSION}.tgz"
        ),
        format!(
            "PyPI:\n     \
             twine upload dist/klaviyo_connector-{VERSION}.tar.gz dist/klaviyo_connector-{VERSION}-py3-none-any.whl"
        ),
        format!(
            "The components and the contract, into an OCI registry (REGISTRY, and `docker login` there once):\n     \
             for name in {} klaviyo-wit; do\n       \
             wkg oci push REGISTRY/$name:{VERSION} dist/$name.wasm\n     done",
            RELEASED.join(" ")
        ),
        format!(
            "The image:\n     \
             docker build --file dist/Dockerfile --tag REGISTRY/klaviyo-connector:{VERSION} . && \
             docker push REGISTRY/klaviyo-connector:{VERSION}"
        ),
        format!("The page of the release v{VERSION}, with all files of dist/ and the part of {CHANGELOG}"),
        "Raise the version in Cargo.toml, and wherever `cargo xtask test --only versions` says.".to_owned(),
    ]);
    steps
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changelog_has_a_day_or_says_unreleased() {
        assert!(!is_dated(&format!("# Changelog\n\n## {VERSION}, unreleased\n")));
        assert!(is_dated(&format!("# Changelog\n\n## {VERSION}, 2027-01-01\n\n- unreleased\n")));
    }

    #[test]
    fn what_is_done_is_not_asked_for() {
        let asks_for = |steps: &[String], text: &str| steps.iter().any(|step| step.contains(text));
        let origin = Origin::of("https://example.com/connector", "0123456").unwrap();
        let first = steps(None, false, false);
        let done = steps(origin.as_ref(), true, true);
        for text in ["`unreleased`", "wit/released", "KLAVIYO_CONNECTOR_REPOSITORY"] {
            assert!(asks_for(&first, text) && !asks_for(&done, text), "{text}");
        }
        for text in ["cargo publish", "npm publish", "twine upload", "wkg oci push", "docker push", "git tag"]
        {
            assert!(asks_for(&first, text) && asks_for(&done, text), "{text}");
        }
        // What was built of another commit is not what is published.
        assert!(asks_for(&steps(origin.as_ref(), false, true), "KLAVIYO_CONNECTOR_REVISION"));
    }
}

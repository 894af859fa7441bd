//! Whether programs that were built for the last released contract still work with the one in `wit/`.

use crate::command::root;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use wit_component::WitPrinter;
use wit_parser::{PackageId, Resolve, UnresolvedPackageGroup};

/// Where a release keeps its contract, in a folder with the name of its version. What is in folders of `wit/`
/// is no part of the contract.
const RELEASED: &str = "wit/released";

/// Compares `wit/` with the last released contract.
pub(crate) fn check() -> Result<()> {
    let Some(released) = last(&root().join(RELEASED))? else {
        eprintln!("xtask: no contract is released yet, so that wit/ may change in any way");
        return Ok(());
    };
    let breaks = broken(contract(&released)?, contract(&root().join("wit"))?)?;
    if breaks.is_empty() {
        return Ok(());
    }
    bail!(
        "programs built for {} do not work with wit/ any more; docs/versioning.md says what may change\n{}",
        released.display(),
        breaks.join("\n")
    )
}

/// The folder with the highest version.
fn last(folder: &Path) -> Result<Option<PathBuf>> {
    if !folder.exists() {
        return Ok(None);
    }
    let mut versions = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let numbers: Result<Vec<u64>, _> = name.split('.').map(str::parse).collect();
        versions.push((numbers.with_context(|| format!("{} is named by no version", path.display()))?, path));
    }
    Ok(versions.into_iter().max().map(|(_, path)| path))
}

fn contract(folder: &Path) -> Result<UnresolvedPackageGroup> {
    UnresolvedPackageGroup::parse_dir(folder).with_context(|| format!("{} cannot be read", folder.display()))
}

/// What of an older contract a newer one has lost or changed; empty if programs built for the older one work
/// with the newer one.
fn broken(older: UnresolvedPackageGroup, newer: UnresolvedPackageGroup) -> Result<Vec<String>> {
    let mut resolve = Resolve::default();
    let older = resolve.push_group(older)?;
    forget_version(&mut resolve, older);
    let newer = resolve.push_group(newer)?;
    let worlds = |package| resolve.packages.get(package).map(|package| package.worlds.clone());
    let (older_worlds, newer_worlds) = (worlds(older).unwrap_or_default(), worlds(newer).unwrap_or_default());
    // The newer component takes the place of the older one: it may export more and import less.
    let works = |newer, older| wit_component::semver_check(resolve.clone(), newer, older).is_ok();
    let mut broken = Vec::new();
    for (name, world) in older_worlds {
        if !newer_worlds.get(&name).is_some_and(|newer| works(*newer, world)) {
            broken.push(format!("world {name}:"));
        }
    }
    if !broken.is_empty() {
        let (had, has) = (items(&resolve, older)?, items(&resolve, newer)?);
        broken.extend(had.difference(&has).map(|item| format!("  {item} is gone or has changed")));
        let asked = has.difference(&had).filter(|item| item.starts_with("http: "));
        broken.extend(
            asked.map(|item| format!("  {item} is new, and hosts of that contract do not supply it")),
        );
    }
    Ok(broken)
}

/// Takes the version off a package, since two packages of one version cannot be side by side. Only once it is resolved: what
/// it says about versions, such as `@since`, is held against its own.
fn forget_version(resolve: &mut Resolve, package: PackageId) {
    let Some(of) = resolve.packages.get_mut(package) else { return };
    resolve.package_names.shift_remove(&of.name);
    of.name.version = None;
    resolve.package_names.insert(of.name.clone(), package);
}

/// The items of each interface and world, as `http: send: func(…)`, without documentation.
fn items(resolve: &Resolve, package: PackageId) -> Result<BTreeSet<String>> {
    let mut printer = WitPrinter::default();
    printer.emit_docs(false);
    printer.print(resolve, package, &[])?;
    Ok(printed_items(&printer.output.to_string()))
}

/// The items of a printed package, each on one line behind the name of its interface.
fn printed_items(wit: &str) -> BTreeSet<String> {
    let mut items = BTreeSet::new();
    let (mut container, mut item) = (String::new(), String::new());
    for line in wit.lines() {
        let indent = line.len() - line.trim_start().len();
        let text = line.trim();
        match (indent, text) {
            (_, "") => {}
            (0, _) => text.split(['{', ';']).next().unwrap_or_default().trim().clone_into(&mut container),
            (_, text) if text.starts_with('@') => {}
            (indent, text) => {
                if !item.is_empty() {
                    item.push(' ');
                }
                item.push_str(text);
                if indent == 2 && (text.ends_with(';') || text.ends_with('}')) {
                    let name = container.split_once(' ').map_or(container.as_str(), |(_, name)| name);
                    items.insert(format!("{name}: {}", std::mem::take(&mut item)));
                }
            }
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    const RELEASED: &str = "
        @since(version = 1.0.0)
        interface http { enum method { get, post } send: func(method: method) -> result<string, string>; }
        @since(version = 1.0.0)
        interface lists {
            /// A list.
            @since(version = 1.0.0)
            record audience { id: string, name: string }
            @since(version = 1.0.0)
            find: func(name: string) -> option<audience>;
        }
        @since(version = 1.0.0)
        world connector {
            @since(version = 1.0.0)
            import http;
            @since(version = 1.0.0)
            export lists;
        }";

    fn contract(version: &str, wit: &str) -> UnresolvedPackageGroup {
        let text = format!("package klaviyo:connector@{version};\n{wit}");
        UnresolvedPackageGroup::parse("test.wit", &text).unwrap()
    }

    /// What breaks when `of` becomes `to` in the released contract.
    fn after(of: &str, to: &str) -> Vec<String> {
        assert!(RELEASED.contains(of), "{of}");
        broken(contract("1.0.0", RELEASED), contract("1.1.0", &RELEASED.replace(of, to))).unwrap()
    }

    #[test]
    fn functions_and_interfaces_may_be_added() {
        for (of, to) in [
            ("/// A list.", "/// A list that people are on."),
            ("option<audience>;", "option<audience>; @since(version = 1.1.0) all: func() -> list<audience>;"),
            (
                "world connector {",
                "interface more { get: func() -> string; }\nworld connector { @since(version = 1.1.0) export more;",
            ),
        ] {
            assert_eq!(after(of, to), Vec::<String>::new(), "{to}");
        }
        assert_eq!(broken(contract("1.0.0", RELEASED), contract("1.0.0", RELEASED)).unwrap(), [""; 0]);
    }

    #[test]
    fn the_contract_is_compared_with_itself() {
        let own = || super::contract(&root().join("wit")).unwrap();
        assert_eq!(broken(own(), own()).unwrap(), [""; 0]);
    }

    #[test]
    fn whatever_an_older_program_uses_must_stay_as_it_is() {
        for (of, to, named) in [
            ("name: string }", "name: string, created: option<string> }", "record audience"),
            ("find: func(name: string)", "find: func(name: string, exact: bool)", "find: func"),
            ("find:", "search:", "find: func"),
            ("get, post", "get, post, patch", "enum method"),
            ("send:", "trace: func(text: string);\nsend:", "trace"),
            ("@since(version = 1.0.0)\n            export lists;", "", "export lists"),
            ("world connector", "world other", "export lists"),
        ] {
            let broken = after(of, to);
            assert!(broken.iter().any(|line| line.contains(named)), "{to}: {broken:?}");
        }
    }
}

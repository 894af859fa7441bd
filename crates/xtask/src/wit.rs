//! Whether a component is what `wit/` says: these imports, these exports, nothing else.

use crate::command::root;
use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

/// What the connector asks of its host.
pub(crate) const HTTP: &str = "klaviyo:connector/http@0.1.0";

/// Checks that a component imports this and nothing else. A version of an import may leave its last number
/// out.
pub(crate) fn check_imports(component: &[u8], imports: &[&str]) -> Result<()> {
    let (built, world) = decoded(component)?;
    let has = names(&built, world, Side::Imports);
    let missing: Vec<_> = imports.iter().filter(|import| !has.iter().any(|name| is(name, import))).collect();
    let extra: Vec<_> = has.iter().filter(|name| !imports.iter().any(|import| is(name, import))).collect();
    if !missing.is_empty() || !extra.is_empty() {
        bail!(
            "the component's imports are not as they should be; missing: {missing:?}; more than those: {extra:?}"
        );
    }
    Ok(())
}

/// The world of the whole connector.
pub(crate) const CONNECTOR: &str = "connector";
/// The world of the part for opt-ins.
pub(crate) const OPT_IN: &str = "opt-in";

/// Checks that a component exports what a world of the contract does, and nothing else.
pub(crate) fn check_exports(component: &[u8], (resolve, world): &Contract) -> Result<()> {
    let (built, built_world) = decoded(component)?;
    let (has, needs) = (names(&built, built_world, Side::Exports), names(resolve, *world, Side::Exports));
    if has != needs {
        let (missing, extra) = (needs.difference(&has), has.difference(&needs));
        bail!(
            "the component's exports are not those of the contract; missing: {:?}; more than it: {:?}",
            missing.collect::<Vec<_>>(),
            extra.collect::<Vec<_>>()
        );
    }
    Ok(())
}

/// Checks the types of a component's imports and exports against those of a world of the contract.
pub(crate) fn check_types(component: &[u8], (resolve, world): &Contract) -> Result<()> {
    wit_component::targets(resolve, *world, component).context("the component's types are not the contract's")
}

/// A world, and all that it is made of.
pub(crate) type Contract = (Resolve, WorldId);

/// A world of the contract.
pub(crate) fn contract(world: &str) -> Result<Contract> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).context("the contract cannot be read")?;
    let world = resolve.select_world(&[package], Some(world))?;
    Ok((resolve, world))
}

fn decoded(component: &[u8]) -> Result<(Resolve, WorldId)> {
    match wit_component::decode(component)? {
        DecodedWasm::Component(resolve, world) => Ok((resolve, world)),
        DecodedWasm::WitPackage(..) => bail!("the file is a WIT package, not a component"),
    }
}

/// Whether an interface is the named one.
fn is(interface: &str, name: &str) -> bool {
    interface.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
}

enum Side {
    Imports,
    Exports,
}

/// The interfaces on one side of a world, and for exports each function in them.
fn names(resolve: &Resolve, world: WorldId, side: Side) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(world) = resolve.worlds.get(world) else {
        return names;
    };
    let items = match side {
        Side::Imports => &world.imports,
        Side::Exports => &world.exports,
    };
    for (key, item) in items {
        let name = resolve.name_world_key(key);
        if let (WorldItem::Interface { id, .. }, WorldKey::Interface(_), Side::Exports) = (item, key, &side)
            && let Some(interface) = resolve.interfaces.get(*id)
        {
            names.extend(interface.functions.keys().map(|function| format!("{name}#{function}")));
        }
        names.insert(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(checked: Result<()>) -> String {
        checked.unwrap_err().to_string()
    }

    fn component(text: &str) -> Vec<u8> {
        wat::parse_str(text).unwrap()
    }

    #[test]
    fn another_import_is_refused_and_named() {
        let http = r#"(import "klaviyo:connector/http@0.1.0" (instance))"#;
        let environment = r#"(import "wasi:cli/environment@0.2.0" (instance))"#;
        let both = component(&format!("(component {http} {environment})"));
        assert!(refusal(check_imports(&both, &[HTTP])).contains("wasi:cli/environment"));
        assert!(refusal(check_imports(&both, &[])).contains(HTTP));
        assert!(refusal(check_imports(&component("(component)"), &[HTTP])).contains(HTTP));
        assert!(check_imports(&component(&format!("(component {http})")), &[HTTP]).is_ok());
    }

    /// Tools take any comment before an item as its documentation.
    #[test]
    fn every_comment_of_the_contract_is_for_its_readers() {
        for file in std::fs::read_dir(root().join("wit")).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = std::fs::read_to_string(&path) else { continue };
            let other = text.lines().find(|line| line.trim_start().starts_with("// "));
            assert_eq!(other, None, "{}", path.display());
        }
    }

    #[test]
    fn a_version_may_leave_its_last_number_out() {
        let both =
            component(r#"(component (import "a:b/c@0.2.12" (instance)) (import "a:b/d@0.2.0" (instance)))"#);
        assert!(check_imports(&both, &["a:b/c@0.2", "a:b/d@0.2"]).is_ok());
        for (imports, named) in [
            (&["a:b/c@0.2", "a:b/d@0.3"][..], "a:b/d@0.3"),
            (&["a:b/c@0.2", "a:b/d@0.2", "a:b/e@0.2"], "a:b/e@0.2"),
            (&["a:b/c@0.2.1", "a:b/d@0.2"], "a:b/c@0.2.12"),
        ] {
            assert!(refusal(check_imports(&both, imports)).contains(named));
        }
    }

    #[test]
    fn a_missing_export_and_one_too_many_are_refused_and_named() {
        let extra = r#"(instance $more) (export "klaviyo:connector/more@0.1.0" (instance $more))"#;
        let refusal = refusal(check_exports(
            &component(&format!("(component {extra})")),
            &contract(CONNECTOR).unwrap(),
        ));
        assert!(refusal.contains("klaviyo:connector/contacts@0.1.0#opt-in"));
        assert!(refusal.contains("klaviyo:connector/more"));
    }
}

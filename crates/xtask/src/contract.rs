//! Whether a component is what `wit/` says: one import, these exports, nothing else.

use anyhow::{Context, Result, bail};
use std::collections::BTreeSet;
use std::path::Path;
use wit_component::DecodedWasm;
use wit_parser::{Resolve, WorldId, WorldItem, WorldKey};

/// All that the component may ask of its host.
pub(crate) const IMPORT: &str = "klaviyo:connector/http@0.1.0";

/// Checks a component against the world of the package in `wit`.
pub(crate) fn check(component: &[u8], wit: &Path) -> Result<()> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit).context("the contract cannot be read")?;
    let world = resolve.select_world(&[package], None)?;

    let DecodedWasm::Component(built, built_world) = wit_component::decode(component)? else {
        bail!("the file is a WIT package, not a component");
    };
    let imports = names(&built, built_world, Side::Imports);
    if imports != BTreeSet::from([IMPORT.to_owned()]) {
        bail!("the component may import {IMPORT} and nothing else; it imports {imports:?}");
    }
    let (has, needs) = (names(&built, built_world, Side::Exports), names(&resolve, world, Side::Exports));
    if has != needs {
        let (missing, extra) = (needs.difference(&has), has.difference(&needs));
        bail!(
            "the component's exports are not those of the contract; missing: {:?}; more than it: {:?}",
            missing.collect::<Vec<_>>(),
            extra.collect::<Vec<_>>()
        );
    }
    wit_component::targets(&resolve, world, component).context("the component's types are not the contract's")
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
    use super::check;
    use crate::command::root;

    fn refusal(component: &str) -> String {
        let component = wat::parse_str(component).unwrap();
        check(&component, &root().join("wit")).unwrap_err().to_string()
    }

    #[test]
    fn another_import_is_refused_and_named() {
        let http = r#"(import "klaviyo:connector/http@0.1.0" (instance))"#;
        let environment = r#"(import "wasi:cli/environment@0.2.0" (instance))"#;
        assert!(refusal(&format!("(component {http} {environment})")).contains("wasi:cli/environment"));
        assert!(refusal("(component)").contains("imports {}"));
    }

    #[test]
    fn a_missing_export_and_one_too_many_are_refused_and_named() {
        let http = r#"(import "klaviyo:connector/http@0.1.0" (instance $http))"#;
        let extra = r#"(instance $more) (export "klaviyo:connector/more@0.1.0" (instance $more))"#;
        let refusal = refusal(&format!("(component {http} {extra})"));
        assert!(refusal.contains("klaviyo:connector/contacts@0.1.0#opt-in"));
        assert!(refusal.contains("klaviyo:connector/more"));
    }
}

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

//! Composes the connector with other components, into one file.
//!
//! - [`with_adapter`] puts an adapter below it that supplies its `http`, such as klaviyo-wasi-http for
//!   runtimes with `wasi:http`.
//! - [`with_tenant_code`] puts a customer's code above it, which can call the connector and nothing else. [`Imports`]
//!   says which of the connector's interfaces it may import.
//!
//! Components share no memory, and one cannot use the imports of another. If the lower component does not
//! supply an import of the upper one, composing fails; the import never becomes one of the whole.

mod imports;

pub use imports::Imports;

use wac_graph::types::{ItemKind, Package, SubtypeChecker};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

/// The beginning of the names of the connector's interfaces.
const CONNECTOR: &str = "klaviyo:connector/";

/// Why two components cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// One of them is not a component.
    #[error("the {component} is not a component")]
    NotAComponent {
        /// The component that is wrong.
        component: &'static str,
        /// The cause.
        source: anyhow::Error,
    },
    /// The lower component does not export an import of the upper one.
    #[error("the {component} imports {import}, which the {supplier} does not export; all that it may import is {}", .exports.join(", "))]
    NotExported {
        /// The upper component.
        component: &'static str,
        /// The import.
        import: String,
        /// The lower component.
        supplier: &'static str,
        /// The exports of the lower component.
        exports: Vec<String>,
    },
    /// The tenant's component imports an interface of the connector's that it may not have.
    #[error("the {component} imports {import}, which it may not; {setting}")]
    NotAllowed {
        /// The tenant's component.
        component: &'static str,
        /// The import.
        import: String,
        /// What would allow it, or that nothing does.
        setting: String,
    },
    /// The types of the import and the export differ.
    #[error(
        "the {component} imports {import} with other types than the {supplier} exports it with; was it built for another version?"
    )]
    OtherTypes {
        /// The upper component.
        component: &'static str,
        /// The import.
        import: String,
        /// The lower component.
        supplier: &'static str,
        /// The difference.
        source: anyhow::Error,
    },
    /// The upper component exports a name that is the connector's.
    #[error("the {component} exports {export}, a name of the connector's")]
    NotItsName {
        /// The upper component.
        component: &'static str,
        /// The export.
        export: String,
    },
    /// The composed component cannot be written.
    #[error("the components cannot be put into one file")]
    Encode(#[source] anyhow::Error),
}

/// Composes the connector with an adapter that supplies its `http`. The whole has the exports of the
/// connector and the imports of the adapter.
///
/// # Errors
/// When one of them is not a component, or the adapter does not supply all that the connector imports.
pub fn with_adapter(connector: &[u8], adapter: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut parts = Parts::default();
    let upper = parts.part("connector", connector)?;
    let lower = parts.part("adapter", adapter)?;
    let composition = parts.plug(&upper, &lower)?;
    parts.export_all(&upper, composition.upper)?;
    parts.encode()
}

/// Composes a tenant's component with the connector, which supplies those of its imports that it may have. The whole
/// has the exports of both, and imports what the connector imports: `http`.
///
/// # Errors
/// When one of them is not a component, or the tenant's imports anything but the connector's exports, or one of them
/// that is not among `imports`, or exports something under a name of the connector's.
pub fn with_tenant_code(connector: &[u8], tenant: &[u8], imports: &Imports) -> Result<Vec<u8>, ComposeError> {
    let mut parts = Parts::default();
    let upper = parts.part("tenant's component", tenant)?;
    let lower = parts.part("connector", connector)?;
    parts.check_imports(&upper, imports)?;
    let composition = parts.plug(&upper, &lower)?;
    parts.check_names(&upper)?;
    parts.export_all(&lower, composition.lower)?;
    parts.export_all(&upper, composition.upper)?;
    parts.encode()
}

#[derive(Default)]
struct Parts(CompositionGraph);

struct Part {
    name: &'static str,
    package: PackageId,
}

struct Composition {
    upper: NodeId,
    lower: NodeId,
}

impl Parts {
    fn part(&mut self, name: &'static str, bytes: &[u8]) -> Result<Part, ComposeError> {
        let wrong = |source| ComposeError::NotAComponent { component: name, source };
        let package = Package::from_bytes(name, None, bytes, self.0.types_mut()).map_err(wrong)?;
        let package = self.0.register_package(package).map_err(|error| wrong(error.into()))?;
        Ok(Part { name, package })
    }

    /// Supplies all imports of the upper component from the exports of the lower one. `wac_graph::plug` would
    /// skip imports whose types differ.
    fn plug(&mut self, upper: &Part, lower: &Part) -> Result<Composition, ComposeError> {
        let imports = self.items(upper, Side::Imports);
        let exports = self.items(lower, Side::Exports);
        let composition = Composition {
            upper: self.0.instantiate(upper.package),
            lower: self.0.instantiate(lower.package),
        };
        for (import, needed) in imports {
            let (component, supplier) = (upper.name, lower.name);
            let Some((_, supplied)) = exports.iter().find(|(name, _)| *name == import) else {
                let exports = exports.iter().map(|(name, _)| name.clone()).collect();
                return Err(ComposeError::NotExported { component, import, supplier, exports });
            };
            let types = self.0.types();
            if let Err(source) =
                SubtypeChecker::new(&mut Default::default()).is_subtype(*supplied, types, needed, types)
            {
                return Err(ComposeError::OtherTypes { component, import, supplier, source });
            }
            let export = self.0.alias_instance_export(composition.lower, &import).map_err(unwritable)?;
            self.0.set_instantiation_argument(composition.upper, &import, export).map_err(unwritable)?;
        }
        Ok(composition)
    }

    /// Refuses imports of the connector's interfaces that are not allowed. `plug` refuses all others.
    fn check_imports(&self, part: &Part, imports: &Imports) -> Result<(), ComposeError> {
        for (import, _) in self.items(part, Side::Imports) {
            if let Some(interface) = import.strip_prefix(CONNECTOR)
                && let Err(setting) = imports.permit(interface)
            {
                return Err(ComposeError::NotAllowed { component: part.name, import, setting });
            }
        }
        Ok(())
    }

    /// Refuses exports that look like the connector's, of any interface and version.
    fn check_names(&self, part: &Part) -> Result<(), ComposeError> {
        let own = self.items(part, Side::Exports).into_iter().find(|(name, _)| name.starts_with(CONNECTOR));
        own.map_or(Ok(()), |(export, _)| Err(ComposeError::NotItsName { component: part.name, export }))
    }

    fn export_all(&mut self, part: &Part, instance: NodeId) -> Result<(), ComposeError> {
        for (name, _) in self.items(part, Side::Exports) {
            let export = self.0.alias_instance_export(instance, &name).map_err(unwritable)?;
            self.0.export(export, &name).map_err(unwritable)?;
        }
        Ok(())
    }

    /// The imports or the exports of a part.
    fn items(&self, part: &Part, side: Side) -> Vec<(String, ItemKind)> {
        let world = &self.0.types()[self.0[part.package].ty()];
        let items = match side {
            Side::Imports => &world.imports,
            Side::Exports => &world.exports,
        };
        items.iter().map(|(name, kind)| (name.clone(), *kind)).collect()
    }

    fn encode(&self) -> Result<Vec<u8>, ComposeError> {
        self.0.encode(EncodeOptions::default()).map_err(unwritable)
    }
}

fn unwritable(error: impl Into<anyhow::Error>) -> ComposeError {
    ComposeError::Encode(error.into())
}

#[derive(Clone, Copy)]
enum Side {
    Imports,
    Exports,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use wasmparser::{Parser, Payload};

    const HTTP: &str = "klaviyo:connector/http@0.1.0";
    const API: &str = "klaviyo:connector/api@0.1.0";
    const TYPES: &str = "klaviyo:connector/types@0.1.0";
    const CONTACTS: &str = "klaviyo:connector/contacts@0.1.0";

    /// A component whose imports and exports are instances of one function each, of these types.
    fn component(imports: &[(&str, &str)], exports: &[(&str, &str)]) -> Vec<u8> {
        let mut text = "(component\n".to_owned();
        for (name, ty) in imports {
            text += &format!("(import \"{name}\" (instance (export \"f\" (func {ty}))))\n");
        }
        text +=
            "(core module $m (func (export \"none\")) (func (export \"number\") (result i32) i32.const 7))\n";
        text += "(core instance $m (instantiate $m))\n";
        for (index, (name, ty)) in exports.iter().enumerate() {
            let core = if ty.is_empty() { "none" } else { "number" };
            text += &format!(
                "(func $f{index} {ty} (canon lift (core func $m \"{core}\")))\n\
                 (instance $i{index} (export \"f\" (func $f{index})))\n\
                 (export \"{name}\" (instance $i{index}))\n"
            );
        }
        wat::parse_str(text + ")").unwrap()
    }

    /// The imports and the exports of a component.
    fn interfaces(component: &[u8]) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut imports, mut exports, mut depth) = (BTreeSet::new(), BTreeSet::new(), 0);
        for payload in Parser::new(0).parse_all(component) {
            match payload.unwrap() {
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
                Payload::End(_) => depth -= 1,
                Payload::ComponentImportSection(section) if depth == 0 => {
                    imports.extend(section.into_iter().map(|import| import.unwrap().name.name.to_owned()));
                }
                Payload::ComponentExportSection(section) if depth == 0 => {
                    exports.extend(section.into_iter().map(|export| export.unwrap().name.name.to_owned()));
                }
                _ => {}
            }
        }
        (imports, exports)
    }

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn an_adapter_takes_the_place_of_the_import() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        let adapter = component(&[("wasi:http/types@0.2.0", "")], &[(HTTP, ""), ("a:b/more", "")]);
        let composition = with_adapter(&connector, &adapter).unwrap();
        assert_eq!(interfaces(&composition), (set(&["wasi:http/types@0.2.0"]), set(&[CONTACTS])));
    }

    #[test]
    fn tenant_code_has_the_connector_in_its_reach_and_the_whole_is_a_connector() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        let tenant = component(&[(CONTACTS, "")], &[("shop:code/automation", "")]);
        let composition = with_tenant_code(&connector, &tenant, &Imports::default()).unwrap();
        assert_eq!(interfaces(&composition), (set(&[HTTP]), set(&[CONTACTS, "shop:code/automation"])));
    }

    #[test]
    fn an_import_that_nobody_supplies_is_refused_and_named() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        for other in ["wasi:http/outgoing-handler@0.2.0", "klaviyo:connector/contacts@0.2.0"] {
            let tenant = component(&[(CONTACTS, ""), (other, "")], &[("shop:code/automation", "")]);
            match with_tenant_code(&connector, &tenant, &Imports::default()) {
                Err(ComposeError::NotExported { import, exports, .. }) => {
                    assert_eq!((import.as_str(), exports), (other, vec![CONTACTS.to_owned()]));
                }
                other => panic!("{other:?}"),
            }
        }
        let adapter = component(&[], &[("a:b/more", "")]);
        assert!(matches!(with_adapter(&connector, &adapter), Err(ComposeError::NotExported { .. })));
    }

    #[test]
    fn an_interface_that_is_not_allowed_is_refused_and_named() {
        let exports = [(TYPES, ""), (CONTACTS, ""), (API, "")];
        let connector = component(&[(HTTP, "")], &exports);
        let refused = |imports: &Imports, import: &str| {
            let tenant = component(&[(TYPES, ""), (import, "")], &[("shop:code/automation", "")]);
            match with_tenant_code(&connector, &tenant, imports) {
                Ok(_) => None,
                Err(ComposeError::NotAllowed { import: named, setting, .. }) => {
                    assert_eq!(named, import);
                    Some(setting)
                }
                Err(other) => panic!("{import}: {other:?}"),
            }
        };
        let (default, api, lists) =
            (Imports::default(), Imports::default().and_api(), Imports::only(["lists"]));
        assert_eq!(refused(&default, CONTACTS), None);
        assert!(refused(&default, API).unwrap().contains("Imports::and_api"));
        assert_eq!(refused(&api, API), None);
        assert_eq!(refused(&api, CONTACTS), None);
        assert!(refused(&lists, CONTACTS).unwrap().contains("Imports::only"));
        assert!(refused(&lists, API).unwrap().contains("Imports::and_api"));
        // Also by a version that the connector does not have, and whatever is allowed.
        for imports in [default, api, lists, Imports::only(["http"])] {
            for name in [HTTP, "klaviyo:connector/http@9.0.0", "klaviyo:connector/http"] {
                assert!(refused(&imports, name).is_some(), "{name}");
            }
        }
    }

    #[test]
    fn the_setting_does_not_give_what_the_connector_lacks() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        let tenant = component(&[(API, "")], &[]);
        let composed = with_tenant_code(&connector, &tenant, &Imports::default().and_api());
        assert!(matches!(composed, Err(ComposeError::NotExported { .. })));
    }

    #[test]
    fn other_types_under_the_same_name_are_refused() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        let tenant = component(&[(CONTACTS, "(result u32)")], &[]);
        assert!(matches!(
            with_tenant_code(&connector, &tenant, &Imports::default()),
            Err(ComposeError::OtherTypes { .. })
        ));
        let adapter = component(&[], &[(HTTP, "(result u32)")]);
        assert!(matches!(with_adapter(&connector, &adapter), Err(ComposeError::OtherTypes { .. })));
    }

    #[test]
    fn tenant_code_cannot_pass_for_the_connector() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        for name in [CONTACTS, HTTP, "klaviyo:connector/contacts@0.1.1", "klaviyo:connector/more@0.1.0"] {
            let tenant = component(&[(CONTACTS, "")], &[("shop:code/automation", ""), (name, "")]);
            match with_tenant_code(&connector, &tenant, &Imports::default()) {
                Err(ComposeError::NotItsName { export, .. }) => assert_eq!(export, name),
                other => panic!("{name}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_not_a_component_is_refused() {
        let connector = component(&[], &[(CONTACTS, "")]);
        let module = wat::parse_str("(module)").unwrap();
        for bytes in [&b""[..], b"\0asm", &module, &connector[..connector.len() / 2]] {
            assert!(matches!(
                with_tenant_code(&connector, bytes, &Imports::default()),
                Err(ComposeError::NotAComponent { .. })
            ));
        }
    }
}

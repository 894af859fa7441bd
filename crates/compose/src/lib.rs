//! Composes the connector with other components, into one file.
//!
//! - [`with_adapter`] puts something below it that supplies its `http`: klaviyo-wasi-http, for runtimes that
//!   have `wasi:http`.
//! - [`with_tenant_code`] puts something above it that calls it: code of a customer's, that has the connector
//!   in its reach and nothing else.
//!
//! Components share no memory, and one cannot reach what another imports. What a component needs and does not
//! get from the one below it is an error, never an import of the whole that nobody expects.

use wac_graph::types::{ItemKind, Package, SubtypeChecker};
use wac_graph::{CompositionGraph, EncodeOptions, NodeId, PackageId};

/// What the names of the connector's interfaces begin with.
const CONNECTOR: &str = "klaviyo:connector/";

/// Why two components cannot be composed.
#[derive(Debug, thiserror::Error)]
pub enum ComposeError {
    /// One of them is not a component.
    #[error("the {component} is not a component")]
    NotAComponent {
        /// Which of the two.
        component: &'static str,
        /// What is wrong with it.
        source: anyhow::Error,
    },
    /// The upper one needs what the lower one does not have.
    #[error("the {component} imports {import}, which the {supplier} does not export; all that it may import is {}", .exports.join(", "))]
    NotExported {
        /// The upper component.
        component: &'static str,
        /// What it imports.
        import: String,
        /// The lower component.
        supplier: &'static str,
        /// What that has to offer.
        exports: Vec<String>,
    },
    /// Both have it, with different types.
    #[error(
        "the {component} imports {import} with other types than the {supplier} exports it with; was it built for another version?"
    )]
    OtherTypes {
        /// The upper component.
        component: &'static str,
        /// What it imports.
        import: String,
        /// The lower component.
        supplier: &'static str,
        /// Where they differ.
        source: anyhow::Error,
    },
    /// It exports what only the connector may.
    #[error("the {component} exports {export}, a name of the connector's")]
    NotItsName {
        /// The upper component.
        component: &'static str,
        /// What it exports.
        export: String,
    },
    /// The whole cannot be written.
    #[error("the components cannot be put into one file")]
    Encode(#[source] anyhow::Error),
}

/// The connector, with its `http` supplied by `adapter`. The whole exports what the connector does, and
/// imports what the adapter does.
///
/// # Errors
/// When one of them is not a component, or the adapter does not supply all that the connector imports.
pub fn with_adapter(connector: &[u8], adapter: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut parts = Parts::default();
    let upper = parts.part("connector", connector)?;
    let lower = parts.part("adapter", adapter)?;
    let whole = parts.put(&upper, &lower)?;
    parts.export_all(&upper, whole.upper)?;
    parts.encode()
}

/// A component of a tenant's, with what it imports supplied by the connector. The whole is a connector that
/// exports what the tenant's component does besides, and imports what the connector does: `http`.
///
/// # Errors
/// When one of them is not a component, or the tenant's imports anything but the connector's exports, or
/// exports something under a name of the connector's.
pub fn with_tenant_code(connector: &[u8], tenant: &[u8]) -> Result<Vec<u8>, ComposeError> {
    let mut parts = Parts::default();
    let upper = parts.part("tenant's component", tenant)?;
    let lower = parts.part("connector", connector)?;
    let whole = parts.put(&upper, &lower)?;
    parts.check_names(&upper)?;
    parts.export_all(&lower, whole.lower)?;
    parts.export_all(&upper, whole.upper)?;
    parts.encode()
}

#[derive(Default)]
struct Parts(CompositionGraph);

struct Part {
    name: &'static str,
    package: PackageId,
}

struct Whole {
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

    /// Supplies all imports of one from the exports of the other. `wac_graph::plug` leaves those out whose
    /// types differ.
    fn put(&mut self, upper: &Part, lower: &Part) -> Result<Whole, ComposeError> {
        let imports = self.items(upper, Side::Imports);
        let exports = self.items(lower, Side::Exports);
        let whole =
            Whole { upper: self.0.instantiate(upper.package), lower: self.0.instantiate(lower.package) };
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
            let export = self.0.alias_instance_export(whole.lower, &import).map_err(unwritable)?;
            self.0.set_instantiation_argument(whole.upper, &import, export).map_err(unwritable)?;
        }
        Ok(whole)
    }

    /// Refuses exports that would pass for the connector's, whatever the interface and the version.
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

    /// What a part imports or exports.
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
    const CONTACTS: &str = "klaviyo:connector/contacts@0.1.0";

    /// A component that imports and exports instances of one function each, of these types.
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

    /// What a component imports, and exports.
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
        let whole = with_adapter(&connector, &adapter).unwrap();
        assert_eq!(interfaces(&whole), (set(&["wasi:http/types@0.2.0"]), set(&[CONTACTS])));
    }

    #[test]
    fn tenant_code_has_the_connector_in_its_reach_and_the_whole_is_a_connector() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        let tenant = component(&[(CONTACTS, "")], &[("shop:code/automation", "")]);
        let whole = with_tenant_code(&connector, &tenant).unwrap();
        assert_eq!(interfaces(&whole), (set(&[HTTP]), set(&[CONTACTS, "shop:code/automation"])));
    }

    #[test]
    fn an_import_that_nobody_supplies_is_refused_and_named() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        for other in [HTTP, "wasi:http/outgoing-handler@0.2.0", "klaviyo:connector/contacts@0.2.0"] {
            let tenant = component(&[(CONTACTS, ""), (other, "")], &[("shop:code/automation", "")]);
            match with_tenant_code(&connector, &tenant) {
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
    fn other_types_under_the_same_name_are_refused() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        let tenant = component(&[(CONTACTS, "(result u32)")], &[]);
        assert!(matches!(with_tenant_code(&connector, &tenant), Err(ComposeError::OtherTypes { .. })));
        let adapter = component(&[], &[(HTTP, "(result u32)")]);
        assert!(matches!(with_adapter(&connector, &adapter), Err(ComposeError::OtherTypes { .. })));
    }

    #[test]
    fn tenant_code_cannot_pass_for_the_connector() {
        let connector = component(&[(HTTP, "")], &[(CONTACTS, "")]);
        for name in [CONTACTS, HTTP, "klaviyo:connector/contacts@0.1.1", "klaviyo:connector/more@0.1.0"] {
            let tenant = component(&[(CONTACTS, "")], &[("shop:code/automation", ""), (name, "")]);
            match with_tenant_code(&connector, &tenant) {
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
            assert!(matches!(with_tenant_code(&connector, bytes), Err(ComposeError::NotAComponent { .. })));
        }
    }
}

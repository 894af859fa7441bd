//! The functions of the contract that a component exports. A small component has some of them only.

use crate::json::CONTRACT_VERSION;
use std::collections::HashMap;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, ComponentExportIndex};

/// Where each function is in the component. A call looks up its own function and no other, so that it costs the same
/// however many there are.
pub(crate) struct Exports(HashMap<String, ComponentExportIndex>);

impl Exports {
    /// Finds the functions.
    pub(crate) fn new(component: &Component) -> Self {
        let (engine, ty) = (component.engine(), component.component_type());
        let mut functions = HashMap::new();
        for (path, item) in ty.exports(engine) {
            let name = path.strip_prefix("klaviyo:connector/").and_then(|path| path.split('@').next());
            let (Some(name), ComponentItem::ComponentInstance(interface)) = (name, item.ty) else { continue };
            // wasmtime takes a later version that is compatible, and no other.
            let path = format!("klaviyo:connector/{name}@{CONTRACT_VERSION}");
            let Some(index) = component.get_export_index(None, &path) else { continue };
            for (function, _) in interface.exports(engine) {
                if let Some(index) = component.get_export_index(Some(&index), function) {
                    functions.insert(format!("{name}.{function}"), index);
                }
            }
        }
        Self(functions)
    }

    /// A function by its name, such as `contacts.opt-in`.
    pub(crate) fn get(&self, function: &str) -> Option<&ComponentExportIndex> {
        self.0.get(function)
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

//! Compares the types with the contract's.

use super::{Layout, Shape};
use std::path::Path;
use wit_parser::abi::{FlatTypes, WasmType};
use wit_parser::{Resolve, SizeAlign, Type, TypeDefKind};

/// Checks that a type has the fields or the cases, the sizes and the number of parameters of the contract's type
/// with this name, in the interface that the module is for.
pub(crate) fn same<T: Shape>(module: &str, name: &str) {
    let mut contract = Resolve::default();
    let (package, _) = contract.push_path(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit")).unwrap();
    let mut sizes = SizeAlign::default();
    sizes.fill(&contract);
    let (_, interface) = module.rsplit_once("::").unwrap();
    let interface = contract.packages[package].interfaces[interface];
    let id = contract.interfaces[interface].types[&kebab_case(name)];
    let names: Vec<&str> = match &contract.types[id].kind {
        TypeDefKind::Record(record) => record.fields.iter().map(|field| field.name.as_str()).collect(),
        TypeDefKind::Variant(variant) => variant.cases.iter().map(|case| case.name.as_str()).collect(),
        TypeDefKind::Enum(cases) => cases.cases.iter().map(|case| case.name.as_str()).collect(),
        other => panic!("{name} is {other:?}"),
    };
    assert_eq!(T::NAMES.iter().map(|name| kebab_case(name)).collect::<Vec<_>>(), names);
    let ty = Type::Id(id);
    let mut flat = [WasmType::I32; 128];
    let mut flat = FlatTypes::new(&mut flat);
    assert!(contract.push_flat(&ty, &mut flat));
    let layout = Layout {
        size: sizes.size(&ty).size_wasm32(),
        align: sizes.align(&ty).align_wasm32(),
        slots: flat.to_vec().len(),
    };
    assert_eq!(T::LAYOUT, layout);
}

/// The name in the contract of what Rust calls `a_field` or `ACase`.
fn kebab_case(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.push(if letter == '_' { '-' } else { letter.to_ascii_lowercase() });
    }
    kebab
}

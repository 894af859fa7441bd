//! The preview of the contract for WASI 0.3: the same functions, as `async func`s, over an `http` that is `async`. The
//! module in it is the connector's own, whose functions return when they are done: the type of a function says that it may
//! wait, and not how it is called.

use crate::wit::{self, CONNECTOR, Contract};
use crate::{guest, versions};
use anyhow::{Context, Result};
use std::convert::Infallible;
use wasm_encoder::reencode::{self, Reencode, RoundtripReencoder};
use wasm_encoder::{ExportSection, ImportSection, Module};
use wasmparser::{CustomSectionReader, Export, ImportSectionReader, Parser};
use wit_component::StringEncoding;
use wit_parser::FunctionKind;

/// Its version of the contract.
pub(crate) const VERSION: &str = "0.2.0-preview";

/// The contract with `async` functions, and the world of the whole connector.
pub(crate) fn contract() -> Result<Contract> {
    let (mut resolve, world) = wit::contract(CONNECTOR)?;
    for (_, package) in resolve.packages.iter_mut() {
        package.name.version = Some(VERSION.parse()?);
    }
    for (_, interface) in resolve.interfaces.iter_mut() {
        for function in interface.functions.values_mut() {
            function.kind = FunctionKind::AsyncFreestanding;
        }
    }
    Ok((resolve, world))
}

/// The component of the connector's module, which has the contract's own version.
pub(crate) fn component(module: &[u8]) -> Result<Vec<u8>> {
    let mut renamed = Module::new();
    Renamer { released: format!("@{}", versions::contract()?), preview: format!("@{VERSION}") }
        .parse_core_module(&mut renamed, Parser::new(0), module)
        .context("the module of the connector cannot be read")?;
    let mut module = renamed.finish();
    let (resolve, world) = contract()?;
    wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)?;
    guest::encoded(&module)
        .context("the module of the connector cannot be made a component of async functions")
}

/// Gives the imports and exports the version of the preview, and leaves out what the module says of its types.
struct Renamer {
    released: String,
    preview: String,
}

impl Renamer {
    fn renamed(&self, name: &str) -> String {
        name.replace(&self.released, &self.preview)
    }
}

impl Reencode for Renamer {
    type Error = Infallible;

    fn parse_import_section(
        &mut self,
        imports: &mut ImportSection,
        section: ImportSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        for import in section.into_imports() {
            let import = import?;
            let ty = self.entity_type(import.ty)?;
            imports.import(&self.renamed(import.module), import.name, ty);
        }
        Ok(())
    }

    fn parse_export(
        &mut self,
        exports: &mut ExportSection,
        export: Export<'_>,
    ) -> Result<(), reencode::Error> {
        let name = self.renamed(export.name);
        RoundtripReencoder.parse_export(exports, Export { name: &name, ..export })
    }

    fn parse_custom_section(
        &mut self,
        module: &mut Module,
        section: CustomSectionReader<'_>,
    ) -> Result<(), reencode::Error> {
        if section.name().starts_with("component-type") {
            return Ok(());
        }
        RoundtripReencoder.parse_custom_section(module, section)
    }
}

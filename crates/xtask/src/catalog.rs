//! The catalogue of actions: its file, and the section of a component that has the same.

use crate::command::root;
use crate::file;
use anyhow::{Context, Result};
use klaviyo_catalog::{FILE, SECTION, catalog, text};
use serde_json::Value;
use wasm_encoder::{ComponentSection, CustomSection};

/// Writes the file.
pub(crate) fn write() -> Result<()> {
    let text = text(&catalog(&root())?)?;
    file::write(&root().join(FILE), text.as_bytes())?;
    eprintln!("xtask: {FILE}, {} bytes", text.len());
    Ok(())
}

/// A custom section with what the file has, without its white space.
pub(crate) fn section() -> Result<Vec<u8>> {
    let text = std::fs::read_to_string(root().join(FILE)).with_context(|| format!("cannot read {FILE}"))?;
    let catalog: Value = serde_json::from_str(&text).with_context(|| format!("{FILE} is no JSON"))?;
    let data = catalog.to_string();
    let mut section = Vec::new();
    CustomSection { name: SECTION.into(), data: data.as_bytes().into() }.append_to_component(&mut section);
    Ok(section)
}

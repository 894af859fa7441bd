//! The catalogue of actions: what `wit/` says of each function, as JSON by which a platform draws a form and runs the
//! function without knowing Klaviyo.
//!
//! Each fact has one source. Types, descriptions and scopes are those of `wit/`. Which requests a function sends, and so
//! whether it writes and may be repeated, is seen in the corpus; their rates are those of the host. [`table`] has the rest:
//! titles, and what a text of the contract holds.

mod contract;
mod document;
mod prose;
mod schema;
mod table;
mod traffic;

use anyhow::{Context, Result};
use klaviyo_corpus::Corpus;
use serde_json::Value;
use std::path::Path;

/// The name of the component's custom section with the catalogue.
pub const SECTION: &str = "klaviyo:actions";
/// The catalogue's file in the project.
pub const FILE: &str = "klaviyo.actions.json";

/// Makes the catalogue of the project in this folder.
///
/// # Errors
/// When a source cannot be read, and when the contract and the table do not have the same functions and texts.
pub fn catalog(project: &Path) -> Result<Value> {
    let contract = contract::Contract::read(&project.join("wit"))?;
    let traffic =
        traffic::Traffic::read(&Corpus::default(), &project.join("examples/node/src/endpoints.json"))?;
    document::document(&contract, &traffic, &table::TABLE)
}

/// The file's text: for people, who read its changes.
///
/// # Errors
/// When there is no room for it.
pub fn text(catalog: &Value) -> Result<String> {
    serde_json::to_string_pretty(catalog).map(|text| text + "\n").context("the catalogue cannot be written")
}

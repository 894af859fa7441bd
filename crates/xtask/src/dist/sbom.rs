//! What the files of a release are made of, as CycloneDX, each by the tool of its language: the components, and the
//! packages for Node and for Python.

mod components;
mod node;
mod package;
mod python;

use super::Install;
use crate::runtimes::Skipped;
use anyhow::Result;
use std::path::Path;

/// Where the tools are installed, in the project's folder.
pub(super) const FOLDER: &str = "target/sbom";

/// Writes the documents about the files of a folder beside them, dated by seconds since 1970.
pub(super) fn write(folder: &Path, date: &str, install: Install, skipped: &mut Skipped) -> Result<()> {
    // The packages have the component inside, and refer to its document.
    components::write(folder, date, install, skipped)?;
    node::write(folder, date, skipped)?;
    python::write(folder, date, install, skipped)
}

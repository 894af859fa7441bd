//! The corpus as files, for runtimes that read files.

use crate::command::root;
use anyhow::{Context, Result};
use klaviyo_corpus::Corpus;
use std::path::Path;

/// Writes the corpus where the tests of the examples read it: `target/fixtures`.
pub(crate) fn build() -> Result<()> {
    let folder = root().join("target/fixtures");
    if folder.exists() {
        // The folder may have cases that do not exist any more.
        std::fs::remove_dir_all(&folder).with_context(|| format!("cannot delete {}", folder.display()))?;
    }
    write(&folder)
}

/// Writes the corpus to a folder that is new or empty.
pub(crate) fn write(folder: &Path) -> Result<()> {
    let cases = Corpus::default().write(folder)?;
    eprintln!("xtask: {}, {cases} fixtures", folder.display());
    Ok(())
}

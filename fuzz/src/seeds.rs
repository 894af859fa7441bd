//! Inputs to begin with: the fixtures, and what people really send.

use anyhow::{Context, Result};
use klaviyo_corpus::Corpus;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The folder of the test host.
fn host_test() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).join("host-test")
}

/// A file or a folder of what people really send.
#[must_use]
pub fn cases(name: &str) -> PathBuf {
    host_test().join("cases").join(name)
}

/// The texts of all fixtures, each once.
///
/// # Errors
/// When the corpus cannot be read.
pub fn fixtures() -> Result<BTreeSet<String>> {
    let corpus = Corpus::default();
    corpus.at(&corpus.fixtures)?.iter().map(klaviyo_corpus::Case::text).collect()
}

/// The files of a folder, sorted by name; none if there is no such folder.
///
/// # Errors
/// When a file cannot be read.
pub fn files(folder: &Path) -> Result<Vec<Vec<u8>>> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Ok(Vec::new()) };
    let mut paths: Vec<PathBuf> = entries.map(|entry| Ok(entry?.path())).collect::<Result<_>>()?;
    paths.sort();
    paths.iter().map(|path| read(path)).collect()
}

/// A file.
///
/// # Errors
/// When it cannot be read.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))
}

/// The lines of a file.
///
/// # Errors
/// When it cannot be read, or is no text.
pub fn lines(path: &Path) -> Result<Vec<String>> {
    Ok(String::from_utf8(read(path)?)?.lines().map(str::to_owned).collect())
}

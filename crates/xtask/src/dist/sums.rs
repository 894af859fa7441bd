//! The checksums of a release, in the form that `sha256sum --check` reads.

use super::names;
use anyhow::{Context, Result};
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;

/// The file, beside those that it is about.
const FILE: &str = "SHA256SUMS";

/// Writes the checksums of all files in a folder into a file there.
pub(super) fn write(folder: &Path) -> Result<()> {
    let mut lines = String::new();
    for name in names(folder)? {
        writeln!(lines, "{}  {name}", of(&folder.join(&name))?)?;
    }
    Ok(std::fs::write(folder.join(FILE), lines)?)
}

/// The checksum of a file, in hexadecimal.
pub(super) fn of(file: &Path) -> Result<String> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let mut sum = String::new();
    for byte in Sha256::digest(bytes) {
        write!(sum, "{byte:02x}")?;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::program;

    #[test]
    fn the_checksums_are_those_of_sha256sum() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.tgz"] {
            std::fs::write(folder.path().join(name), name).unwrap();
        }
        write(folder.path()).unwrap();
        let mut check = program("sha256sum");
        check.args(["--check", "--strict", "--quiet", FILE]).current_dir(folder.path());
        assert!(check.status().unwrap().success());
        std::fs::write(folder.path().join("b.wasm"), "changed").unwrap();
        assert!(!check.status().unwrap().success());
        let lines = std::fs::read_to_string(folder.path().join(FILE)).unwrap();
        assert_eq!(lines.lines().count(), 2);
    }
}

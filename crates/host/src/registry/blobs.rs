//! What was pulled, kept in a folder by its digest, laid out as OCI lays out an image: `blobs/sha256/DIGITS`.
//!
//! Nobody has to be trusted with the folder: what is read there is looked at like what a registry gives.

use super::digest::Digest;
use crate::regular_file;
use std::io::{self, ErrorKind, Read, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

fn path(folder: &Path, digest: Digest) -> PathBuf {
    folder.join("blobs").join("sha256").join(digest.hex())
}

/// What is kept by this digest, unless it is something else, or has more bytes than `most`.
pub(super) fn read(folder: &Path, digest: Digest, most: u64) -> Option<Vec<u8>> {
    let path = path(folder, digest);
    match contents(&path, most) {
        Ok(contents) if Digest::of(&contents) == digest => return Some(contents),
        Ok(_) => tracing::warn!(file = %path.display(), "the file is damaged; it is pulled again"),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(file = %path.display(), %error, "cannot read the file; it is pulled again");
        }
    }
    None
}

fn contents(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    regular_file::open(path)?.take(most.saturating_add(1)).read_to_end(&mut contents)?;
    Ok(contents)
}

/// Keeps contents, if the folder can be written to.
pub(super) fn keep(folder: &Path, digest: Digest, contents: &[u8]) {
    let path = path(folder, digest);
    if let Err(error) = write(&path, contents) {
        tracing::warn!(file = %path.display(), %error, "cannot keep what was pulled");
    }
}

fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    std::fs::create_dir_all(folder)?;
    // A reader sees the whole file or none, also when two processes pull at once.
    let mut temporary = temporary(folder)?;
    temporary.write_all(contents)?;
    temporary.persist(path)?;
    Ok(())
}

/// A file that others may read: a component is no secret, and the user that pulled it may not be the one that runs it.
#[cfg(unix)]
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    use std::os::unix::fs::PermissionsExt;
    tempfile::Builder::new().permissions(std::fs::Permissions::from_mode(0o644)).tempfile_in(folder)
}

#[cfg(not(unix))]
fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
    NamedTempFile::new_in(folder)
}

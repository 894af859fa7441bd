//! Compiled components, kept in a folder, so that a process starts in milliseconds.
//!
//! The name of a file is a digest of the component, the compiler's settings and the version of wasmtime. The
//! file begins with a digest of its contents, since running a damaged file could do anything.

use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

const DIGEST_BYTES: usize = 32;

/// Loads the compiled form of a component from the folder, or compiles it and puts it there. If the folder
/// cannot be used, the component is compiled and not kept.
pub(crate) fn load(folder: &Path, engine: &Engine, component: &[u8]) -> wasmtime::Result<Component> {
    let file = file(folder, engine, component);
    match read(folder, &file, engine) {
        Ok(Some(component)) => return Ok(component),
        Ok(None) => {}
        Err(error) => tracing::warn!(file = %file.display(), %error, "not using a compiled component"),
    }
    let compiled = Component::from_binary(engine, component)?;
    if let Err(error) = keep(folder, engine, component, &compiled) {
        tracing::warn!(file = %file.display(), %error, "cannot keep the compiled component");
    }
    Ok(compiled)
}

/// Writes a compiled component into the folder.
pub(crate) fn keep(
    folder: &Path,
    engine: &Engine,
    component: &[u8],
    compiled: &Component,
) -> io::Result<PathBuf> {
    let file = file(folder, engine, component);
    write(folder, &file, &compiled.serialize().map_err(io::Error::other)?)?;
    Ok(file)
}

fn file(folder: &Path, engine: &Engine, component: &[u8]) -> PathBuf {
    let mut settings = DigestHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    let digest = Sha256::new().chain_update(component).chain_update(settings.0.finalize()).finalize();
    folder.join(format!("klaviyo-{}.cwasm", hex::encode(digest)))
}

struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // The digest is read from the inner hasher, so nothing uses this value.
        0
    }
}

fn read(folder: &Path, file: &Path, engine: &Engine) -> io::Result<Option<Component>> {
    let contents = match trust::read(folder, file) {
        Ok(contents) => contents,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file is damaged");
    let (digest, compiled) = contents.split_at_checked(DIGEST_BYTES).ok_or_else(damaged)?;
    if Sha256::digest(compiled).as_slice() != digest {
        return Err(damaged());
    }
    // SAFETY: the bytes are those that `Component::serialize` wrote: the file they were read from belongs to
    // this user or root, as all folders above it do, nobody else can write to any of them, and the digest
    // says that the file is whole. wasmtime checks its own version and the settings of the compiler.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, compiled) };
    component.map(Some).map_err(io::Error::other)
}

fn write(folder: &Path, file: &Path, compiled: &[u8]) -> io::Result<()> {
    trust::create(folder)?;
    // A reader sees the whole file or none, also when two processes start at once.
    let mut temporary = trust::temporary(folder)?;
    temporary.write_all(&Sha256::digest(compiled))?;
    temporary.write_all(compiled)?;
    temporary.persist(file)?;
    Ok(())
}

/// Decides which files may be run, by their owners and permissions.
#[cfg(unix)]
mod trust {
    use crate::regular_file;
    use std::fs::{DirBuilder, Metadata, Permissions};
    use std::io::{self, Read};
    use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
    use std::path::Path;
    use tempfile::NamedTempFile;

    const STICKY: u32 = 0o1000;
    const WRITABLE_BY_OTHERS: u32 = 0o022;

    pub(super) fn create(folder: &Path) -> io::Result<()> {
        DirBuilder::new().recursive(true).mode(0o755).create(folder)
    }

    /// A file that others may read: a compiled component is no secret, and the user that made it may not be
    /// the one that runs it.
    pub(super) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
        tempfile::Builder::new().permissions(Permissions::from_mode(0o644)).tempfile_in(folder)
    }

    /// Reads a file, if only this user and root can have written it.
    pub(super) fn read(folder: &Path, file: &Path) -> io::Result<Vec<u8>> {
        let mut file = regular_file::open_unlinked(file)?;
        // A user that can write to a folder can replace its entries. In a sticky folder such as /tmp, only
        // the owner of an entry can.
        let folder = folder.canonicalize()?;
        for above in folder.ancestors().skip(1) {
            let metadata = above.symlink_metadata()?;
            trusted(&metadata, metadata.mode() & STICKY != 0)?;
        }
        trusted(&folder.symlink_metadata()?, false)?;
        // Checks the open file, not the one that has the name by now.
        trusted(&file.metadata()?, false)?;
        let mut contents = Vec::new();
        file.read_to_end(&mut contents)?;
        Ok(contents)
    }

    fn trusted(metadata: &Metadata, sticky: bool) -> io::Result<()> {
        let own = metadata.uid() == rustix::process::geteuid().as_raw() || metadata.uid() == 0;
        if own && (sticky || metadata.mode() & WRITABLE_BY_OTHERS == 0) {
            return Ok(());
        }
        let reason = "it, or a folder above it, belongs to or can be written by somebody else";
        Err(io::Error::new(io::ErrorKind::PermissionDenied, reason))
    }
}

/// Files have no owner to check here, so no file is read.
#[cfg(not(unix))]
mod trust {
    use std::io;
    use std::path::Path;
    use tempfile::NamedTempFile;

    pub(super) fn create(folder: &Path) -> io::Result<()> {
        std::fs::create_dir_all(folder)
    }

    pub(super) fn temporary(folder: &Path) -> io::Result<NamedTempFile> {
        NamedTempFile::new_in(folder)
    }

    pub(super) fn read(_: &Path, _: &Path) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}

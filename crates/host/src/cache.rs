//! Compiled components, kept in a folder, so that a process starts in milliseconds.
//!
//! A file is named by what it was made from: the component, the engine with all of its settings, and the version of
//! wasmtime. It begins with its own digest, since running a damaged one could do anything.

use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::hash::{Hash, Hasher};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use wasmtime::Engine;
use wasmtime::component::Component;

const DIGEST_BYTES: usize = 32;

/// Loads the compiled form of a component from the folder, or compiles it and puts it there. A folder that cannot
/// be used is no reason to fail: the component is compiled then.
pub(crate) fn load(folder: &Path, engine: &Engine, component: &[u8]) -> wasmtime::Result<Component> {
    let file = file(folder, engine, component);
    match read(folder, &file, engine) {
        Ok(Some(component)) => return Ok(component),
        Ok(None) => {}
        Err(error) => tracing::warn!(file = %file.display(), %error, "not using a compiled component"),
    }
    let component = Component::from_binary(engine, component)?;
    if let Err(error) = write(folder, &file, &component.serialize()?) {
        tracing::warn!(file = %file.display(), %error, "cannot keep the compiled component");
    }
    Ok(component)
}

/// Compiles a component into the folder.
pub(crate) fn fill(folder: &Path, engine: &Engine, component: &[u8]) -> io::Result<PathBuf> {
    let compiled = engine.precompile_component(component).map_err(io::Error::other)?;
    let file = file(folder, engine, component);
    write(folder, &file, &compiled)?;
    Ok(file)
}

fn file(folder: &Path, engine: &Engine, component: &[u8]) -> PathBuf {
    let mut settings = DigestHasher(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut settings);
    let mut name = String::from("klaviyo-");
    for byte in Sha256::new().chain_update(component).chain_update(settings.0.finalize()).finalize() {
        // Writing to a string does not fail.
        let _ = write!(name, "{byte:02x}");
    }
    folder.join(name + ".cwasm")
}

struct DigestHasher(Sha256);

impl Hasher for DigestHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        // Only the whole digest is asked for.
        0
    }
}

fn read(folder: &Path, file: &Path, engine: &Engine) -> io::Result<Option<Component>> {
    let contents = match std::fs::read(file) {
        Ok(contents) => contents,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    is_ours(folder)?;
    is_ours(file)?;
    let damaged = || io::Error::new(io::ErrorKind::InvalidData, "the file is damaged");
    let (digest, compiled) = contents.split_at_checked(DIGEST_BYTES).ok_or_else(damaged)?;
    if Sha256::digest(compiled).as_slice() != digest {
        return Err(damaged());
    }
    // SAFETY: the bytes are those that `Component::serialize` wrote: nobody else can write to the folder or the
    // file, and the digest says that the file is whole. wasmtime checks its own version and the engine's settings.
    #[allow(unsafe_code)]
    let component = unsafe { Component::deserialize(engine, compiled) };
    component.map(Some).map_err(io::Error::other)
}

fn write(folder: &Path, file: &Path, compiled: &[u8]) -> io::Result<()> {
    create(folder)?;
    is_ours(folder)?;
    // A reader sees all of it or nothing, also when two processes start at once.
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(&Sha256::digest(compiled))?;
    temporary.write_all(compiled)?;
    temporary.persist(file)?;
    Ok(())
}

fn create(folder: &Path) -> io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Code is run from here: refuses what others can write to.
#[cfg(unix)]
fn is_ours(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::MetadataExt;
    let metadata = std::fs::metadata(path)?;
    // A file that this process makes has the owner that this process has.
    let own = tempfile::tempfile()?.metadata()?.uid();
    if metadata.uid() != own || metadata.mode() & 0o022 != 0 {
        let reason = format!("{} belongs to, or can be written by, somebody else", path.display());
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, reason));
    }
    Ok(())
}

#[cfg(not(unix))]
fn is_ours(_: &Path) -> io::Result<()> {
    Ok(())
}

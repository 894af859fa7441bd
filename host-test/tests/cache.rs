//! Compiled components that are kept in a folder: used when they are what they should be, and only then.

use anyhow::{Context, Result};
use host_test::component::artifact;
use host_test::suite::block_on;
use klaviyo_host::types::Identifier;
use klaviyo_host::{Attempt, Bounds, Cause, Connector, Limits, Secret, Tenant, Transport};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

struct Nobody;

impl Transport for Nobody {
    fn send(&self, _: http::Request<bytes::Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async { Ok(http::Response::new(bytes::Bytes::new())) })
    }
}

fn guest(name: &str) -> PathBuf {
    artifact().with_file_name("hostile").join(name).with_extension("wasm")
}

fn load(name: &str, folder: &Path) -> Result<Connector> {
    let limits = Limits { concurrent_calls: 2, ..Limits::default() };
    Ok(Connector::builder().limits(limits).transport(Nobody).cache(folder).load(guest(name))?)
}

/// Whether the guest traps: `trap` does, and `get` does not.
fn traps(connector: &Connector) -> Result<bool> {
    let tenant = Tenant::new(connector, Secret::new("pk_0123456789")?);
    let called = block_on(async { Ok(tenant.lookup(&Identifier::Id("01X".to_owned())).await) })?;
    Ok(called.is_err_and(|error| matches!(error.cause, Cause::Trap(_))))
}

fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

fn only_file(folder: &Path) -> Result<PathBuf> {
    let files = files(folder)?;
    assert_eq!(files.len(), 1, "{files:?}");
    files.into_iter().next().context("a file")
}

/// Puts what `trap` compiles to where `get` is looked for, so that it shows which of the two was run.
fn swap(folder: &Path) -> Result<PathBuf> {
    let other = TempDir::new()?;
    load("trap", other.path())?;
    load("get", folder)?;
    let file = only_file(folder)?;
    std::fs::copy(only_file(other.path())?, &file)?;
    Ok(file)
}

#[test]
fn what_was_compiled_once_is_used() -> Result<()> {
    let folder = TempDir::new()?;
    swap(folder.path())?;
    assert!(traps(&load("get", folder.path())?)?, "it was compiled again");
    Ok(())
}

#[test]
fn precompiling_leaves_nothing_to_compile() -> Result<()> {
    let folder = TempDir::new()?;
    let limits = Limits { concurrent_calls: 2, ..Limits::default() };
    let written = Connector::builder().limits(limits).cache(folder.path()).precompile(guest("get"))?;
    assert_eq!(written, only_file(folder.path())?);
    let modified = written.metadata()?.modified()?;
    assert!(!traps(&load("get", folder.path())?)?);
    assert_eq!(only_file(folder.path())?.metadata()?.modified()?, modified);
    Ok(())
}

#[test]
fn a_damaged_file_is_made_anew() -> Result<()> {
    for damage in [0_usize, 31, 32, 100, usize::MAX] {
        let folder = TempDir::new()?;
        let file = swap(folder.path())?;
        let mut contents = std::fs::read(&file)?;
        match contents.get_mut(damage) {
            Some(byte) => *byte ^= 1,
            None => contents.truncate(contents.len() / 2),
        }
        std::fs::write(&file, contents)?;
        assert!(!traps(&load("get", folder.path())?)?, "damage at {damage} was not noticed");
        assert!(!traps(&load("get", folder.path())?)?);
    }
    Ok(())
}

#[test]
fn the_engine_s_settings_are_part_of_the_name() -> Result<()> {
    let folder = TempDir::new()?;
    load("get", folder.path())?;
    load("trap", folder.path())?;
    assert_eq!(files(folder.path())?.len(), 2);
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_others_can_write_to_is_not_run() -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new()?;
    let file = swap(folder.path())?;
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o666))?;
    assert!(!traps(&load("get", folder.path())?)?, "a file that others can write to was run");

    let folder = TempDir::new()?;
    swap(folder.path())?;
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777))?;
    assert!(!traps(&load("get", folder.path())?)?, "a file of a folder that others can write to was run");
    Ok(())
}

#[cfg(unix)]
#[test]
fn what_is_reached_by_a_link_or_through_a_folder_of_others_is_not_run() -> Result<()> {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = TempDir::new()?;
    let file = swap(folder.path())?;
    let elsewhere = folder.path().join("elsewhere");
    std::fs::rename(&file, &elsewhere)?;
    symlink(&elsewhere, &file)?;
    assert!(!traps(&load("get", folder.path())?)?, "a link was followed");

    let above = TempDir::new()?;
    let folder = above.path().join("cache");
    swap(&folder)?;
    std::fs::set_permissions(above.path(), PermissionsExt::from_mode(0o777))?;
    assert!(!traps(&load("get", &folder)?)?, "a folder that others can replace was used");
    Ok(())
}

#[test]
fn a_folder_that_cannot_be_used_is_no_reason_to_fail() -> Result<()> {
    let folder = TempDir::new()?;
    let file = folder.path().join("a file");
    std::fs::write(&file, "")?;
    assert!(!traps(&load("get", &file)?)?);
    Ok(())
}

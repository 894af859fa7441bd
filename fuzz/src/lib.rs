//! Fuzz targets: code that reads what others write, and what must hold whatever they write.
//!
//! A [`Target`] takes bytes, gives them to the code, and judges what happens by an [`oracle`]. It begins at the
//! [`seeds`], which are the fixtures. `cargo xtask test` runs each on a few changed seeds, the same ones each time
//! ([`brief`], [`mutate`]); `cargo xtask fuzz` lets libFuzzer look for inputs that reach new code. An input that was
//! once a finding is a file in `findings/TARGET`, and is tried first.

pub mod brief;
pub mod door;
pub mod mutate;
pub mod oracle;
pub mod scenario;
pub mod seeds;
pub mod targets;

use anyhow::{Context, Result};
use std::path::{Path, PathBuf};

/// The longest input that is tried, in bytes.
pub const MAX_BYTES: usize = 32 << 10;

/// Code that reads bytes of others, and how it is judged.
pub struct Target {
    /// The name, as commands and the folder of its findings have it.
    pub name: &'static str,
    /// The promise that it tries to break.
    pub about: &'static str,
    /// Gives an input to the code. Its failure is a finding, and so is a panic, on any thread.
    pub run: fn(&[u8]) -> Result<()>,
    /// Inputs to begin with.
    pub seeds: fn() -> Result<Vec<Vec<u8>>>,
    /// How many inputs a brief run tries.
    pub inputs: usize,
}

/// All targets.
pub const TARGETS: &[Target] = &[
    targets::response::TARGET,
    targets::request::TARGET,
    targets::phone::TARGET,
    targets::address::TARGET,
    targets::egress::TARGET,
    targets::fixture::TARGET,
    targets::registry::TARGET,
    targets::cursor::TARGET,
    targets::queue::TARGET,
    targets::signature::TARGET,
    targets::webhook::TARGET,
    targets::sync::TARGET,
    targets::component::TARGET,
];

impl Target {
    /// The target with a name.
    ///
    /// # Errors
    /// When there is none; the message lists them.
    pub fn named(name: &str) -> Result<&'static Self> {
        let names = || TARGETS.iter().map(|target| target.name).collect::<Vec<_>>().join(", ");
        let target = TARGETS.iter().find(|target| target.name == name);
        target.with_context(|| format!("there is no target {name}; the targets are {}", names()))
    }

    /// The folder of the inputs that once were findings.
    #[must_use]
    pub fn findings(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("findings").join(self.name)
    }
}

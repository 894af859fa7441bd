//! What the README shows is what compiles.

use anyhow::{Context, Result};
use std::path::Path;

#[test]
fn the_embedding_of_the_readme_is_the_example() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(here.join("../README.md"))?;
    let example = std::fs::read_to_string(here.join("../examples/rust/src/main.rs"))?;
    let (_, block) = readme.split_once("```rust\n").context("the README has a block of Rust")?;
    let (block, _) = block.split_once("```").context("the block ends")?;
    let trimmed = |text: &str| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
    assert!(
        trimmed(&example).contains(trimmed(block).trim()),
        "examples/rust/src/main.rs has other lines than the README"
    );
    Ok(())
}

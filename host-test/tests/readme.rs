//! What the READMEs show is what compiles, and what is printed.

use anyhow::{Context, Result};
use std::path::Path;
use std::process::Command;

#[test]
fn the_demo_prints_what_the_readme_shows() -> Result<()> {
    let readme = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md"))?;
    let output = Command::new(env!("CARGO_BIN_EXE_host-test")).arg("demo").output()?;
    let printed = String::from_utf8(output.stdout)?;
    let title = printed.lines().next().context("the demo prints nothing")?;
    let (_, block) = readme.split_once(&format!("```\n{title}\n")).context("the README shows the demo")?;
    let (block, _) = block.split_once("```").context("the block ends")?;
    assert_eq!(format!("{title}\n{block}"), printed);
    Ok(())
}

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

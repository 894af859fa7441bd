//! A crate of this workspace as a component.

use crate::command::{root, run};
use crate::toolchain::{self, TARGET};
use anyhow::{Context, Result};
use wasm_encoder::{Component, RawSection};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// Compiles a crate, and makes a component of it.
pub(crate) fn component(package: &str) -> Result<Vec<u8>> {
    of(package, &[])
}

/// Compiles a crate without its default features, and makes a component of it.
pub(crate) fn small_component(package: &str) -> Result<Vec<u8>> {
    of(package, &["--no-default-features"])
}

fn of(package: &str, features: &[&str]) -> Result<Vec<u8>> {
    encoded(&compile(package, features)?)
        .with_context(|| format!("the module of {package} cannot be made a component"))
}

/// The core module of a crate.
pub(crate) fn module(package: &str) -> Result<Vec<u8>> {
    compile(package, &[])
}

/// A component of a core module that says which world it is of.
pub(crate) fn encoded(module: &[u8]) -> Result<Vec<u8>> {
    let component =
        ComponentEncoder::default().validate(true).module(module).and_then(|encoder| encoder.encode())?;
    without_index_names(&component)
}

/// Compiles the core module. Cargo does nothing when its sources have not changed.
fn compile(package: &str, features: &[&str]) -> Result<Vec<u8>> {
    let mut rustflags = toolchain::without_paths();
    rustflags.extend([
        // The default of 1 MiB would have to be there in every instance.
        "-Clink-arg=-zstack-size=65536".to_owned(),
        // Without it, each number that the linker fills in takes five bytes.
        "-Clink-arg=--compress-relocations".to_owned(),
    ]);
    let target = root().join("target");
    let mut cargo = toolchain::set_up()?.cargo_build(&rustflags);
    cargo.args(["--package", package, "--profile", "wasm"]).args(features).arg("--target-dir").arg(&target);
    run(&mut cargo)?;
    let module = target.join(TARGET).join("wasm").join(package.replace('-', "_")).with_extension("wasm");
    std::fs::read(&module).with_context(|| format!("cannot read {}", module.display()))
}

/// Leaves out the names that `wit-component` gives to the indices of types and instances, for people who
/// debug it.
fn without_index_names(component: &[u8]) -> Result<Vec<u8>> {
    let mut kept = Component::new();
    let mut depth = 0;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let names = matches!(&payload, Payload::CustomSection(section) if section.name() == "component-name");
        if let (0, false, Some((id, range))) = (depth, names, payload.as_section()) {
            let range = usize::try_from(range.start)?..usize::try_from(range.end)?;
            let data = component.get(range).context("a section is outside of the file")?;
            kept.section(&RawSection { id, data });
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ => {}
        }
    }
    Ok(kept.finish())
}

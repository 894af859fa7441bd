//! The component file: compiled, made a component, labelled, checked, written.

use crate::command::{root, run};
use crate::contract;
use crate::toolchain::{self, TARGET};
use anyhow::{Context, Result, bail};
use wasm_encoder::{Component, RawSection};
use wasm_metadata::{AddMetadata, AddMetadataField};
use wasmparser::{Parser, Payload};
use wit_component::ComponentEncoder;

/// The most that the component may weigh.
const BUDGET: usize = 200 * 1024;

/// Builds the component, to `target/component/klaviyo.wasm`.
pub(crate) fn build() -> Result<()> {
    let module = compile()?;
    let component = ComponentEncoder::default()
        .validate(true)
        .module(&module)
        .and_then(|encoder| encoder.encode())
        .context("the module cannot be made a component")?;
    let component = label(&without_index_names(&component)?)?;
    contract::check(&component, &root().join("wit"))?;
    if component.len() > BUDGET {
        bail!("the component has {} bytes, more than its budget of {BUDGET}", component.len());
    }

    let path = root().join("target/component/klaviyo.wasm");
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // An unchanged file keeps its time, so that whatever depends on it is not built again.
    if std::fs::read(&path).ok().as_ref() != Some(&component) {
        std::fs::write(&path, &component).with_context(|| format!("cannot write {}", path.display()))?;
    }
    eprintln!(
        "xtask: target/component/klaviyo.wasm, {} bytes, imports {}",
        component.len(),
        contract::IMPORT
    );
    Ok(())
}

/// Compiles the core module. Cargo does nothing when its sources have not changed.
fn compile() -> Result<Vec<u8>> {
    // Paths of this machine in panic messages would make the file larger, and another one on every machine.
    let home = std::env::var("CARGO_HOME")
        .or_else(|_| std::env::var("HOME").map(|home| format!("{home}/.cargo")))
        .unwrap_or_default();
    let rustflags = [
        format!("--remap-path-prefix={}=", root().display()),
        format!("--remap-path-prefix={home}/registry/src="),
        // The default of 1 MiB would have to be there in every instance.
        "-Clink-arg=-zstack-size=65536".to_owned(),
    ];
    let target = root().join("target");
    let mut cargo = toolchain::set_up()?.cargo_build(&rustflags);
    cargo.args(["--package", "klaviyo-component", "--profile", "wasm", "--target-dir"]).arg(&target);
    run(&mut cargo)?;
    let module = target.join(TARGET).join("wasm/klaviyo_component.wasm");
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

/// Writes into the file what it is.
fn label(component: &[u8]) -> Result<Vec<u8>> {
    let mut metadata = AddMetadata::default();
    metadata.name = AddMetadataField::Set("klaviyo-connector".to_owned());
    metadata.version = AddMetadataField::Set(env!("CARGO_PKG_VERSION").parse().map_err(anyhow::Error::msg)?);
    metadata.licenses = AddMetadataField::Set(env!("CARGO_PKG_LICENSE").parse()?);
    metadata.description = AddMetadataField::Set(
        "Klaviyo's profiles, lists, consent and bulk imports, over an HTTP function of the host's".parse()?,
    );
    metadata.to_wasm(component)
}

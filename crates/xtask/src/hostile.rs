//! Makes components of the hostile guests of the test host, which are WebAssembly text.

use crate::command::root;
use crate::file;
use anyhow::{Context, Result};
use std::path::Path;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, WorldId};

/// What every guest begins with.
const PRELUDE: &str = "prelude.wat";

/// Makes each guest of `host-test/hostile` a component, in `target/component/hostile`.
pub(crate) fn build() -> Result<()> {
    let (from, to) = (root().join("host-test/hostile"), root().join("target/component/hostile"));
    std::fs::create_dir_all(&to)?;
    let prelude = std::fs::read_to_string(from.join(PRELUDE)).context("the guests have no prelude")?;
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit"))?;
    let world = resolve.select_world(&[package], Some("connector"))?;
    for entry in std::fs::read_dir(&from).context("cannot read host-test/hostile")? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "wat") || path.ends_with(PRELUDE) {
            continue;
        }
        let text = std::fs::read_to_string(&path)?;
        let component =
            component(&prelude, &text, &resolve, world).with_context(|| path.display().to_string())?;
        let name = Path::new(path.file_name().context("a file has a name")?).with_extension("wasm");
        file::write(&to.join(name), &component)?;
    }
    Ok(())
}

fn component(prelude: &str, text: &str, resolve: &Resolve, world: WorldId) -> Result<Vec<u8>> {
    if text.contains("\n(component") {
        return Ok(wat::parse_str(text)?);
    }
    let mut module = wat::parse_str(format!("(module\n{prelude}\n{text})"))?;
    embed_component_metadata(&mut module, resolve, world, StringEncoding::UTF8)?;
    ComponentEncoder::default().validate(true).module(&module)?.encode()
}

//! The component files: compiled, composed, labelled, checked, written to `target/component`.

use crate::command::root;
use crate::label::{self, Origin};
use crate::wit::{self, CONNECTOR, Contract, HTTP, OPT_IN};
use crate::{catalog, file, guest, preview};
use anyhow::{Context, Result, bail, ensure};
use std::path::PathBuf;

/// The most that the component may weigh, without the catalogue of actions.
const BUDGET: usize = 331 * 1024;
/// The most that the part for opt-ins may weigh.
const OPT_IN_BUDGET: usize = 231 * 1024;
/// The most that the catalogue of actions may weigh, which the two whole connectors have beside their code.
const CATALOG_BUDGET: usize = 115 * 1024;
/// The most that the component may weigh with the adapter for `wasi:http`.
const WASI_BUDGET: usize = 383 * 1024;

/// The most that the preview may weigh, whose names are longer.
const PREVIEW_BUDGET: usize = 332 * 1024;
/// The most that the simulator may weigh, which nobody has to ship.
const MOCK_BUDGET: usize = 612 * 1024;
/// The most that the example of a tenant's code may weigh.
const EXAMPLE_BUDGET: usize = 86 * 1024;

/// The components that a release has; the example of a tenant's code is none of them.
pub(crate) const RELEASED: [&str; 5] =
    ["klaviyo", "klaviyo-opt-in", "klaviyo-wasi", "klaviyo-async", "klaviyo-mock"];

/// All that the component for `wasi:http` may ask of its runtime. Versions are compatible within 0.2.
const WASI: [&str; 7] = [
    "wasi:cli/environment@0.2",
    "wasi:clocks/monotonic-clock@0.2",
    "wasi:http/outgoing-handler@0.2",
    "wasi:http/types@0.2",
    "wasi:io/error@0.2",
    "wasi:io/poll@0.2",
    "wasi:io/streams@0.2",
];

/// Builds the connector, whole, the part of it for opt-ins, and composed with the adapter for `wasi:http`; the
/// simulator, and the example of a tenant's code.
pub(crate) fn build() -> Result<()> {
    let origin = Origin::of_release()?;
    let label = |component: &[u8], name, description| {
        label::label(component, name, env!("CARGO_PKG_VERSION"), description, origin.as_ref())
    };
    let module = guest::module("klaviyo-component")?;
    let connector = label(
        &guest::encoded(&module)?,
        "klaviyo-connector",
        "Klaviyo's profiles, lists, consent and bulk imports, over an HTTP function of the host's",
    )?;
    let contract = wit::contract(CONNECTOR)?;
    check(&connector, HTTP, &contract)?;
    let catalog = catalog::section()?;
    ensure!(
        catalog.len() <= CATALOG_BUDGET,
        "the catalogue has {} bytes, more than its budget of {CATALOG_BUDGET}",
        catalog.len()
    );
    write("klaviyo", &[&connector[..], &catalog].concat(), BUDGET + catalog.len())?;

    let opt_in = label(
        &guest::small_component("klaviyo-component")?,
        "klaviyo-connector-opt-in",
        "Klaviyo's profiles, lists and consent, over an HTTP function of the host's",
    )?;
    check(&opt_in, HTTP, &wit::contract(OPT_IN)?)?;
    write("klaviyo-opt-in", &opt_in, OPT_IN_BUDGET)?;

    let composed = klaviyo_compose::with_adapter(&connector, &guest::component("klaviyo-wasi-http")?)?;
    let composed = label(
        &composed,
        "klaviyo-connector-wasi",
        "Klaviyo's profiles, lists, consent and bulk imports, over wasi:http",
    )?;
    wit::check_imports(&composed, &WASI)?;
    wit::check_exports(&composed, &contract)?;
    write("klaviyo-wasi", &[&composed[..], &catalog].concat(), WASI_BUDGET + catalog.len())?;

    let preview = label(
        &preview::component(&module)?,
        "klaviyo-connector-async",
        "A preview: Klaviyo's profiles, lists, consent and bulk imports as async functions, for WASI 0.3",
    )?;
    check(&preview, &format!("klaviyo:connector/http@{}", preview::VERSION), &preview::contract()?)?;
    write("klaviyo-async", &preview, PREVIEW_BUDGET)?;

    let mock = label(
        &guest::component("klaviyo-mock-component")?,
        "klaviyo-mock",
        "A Klaviyo for tests and demonstrations, which exports the connector's http",
    )?;
    wit::check_imports(&mock, &[])?;
    write("klaviyo-mock", &mock, MOCK_BUDGET)?;

    let tenant = guest::component("klaviyo-example-tenant-code")?;
    klaviyo_compose::with_tenant_code(&connector, &tenant, &klaviyo_compose::Imports::default())?;
    write("tenant", &tenant, EXAMPLE_BUDGET)
}

/// Checks that a connector imports `http` alone, and is what a world of the contract says.
fn check(connector: &[u8], http: &str, contract: &Contract) -> Result<()> {
    wit::check_imports(connector, &[http])?;
    wit::check_exports(connector, contract)?;
    wit::check_types(connector, contract)
}

/// Where a component goes.
pub(crate) fn path(name: &str) -> PathBuf {
    root().join("target/component").join(name).with_extension("wasm")
}

fn write(name: &str, component: &[u8], budget: usize) -> Result<()> {
    if component.len() > budget {
        bail!("{name}.wasm has {} bytes, more than its budget of {budget}", component.len());
    }
    let path = path(name);
    let folder = path.parent().context("a file has a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    // An unchanged file keeps its time, so that whatever depends on it is not built again.
    if std::fs::read(&path).ok().as_deref() != Some(component) {
        file::write(&path, component)?;
    }
    eprintln!("xtask: target/component/{name}.wasm, {} bytes", component.len());
    Ok(())
}

//! The contract as one file: `wit/` as a WIT package in WebAssembly, which registries and `wasm-tools component
//! wit` take.

use crate::command::root;
use crate::label::{Origin, label};
use crate::versions;
use anyhow::{Context, Result, bail, ensure};
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{PackageId, Resolve};

const NAME: &str = "klaviyo:connector";
const DESCRIPTION: &str =
    "The contract of a Klaviyo connector: its functions, and the HTTP function of its host";

/// The file. It is read again, and has to say what `wit/` says.
pub(crate) fn package(origin: Option<&Origin>) -> Result<Vec<u8>> {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(root().join("wit")).context("the contract cannot be read")?;
    let wasm = wit_component::encode(&resolve, package).context("the contract cannot be encoded")?;
    let wasm = label(&wasm, NAME, &versions::contract()?, DESCRIPTION, origin)?;
    let DecodedWasm::WitPackage(decoded, decoded_package) = wit_component::decode(&wasm)? else {
        bail!("the encoded contract is read as a component, not as a WIT package");
    };
    ensure!(
        printed(&decoded, decoded_package)? == printed(&resolve, package)?,
        "the encoded contract does not say what wit/ says"
    );
    Ok(wasm)
}

/// The package as text, its documentation too.
fn printed(resolve: &Resolve, package: PackageId) -> Result<String> {
    let mut printer = WitPrinter::default();
    printer.print(resolve, package, &[])?;
    Ok(printer.output.to_string())
}

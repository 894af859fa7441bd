//! The manifest of a component: one layer of WebAssembly, and nothing else.

use super::digest::Digest;
use super::error::PullError;
use serde::Deserialize;

/// The media type of a manifest.
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIGURATION: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

/// What a component's layer has to be.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layer {
    pub(super) digest: Digest,
    pub(super) size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    media_type: Option<String>,
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Descriptor {
    media_type: String,
    digest: String,
    size: u64,
}

/// The layer of a manifest, whose digest has been looked at.
pub(super) fn layer(manifest: &[u8]) -> Result<Layer, PullError> {
    let Document { media_type, config, layers } =
        serde_json::from_slice(manifest).map_err(PullError::Manifest)?;
    // It may be left out.
    require("manifest", media_type.as_deref().unwrap_or(MANIFEST), MANIFEST)?;
    let configuration = config.map(|config| config.media_type);
    require("configuration", configuration.as_deref().unwrap_or_default(), CONFIGURATION)?;
    let [layer] = layers.as_slice() else { return Err(PullError::Layers(layers.len())) };
    require("layer", &layer.media_type, LAYER)?;
    Ok(Layer { digest: layer.digest.parse().map_err(PullError::LayerDigest)?, size: layer.size })
}

fn require(what: &'static str, found: &str, expected: &'static str) -> Result<(), PullError> {
    if found == expected {
        return Ok(());
    }
    Err(PullError::MediaType { what, found: found.to_owned(), expected })
}

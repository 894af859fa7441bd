//! Pulls a component from an OCI registry, by the digest of its manifest.
//!
//! What `wkg oci push` puts there: a manifest with a configuration of the type `application/vnd.wasm.config.v0+json` and one
//! layer of the type `application/wasm`. The digest in a [`Reference`] decides which manifest it is, and the manifest which
//! layer, so neither the registry nor anybody on the way to it can give another component. A [`PublicKey`] tells who made it.
//!
//! ```no_run
//! use klaviyo_host::Connector;
//! use klaviyo_host::registry::{Puller, Reference};
//!
//! # async fn load(text: &str) -> Result<Connector, Box<dyn std::error::Error>> {
//! let reference: Reference = text.parse()?; // registry.example.com/klaviyo/connector@sha256:…
//! let component = Puller::default().cache("/var/cache/platform").pull(&reference).await?;
//! // Compiling blocks.
//! let load = move || Connector::builder().cache("/var/cache/platform").from_bytes(&component);
//! Ok(tokio::task::spawn_blocking(load).await??)
//! # }
//! ```

mod blobs;
mod digest;
mod distribution;
mod error;
mod login;
mod manifest;
mod puller;
mod reference;
mod signature;

pub use digest::Digest;
pub use error::PullError;
pub use login::{Login, LoginError};
pub use puller::{COMPONENT_BYTES, Puller};
pub use reference::{Reference, ReferenceError};
pub use signature::{PublicKey, SignatureError};

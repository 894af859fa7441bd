//! Why there is no component from a registry.

use super::digest::Digest;
use super::signature::SignatureError;
use crate::client::HttpTransportError;
use crate::transport::AttemptError;

/// Why a component was not pulled. Nothing that a registry says is repeated, and no login.
#[derive(Debug, thiserror::Error)]
pub enum PullError {
    /// HTTPS cannot be set up.
    #[error(transparent)]
    Transport(#[from] HttpTransportError),
    /// There is no answer, not all of it, or not in time.
    #[error("{host} gave no whole answer")]
    Attempt {
        /// Who was asked.
        host: String,
        /// What happened.
        #[source]
        error: AttemptError,
    },
    /// The registry has no such manifest or layer, or does not show it to everybody.
    #[error("{host} has no {what} {digest} of {name}; is it the digest that `wkg oci push` has printed?")]
    NotFound {
        /// Who was asked.
        host: String,
        /// The manifest or the layer.
        what: &'static str,
        /// Which one.
        digest: Digest,
        /// The repository.
        name: String,
    },
    /// The registry, or the server that gives its tokens, does not let anybody, or this login, pull.
    #[error("{host} does not let {} pull {name} ({status})", if *.has_login { "this login" } else { "anybody without a login" })]
    Refused {
        /// Who was asked.
        host: String,
        /// The repository.
        name: String,
        /// The status of the answer.
        status: u16,
        /// Whether there was a login.
        has_login: bool,
    },
    /// The registry asks for a login in a way that is not known, or sends who pulls to an address that may not be asked.
    #[error("{host} asks for a login {reason}")]
    Challenge {
        /// Who was asked.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Another answer than 200.
    #[error("{host} answered {status}")]
    Status {
        /// Who was asked.
        host: String,
        /// The status of the answer.
        status: u16,
    },
    /// The registry has sent who pulls to an address that may not be asked, or on and on.
    #[error("{host} redirects {reason}")]
    Redirect {
        /// Who was asked.
        host: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// It is larger than it may be.
    #[error("the {what} has more than the {most} bytes that it may have")]
    TooLarge {
        /// The manifest, the layer, or another answer.
        what: &'static str,
        /// How large it may be.
        most: u64,
    },
    /// The registry gave something else than what was asked for.
    #[error("the {what} that the registry gave is {found}, and not {expected}")]
    Digest {
        /// The manifest or the layer.
        what: &'static str,
        /// Which one was asked for.
        expected: Digest,
        /// Which one was given.
        found: Digest,
    },
    /// The manifest is none.
    #[error("the manifest is not one of OCI")]
    Manifest(#[source] serde_json::Error),
    /// It is something else than a component, such as a container's image or an index of several manifests.
    #[error("the {what} has the media type {found:?}, and that of a component has {expected}")]
    MediaType {
        /// The manifest, the configuration or the layer.
        what: &'static str,
        /// The type that it has.
        found: String,
        /// The type that it should have.
        expected: &'static str,
    },
    /// A component is one layer.
    #[error("the manifest has {0} layers, and that of a component has one")]
    Layers(usize),
    /// The layer has a digest that is none.
    #[error("the manifest has a layer, but {0}")]
    LayerDigest(&'static str),
    /// The component is not signed by the key.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

//! Proof key for code exchange (RFC 7636): only this process can use the code that the browser brings.

use super::{random, secret};
use crate::failure::Failure;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use klaviyo_host::Secret;
use sha2::{Digest, Sha256};

/// The secrets of one authorization.
pub(super) struct Pkce {
    verifier: Secret,
    challenge: String,
    state: String,
}

impl Pkce {
    pub(super) fn new() -> Result<Self, Failure> {
        let verifier = random()?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(&verifier));
        Ok(Self { verifier: secret(&verifier)?, challenge, state: random()? })
    }

    /// What the code is exchanged with.
    pub(super) fn verifier(&self) -> &Secret {
        &self.verifier
    }

    /// The digest of the verifier.
    pub(super) fn challenge(&self) -> &str {
        &self.challenge
    }

    /// Tells the browser that comes back from any other page that sends one here.
    pub(super) fn state(&self) -> &str {
        &self.state
    }
}

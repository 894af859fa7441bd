//! From a reference to the bytes of a component.

use super::blobs;
use super::digest::Digest;
use super::distribution::{Distribution, Wanted};
use super::error::PullError;
use super::login::Login;
use super::manifest;
use super::reference::Reference;
use super::signature::PublicKey;
use bytes::Bytes;
use std::future::pending;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::sync::Arc;

/// What `wkg` writes has about 1 KB.
const MANIFEST_BYTES: u64 = 256 << 10;
/// The most bytes of a component. None is as large, even with others composed into it.
pub const COMPONENT_BYTES: u64 = 256 << 20;

/// Pulls components from registries.
///
/// The registry is asked by an HTTP client with the system's root certificates, which takes no proxy from the environment.
/// An answer that comes slower than 100 KiB a second, and later than 20 s, is given up. Nothing is repeated.
#[derive(Clone, Debug, Default)]
pub struct Puller {
    cache: Option<Arc<PathBuf>>,
    login: Option<Login>,
    key: Option<PublicKey>,
}

impl Puller {
    /// Sets a folder that keeps what was pulled, so that a registry is asked once for one digest. It is made if it does not
    /// exist, and may be emptied at any time. What is read from it is compared with the digest.
    #[must_use]
    pub fn cache(mut self, folder: impl Into<PathBuf>) -> Self {
        self.cache = Some(Arc::new(folder.into()));
        self
    }

    /// Sets who pulls. Default: nobody, which is enough for public repositories.
    #[must_use]
    pub fn login(mut self, login: Login) -> Self {
        self.login = Some(login);
        self
    }

    /// Sets the key by which a component has to be signed. Default: the digest is enough.
    #[must_use]
    pub fn signed_by(mut self, key: PublicKey) -> Self {
        self.key = Some(key);
        self
    }

    /// The bytes of the component, for [`ConnectorBuilder::from_bytes`](crate::ConnectorBuilder::from_bytes).
    ///
    /// # Errors
    /// When it cannot be pulled, is not what the reference says, is no component, or is not signed by the key.
    pub async fn pull(&self, reference: &Reference) -> Result<Bytes, PullError> {
        let mut registry = Registry { reference, login: self.login.as_ref(), session: None };
        let manifest = self.get(
            &mut registry,
            Wanted {
                what: "manifest",
                kind: "manifests",
                digest: reference.digest(),
                media_type: manifest::MANIFEST,
                most: MANIFEST_BYTES,
            },
        );
        let layer = manifest::layer(&manifest.await?)?;
        if layer.size > COMPONENT_BYTES {
            return Err(PullError::TooLarge { what: "layer", most: COMPONENT_BYTES });
        }
        let component = self.get(
            &mut registry,
            Wanted {
                what: "layer",
                kind: "blobs",
                digest: layer.digest,
                media_type: "*/*",
                most: layer.size,
            },
        );
        let component = component.await?;
        if let Some(key) = self.key.clone() {
            let signed = component.clone();
            blocking(move || key.verify(&signed)).await?;
        }
        Ok(component)
    }

    /// From the folder, or else from the registry.
    async fn get(&self, registry: &mut Registry<'_>, wanted: Wanted) -> Result<Bytes, PullError> {
        let Wanted { what, digest, most, .. } = wanted;
        if let Some(folder) = self.cache.clone()
            && let Some(kept) = blocking(move || blobs::read(&folder, digest, most)).await
        {
            return Ok(kept.into());
        }
        let given = registry.session()?.get(wanted).await?;
        let folder = self.cache.clone();
        blocking(move || {
            let found = Digest::of(&given);
            if found != digest {
                return Err(PullError::Digest { what, expected: digest, found });
            }
            if let Some(folder) = folder {
                blobs::keep(&folder, digest, &given);
            }
            Ok(given)
        })
        .await
    }
}

/// The registry of a reference. What comes from the folder needs no client.
struct Registry<'a> {
    reference: &'a Reference,
    login: Option<&'a Login>,
    session: Option<Distribution<'a>>,
}

impl<'a> Registry<'a> {
    fn session(&mut self) -> Result<&mut Distribution<'a>, PullError> {
        let session = match self.session.take() {
            Some(session) => session,
            None => Distribution::new(self.reference, self.login)?,
        };
        Ok(self.session.insert(session))
    }
}

/// Files, and digests of large ones, on a thread that may wait.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            // The runtime ends, and drops this future too.
            Err(_) => pending().await,
        },
    }
}

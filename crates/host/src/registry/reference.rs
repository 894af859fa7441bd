//! Where a component is in a registry, and which one it has to be.

use super::digest::Digest;
use std::fmt;
use std::str::FromStr;
use url::{Host, Url};

const SCHEME: &str = "oci://";
/// The longest name of a repository that registries take.
const NAME_BYTES: usize = 255;
const TAG_BYTES: usize = 128;
/// Docker Hub, as references have it, and the host that it answers at
/// (<https://docs.docker.com/reference/api/registry/latest/>).
const DOCKER_HUB: [&str; 2] = ["docker.io", "registry-1.docker.io"];

/// A component in a registry, pinned by the digest of its manifest:
/// `registry.example.com/klaviyo/connector@sha256:…`. `oci://` may stand before it, and a tag before the digest; the tag is
/// for people, and decides nothing.
///
/// The registry is asked over https; one on a loopback address over http. `docker.io` is Docker Hub, which answers at another
/// host.
///
/// ```
/// use klaviyo_host::registry::{Reference, ReferenceError};
///
/// let pinned = format!("registry.example.com/klaviyo/connector:0.1.0@sha256:{:064}", 7);
/// assert_eq!(pinned.parse::<Reference>()?.to_string(), pinned);
/// let unpinned = "registry.example.com/klaviyo/connector:0.1.0".parse::<Reference>();
/// assert!(matches!(unpinned, Err(ReferenceError::NoDigest(_))));
/// # Ok::<(), ReferenceError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    name: String,
    tag: Option<String>,
    digest: Digest,
    /// The registry's origin.
    origin: Url,
}

/// Why a text is not a reference.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReferenceError {
    /// It has a tag, or nothing, in the place of the digest.
    #[error(
        "{0:?} has no digest, and tomorrow there may be another component by this name; put @sha256:… behind it, the \
         digest that `wkg oci push` has printed"
    )]
    NoDigest(String),
    /// It has a user or a password in it. It is not repeated.
    #[error("a reference has no user and no password in it; give them by themselves")]
    Login,
    /// It has another form.
    #[error("this is no reference: {0}; write one like registry.example.com/klaviyo/connector@sha256:…")]
    Form(&'static str),
}

impl Reference {
    /// The digest of the manifest.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The name of the repository in the registry.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The address of something that the repository has.
    pub(super) fn url(&self, kind: &str, digest: Digest) -> Url {
        let mut url = self.origin.clone();
        url.set_path(&format!("/v2/{}/{kind}/{digest}", self.name));
        url
    }

    /// Whether what the registry refers to, such as an address that has its blobs, may be asked: encrypted, or on this
    /// machine if the registry is.
    pub(super) fn may_refer_to(&self, url: &Url) -> bool {
        let is_reached_safely = match url.scheme() {
            "https" => true,
            "http" => is_loopback(url) && is_loopback(&self.origin),
            _ => false,
        };
        is_reached_safely && url.username().is_empty() && url.password().is_none()
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Self, ReferenceError> {
        let place = text.strip_prefix(SCHEME).unwrap_or(text);
        let (place, digest) = match place.rsplit_once('@') {
            None => return Err(ReferenceError::NoDigest(text.to_owned())),
            // The last sign may be that behind a password.
            Some((place, digest)) if place.contains('@') || digest.contains('/') => {
                return Err(ReferenceError::Login);
            }
            Some((place, digest)) => (place, digest.parse().map_err(ReferenceError::Form)?),
        };
        let (registry, path) = place.split_once('/').ok_or(NO_REGISTRY)?;
        let origin = origin(registry)?;
        let (name, tag) = match path.split_once(':') {
            Some((name, tag)) => (name, Some(tag)),
            None => (path, None),
        };
        if name.len() > NAME_BYTES || !name.split('/').all(is_part) {
            return Err(ReferenceError::Form(
                "the name behind the registry has other characters than small letters, digits, and . _ - between them",
            ));
        }
        if !tag.is_none_or(is_tag) {
            return Err(ReferenceError::Form("its tag has characters that no tag has"));
        }
        let (registry, name, tag) = (registry.to_owned(), name.to_owned(), tag.map(str::to_owned));
        Ok(Self { registry, name, tag, digest, origin })
    }
}

const NO_REGISTRY: ReferenceError =
    ReferenceError::Form("it does not begin with the host of a registry, with a dot or a port");

/// The address of a registry: its host, and a port where it has one.
fn origin(registry: &str) -> Result<Url, ReferenceError> {
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte);
    // Without one of them it is a name at Docker's registry, for Docker, and nobody says so.
    let is_told = registry == "localhost" || registry.contains(['.', ':']);
    if !registry.bytes().all(is_host) || !is_told {
        return Err(NO_REGISTRY);
    }
    let [docker_hub, its_host] = DOCKER_HUB;
    let host = if registry == docker_hub { its_host } else { registry };
    let parse = |scheme: &str| Url::parse(&format!("{scheme}://{host}/"));
    let secure = parse("https").map_err(|_| NO_REGISTRY)?;
    if is_loopback(&secure) {
        return parse("http").map_err(|_| NO_REGISTRY);
    }
    Ok(secure)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.to_canonical().is_loopback(),
        None => false,
    }
}

fn is_part(part: &str) -> bool {
    let is_end = |byte: Option<u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let is_inside = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    is_end(part.bytes().next()) && is_end(part.bytes().last()) && part.bytes().all(is_inside)
}

fn is_tag(tag: &str) -> bool {
    let is_inside = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_first = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    tag.len() <= TAG_BYTES && tag.bytes().all(is_inside) && tag.bytes().next().is_some_and(is_first)
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        write!(f, "@{}", self.digest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn url(place: &str) -> String {
        let reference: Reference = format!("{place}@{DIGEST}").parse().unwrap();
        reference.url("manifests", Digest::of(b"test")).to_string()
    }

    #[test]
    fn a_reference_is_an_address_of_its_registry() {
        for (place, origin, name) in [
            ("registry.example.com/connector", "https://registry.example.com", "connector"),
            ("oci://registry.example.com:5000/a/b/c:0.1.0", "https://registry.example.com:5000", "a/b/c"),
            ("ghcr.io/who-else/klaviyo_connector.x", "https://ghcr.io", "who-else/klaviyo_connector.x"),
            ("docker.io/who/connector", "https://registry-1.docker.io", "who/connector"),
            ("registry:5000/connector", "https://registry:5000", "connector"),
            ("localhost:5000/connector", "http://localhost:5000", "connector"),
            ("localhost/connector", "http://localhost", "connector"),
            ("127.0.0.1:443/connector", "http://127.0.0.1:443", "connector"),
            ("[::1]:5000/connector", "http://[::1]:5000", "connector"),
            ("10.1.2.3:5000/connector", "https://10.1.2.3:5000", "connector"),
            ("127.0.0.1.example.com/connector", "https://127.0.0.1.example.com", "connector"),
        ] {
            assert_eq!(url(place), format!("{origin}/v2/{name}/manifests/{DIGEST}"), "{place}");
        }
    }

    #[test]
    fn a_reference_without_a_digest_is_told_how_to_have_one() {
        for text in
            ["registry.example.com/connector", "oci://localhost:5000/connector:0.1.0", "connector", ""]
        {
            let error = text.parse::<Reference>().unwrap_err();
            assert_eq!(error, ReferenceError::NoDigest(text.to_owned()));
        }
    }

    #[test]
    fn a_login_in_a_reference_is_refused_and_not_repeated() {
        for place in
            ["priya:hunter2@registry.example.com/connector", "oci://priya:hunter2@localhost:5000/x:1"]
        {
            for text in [place.to_owned(), format!("{place}@{DIGEST}")] {
                let error = text.parse::<Reference>().unwrap_err();
                assert_eq!(error, ReferenceError::Login, "{text}");
                assert!(!format!("{error} {error:?}").contains("hunter2"));
            }
        }
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_no_reference() {
        for place in [
            "connector",
            "klaviyo/connector",
            "/connector",
            "https://registry.example.com/connector",
            "registry.example.com",
            "registry.example.com/",
            "registry.example.com//connector",
            "registry.example.com/connector/",
            "registry.example.com/Connector",
            "registry.example.com/../connector",
            "registry.example.com/a/./connector",
            "registry.example.com/.connector",
            "registry.example.com/connector?x",
            "registry.example.com/connector#x",
            "registry.example.com/connec%74or",
            "registry.example.com/connector:",
            "registry.example.com/connector:.x",
            "registry.example.com/connector:a/b",
            "registry.example.com\\x/connector",
            "registry.example.com:99999/connector",
            "registry.example.com:x/connector",
            " registry.example.com/connector",
            "[::1/connector",
        ] {
            let error = format!("{place}@{DIGEST}").parse::<Reference>().unwrap_err();
            assert!(matches!(error, ReferenceError::Form(_)), "{place}: {error}");
        }
        for digest in [
            "",
            "sha256:",
            "sha512:9f86",
            &DIGEST.replace('9', ""),
            &DIGEST.to_uppercase(),
            &DIGEST.replace('f', "F"),
            &format!("{DIGEST}00"),
        ] {
            let error = format!("registry.example.com/connector@{digest}").parse::<Reference>().unwrap_err();
            assert!(matches!(error, ReferenceError::Form(_)), "{digest}: {error}");
        }
    }

    #[test]
    fn a_registry_refers_to_encrypted_addresses_only_unless_it_is_here() {
        let may = |place: &str, url: &str| {
            let reference: Reference = format!("{place}@{DIGEST}").parse().unwrap();
            reference.may_refer_to(&Url::parse(url).unwrap())
        };
        let (far, here) = ("registry.example.com/connector", "127.0.0.1:5000/connector");
        for (place, url, expected) in [
            (far, "https://blobs.example.com/x", true),
            (far, "http://blobs.example.com/x", false),
            (far, "http://127.0.0.1/x", false),
            (far, "http://169.254.169.254/latest", false),
            (far, "https://priya:hunter2@blobs.example.com/x", false),
            (far, "ftp://blobs.example.com/x", false),
            (far, "file:///etc/passwd", false),
            (here, "http://localhost:5001/x", true),
            (here, "http://blobs.example.com/x", false),
            (here, "https://blobs.example.com/x", true),
        ] {
            assert_eq!(may(place, url), expected, "{place} to {url}");
        }
    }
}

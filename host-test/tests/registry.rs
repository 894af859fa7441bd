//! Components pulled from registries that do as they are told, and from those that lie.

use anyhow::{Context, Result};
use bytes::Bytes;
use host_test::component::artifact;
use host_test::servers::{Incoming, Reply, Server};
use host_test::suite::block_on;
use klaviyo_host::registry::{Digest, Login, PublicKey, PullError, Puller, Reference, SignatureError};
use klaviyo_host::{AttemptError, Connector, Limits};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use wasmsign2::{KeyPair, Module};

const NAME: &str = "klaviyo/connector";
const LOGIN: &str = "priya:canary-hunter2";
/// The login, as a header has it.
const BASIC: &str = "Basic cHJpeWE6Y2FuYXJ5LWh1bnRlcjI=";
const TOKEN: &str = "canary-token";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIGURATION: &str = "application/vnd.wasm.config.v0+json";
const LAYER: &str = "application/wasm";

/// A manifest and the layer that it names.
#[derive(Clone)]
struct Artifact {
    manifest: Vec<u8>,
    layer: Vec<u8>,
}

impl Artifact {
    /// As `wkg oci push` makes one.
    fn of(layer: &[u8]) -> Self {
        let config =
            json!({ "mediaType": CONFIGURATION, "digest": Digest::of(b"{}").to_string(), "size": 2 });
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [described(LAYER, layer)],
        });
        Self { manifest: manifest.to_string().into_bytes(), layer: layer.to_vec() }
    }

    /// The same, with something else in its manifest.
    fn with(&self, pointer: &str, value: Value) -> Result<Self> {
        let mut manifest: Value = serde_json::from_slice(&self.manifest)?;
        *manifest.pointer_mut(pointer).context("it has nothing there")? = value;
        Ok(Self { manifest: manifest.to_string().into_bytes(), layer: self.layer.clone() })
    }

    fn in_(&self, server: &Server) -> Result<Reference> {
        let place = server.url().replace("http://", "");
        Ok(format!("{place}/{NAME}:0.1.0@{}", Digest::of(&self.manifest)).parse()?)
    }
}

fn described(media_type: &str, contents: &[u8]) -> Value {
    json!({ "mediaType": media_type, "digest": Digest::of(contents).to_string(), "size": contents.len() })
}

fn answer(status: &str, headers: &str, body: &[u8]) -> Reply {
    let head =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\nconnection: close\r\n\r\n", body.len());
    Reply::Bytes([head.as_bytes(), body].concat())
}

fn ok(body: &[u8]) -> Reply {
    answer("200 OK", "", body)
}

/// A request, as a server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    target: String,
    authorization: Option<String>,
}

impl Seen {
    fn of(incoming: &Incoming) -> Self {
        let text = String::from_utf8_lossy(&incoming.bytes);
        let header = |line: &str| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("authorization").then(|| value.to_owned())
        };
        Self {
            target: text.split(' ').nth(1).unwrap_or_default().to_owned(),
            authorization: text.lines().find_map(header),
        }
    }

    fn is_manifest(&self) -> bool {
        self.target.starts_with(&format!("/v2/{NAME}/manifests/sha256:"))
    }

    fn is_layer(&self) -> bool {
        self.target.starts_with(&format!("/v2/{NAME}/blobs/sha256:"))
    }
}

type Log = Arc<Mutex<Vec<Seen>>>;

/// A server that keeps what it has seen.
fn server(respond: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Result<(Server, Log)> {
    let log = Log::default();
    let seen = Arc::clone(&log);
    let server = Server::start(move |incoming| {
        let request = Seen::of(incoming);
        seen.lock().push(request.clone());
        respond(&request)
    })?;
    Ok((server, log))
}

/// A registry that gives this artifact to everybody.
fn registry(artifact: &Artifact) -> Result<Server> {
    let artifact = artifact.clone();
    Ok(server(move |seen| give(seen, &artifact))?.0)
}

fn give(seen: &Seen, artifact: &Artifact) -> Reply {
    if seen.is_manifest() {
        ok(&artifact.manifest)
    } else if seen.is_layer() {
        ok(&artifact.layer)
    } else {
        answer("404 Not Found", "", b"")
    }
}

fn pull(puller: &Puller, reference: &Reference) -> Result<Result<Bytes, PullError>> {
    block_on(async { Ok(puller.pull(reference).await) })
}

/// Pulls what must not be pulled.
fn refused(artifact: &Artifact, server: &Server) -> Result<PullError> {
    let folder = TempDir::new()?;
    let pulled = pull(&Puller::default().cache(folder.path()), &artifact.in_(server)?)?;
    pulled.err().context("it was pulled")
}

fn guest() -> Result<Vec<u8>> {
    let file = artifact().with_file_name("hostile").join("get.wasm");
    std::fs::read(&file)
        .with_context(|| format!("there is no {}; `cargo xtask build` makes it", file.display()))
}

fn blobs(folder: &Path) -> Result<Vec<PathBuf>> {
    let folder = folder.join("blobs/sha256");
    std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect()
}

#[test]
fn a_component_is_pulled_once_for_one_digest() -> Result<()> {
    let artifact = Artifact::of(&guest()?);
    let server = registry(&artifact)?;
    let folder = TempDir::new()?;
    let puller = Puller::default().cache(folder.path());
    let component = pull(&puller, &artifact.in_(&server)?)??;
    assert_eq!(component, artifact.layer);
    let limits = Limits { concurrent_calls: 1, ..Limits::default() };
    Connector::builder().limits(limits).from_bytes(&component)?;
    assert_eq!(server.requests(), 2);
    let reference = artifact.in_(&server)?;
    drop(server);
    assert_eq!(pull(&puller, &reference)??, artifact.layer, "it was pulled again");
    assert_eq!(blobs(folder.path())?.len(), 2);
    Ok(())
}

#[test]
fn a_damaged_file_of_the_cache_is_pulled_again() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let server = registry(&artifact)?;
    let folder = TempDir::new()?;
    let puller = Puller::default().cache(folder.path());
    let reference = artifact.in_(&server)?;
    pull(&puller, &reference)??;
    let mut requests = server.requests();
    for file in blobs(folder.path())? {
        let contents = std::fs::read(&file)?;
        let mut changed = contents.clone();
        changed[3] ^= 1;
        for damaged in [changed, contents[..4].to_vec(), [contents.as_slice(), b"x"].concat(), Vec::new()] {
            std::fs::write(&file, damaged)?;
            assert_eq!(pull(&puller, &reference)??, artifact.layer);
            requests += 1;
            assert_eq!(server.requests(), requests);
            assert_eq!(std::fs::read(&file)?, contents);
        }
    }
    Ok(())
}

#[test]
fn another_digest_than_the_pinned_one_is_refused() -> Result<()> {
    let (pinned, other) = (Artifact::of(b"\0asm\x0d\0\x01\0"), Artifact::of(b"\0asm\x0d\0\x01\x01"));
    let mixed = Artifact { manifest: pinned.manifest.clone(), layer: other.layer.clone() };
    for (given, expected) in [(other, "manifest"), (mixed, "layer")] {
        let server = registry(&given)?;
        let folder = TempDir::new()?;
        let puller = Puller::default().cache(folder.path());
        let error = pull(&puller, &pinned.in_(&server)?)?.err().context("it was pulled")?;
        assert!(matches!(error, PullError::Digest { what, .. } if what == expected), "{error:?}");
        for kept in blobs(folder.path()).unwrap_or_default() {
            assert_eq!(std::fs::read(kept)?, pinned.manifest);
        }
    }
    Ok(())
}

#[test]
fn what_is_cut_or_has_no_end_is_refused() -> Result<()> {
    type Odd = fn(&[u8], &[u8]) -> Reply;
    const ENDLESS: &[u8] = b"HTTP/1.1 200 OK\r\n\r\n";
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let piece = vec![0; 16 << 10];
    for is_layer in [false, true] {
        let odd: [Odd; 3] = [
            |_, _| Reply::bytes("HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\ncut"),
            |_, _| Reply::bytes("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\nlong"),
            |first, again| Reply::Endless(first.to_vec(), again.to_vec(), Duration::ZERO),
        ];
        for (at, odd) in odd.into_iter().enumerate() {
            let (given, piece) = (artifact.clone(), piece.clone());
            let (server, _) =
                server(
                    move |seen| {
                        if seen.is_layer() == is_layer { odd(ENDLESS, &piece) } else { give(seen, &given) }
                    },
                )?;
            let error = refused(&artifact, &server)?;
            let is_told = match &error {
                PullError::Attempt { error, .. } => at == 0 && matches!(error, AttemptError::Connection(_)),
                PullError::TooLarge { what, .. } => {
                    at > 0 && *what == if is_layer { "layer" } else { "manifest" }
                }
                _ => false,
            };
            assert!(is_told, "{at}: {error:?}");
        }
    }
    // What is too large by its manifest is not asked for.
    let large = artifact.with("/layers/0/size", json!(1_u64 << 40))?;
    let server = registry(&large)?;
    assert!(matches!(refused(&large, &server)?, PullError::TooLarge { what: "layer", .. }));
    assert_eq!(server.requests(), 1);
    Ok(())
}

#[test]
fn a_registry_that_does_not_answer_is_given_up() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let given = artifact.clone();
    let (server, log) = server(move |seen| match seen.is_layer() {
        true => Reply::Endless(Vec::new(), Vec::new(), Duration::from_millis(10)),
        false => give(seen, &given),
    })?;
    let reference = artifact.in_(&server)?;
    let pulled = block_on(async {
        let pulling = tokio::spawn(async move { Puller::default().pull(&reference).await });
        while log.lock().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        tokio::time::pause();
        tokio::time::advance(Duration::from_secs(21)).await;
        Ok(pulling.await?)
    })?;
    let error = pulled.err().context("it was pulled")?;
    assert!(matches!(error, PullError::Attempt { error: AttemptError::Timeout(_), .. }), "{error:?}");
    Ok(())
}

#[test]
fn only_a_component_is_taken() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let layer = described(LAYER, &artifact.layer);
    let image = "application/vnd.oci.image.config.v1+json";
    let index = "application/vnd.oci.image.index.v1+json";
    for (pointer, value, expected) in [
        ("/mediaType", json!(index), "manifest"),
        ("/config/mediaType", json!(image), "configuration"),
        ("/config", Value::Null, "configuration"),
        ("/layers/0/mediaType", json!("application/vnd.oci.image.layer.v1.tar+gzip"), "layer"),
    ] {
        let odd = artifact.with(pointer, value)?;
        let error = refused(&odd, &registry(&odd)?)?;
        assert!(
            matches!(error, PullError::MediaType { what, .. } if what == expected),
            "{pointer}: {error:?}"
        );
    }
    for (layers, count) in [(json!([layer, layer]), 2), (json!([]), 0)] {
        let odd = artifact.with("/layers", layers)?;
        let error = refused(&odd, &registry(&odd)?)?;
        assert!(matches!(error, PullError::Layers(found) if found == count), "{error:?}");
    }
    let odd = artifact.with("/layers/0/digest", json!("../../etc/passwd"))?;
    assert!(matches!(refused(&odd, &registry(&odd)?)?, PullError::LayerDigest(_)));
    let odd = Artifact { manifest: b"<html>".to_vec(), ..artifact };
    assert!(matches!(refused(&odd, &registry(&odd)?)?, PullError::Manifest(_)));
    Ok(())
}

/// A registry that lets in by the login, and the address at which it has the layer.
fn guarded(artifact: &Artifact, location: String) -> Result<(Server, Log)> {
    let given = artifact.clone();
    server(move |seen| match &seen.authorization {
        Some(login) if login == BASIC && seen.is_layer() => {
            answer("307 Temporary Redirect", &format!("location: {location}\r\n"), b"")
        }
        Some(login) if login == BASIC && seen.target == "/here" => ok(&given.layer),
        Some(login) if login == BASIC => give(seen, &given),
        _ => answer("401 Unauthorized", "www-authenticate: Basic realm=\"registry\"\r\n", b""),
    })
}

#[test]
fn a_redirect_takes_no_login_to_another_host() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let given = artifact.layer.clone();
    let (elsewhere, log) = server(move |_| ok(&given))?;
    let puller = Puller::default().login(LOGIN.parse()?);
    let (registry, _) = guarded(&artifact, format!("{}/x?signature=1", elsewhere.url()))?;
    assert_eq!(pull(&puller, &artifact.in_(&registry)?)??, artifact.layer);
    assert_eq!(*log.lock(), [Seen { target: "/x?signature=1".to_owned(), authorization: None }]);
    // The registry itself may have it at another address.
    let (registry, _) = guarded(&artifact, "/here".to_owned())?;
    assert_eq!(pull(&puller, &artifact.in_(&registry)?)??, artifact.layer);
    Ok(())
}

#[test]
fn a_redirect_leads_to_no_address_in_clear_and_has_an_end() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let puller = Puller::default().login(LOGIN.parse()?);
    for location in ["http://blobs.example.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://", ""] {
        let (registry, log) = guarded(&artifact, location.to_owned())?;
        let error = pull(&puller, &artifact.in_(&registry)?)?.err().context(location)?;
        assert!(matches!(error, PullError::Redirect { .. }), "{location}: {error:?}");
        assert!(log.lock().len() < 8, "{location}");
    }
    Ok(())
}

/// A server of tokens that knows the login, and takes none for an anonymous user.
fn tokens() -> Result<(Server, Log)> {
    server(|seen| match seen.authorization.as_deref() {
        None | Some(BASIC) => ok(format!("{{\"access_token\":{TOKEN:?},\"expires_in\":60}}").as_bytes()),
        Some(_) => answer("401 Unauthorized", "", b""),
    })
}

/// A registry that sends whoever comes to this realm, and proposes to let them do everything.
fn with_realm(artifact: &Artifact, realm: &str) -> Result<(Server, Log)> {
    let given = artifact.clone();
    let challenge = format!(
        "www-authenticate: Bearer realm=\"{realm}\",service=\"a registry\",scope=\"repository:{NAME}:pull,push,delete\"\r\n"
    );
    let authorization = format!("Bearer {TOKEN}");
    server(move |seen| match &seen.authorization {
        Some(token) if *token == authorization => give(seen, &given),
        _ => answer("401 Unauthorized", &challenge, b""),
    })
}

#[test]
fn a_registry_is_asked_with_a_token_that_can_pull_and_nothing_else() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let own = "/token?service=a+registry&scope=repository%3Aklaviyo%2Fconnector%3Apull";
    for (puller, authorization) in
        [(Puller::default(), None), (Puller::default().login(LOGIN.parse()?), Some(BASIC.to_owned()))]
    {
        let (tokens, asked) = tokens()?;
        let (registry, log) = with_realm(&artifact, &format!("{}/token", tokens.url()))?;
        assert_eq!(pull(&puller, &artifact.in_(&registry)?)??, artifact.layer);
        assert_eq!(*asked.lock(), [Seen { target: own.to_owned(), authorization }]);
        // The manifest twice, since it asked for a token, and the layer once.
        let sent: Vec<_> = log.lock().iter().map(|seen| seen.authorization.clone()).collect();
        let bearer = Some(format!("Bearer {TOKEN}"));
        assert_eq!(sent, [None, bearer.clone(), bearer]);
    }
    Ok(())
}

#[test]
fn a_login_goes_to_no_address_in_clear_and_into_no_error() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let (tokens, _) = tokens()?;
    let login = |text: &str| Puller::default().login(text.parse::<Login>().unwrap());
    let mut errors = Vec::new();
    for realm in ["http://tokens.example.com/token", "https://a:b@tokens.example.com/token", "nonsense", ""] {
        let (registry, log) = with_realm(&artifact, realm)?;
        let error = pull(&login(LOGIN), &artifact.in_(&registry)?)?.err().context(realm)?;
        assert!(matches!(error, PullError::Challenge { .. }), "{realm}: {error:?}");
        assert_eq!(log.lock().len(), 1);
        errors.push(error);
    }
    let (registry, _) = with_realm(&artifact, &format!("{}/token", tokens.url()))?;
    let (guarded, _) = guarded(&artifact, "/here".to_owned())?;
    for (server, puller, has_login) in [
        (&registry, login("priya:canary-wrong"), true),
        (&guarded, login("priya:canary-wrong"), true),
        (&guarded, Puller::default(), false),
    ] {
        let error = pull(&puller, &artifact.in_(server)?)?.err().context("it was pulled")?;
        let is_told =
            matches!(&error, PullError::Refused { has_login: told, status: 401, .. } if *told == has_login);
        assert!(is_told, "{error:?}");
        assert!(!format!("{puller:?}").contains("canary"));
        errors.push(error);
    }
    for error in errors {
        assert!(!format!("{error} {error:?}").contains("canary"), "{error:?}");
    }
    Ok(())
}

#[test]
fn a_registry_without_it_says_so() -> Result<()> {
    let artifact = Artifact::of(b"\0asm\x0d\0\x01\0");
    let (server, _) = server(|_| answer("404 Not Found", "", b""))?;
    assert!(matches!(refused(&artifact, &server)?, PullError::NotFound { what: "manifest", .. }));
    drop(server);
    for (status, expected) in
        [("429 Too Many Requests", 429), ("503 Service Unavailable", 503), ("204 No Content", 204)]
    {
        let (server, _) = self::server(move |_| answer(status, "", b""))?;
        let error = refused(&artifact, &server)?;
        assert!(matches!(error, PullError::Status { status, .. } if status == expected), "{error:?}");
    }
    Ok(())
}

#[test]
fn what_is_not_signed_by_the_key_is_refused() -> Result<()> {
    let (key, other) = (KeyPair::generate(), KeyPair::generate());
    let plain = guest()?;
    let mut signed = Vec::new();
    key.sk.sign(Module::deserialize(&mut plain.as_slice())?, None)?.serialize(&mut signed)?;
    let puller = |key: &KeyPair, folder: &TempDir| -> Result<Puller> {
        Ok(Puller::default().cache(folder.path()).signed_by(PublicKey::parse(&key.pk.to_bytes())?))
    };
    let mut changed = signed.clone();
    *changed.last_mut().context("it is empty")? ^= 1;
    for (component, key, expected) in [
        (&signed, &key, None),
        (&signed, &other, Some(SignatureError::Wrong)),
        (&changed, &key, Some(SignatureError::Wrong)),
        (&plain, &key, Some(SignatureError::Missing)),
    ] {
        let artifact = Artifact::of(component);
        let server = registry(&artifact)?;
        let folder = TempDir::new()?;
        let puller = puller(key, &folder)?;
        // From the registry, and from the folder.
        for _ in 0..2 {
            let error = match pull(&puller, &artifact.in_(&server)?)? {
                Ok(_) => None,
                Err(PullError::Signature(error)) => Some(error),
                Err(error) => return Err(error.into()),
            };
            assert_eq!(error, expected);
        }
        assert_eq!(server.requests(), 2);
    }
    Ok(())
}

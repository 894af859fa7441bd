//! A component from a registry: pinned, pulled once, with a login that nothing prints.

use crate::run::{CANARY, Run, bare, server};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tempfile::TempDir;

const LOGIN: &str = "priya:canary-hunter2";
/// The login, as a header has it.
const BASIC: &str = "Basic cHJpeWE6Y2FuYXJ5LWh1bnRlcjI=";

fn digest(bytes: &[u8]) -> String {
    let digits = Sha256::digest(bytes).iter().fold(String::new(), |mut digits, byte| {
        write!(digits, "{byte:02x}").unwrap();
        digits
    });
    format!("sha256:{digits}")
}

/// A registry with the component, which lets in by the login. It ends with the process of the tests.
struct Registry {
    address: String,
    manifest: Vec<u8>,
    component: Vec<u8>,
    requests: AtomicUsize,
}

impl Registry {
    fn start() -> Arc<Self> {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component/klaviyo.wasm");
        let component =
            std::fs::read(file).expect("there is no component yet: run `cargo xtask build` first");
        let layer = json!({
            "mediaType": "application/wasm", "digest": digest(&component), "size": component.len(),
        });
        let config = json!({
            "mediaType": "application/vnd.wasm.config.v0+json", "digest": digest(b"{}"), "size": 2,
        });
        let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let registry = Arc::new(Self {
            address: listener.local_addr().unwrap().to_string(),
            manifest: manifest.to_string().into_bytes(),
            component,
            requests: AtomicUsize::new(0),
        });
        let routes = Router::new().fallback(answer).with_state(Arc::clone(&registry));
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                listener.set_nonblocking(true).unwrap();
                axum::serve(tokio::net::TcpListener::from_std(listener).unwrap(), routes).await.unwrap();
            });
        });
        registry
    }

    fn reference(&self) -> String {
        format!("{}/klaviyo/connector:0.1.0@{}", self.address, digest(&self.manifest))
    }
}

async fn answer(State(registry): State<Arc<Registry>>, uri: Uri, headers: HeaderMap) -> Response {
    registry.requests.fetch_add(1, Ordering::Relaxed);
    if headers.get("authorization").is_none_or(|login| login != BASIC) {
        let challenge = [("www-authenticate", "Basic realm=\"registry\"")];
        return (StatusCode::UNAUTHORIZED, challenge).into_response();
    }
    match uri.path().strip_prefix("/v2/klaviyo/connector/") {
        Some(path) if path == format!("manifests/{}", digest(&registry.manifest)) => {
            registry.manifest.clone().into_response()
        }
        Some(path) if path == format!("blobs/{}", digest(&registry.component)) => {
            registry.component.clone().into_response()
        }
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// The command with a component of the registry, and a cache of its own.
fn with(reference: &str, cache: &TempDir) -> Command {
    let mut command = bare();
    command.env("XDG_CACHE_HOME", cache.path()).args(["--json", "--component", reference]);
    command
}

#[test]
fn a_command_runs_a_component_of_a_registry_and_pulls_it_once() {
    let (klaviyo, registry, cache) = (server(), Registry::start(), TempDir::new().unwrap());
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("login");
    std::fs::write(&file, format!("{LOGIN}\n")).unwrap();
    let run = |variable: &str, login: &std::ffi::OsStr| {
        let mut command = with(&registry.reference(), &cache);
        let command = command.env("KLAVIYO_API_KEY", CANARY).env("KLAVIYO_ENDPOINT", klaviyo.url());
        let run = Run::of(command.env(variable, login).arg("lists"));
        assert!(!run.out.contains("canary-") && !run.err.contains("canary-"), "{}{}", run.out, run.err);
        run
    };
    assert_eq!(run("KLAVIYO_REGISTRY_LOGIN", "priya:canary-wrong".as_ref()).err(1)["code"], "other");
    assert_eq!(run("KLAVIYO_REGISTRY_LOGIN", "canary-no-login".as_ref()).err(2)["code"], "invalid-input");
    assert!(!run("KLAVIYO_REGISTRY_LOGIN_FILE", file.as_os_str()).ok().as_array().unwrap().is_empty());
    let requests = registry.requests.load(Ordering::Relaxed);
    // Within a runtime, too, and without a login: it is kept.
    assert!(!run("KLAVIYO_REGISTRY_LOGIN", "".as_ref()).ok().as_array().unwrap().is_empty());
    let actions = Run::of(with(&registry.reference(), &cache).arg("actions")).ok();
    assert!(actions["actions"].is_array());
    assert_eq!(registry.requests.load(Ordering::Relaxed), requests);
}

#[test]
fn a_component_that_is_not_what_was_asked_for_is_not_run() {
    let (registry, cache) = (Registry::start(), TempDir::new().unwrap());
    let run = |reference: &str| {
        Run::of(with(reference, &cache).env("KLAVIYO_REGISTRY_LOGIN", LOGIN).arg("actions"))
    };
    let place = format!("{}/klaviyo/connector", registry.address);
    assert_eq!(run(&format!("{place}@{}", digest(b"another"))).err(1)["code"], "other");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    assert_eq!(run(&format!("{nobody}/connector@{}", digest(b"another"))).err(6)["code"], "connection");
    assert_eq!(run(&format!("oci://{place}:0.1.0")).err(2)["code"], "invalid-input");
    let key = cache.path().join("key");
    // Of RFC 8410.
    let public = "-----BEGIN PUBLIC KEY-----\n\
                  MCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n\
                  -----END PUBLIC KEY-----\n";
    let signed = || {
        let mut command = with(&registry.reference(), &cache);
        Run::of(command.env("KLAVIYO_REGISTRY_LOGIN", LOGIN).arg("--component-key").arg(&key).arg("actions"))
    };
    assert_eq!(signed().err(2)["code"], "invalid-input");
    std::fs::write(&key, public).unwrap();
    assert_eq!(signed().err(1)["code"], "other");
    // Without a component of its own there is nothing to be signed.
    assert_eq!(
        Run::of(bare().args(["--json", "actions", "--component-key"]).arg(&key)).err(2)["code"],
        "invalid-input"
    );
}

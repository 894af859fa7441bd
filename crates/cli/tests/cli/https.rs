//! HTTPS: which certificates the command trusts.

use crate::run::{CANARY, Run, klaviyo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

const LISTS: &str =
    r#"{"data":[{"type":"list","id":"Y6nRLr","attributes":{"name":"Over TLS"}}],"links":{"next":null}}"#;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::default();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn written(folder: &Path, name: &str, authority: &Authority) -> PathBuf {
    let file = folder.join(name);
    std::fs::write(&file, authority.pem()).unwrap();
    file
}

/// Answers every request with lists, as `localhost`.
fn serve(authority: &Authority) -> u16 {
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = parameters.signed_by(&key, authority).unwrap();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key.into())
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            // Fails if the client does not trust the certificate.
            let _ = answer(StreamOwned::new(connection, stream.unwrap()));
        }
    });
    port
}

fn answer(mut stream: impl Read + Write) -> std::io::Result<()> {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|window| window == b"\r\n\r\n") {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => request.extend_from_slice(&buffer[..count]),
        }
    }
    let length = LISTS.len();
    write!(
        stream,
        "HTTP/1.1 200 OK\r\ncontent-type: application/vnd.api+json\r\ncontent-length: {length}\r\n\
         connection: close\r\n\r\n{LISTS}"
    )?;
    stream.flush()
}

#[test]
fn a_certificate_is_trusted_when_its_authority_is() {
    let folder = tempfile::tempdir().unwrap();
    let (own, other) = (authority(), authority());
    let port = serve(&own);
    let lists = |trusted: &Path| {
        let mut command = klaviyo(&format!("https://localhost:{port}"), CANARY);
        Run::of(command.env("SSL_CERT_FILE", trusted).env_remove("SSL_CERT_DIR").args(["lists", "--json"]))
    };
    assert_eq!(lists(&written(folder.path(), "own.pem", &own)).ok()[0]["name"], "Over TLS");
    assert_eq!(lists(&written(folder.path(), "other.pem", &other)).err(6)["code"], "connection");
}

//! TLS between NATS and its clients.

use klaviyo_mock::Nats;
use klaviyo_service::queue::{self, Queue, QueueError};
use rcgen::generate_simple_self_signed;
use std::path::{Path, PathBuf};

/// A self-signed certificate and its key, in files.
fn certificate(folder: &Path, name: &str) -> [PathBuf; 2] {
    let made = generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let files = [folder.join(format!("{name}.crt")), folder.join(format!("{name}.key"))];
    std::fs::write(&files[0], made.cert.pem()).unwrap();
    std::fs::write(&files[1], made.signing_key.serialize_pem()).unwrap();
    files
}

async fn connect(nats: &Nats, scheme: &str, ca: Option<&Path>) -> Result<Queue, QueueError> {
    let url = nats.url().replace("nats://", scheme);
    Queue::connect(&queue::Nats { url, ca: ca.map(Path::to_owned), ..queue::Nats::default() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_tls_gets_it_or_no_connection() {
    let folder = tempfile::tempdir().unwrap();
    let [certificate_of_it, key] = certificate(folder.path(), "nats");
    let [other, _] = certificate(folder.path(), "other");
    let config =
        format!("tls {{ cert_file: \"{}\", key_file: \"{}\" }}", certificate_of_it.display(), key.display());
    for server in Nats::servers() {
        let plain = Nats::start_with(&server.program).unwrap();
        assert!(connect(&plain, "nats://", None).await.is_ok());
        // A machine in between could have removed TLS.
        let refused = connect(&plain, "tls://", Some(&certificate_of_it)).await;
        assert!(matches!(refused, Err(QueueError::Connect(..))));

        let with_tls = Nats::start_with_config(&server.program, &config).unwrap();
        for scheme in ["tls://", "nats://"] {
            assert!(connect(&with_tls, scheme, Some(&certificate_of_it)).await.is_ok());
            for ca in [None, Some(other.as_path())] {
                assert!(matches!(connect(&with_tls, scheme, ca).await, Err(QueueError::Connect(..))));
            }
        }
        let missing = folder.path().join("none.crt");
        match connect(&with_tls, "tls://", Some(&missing)).await {
            Err(QueueError::Certificates(file, _)) => assert_eq!(file, missing),
            other => panic!("{other:?}"),
        }
    }
}

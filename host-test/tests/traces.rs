//! The traces of a call, in a process of their own: a test beside this one, without a subscriber, could decide for
//! `tracing` that nobody wants them.

use anyhow::Result;
use host_test::component::{artifact, cache};
use host_test::suite::block_on;
use klaviyo_host::types::NewProfile;
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Account, Server};
use parking_lot::Mutex;
use std::io::Write;
use std::sync::Arc;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn traces_tell_of_operations_and_not_of_people() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let connector = Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache());
    let tenant = Tenant::new(&connector.load(artifact())?, Secret::new(Account::DEMO_KEY)?);
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    let contact = NewProfile {
        email: Some("priya@example.com".to_owned()),
        phone_number: Some("+919820000001".to_owned()),
        first_name: Some("Priya".to_owned()),
        ..NewProfile::default()
    };
    tracing::subscriber::with_default(subscriber, || {
        block_on(async { Ok(tenant.opt_in(&contact, "Y6nRLr").await?) })
    })?;
    let text = String::from_utf8(lines.0.lock().clone())?;
    for told in
        ["klaviyo.call", "klaviyo.request", "contacts.opt-in", "get profiles", "create profile", "status=204"]
    {
        assert!(text.contains(told), "{told} is not in {text}");
    }
    for person in ["priya", "Priya", "9820000001", Account::DEMO_KEY] {
        assert!(!text.contains(person), "{person} is in {text}");
    }
    Ok(())
}

//! The traces of a call, in a process of their own: a test beside this one, without a subscriber, could decide for
//! `tracing` that nobody wants them.

use anyhow::Result;
use host_test::component::{artifact, cache};
use host_test::suite::block_on;
use klaviyo_host::types::{Identifier, NewProfile};
use klaviyo_host::{Attempt, Bounds, Connector, Egress, Secret, Tenant, Transport};
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

/// Runs `work` and returns what it logs.
fn logged(work: impl Future<Output = Result<()>>) -> Result<String> {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::with_default(subscriber, || block_on(work))?;
    Ok(String::from_utf8(lines.0.lock().clone())?)
}

#[test]
fn traces_tell_of_operations_and_not_of_people() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let connector = Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache());
    let tenant = Tenant::new(&connector.load(artifact())?, Secret::new(Account::DEMO_KEY)?);
    let contact = NewProfile {
        email: Some("priya@example.com".to_owned()),
        phone_number: Some("+919820000001".to_owned()),
        first_name: Some("Priya".to_owned()),
        ..NewProfile::default()
    };
    let text = logged(async {
        tenant.opt_in(&contact, "Y6nRLr", None).await?;
        Ok(())
    })?;
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

/// Answers every request by one revision of the API, as Klaviyo does when the one that was asked for is retired.
struct ServedBy(&'static str);

impl Transport for ServedBy {
    fn send(&self, _: http::Request<bytes::Bytes>, _: Bounds) -> Attempt<'_> {
        let answer = http::Response::builder().header("x-klaviyo-api-revision", self.0);
        let answer = answer.body(br#"{"data": []}"#.as_slice().into());
        Box::pin(async { answer.map_err(|error| klaviyo_host::AttemptError::Other(error.to_string())) })
    }
}

#[test]
fn another_revision_than_the_one_asked_for_is_told_once_for_a_tenant() -> Result<()> {
    let log = |served| {
        let connector = Connector::builder().transport(ServedBy(served)).cache(cache()).load(artifact())?;
        logged(async move {
            for name in ["first", "second"] {
                let tenant = Tenant::builder(&connector, Secret::new("pk_0123456789")?).name(name).build();
                for _ in 0..2 {
                    tenant.lookup(&Identifier::Email("priya@example.com".to_owned())).await?;
                }
            }
            Ok(())
        })
    };
    let warned = |text: &str, name: &str| {
        let named = format!("tenant=\"{name}\"");
        text.lines().filter(|line| line.contains(" WARN ") && line.contains(&named)).count()
    };
    let other = log("2025-04-15")?;
    assert_eq!((warned(&other, "first"), warned(&other, "second")), (1, 1), "{other}");
    let same = log("2025-01-15")?;
    assert_eq!(warned(&same, "first") + warned(&same, "second"), 0, "{same}");
    Ok(())
}

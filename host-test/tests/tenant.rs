//! What a tenant does around the calls: keys, revisions, lists by name, functions by name.

use anyhow::{Context, Result};
use host_test::component::{artifact, cache, opt_in};
use host_test::suite::block_on;
use klaviyo_host::json::CONTRACT_VERSION;
use klaviyo_host::types::{
    Channel, Code, ConsentOptions, Group, Identifier, NewEvent, NewProfile, Period, Position, Start,
    Subscription,
};
use klaviyo_host::{
    Attempt, AttemptError, Bounds, Cause, Connector, Egress, HttpTransport, Limits, LoadError, Meter, Secret,
    Tenant, Transport, Usage,
};
use klaviyo_mock::{Account, Faults, Klaviyo, Server};
use parking_lot::Mutex;
use serde_json::json;
use std::sync::Arc;

fn connect(server: &Server) -> Result<Connector> {
    Ok(Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache()).load(artifact())?)
}

fn stage() -> Result<(Server, Tenant)> {
    let server = Server::start(Account::demo())?;
    let tenant = Tenant::new(&connect(&server)?, Secret::new(Account::DEMO_KEY)?);
    Ok((server, tenant))
}

fn nobody() -> Identifier {
    Identifier::Email("nobody@example.com".to_owned())
}

#[test]
fn a_list_that_was_found_by_name_is_remembered() -> Result<()> {
    let (server, tenant) = stage()?;
    block_on(async {
        let first = tenant.find_list("WhatsApp Opt-Ins").await?;
        assert_eq!(first.usage.requests, 1);
        let second = tenant.find_list("WhatsApp Opt-Ins").await?;
        assert_eq!((second.usage.requests, second.value), (0, first.value));
        // What is not there may be there soon.
        for _ in 0..2 {
            let none = tenant.find_list("Nothing").await?;
            assert_eq!((none.usage.requests, none.value.is_none()), (1, true));
        }
        // Another key may be of another account.
        tenant.set_credentials(Secret::new(Account::DEMO_KEY)?);
        assert_eq!(tenant.find_list("WhatsApp Opt-Ins").await?.usage.requests, 1);
        assert_eq!(server.account().requests(), 4);
        Ok(())
    })
}

#[test]
fn a_text_that_is_far_too_long_is_refused_before_it_is_copied() -> Result<()> {
    let (server, tenant) = stage()?;
    // The sandbox has room for three of it.
    let long = "x".repeat(20 << 20);
    let since = |time: &str| Position::Since(Start { time: time.to_owned(), look_back: None });
    let period = Period { since: Some(long.clone()), until: None, limit: None };
    block_on(async {
        let codes = [
            tenant.find_list(&long).await.err().map(|error| error.code()),
            tenant.create_list(&long).await.err().map(|error| error.code()),
            tenant.lookup(&Identifier::Id(long.clone())).await.err().map(|error| error.code()),
            tenant.lookup(&Identifier::ExternalId(long.clone())).await.err().map(|error| error.code()),
            tenant.list_members("Y6nRLr", Some(&long)).await.err().map(|error| error.code()),
            tenant.list_members(&long, None).await.err().map(|error| error.code()),
            tenant.lists_of_profile(&long).await.err().map(|error| error.code()),
            tenant.merge(&long, "01X").await.err().map(|error| error.code()),
            tenant.subscribe(&long, &["01X".to_owned()]).await.err().map(|error| error.code()),
            tenant
                .remove_from_list("Y6nRLr", std::slice::from_ref(&long))
                .await
                .err()
                .map(|error| error.code()),
            tenant.changed_profiles(&Position::Cursor(long.clone())).await.err().map(|error| error.code()),
            tenant.new_events(&since(&long)).await.err().map(|error| error.code()),
            tenant
                .joined_members(&Group::List(long.clone()), &since("2025-01-01T00:00:00Z"))
                .await
                .err()
                .map(|error| error.code()),
            tenant.history(&nobody(), &period).await.err().map(|error| error.code()),
        ];
        assert_eq!(codes, [Some(Code::InvalidInput); 14]);
        let mut event = NewEvent {
            metric: "Placed Order".to_owned(),
            profile: nobody(),
            unique_id: "1".to_owned(),
            time: None,
            value: None,
            value_currency: None,
            properties: None,
        };
        for field in 0..6 {
            event = NewEvent {
                metric: if field == 0 { long.clone() } else { "Placed Order".to_owned() },
                unique_id: if field == 1 { long.clone() } else { "1".to_owned() },
                time: (field == 2).then(|| long.clone()),
                value: (field == 3).then(|| "1".repeat(long.len())),
                value_currency: (field == 4).then(|| long.clone()),
                properties: (field == 5).then(|| format!("{{\"a\":\"{long}\"}}")),
                ..event
            };
            let error = tenant.track(&event).await.err().context("it is too long")?;
            assert_eq!(error.code(), Code::InvalidInput, "{field}");
        }
        assert_eq!(server.account().requests(), 0);
        Ok(())
    })
}

#[test]
fn a_list_is_forgotten_when_another_of_its_name_is_made() -> Result<()> {
    let unanswered = "POST /api/lists: #2 status-after 500".parse()?;
    let server = Server::start(Klaviyo::from(Account::demo()).faults(Faults::default().rule(unanswered)))?;
    let tenant = Tenant::new(&connect(&server)?, Secret::new(Account::DEMO_KEY)?);
    block_on(async {
        for (name, is_told) in [("WhatsApp Opt-Ins", true), ("VIP customers", false)] {
            assert!(tenant.find_list(name).await?.value.is_some());
            assert_eq!(tenant.create_list(name).await.is_ok(), is_told);
            let error = tenant.find_list(name).await.err().context("two lists have the name")?;
            assert_eq!(error.code(), Code::Conflict);
        }
        Ok(())
    })
}

#[test]
fn a_list_that_klaviyo_does_not_have_any_more_is_forgotten() -> Result<()> {
    let mut account = Account::default();
    account.add_key(Account::DEMO_KEY, Account::SCOPES);
    account.add_list("Y6nRLr", "WhatsApp Opt-Ins");
    let server = Server::start(account)?;
    let tenant = Tenant::new(&connect(&server)?, Secret::new(Account::DEMO_KEY)?);
    block_on(async {
        let list = tenant.find_list("WhatsApp Opt-Ins").await?.value.context("the list")?;
        let mut emptied = Account::default();
        emptied.add_key(Account::DEMO_KEY, Account::SCOPES);
        *server.account() = emptied;
        let contact = NewProfile { email: Some("a@example.com".to_owned()), ..NewProfile::default() };
        let error = tenant.opt_in(&contact, &list.id, None).await.err().context("it is gone")?;
        assert_eq!(error.code(), Code::NotFound);
        assert!(tenant.find_list("WhatsApp Opt-Ins").await?.value.is_none());
        Ok(())
    })
}

#[test]
fn a_list_that_goes_while_a_call_is_under_way_is_forgotten() -> Result<()> {
    let gone = "POST /api/profile-subscription-bulk-create-jobs: #2 status 404".parse()?;
    let server = Server::start(Klaviyo::from(Account::demo()).faults(Faults::default().rule(gone)))?;
    let tenant = Tenant::new(&connect(&server)?, Secret::new(Account::DEMO_KEY)?);
    let subscriptions: Vec<Subscription> = (0..1_001)
        .map(|n| Subscription {
            id: None,
            email: Some(format!("p{n}@example.com")),
            phone_number: None,
            channels: vec![Channel::Email],
            transactional: Vec::new(),
            consented_at: None,
            date_of_birth: None,
        })
        .collect();
    block_on(async {
        let list = tenant.find_list("WhatsApp Opt-Ins").await?.value.context("the list")?;
        let options = ConsentOptions { custom_source: None, historical_import: None };
        let outcome = tenant.grant_consent(&subscriptions, Some(&list.id), &options).await?.value;
        assert_eq!(outcome.stopped.map(|error| error.code), Some(Code::NotFound));
        assert_eq!(tenant.find_list("WhatsApp Opt-Ins").await?.usage.requests, 1);
        Ok(())
    })
}

#[test]
fn a_new_key_is_used_from_the_next_request_on() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let tenant = Tenant::new(&connect(&server)?, Secret::new("pk_wrong_0123456789")?);
    block_on(async {
        let error = tenant.lookup(&nobody()).await.err().context("the key is wrong")?;
        assert_eq!(error.code(), Code::Unauthenticated);
        tenant.set_credentials(Secret::new(Account::DEMO_KEY)?);
        assert!(tenant.lookup(&nobody()).await?.value.is_none());
        Ok(())
    })
}

/// Sends requests over HTTP, and keeps the revisions that they ask for.
struct RevisionRecorder {
    http: HttpTransport,
    revisions: Arc<Mutex<Vec<String>>>,
}

impl Transport for RevisionRecorder {
    fn send(&self, request: http::Request<bytes::Bytes>, bounds: Bounds) -> Attempt<'_> {
        let revisions = request.headers().get_all("revision").iter();
        let revisions = revisions.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned());
        self.revisions.lock().extend(revisions);
        self.http.send(request, bounds)
    }
}

#[test]
fn a_revision_is_raised_and_never_lowered() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let egress = Egress::endpoint(&server.url())?;
    let revisions = Arc::default();
    let http = HttpTransport::new(&egress, &Limits::default())?;
    let transport = RevisionRecorder { http, revisions: Arc::clone(&revisions) };
    let connector =
        Connector::builder().egress(egress).transport(transport).cache(cache()).load(artifact())?;
    let with = |revision: &str| -> Result<Tenant> {
        let key = Secret::new(Account::DEMO_KEY)?;
        Ok(Tenant::builder(&connector, key).revision(revision.parse()?).build())
    };
    block_on(async {
        // Retired, and older than what the operations ask for.
        assert!(with("2020-01-15")?.lookup(&nobody()).await?.value.is_none());
        assert!(with("2026-07-15")?.lookup(&nobody()).await?.value.is_none());
        Ok(())
    })?;
    assert_eq!(*revisions.lock(), ["2025-01-15", "2026-07-15"]);
    let served = server.state().to_string();
    assert!(!served.contains(Account::DEMO_KEY));
    Ok(())
}

#[test]
fn a_meter_counts_what_fails_and_clones_count_together() -> Result<()> {
    let (server, tenant) = stage()?;
    let meter = Meter::default();
    let metered = tenant.metered(meter.clone());
    block_on(async {
        let mut expected = Usage::default();
        expected += metered.lookup(&nobody()).await?.usage;
        expected += metered.clone().find_list("WhatsApp Opt-Ins").await?.usage;
        metered.set_credentials(Secret::new("pk_wrong_0123456789")?);
        let error = metered.lookup(&nobody()).await.err().context("the key is wrong")?;
        expected += error.usage;
        assert_eq!((error.usage.requests, expected.requests), (1, 3));
        assert_eq!(meter.usage(), expected);
        // The tenant that the metered one was made from counts nowhere.
        tenant.lookup(&nobody()).await.err().context("the key is wrong")?;
        assert_eq!(meter.usage(), expected);
        assert_eq!(server.requests(), 4);
        Ok(())
    })
}

#[test]
fn what_does_not_fit_a_function_is_not_sent() -> Result<()> {
    let (server, tenant) = stage()?;
    block_on(async {
        for (function, arguments) in [
            ("contacts.nothing", vec![]),
            ("nothing.lookup", vec![]),
            ("lookup", vec![]),
            ("", vec![]),
            ("types.error", vec![]),
            ("lists.find", vec![]),
            ("lists.find", vec![json!(1)]),
            ("lists.find", vec![json!("a"), json!("b")]),
            ("contacts.lookup", vec![json!({ "email": "a@b", "id": "x" })]),
            ("contacts.lookup", vec![json!({ "telephone": "x" })]),
            ("contacts.lookup", vec![json!("email")]),
            ("contacts.create", vec![json!({ "email": 1 })]),
            ("contacts.create", vec![json!({ "e-mail": "a@b" })]),
            ("contacts.subscribe", vec![json!("Y6nRLr"), json!(["a", 1])]),
        ] {
            let error = tenant.call(function, &arguments).await.err().context(function)?;
            assert!(matches!(error.cause, Cause::Arguments(_)), "{function}: {error:?}");
            assert_eq!((error.code(), error.usage.requests), (Code::InvalidInput, 0));
        }
        assert_eq!(server.requests(), 0);
        Ok(())
    })
}

#[test]
fn the_part_for_opt_ins_says_what_it_has_not() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let part = Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache()).load(opt_in())?;
    let tenant = Tenant::new(&part, Secret::new(Account::DEMO_KEY)?);
    block_on(async {
        assert_eq!(tenant.lookup(&nobody()).await?.value, None);
        let typed = tenant.imports(None).await.err().context("an import")?;
        let named = tenant.call("bulk.jobs", &[]).await.err().context("an import by name")?;
        for error in [typed, named] {
            assert!(matches!(error.cause, Cause::Arguments(_)), "{error:?}");
            assert_eq!((error.code(), error.usage.requests), (Code::InvalidInput, 0));
        }
        Ok(())
    })
}

#[test]
fn keys_that_cannot_be_sent_are_refused() {
    for key in ["", " ", "pk_a b", "pk_a\r\nx-injected: yes", "pk_a\0", "pk_ключ"] {
        assert!(Secret::new(key).is_err(), "{key:?}");
    }
    assert!(Secret::new(" pk_0123456789\n").is_ok());
}

/// Replaces the tenant's key while the first request is under way, and keeps the keys that were sent.
#[derive(Clone, Default)]
struct Rotating {
    tenant: Arc<Mutex<Option<Tenant>>>,
    sent: Arc<Mutex<Vec<String>>>,
    first: u16,
}

impl Transport for Rotating {
    fn send(&self, request: http::Request<bytes::Bytes>, _: Bounds) -> Attempt<'_> {
        let key = request.headers().get("authorization").map(|value| format!("{:?}", value.to_str()));
        let mut sent = self.sent.lock();
        sent.push(key.unwrap_or_default());
        let first = sent.len() == 1;
        Box::pin(async move {
            if let (true, Some(tenant)) = (first, self.tenant.lock().as_ref()) {
                let key = Secret::new("pk_second_0123456789")
                    .map_err(|error| AttemptError::Other(error.to_string()))?;
                tenant.set_credentials(key);
            }
            const LISTS: &[u8] = br#"{"data":[{"type":"list","id":"Y6nRLr","attributes":{"name":"Old"}}]}"#;
            let mut answer = http::Response::new(bytes::Bytes::from_static(LISTS));
            if first {
                *answer.status_mut() = http::StatusCode::from_u16(self.first).unwrap_or_default();
            }
            Ok(answer)
        })
    }
}

fn rotating(first: u16) -> Result<(Tenant, Rotating)> {
    let transport = Rotating { first, ..Rotating::default() };
    let connector = Connector::builder().transport(transport.clone()).cache(cache()).load(artifact())?;
    let tenant = Tenant::new(&connector, Secret::new("pk_first_0123456789")?);
    *transport.tenant.lock() = Some(tenant.clone());
    Ok((tenant, transport))
}

/// The component, as if its contract had the version. The lengths of the texts in the file have to stay.
fn of_contract(version: &str) -> Result<Vec<u8>> {
    assert_eq!(version.len(), CONTRACT_VERSION.len());
    let mut component = std::fs::read(artifact())?;
    let (from, to) = (format!("@{CONTRACT_VERSION}"), format!("@{version}"));
    let windows = component.windows(from.len()).enumerate();
    let found: Vec<_> = windows.filter(|(_, bytes)| *bytes == from.as_bytes()).map(|(at, _)| at).collect();
    for at in found {
        component.splice(at..at + from.len(), to.bytes());
    }
    Ok(component)
}

#[test]
fn a_component_of_a_later_contract_is_taken_if_that_is_compatible() -> Result<()> {
    let server = Server::start(Account::demo())?;
    let load = |version| -> Result<_> {
        let builder = Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache());
        Ok(builder.from_bytes(&of_contract(version)?))
    };
    let tenant = Tenant::new(&load("0.1.7")??, Secret::new(Account::DEMO_KEY)?);
    block_on(async {
        assert!(tenant.find_list("WhatsApp Opt-Ins").await?.value.is_some());
        assert!(tenant.call("lists.find", &[json!("WhatsApp Opt-Ins")]).await?.value.is_object());
        Ok(())
    })?;
    assert!(matches!(load("0.2.0")?, Err(LoadError::Exports(_))));
    Ok(())
}

#[test]
fn a_new_key_is_used_by_the_next_attempt_too() -> Result<()> {
    let (tenant, transport) = rotating(503)?;
    let answer = block_on(async { Ok(tenant.lists().await?) })?;
    assert_eq!(answer.usage.attempts, 2);
    let sent = transport.sent.lock();
    assert!(sent[0].contains("pk_first_") && sent[1].contains("pk_second_"), "{sent:?}");
    *transport.tenant.lock() = None;
    Ok(())
}

#[test]
fn a_list_of_the_account_before_is_not_remembered() -> Result<()> {
    let (tenant, transport) = rotating(200)?;
    block_on(async {
        assert!(tenant.find_list("Old").await?.value.is_some());
        assert_eq!(tenant.find_list("Old").await?.usage.requests, 1, "it was remembered for another account");
        assert_eq!(tenant.find_list("Old").await?.usage.requests, 0);
        Ok(())
    })?;
    *transport.tenant.lock() = None;
    Ok(())
}

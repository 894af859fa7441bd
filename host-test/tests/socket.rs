//! The component over real sockets, against a Klaviyo with state.

use anyhow::{Context, Result};
use host_test::component::{artifact, cache, returned};
use host_test::suite::block_on;
use klaviyo_host::types::NewProfile;
use klaviyo_host::{Connector, Egress, Pace, Secret, Tenant};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use serde_json::{Value, json};

/// A server, and the component that talks to it.
struct Stage {
    server: Server,
    connector: Connector,
}

impl Stage {
    fn start() -> Result<Self> {
        Self::with(Account::demo())
    }

    fn with(account: Account) -> Result<Self> {
        let server = Server::start(Klaviyo::from(account).rates(Rates::off()))?;
        let connector =
            Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache()).load(artifact())?;
        Ok(Self { server, connector })
    }

    fn call(&self, function: &str, arguments: &[Value]) -> Result<Value> {
        self.call_with(Account::DEMO_KEY, function, arguments)
    }

    /// Calls a function with a key; the result is `{"ok": …}` or `{"err": …}`.
    fn call_with(&self, key: &str, function: &str, arguments: &[Value]) -> Result<Value> {
        let tenant = Tenant::builder(&self.connector, Secret::new(key)?).pace(Pace::unlimited()).build();
        block_on(async { returned(tenant.call(function, arguments).await) })
    }

    fn ok(&self, function: &str, arguments: &[Value]) -> Result<Value> {
        let result = self.call(function, arguments)?;
        result.get("ok").cloned().with_context(|| format!("{function} failed: {result}"))
    }

    fn error(&self, function: &str, arguments: &[Value]) -> Result<(String, Option<u64>)> {
        code(&self.call(function, arguments)?)
    }
}

fn code(result: &Value) -> Result<(String, Option<u64>)> {
    let code = result.pointer("/err/code").and_then(Value::as_str);
    let code = code.with_context(|| format!("it succeeded: {result}"))?;
    Ok((code.to_owned(), result.pointer("/err/status").and_then(Value::as_u64)))
}

fn priya() -> Value {
    json!({ "email": "priya@example.com", "first-name": "Priya", "phone-number": "+91 98200 00001" })
}

#[test]
fn the_second_opt_in_finds_what_the_first_one_made() -> Result<()> {
    let klaviyo = Stage::start()?;
    let list = klaviyo.ok("lists.find", &[json!("WhatsApp Opt-Ins")])?;
    assert_eq!(list["id"], "Y6nRLr");

    let first = klaviyo.ok("contacts.opt-in", &[priya(), list["id"].clone()])?;
    let expected = json!({
        "profile-id": "01GMTZY2TEKN4KFRP30JZ59KGB", "profile-name": "Priya", "list-id": "Y6nRLr",
        "created": true, "warnings": [], "consent": [],
    });
    assert_eq!(first, expected);
    let requests = klaviyo.server.account().requests();

    let second = klaviyo.ok("contacts.opt-in", &[priya(), list["id"].clone()])?;
    assert_eq!(second["created"], false);
    assert_eq!(second["profile-id"], first["profile-id"]);

    let account = klaviyo.server.account();
    assert_eq!(account.requests() - requests, 2);
    assert_eq!(account.members("Y6nRLr"), ["01GMTZY2TEKN4KFRP30JZ59KGB"]);
    assert_eq!(account.profiles().len(), 1);
    assert_eq!(account.profiles()[0].attributes["phone_number"], "+919820000001");
    Ok(())
}

#[test]
fn every_identifier_finds_the_profile() -> Result<()> {
    let klaviyo = Stage::start()?;
    let email = "o'br\"ien\\+x&y=z#1%25é@exämple.com";
    let contact = json!({ "email": email, "phone-number": "+14155550100", "external-id": "shop/ 42+\"\\" });
    let created = klaviyo.ok("contacts.create", std::slice::from_ref(&contact))?;
    let id = created["created"]["id"].clone();
    for by in [
        json!({ "id": id }),
        json!({ "email": email }),
        json!({ "phone-number": "001 415 555-0100" }),
        json!({ "external-id": "shop/ 42+\"\\" }),
    ] {
        assert_eq!(klaviyo.ok("contacts.lookup", std::slice::from_ref(&by))?["id"], id, "{by}");
    }
    for by in [json!({ "id": "01ABSENT" }), json!({ "email": "nobody@example.com" })] {
        assert_eq!(klaviyo.ok("contacts.lookup", std::slice::from_ref(&by))?, Value::Null, "{by}");
    }
    assert_eq!(klaviyo.ok("contacts.create", &[contact])?, json!({ "existing": id }));
    Ok(())
}

#[test]
fn upsert_creates_then_updates_then_conflicts() -> Result<()> {
    let klaviyo = Stage::start()?;
    let properties = r#"{"plan":"pro"}"#;
    let contact = json!({ "email": "a@example.com", "first-name": "A", "properties": properties });
    assert_eq!(klaviyo.ok("contacts.upsert", &[contact])?["created"], true);
    let more = json!({ "email": "a@example.com", "last-name": "B", "properties": r#"{"n":1}"# });
    let updated = klaviyo.ok("contacts.upsert", &[more])?;
    assert_eq!(updated["created"], false);
    assert_eq!(updated["profile"]["first-name"], "A");
    assert_eq!(updated["profile"]["last-name"], "B");
    assert_eq!(updated["profile"]["properties"], r#"{"plan":"pro","n":1}"#);

    klaviyo.ok("contacts.create", &[json!({ "phone-number": "+14155550100" })])?;
    let both = json!({ "email": "a@example.com", "phone-number": "+14155550100" });
    assert_eq!(klaviyo.error("contacts.upsert", &[both])?, ("conflict".to_owned(), Some(409)));
    Ok(())
}

#[test]
fn what_klaviyo_drops_is_told() -> Result<()> {
    let klaviyo = Stage::start()?;
    // Seven digits are a number for the connector, and none for this Klaviyo.
    let contact = json!({ "email": "a@example.com", "phone-number": "+6834000" });
    let receipt = klaviyo.ok("contacts.opt-in", &[contact, json!("Y6nRLr")])?;
    assert_eq!(receipt["warnings"].as_array().map(Vec::len), Some(1));
    assert!(!klaviyo.server.account().profiles()[0].attributes.contains_key("phone_number"));
    Ok(())
}

#[test]
fn lists_are_read_to_the_last_page() -> Result<()> {
    let mut account = Account::demo();
    for n in 0..25 {
        account.add_list(&format!("L{n:05}"), &format!("List {n}"));
    }
    let klaviyo = Stage::with(account)?;
    let lists = klaviyo.ok("lists.all", &[])?;
    assert_eq!(lists.as_array().map(Vec::len), Some(28));
    assert_eq!(klaviyo.server.account().requests(), 3);
    assert_eq!(klaviyo.ok("lists.find", &[json!("List 24")])?["id"], "L00024");
    assert_eq!(klaviyo.ok("lists.find", &[json!("List 25")])?, Value::Null);
    Ok(())
}

#[test]
fn what_klaviyo_refuses_is_told_apart() -> Result<()> {
    let mut account = Account::demo();
    account.add_key("pk_reader", &["lists:read", "profiles:read"]);
    let klaviyo = Stage::with(account)?;
    let with_key = |key| code(&klaviyo.call_with(key, "contacts.opt-in", &[priya(), json!("Y6nRLr")])?);
    assert_eq!(with_key("pk_wrong")?, ("unauthenticated".to_owned(), Some(401)));
    assert_eq!(with_key("pk_reader")?, ("forbidden".to_owned(), Some(403)));
    assert_eq!(klaviyo.server.account().profiles().len(), 0);

    let nowhere = [priya(), json!("NoList")];
    assert_eq!(klaviyo.error("contacts.opt-in", &nowhere)?, ("not-found".to_owned(), Some(404)));
    let nobody = [json!("Y6nRLr"), json!(["01ABSENT"])];
    assert_eq!(klaviyo.error("contacts.subscribe", &nobody)?, ("rejected".to_owned(), Some(400)));
    let no_domain = [json!({ "email": "a@b" })];
    assert_eq!(klaviyo.error("contacts.create", &no_domain)?, ("rejected".to_owned(), Some(400)));
    Ok(())
}

#[test]
fn a_thousand_profiles_and_one_are_added_in_two_requests() -> Result<()> {
    let klaviyo = Stage::start()?;
    let mut ids = Vec::new();
    for n in 0..1001 {
        let created = klaviyo.ok("contacts.create", &[json!({ "external-id": n.to_string() })])?;
        ids.push(created["created"]["id"].clone());
    }
    let requests = klaviyo.server.account().requests();
    assert_eq!(klaviyo.ok("contacts.subscribe", &[json!("Y6nRLr"), json!(ids)])?, 1001);
    assert_eq!(klaviyo.server.account().requests() - requests, 2);
    assert_eq!(klaviyo.server.account().members("Y6nRLr").len(), 1001);
    Ok(())
}

#[test]
fn the_calls_of_a_tenant_keep_to_klaviyo_s_rates_together() -> Result<()> {
    // 10 additions to a list in a second: 25 at once take two seconds, and none is refused.
    let server = Server::start(Account::demo())?;
    let connector =
        Connector::builder().egress(Egress::endpoint(&server.url())?).cache(cache()).load(artifact())?;
    let tenant = Tenant::new(&connector, Secret::new(Account::DEMO_KEY)?);
    let contact = NewProfile { email: Some("a@example.com".to_owned()), ..NewProfile::default() };
    let waited = block_on(async {
        let profile = tenant.opt_in(&contact, "Y6nRLr", None).await?.value.profile_id;
        let mut calls = tokio::task::JoinSet::new();
        for _ in 0..25 {
            let (tenant, profiles) = (tenant.clone(), [profile.clone()]);
            calls.spawn(async move { tenant.subscribe("Y6nRLr", &profiles).await });
        }
        let mut longest = std::time::Duration::ZERO;
        while let Some(answer) = calls.join_next().await {
            let usage = answer??.usage;
            assert_eq!(usage.attempts, 1, "Klaviyo refused one");
            longest = longest.max(usage.waited);
        }
        Ok(longest)
    })?;
    assert!(waited >= std::time::Duration::from_millis(1_800), "the last one waited {waited:?}");
    assert_eq!(server.account().requests_of("add_profiles_to_list"), 26);
    Ok(())
}

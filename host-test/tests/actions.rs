//! The catalogue within the component, and its actions, run with JSON.

use anyhow::{Context, Result, ensure};
use host_test::component::{Catalogued, artifact, cache, composed, opt_in};
use host_test::replay::replay;
use host_test::suite::block_on;
use klaviyo_corpus::Corpus;
use klaviyo_host::actions::{Actions, ActionsError};
use klaviyo_host::types::Code;
use klaviyo_host::{Access, Cause, Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use serde_json::{Value, json};
use std::path::Path;

fn stage(access: Access) -> Result<(Server, Tenant)> {
    let server = Server::start(Account::demo())?;
    let egress = Egress::endpoint(&server.url())?;
    let connector = Connector::builder().egress(egress).cache(cache()).load(artifact())?;
    let tenant = Tenant::builder(&connector, Secret::new(Account::DEMO_KEY)?).access(access).build();
    Ok((server, tenant))
}

#[test]
fn the_whole_components_have_the_catalogue_of_the_file() -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../klaviyo.actions.json");
    let file: Value = serde_json::from_str(&std::fs::read_to_string(file)?)?;
    for component in [artifact(), composed()] {
        let actions = Actions::of_component(&std::fs::read(component)?)?;
        assert_eq!(*actions.document(), file);
    }
    let part = Actions::of_component(&std::fs::read(opt_in())?);
    assert!(matches!(part, Err(ActionsError::Missing)));
    Ok(())
}

/// Its names of arguments are those of the component, in its order, and what it takes and returns is what the functions do.
#[test]
fn every_call_of_the_corpus_is_the_same_as_an_action() -> Result<()> {
    let outcome = replay(&Catalogued::load(&artifact())?, &[Corpus::default().fixtures])?;
    assert_eq!(outcome.failed, []);
    Ok(())
}

/// Examples are of an account that the simulator does not have, so that Klaviyo may refuse them, but not for want of a scope.
#[test]
fn an_example_needs_no_more_than_the_scopes_of_its_action() -> Result<()> {
    let actions = Actions::of_component(&std::fs::read(artifact())?)?;
    let mut account = Account::demo();
    let key = |index: usize| format!("pk_action_{index:032}");
    for (index, action) in actions.all().iter().enumerate() {
        account.add_key(&key(index), &action.scopes.iter().map(String::as_str).collect::<Vec<_>>());
    }
    let server = Server::start(Klaviyo::from(account).rates(Rates::off()))?;
    let egress = Egress::endpoint(&server.url())?;
    let connector = Connector::builder().egress(egress).cache(cache()).load(artifact())?;
    block_on(async {
        for (index, action) in actions.all().iter().enumerate() {
            let tenant = Tenant::new(&connector, Secret::new(&key(index))?);
            let code = match tenant.run_action(&action.name, &action.example.arguments).await {
                Ok(_) => continue,
                Err(error) => error.code(),
            };
            // What `api.call` needs, nobody knows before; a host does not allow it by default.
            let expected: &[Code] =
                if action.requests.is_some() { &[Code::NotFound, Code::Rejected] } else { &[Code::Denied] };
            assert!(expected.contains(&code), "{}: {code:?}", action.name);
        }
        Ok(())
    })
}

#[test]
fn there_is_something_to_choose_from() -> Result<()> {
    let server = Server::start(Account::demo_with_history())?;
    let egress = Egress::endpoint(&server.url())?;
    let connector = Connector::builder().egress(egress).cache(cache()).load(artifact())?;
    let tenant = Tenant::new(&connector, Secret::new(Account::DEMO_KEY)?);
    block_on(async {
        for name in ["lists.all", "segments.all", "events.metrics"] {
            let choices = tenant.run_action(name, &json!({})).await?.value;
            let first = choices.get(0).with_context(|| format!("{name} has nothing to choose from"))?;
            ensure!(first["id"].is_string() && first["name"].is_string(), "{name}: {first}");
        }
        Ok(())
    })
}

#[test]
fn an_argument_that_does_not_fit_is_named_by_its_pointer() -> Result<()> {
    let (server, tenant) = stage(Access::default())?;
    let deep = (0..100).fold(json!(1), |value, _| json!([value]));
    let many: Vec<_> =
        (0..1000).map(|_| json!({ "email": "a@example.com" })).chain([json!({ "id": 1 })]).collect();
    block_on(async {
        for (action, arguments, pointer) in [
            ("", json!({}), ""),
            ("contacts", json!({}), ""),
            ("contacts.nothing", json!({}), ""),
            ("contacts.lookup\0", json!({}), ""),
            ("Contacts.Lookup", json!({}), ""),
            ("lists.all", Value::Null, ""),
            ("lists.all", json!([]), ""),
            ("lists.all", json!({ "more": 1 }), ""),
            ("lists.find", json!({}), "/name"),
            ("lists.find", json!({ "name": null }), "/name"),
            ("lists.find", json!({ "name": ["a"] }), "/name"),
            ("lists.find", json!({ "name": deep }), "/name"),
            ("lists.find", json!({ "name": "a", "Name": "a" }), ""),
            ("contacts.lookup", json!({ "by": "email" }), "/by"),
            ("contacts.lookup", json!({ "by": { "email": "a@example.com", "id": "1" } }), "/by"),
            ("contacts.lookup", json!({ "by": { "telephone/~": "1" } }), "/by"),
            ("contacts.lookup", json!({ "by": { "email": 1 } }), "/by/email"),
            ("contacts.lookup-many", json!({ "identifiers": many }), "/identifiers/1000/id"),
            (
                "contacts.create",
                json!({ "profile": { "location": { "zip": 400_001 } } }),
                "/profile/location/zip",
            ),
            ("contacts.create", json!({ "profile": { "location": { "street": "x" } } }), "/profile/location"),
            ("contacts.subscribe", json!({ "list": "Y6nRLr" }), "/profiles"),
            ("events.history", json!({ "by": { "id": "1" }, "period": { "limit": 1.5 } }), "/period/limit"),
            ("events.history", json!({ "by": { "id": "1" }, "period": { "limit": "NaN" } }), "/period/limit"),
            ("events.history", json!({ "by": { "id": "1" }, "period": { "limit": -1 } }), "/period/limit"),
            (
                "events.history",
                json!({ "by": { "id": "1" }, "period": { "limit": 4_294_967_296_u64 } }),
                "/period/limit",
            ),
        ] {
            let error = tenant.run_action(action, &arguments).await.err().context(action)?;
            let Cause::Arguments(argument) = &error.cause else { anyhow::bail!("{action}: {error:?}") };
            assert_eq!((argument.pointer.as_str(), error.usage.requests), (pointer, 0), "{action}");
            let contract = error.clone().into_contract();
            assert_eq!(contract.code, Code::InvalidInput);
            let told =
                contract.details.first().and_then(|detail| detail.pointer.as_deref()).unwrap_or_default();
            assert_eq!(told, pointer);
        }
        assert_eq!(server.requests(), 0);
        Ok(())
    })
}

#[test]
fn an_error_repeats_no_value_and_little_of_a_name() -> Result<()> {
    let (_server, tenant) = stage(Access::default())?;
    let long = "priya@example.com".repeat(1000);
    block_on(async {
        for arguments in
            [json!({ "name": [long] }), json!({ "name": "a", &long: 1 }), json!({ "name": { &long: 1 } })]
        {
            let message =
                tenant.run_action("lists.find", &arguments).await.err().context("it is refused")?.to_string();
            assert!(message.len() < 300, "{message}");
        }
        let by = json!({ "by": { "email": ["priya@example.com"] } });
        let message =
            tenant.run_action("contacts.lookup", &by).await.err().context("it is refused")?.to_string();
        assert!(!message.contains("priya"), "{message}");
        Ok(())
    })
}

#[test]
fn an_action_keeps_to_access_limits_and_the_contracts_errors() -> Result<()> {
    let (server, tenant) = stage(Access::only(["lists.find", "contacts"]))?;
    let code = async |action: &str, arguments: Value| {
        tenant.run_action(action, &arguments).await.err().map(|error| error.code())
    };
    block_on(async {
        assert_eq!(code("lists.all", json!({})).await, Some(Code::Denied));
        assert_eq!(code("klaviyo:connector/lists@0.1.0#all", json!({})).await, Some(Code::Denied));
        let api = json!({ "request": { "method": "get", "path": "/api/lists" } });
        assert_eq!(code("api.call", api).await, Some(Code::Denied));
        // A text of the right type is the component's to judge.
        assert_eq!(
            code("contacts.lookup", json!({ "by": { "phone-number": "NaN" } })).await,
            Some(Code::InvalidInput)
        );
        let huge = json!({ "name": "x".repeat(64 << 20) });
        assert!(matches!(code("lists.find", huge).await, Some(Code::Other | Code::InvalidInput)));
        assert_eq!(server.requests(), 0);
        assert_eq!(code("lists.find", json!({ "name": "Nothing" })).await, None);
        let gone = json!({ "id": "01GMTZY2TEKN4KFRP30JZ59KGX", "changes": [{ "clear": "title" }] });
        assert_eq!(code("contacts.update", gone).await, Some(Code::NotFound));
        Ok(())
    })
}

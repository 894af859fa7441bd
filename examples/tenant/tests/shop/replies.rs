//! What a shop's code answers.

use crate::{block_on, code, component, klaviyo, shop};
use anyhow::{Context, Result};
use klaviyo_host::types::{Identifier, NewEvent};
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Account, Channel, Klaviyo, Server};
use serde_json::json;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What the connector is to the shop's own systems.
fn webshop(url: &str) -> Result<Tenant> {
    let connector = Connector::builder()
        .egress(Egress::endpoint(url)?)
        .from_bytes(&std::fs::read(component("klaviyo.wasm"))?)?;
    Ok(Tenant::new(&connector, Secret::new(Account::DEMO_KEY)?))
}

#[test]
fn it_promises_messages_only_where_the_consent_was_taken() -> Result<()> {
    let mut without = Account::demo();
    without.lacks_channel(Channel::WhatsApp);
    let mut replies = Vec::new();
    for account in [Account::demo(), without] {
        let server = Server::start(Klaviyo::from(account).job_delay(Duration::ZERO))?;
        let shop = shop(&code()?, Account::DEMO_KEY, &server.url())?;
        replies.push(block_on(shop.on_message("+919820000001", "Priya", "subscribe"))??);
        let account = server.account();
        let priya = &account.profiles()[0];
        let is_given = account.members("Y6nRLr").len() == 1 && priya.consent(Channel::WhatsApp).is_given();
        assert_eq!(is_given, replies.len() == 1);
    }
    assert_ne!(replies[0], replies[1]);
    assert!(replies.iter().all(|reply| reply.contains("Priya")), "{replies:?}");
    Ok(())
}

#[test]
fn it_greets_by_what_the_person_ordered_last() -> Result<()> {
    let server = klaviyo()?;
    let shop = shop(&code()?, Account::DEMO_KEY, &server.url())?;
    let webshop = webshop(&server.url())?;
    let say = |text: &str| block_on(shop.on_message("+919820000001", "Priya", text))?;
    say("subscribe")?;
    let before = say("hello")?;
    for (metric, day, item) in [
        ("Placed Order", "2026-01-03", "Hat"),
        ("Placed Order", "2026-01-05", "Wool socks"),
        ("Viewed Product", "2026-01-07", "Rain jacket"),
    ] {
        let event = NewEvent {
            metric: metric.to_owned(),
            profile: Identifier::PhoneNumber("+919820000001".to_owned()),
            unique_id: day.to_owned(),
            time: Some(format!("{day}T18:20:45Z")),
            value: None,
            value_currency: None,
            properties: Some(json!({ "Items": [{ "ProductName": item }] }).to_string()),
        };
        block_on(webshop.track(&event))??;
    }
    let after = say("hello")?;
    assert!(before.contains("Priya") && after.contains("Priya"), "{before} {after}");
    assert!(after.contains("Wool socks") && !before.contains("Wool socks"), "{before} {after}");
    assert!(!after.contains("Hat") && !after.contains("Rain jacket"), "{after}");
    Ok(())
}

/// The output that the README shows below the example's command.
fn shown(readme: &str) -> Result<String> {
    let (_, output) =
        readme.split_once("$ target/debug/klaviyo-example-tenant\n").context("the README has the command")?;
    Ok(output.split_inclusive('\n').take_while(|line| !line.starts_with("```")).collect())
}

#[test]
fn the_example_prints_what_the_readme_shows() -> Result<()> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = std::fs::read_to_string(here.join("README.md"))?;
    let server = klaviyo()?;
    let run = || -> Result<String> {
        let output = Command::new(env!("CARGO_BIN_EXE_klaviyo-example-tenant"))
            .current_dir(here.join("../.."))
            .env("KLAVIYO_ENDPOINT", server.url())
            .env("KLAVIYO_API_KEY", Account::DEMO_KEY)
            .output()?;
        Ok(String::from_utf8(output.stdout)?)
    };
    let (first, again) = readme.split_once("klaviyo-connector track").context("the README has an order")?;
    assert_eq!(run()?, shown(first)?);

    let (_, properties) = again.split_once("--properties '").context("the order has properties")?;
    let (properties, _) = properties.split_once('\'').context("the properties end")?;
    let order = NewEvent {
        metric: "Placed Order".to_owned(),
        profile: Identifier::PhoneNumber("+919820000001".to_owned()),
        unique_id: "1004".to_owned(),
        time: None,
        value: None,
        value_currency: None,
        properties: Some(properties.to_owned()),
    };
    block_on(webshop(&server.url())?.track(&order))??;
    assert_eq!(run()?, shown(again)?);
    Ok(())
}

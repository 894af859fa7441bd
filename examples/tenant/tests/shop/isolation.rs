//! What a shop's code cannot do: see the key, reach the network, act for another shop, or hold anybody up.

use crate::{OTHER_KEY, block_on, code, component, klaviyo, shop};
use anyhow::{Context, Result};
use klaviyo_compose::Imports;
use klaviyo_example_tenant::Shop;
use klaviyo_host::{Access, Cause, Connector, Egress, Limit, Limits, LoadError, Secret, Tenant};
use klaviyo_mock::Account;
use serde_json::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;

#[test]
fn it_looks_up_and_opts_in_for_its_own_shop_alone() -> Result<()> {
    let server = klaviyo()?;
    let code = code()?;
    let (one, other) =
        (shop(&code, Account::DEMO_KEY, &server.url())?, shop(&code, OTHER_KEY, &server.url())?);
    let say = |shop: &Shop, text: &str| block_on(shop.on_message("+919820000001", "Priya", text))?;
    let said: Result<Vec<String>> = [
        say(&one, "hello"),
        say(&one, "subscribe"),
        say(&one, "hello"),
        // The same person, the same code, another account: nobody is known there.
        say(&other, "hello"),
    ]
    .into_iter()
    .collect();
    let said = said?;
    assert_eq!(said[0], said[3]);
    assert!(said[1].contains("Priya") && said[2].contains("Priya") && !said[3].contains("Priya"), "{said:?}");
    assert_eq!(server.account().members("Y6nRLr").len(), 1);
    let other = server.account_of(OTHER_KEY).context("there is another account")?;
    assert_eq!((other.profiles().len(), other.members("Y6nRLr").len()), (0, 0));
    Ok(())
}

#[test]
fn the_key_is_not_in_its_reach_if_the_server_sends_it_back_as_it_was_sent() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}", listener.local_addr()?);
    let server = std::thread::spawn(move || -> Result<String> {
        let (stream, _) = listener.accept()?;
        let mut lines = BufReader::new(stream.try_clone()?).lines();
        let request: Vec<String> =
            lines.by_ref().map_while(Result::ok).take_while(|line| !line.is_empty()).collect();
        let request = request.join(" ");
        // The code of the shop shows what Klaviyo says, in an error.
        let body =
            format!("{{\"errors\":[{{\"code\":\"x\",\"detail\":\"{}\"}}]}}", request.replace('"', "'"));
        let head = format!(
            "HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\nconnection: close\r\n\r\n",
            body.len()
        );
        (&stream).write_all((head + &body).as_bytes())?;
        Ok(request)
    });
    let shop = shop(&code()?, Account::DEMO_KEY, &url)?;
    let said = block_on(shop.on_message("+919820000001", "Priya", "hello"))??;
    let request = server.join().map_err(|_| anyhow::anyhow!("the server panicked"))??;
    assert!(request.contains(Account::DEMO_KEY));
    assert!(said.contains("Klaviyo-API-Key ****") && !said.contains(Account::DEMO_KEY), "{said}");
    Ok(())
}

#[test]
fn code_that_imports_more_than_the_connector_is_refused_and_the_import_is_named() -> Result<()> {
    for import in [
        "wasi:http/outgoing-handler@0.2.0",
        "wasi:sockets/tcp@0.2.0",
        "wasi:cli/environment@0.2.0",
        "wasi:filesystem/preopens@0.2.0",
    ] {
        let code = wat::parse_str(format!(r#"(component (import "{import}" (instance)))"#))?;
        let refusal = shop(&code, Account::DEMO_KEY, "http://127.0.0.1:1").err().context("it was taken")?;
        let refusal =
            refusal.downcast_ref::<klaviyo_compose::ComposeError>().context("it was another error")?;
        assert!(
            matches!(refusal, klaviyo_compose::ComposeError::NotExported { import: named, .. } if named == import),
            "{refusal}"
        );
    }
    Ok(())
}

#[test]
fn code_that_imports_what_no_shop_may_have_is_refused_and_the_import_is_named() -> Result<()> {
    for interface in ["http", "api", "bulk", "consent", "no-such-interface"] {
        let import = format!("klaviyo:connector/{interface}@0.1.0");
        let code = wat::parse_str(format!(r#"(component (import "{import}" (instance)))"#))?;
        let refusal = shop(&code, Account::DEMO_KEY, "http://127.0.0.1:1").err().context("it was taken")?;
        let refusal =
            refusal.downcast_ref::<klaviyo_compose::ComposeError>().context("it was another error")?;
        assert!(
            matches!(refusal, klaviyo_compose::ComposeError::NotAllowed { import: named, .. } if *named == import),
            "{refusal}"
        );
    }
    Ok(())
}

#[test]
fn code_may_call_what_its_tenant_may_and_not_all_that_it_imports() -> Result<()> {
    let server = klaviyo()?;
    let connector = std::fs::read(component("klaviyo.wasm"))?;
    let composed = klaviyo_compose::with_tenant_code(&connector, &code()?, &Imports::default())?;
    let connector = Connector::builder()
        .limits(Limits { components: 2, ..Limits::default() })
        .egress(Egress::endpoint(&server.url())?)
        .from_bytes(&composed)?;
    let tenant = Tenant::builder(&connector, Secret::new(Account::DEMO_KEY)?)
        .access(Access::only(["contacts.lookup"]))
        .build();
    let say = |text: &str| -> Result<String> {
        let message = [json!("+919820000001"), json!("Priya"), json!(text)];
        let answer = block_on(tenant.call("shop:code/automation@0.1.0#on-message", &message))??;
        Ok(answer.value.as_str().context("the answer is a text")?.to_owned())
    };
    let greeting = say("hello")?;
    assert_eq!(server.account().requests(), 1);
    let refused = say("subscribe")?;
    assert!(refused.contains("contacts.opt-in") && refused.contains("Access::only"), "{refused}");
    assert_eq!(server.account().requests(), 1);
    assert_eq!(server.account().profiles().len(), 0);
    assert_eq!(say("hello")?, greeting);
    Ok(())
}

/// A shop's code whose `on-message` does this.
fn misbehaving(body: &str) -> Result<Vec<u8>> {
    returning("string", body)
}

/// One that returns something of this type.
fn returning(ty: &str, body: &str) -> Result<Vec<u8>> {
    Ok(wat::parse_str(format!(
        r#"(component
            (core module $code
              (memory (export "memory") 1)
              (func (export "realloc") (param i32 i32 i32 i32) (result i32) i32.const 1024)
              (func (export "on-message") (param i32 i32 i32 i32 i32 i32) (result i32) {body}))
            (core instance $code (instantiate $code))
            (func $on-message (param "from" string) (param "name" string) (param "text" string) (result {ty})
              (canon lift (core func $code "on-message") (memory (core memory $code "memory"))
                (realloc (core func $code "realloc"))))
            (instance $automation (export "on-message" (func $on-message)))
            (export "shop:code/automation@0.1.0" (instance $automation)))"#
    ))?)
}

#[test]
fn code_that_misbehaves_ends_its_own_call_and_no_other() -> Result<()> {
    let server = klaviyo()?;
    let good = shop(&code()?, Account::DEMO_KEY, &server.url())?;
    for (body, limit) in [
        ("(loop $again (br $again)) unreachable", Some(Limit::Cpu)),
        (
            "(loop $again (br_if $again (i32.ge_s (memory.grow (i32.const 16)) (i32.const 0)))) unreachable",
            Some(Limit::Memory),
        ),
        // Alone it could have 64 MiB, but the connector has memory too.
        (
            "(if (i32.lt_s (memory.grow (i32.const 1023)) (i32.const 0)) (then unreachable)) i32.const 0",
            Some(Limit::Memory),
        ),
        ("unreachable", None),
        // A text at the end of the memory, longer than what is left there.
        (
            "(i32.store (i32.const 0) (i32.const 65535)) (i32.store (i32.const 4) (i32.const 9)) i32.const 0",
            None,
        ),
    ] {
        let bad = shop(&misbehaving(body)?, Account::DEMO_KEY, &server.url())?;
        for _ in 0..2 {
            let error = block_on(bad.on_message("+1", "x", "x"))?.err().context("it returned")?;
            let error = error.downcast::<klaviyo_host::Error>()?;
            match (&error.cause, limit) {
                (Cause::Limit { limit: ran_into, .. }, Some(limit)) if *ran_into == limit => {}
                (Cause::Trap(_), None) => {}
                _ => panic!("{body}: {error}"),
            }
        }
        let said = block_on(good.on_message("+919820000001", "Priya", "hello"))??;
        assert!(said.starts_with("Hello"), "{said}");
    }
    Ok(())
}

#[test]
fn a_result_that_is_small_for_the_code_and_large_for_the_host_is_not_taken() -> Result<()> {
    // A byte for each element, which as JSON is an object.
    let body = "(drop (memory.grow (i32.const 63))) (i32.store (i32.const 0) (i32.const 65536)) \
                (i32.store (i32.const 4) (i32.const 800000)) i32.const 0";
    let shop = shop(&returning("(list (result))", body)?, Account::DEMO_KEY, "http://127.0.0.1:1")?;
    let error = block_on(shop.on_message("+1", "x", "x"))?.err().context("it returned")?;
    let error = error.downcast::<klaviyo_host::Error>()?;
    assert!(matches!(error.cause, Cause::Limit { limit: Limit::HostcallFuel, .. }), "{error}");
    Ok(())
}

#[test]
fn two_components_need_a_limit_that_allows_them() -> Result<()> {
    let connector = std::fs::read(component("klaviyo.wasm"))?;
    let composed = klaviyo_compose::with_tenant_code(&connector, &code()?, &Imports::default())?;
    let refusal = klaviyo_host::Connector::builder().from_bytes(&composed).err().context("it was taken")?;
    assert!(matches!(refusal, LoadError::Compile(_)), "{refusal}");
    Ok(())
}

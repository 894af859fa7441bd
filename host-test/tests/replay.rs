//! The replayer itself: whatever differs is found, and the command says so.

use anyhow::Result;
use host_test::Subject;
use host_test::component::{Component, artifact};
use host_test::native::Native;
use host_test::replay::case;
use serde_json::{Value, json};
use std::process::{Command, Output};
use tempfile::TempDir;

/// A fixture that passes.
fn fixture() -> Value {
    json!({
        "name": "subscribe",
        "call": { "function": "contacts.subscribe", "arguments": ["Y6nRLr", ["01X"]] },
        "exchanges": [{
            "request": {
                "method": "POST",
                "url": "https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/",
                "headers": { "Revision": "2025-01-15", "content-type": "application/vnd.api+json" },
                "auth": "Klaviyo-API-Key",
                "json": { "data": [{ "id": "01X", "type": "profile" }] },
            },
            "response": { "status": 204 },
        }],
        "returns": { "ok": 1 },
    })
}

/// The fixture with one value replaced, as `case` judges it.
fn with(pointer: &str, value: Value) -> Result<()> {
    let mut fixture = fixture();
    let (parent, name) = pointer.rsplit_once('/').unwrap_or(("", pointer));
    match fixture.pointer_mut(parent) {
        Some(Value::Object(object)) => drop(object.insert(name.to_owned(), value)),
        Some(Value::Array(array)) => array.push(value),
        other => anyhow::bail!("{parent} is {other:?}"),
    }
    case(&Native, &fixture.to_string())
}

#[test]
fn a_case_that_goes_as_written_passes() -> Result<()> {
    with("/name", json!("same"))?;
    // What may differ: the slash at the end, the spelling of the URL, the order of members.
    let url = "/exchanges/0/request/url";
    with(url, json!("https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles"))?;
    with(url, json!("https://a.klaviyo.com/api/lists/%59%36nRLr/relationships/profiles/"))?;
    Ok(())
}

#[test]
fn whatever_differs_fails() -> Result<()> {
    let request = "/exchanges/0/request";
    let again = fixture().pointer("/exchanges/0").cloned().unwrap_or_default();
    for (pointer, value) in [
        (format!("{request}/method"), json!("PATCH")),
        (format!("{request}/auth"), json!("Bearer")),
        (format!("{request}/url"), json!("https://a.klaviyo.com/api/lists/Other/relationships/profiles/")),
        (format!("{request}/url"), json!("http://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/")),
        (format!("{request}/url"), json!("https://b.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/")),
        (
            format!("{request}/url"),
            json!("https://a.klaviyo.com/api/lists/Y6nRLr/relationships/profiles/?a=b"),
        ),
        (format!("{request}/url"), json!("https://a.klaviyo.com/api/lists%2FY6nRLr/relationships/profiles/")),
        (format!("{request}/headers/revision"), json!("2026-01-15")),
        (format!("{request}/headers/x-more"), json!("")),
        (format!("{request}/json"), json!({ "data": [] })),
        (format!("{request}/json"), json!({ "data": [{ "id": "01X", "type": "profile", "x": 1 }] })),
        ("/exchanges/-".to_owned(), again),
        ("/exchanges".to_owned(), json!([])),
        ("/returns".to_owned(), json!({ "ok": 2 })),
        ("/returns".to_owned(), json!({ "err": { "code": "other" } })),
        ("/call/function".to_owned(), json!("contacts.nothing")),
        ("/call/function".to_owned(), json!("lists.all")),
        ("/call/arguments".to_owned(), json!([7, ["01X"]])),
        ("/call/arguments".to_owned(), json!(["Y6nRLr"])),
        ("/call/arguments".to_owned(), json!(["Y6nRLr", ["01X"], null])),
        ("/exchanges/0/response".to_owned(), json!({ "status": 204, "text": "", "json": {} })),
        ("/exchanges/0/response".to_owned(), json!({ "status": 204, "error": { "timeout": "" } })),
        ("/exchanges/0/response".to_owned(), json!({})),
        ("/exchanges/0/response".to_owned(), json!({ "status": 204, "base64": "?" })),
        ("/exchanges/0/response/statsu".to_owned(), json!(204)),
        ("/unknown".to_owned(), json!(1)),
    ] {
        assert!(with(&pointer, value.clone()).is_err(), "{pointer} = {value} passed");
    }
    Ok(())
}

#[test]
fn a_number_keeps_its_digits_in_what_is_compared_as_in_what_is_played() {
    let passes = |digits: &str, expected: &str| {
        let text = format!(
            r#"{{
                "name": "digits",
                "call": {{
                    "function": "contacts.upsert",
                    "arguments": [{{ "external-id": "1", "properties": "{{\"n\":{digits}}}" }}]
                }},
                "exchanges": [{{
                    "request": {{
                        "method": "POST", "url": "https://a.klaviyo.com/api/profile-import/", "auth": "Klaviyo-API-Key",
                        "json": {{ "data": {{ "type": "profile", "attributes": {{
                            "external_id": "1", "properties": {{ "n": {expected} }}
                        }} }} }}
                    }},
                    "response": {{
                        "status": 200,
                        "json": {{ "data": {{ "id": "01X", "attributes": {{ "properties": {{ "n": {digits} }} }} }} }}
                    }}
                }}],
                "returns": {{ "ok-includes": {{ "profile": {{ "properties": "{{\"n\":{expected}}}" }} }} }}
            }}"#
        );
        case(&Native, &text).is_ok()
    };
    assert!(passes("12345678901234567890.10", "12345678901234567890.10"));
    assert!(!passes("12345678901234567890.10", "12345678901234567890.1"));
    assert!(!passes("12345678901234567890", "12345678901234567891"));
}

#[test]
fn included_fields_are_compared_at_every_depth() -> Result<()> {
    let mut lookup = json!({
        "name": "lookup",
        "call": { "function": "contacts.lookup", "arguments": [{ "id": "01X" }] },
        "exchanges": [{
            "request": { "method": "GET", "url": "https://a.klaviyo.com/api/profiles/01X/", "auth": "Klaviyo-API-Key" },
            "response": { "status": 200, "json": { "data": { "id": "01X", "attributes": { "email": "a@b" } } } },
        }],
    });
    for (returns, passes) in [
        (json!({ "ok-includes": { "email": "a@b" } }), true),
        (json!({ "ok-includes": { "email": "a@b", "warnings": [] } }), true),
        (json!({ "ok-includes": { "last-name": null } }), true),
        (json!({ "ok-includes": { "email": "b@a" } }), false),
        (json!({ "ok-includes": { "warnings": ["x"] } }), false),
        (json!({ "ok-includes": { "unheard-of": 1 } }), false),
        (json!({ "ok": { "id": "01X", "email": "a@b", "properties": "{}", "warnings": [] } }), true),
        (json!({ "ok": { "id": "01X", "email": "a@b", "properties": "{}" } }), true),
        (json!({ "ok": { "id": "01X", "email": "a@b", "warnings": [] } }), false),
        (json!({ "ok": { "id": "01X", "email": "a@b", "properties": "{}", "warnings": null } }), false),
        (json!({ "ok": { "id": "01X" } }), false),
    ] {
        lookup["returns"] = returns.clone();
        assert_eq!(case(&Native, &lookup.to_string()).is_ok(), passes, "{returns}");
    }
    Ok(())
}

/// Replays a call natively and in wasmtime, where it goes alike.
fn both(arguments: Value, returns: Value) -> Result<()> {
    let call = json!({ "function": "consent.revoke", "arguments": arguments });
    let fixture = json!({ "name": "revoke", "call": call, "returns": returns }).to_string();
    let subjects: [&dyn Subject; 2] = [&Native, &Component::load(&artifact())?];
    let [native, wasmtime] = subjects.map(|subject| case(subject, &fixture).err());
    assert_eq!(native.is_some(), wasmtime.is_some(), "natively {native:?}, in wasmtime {wasmtime:?}");
    native.map_or(Ok(()), Err)
}

#[test]
fn arguments_and_fields_may_be_left_out() -> Result<()> {
    // The list, and everything that is empty in what is returned.
    both(json!([[]]), json!({ "ok": { "accepted": 0 } }))?;
    // The channels, of which there is then none.
    let refused = json!({ "ok-includes": { "accepted": 0, "refused": [{ "index": 0 }] } });
    both(json!([[{ "email": "a@b.co" }]]), refused.clone())?;
    for wrong in [json!([]), json!([[{ "email": "a@b.co", "channels": null }]]), json!([[], null, null])] {
        assert!(both(wrong.clone(), refused.clone()).is_err(), "{wrong} passed");
    }
    Ok(())
}

fn command(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_host-test")).args(arguments).output()?)
}

#[test]
fn the_command_counts_names_what_failed_and_exits_1() -> Result<()> {
    let folder = TempDir::new()?;
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text);
    std::fs::create_dir(folder.path().join("deeper"))?;
    write("good.json", &fixture().to_string())?;
    write("not-a-fixture.json", "{}")?;
    write("notes.txt", "not read")?;
    let mut wrong = fixture();
    wrong["returns"] = json!({ "ok": 3 });
    write("deeper/wrong.json", &wrong.to_string())?;

    let output = command(&["replay", "--native", &folder.path().to_string_lossy()])?;
    let text = String::from_utf8(output.stdout)?;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert_eq!(lines.last(), Some(&"1 passed, 2 failed"));
    assert_eq!(lines.len(), 3, "{text}");
    let missing = folder.path().join("missing.json");
    let good = folder.path().join("good.json");
    let output = command(&["replay", "--native", &missing.to_string_lossy(), &good.to_string_lossy()])?;
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8(output.stdout)?.lines().last(), Some("1 passed, 1 failed"));
    assert!(lines[0].contains("wrong.json") && lines[0].contains("expected 3, got 1"), "{text}");
    assert!(lines[1].contains("not-a-fixture.json"), "{text}");
    Ok(())
}

#[test]
fn what_cannot_be_replayed_is_one_line_and_exit_1() -> Result<()> {
    let empty = TempDir::new()?;
    let empty = empty.path().to_string_lossy().into_owned();
    let not_wasm = format!("{}/Cargo.toml", env!("CARGO_MANIFEST_DIR"));
    let fixtures = format!("{}/fixtures", env!("CARGO_MANIFEST_DIR"));
    for arguments in [
        &["replay", "--native", &empty][..],
        &["replay", "--component", "/nowhere.wasm", &fixtures],
        &["replay", "--component", &not_wasm, &fixtures],
    ] {
        let output = command(arguments)?;
        let text = String::from_utf8(output.stderr)?;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}: {text}");
        assert_eq!(text.lines().count(), 1, "{arguments:?}: {text}");
    }
    Ok(())
}

//! `replay --bless`: what it rewrites, and what it refuses.

use anyhow::{Context, Result};
use klaviyo_corpus::Corpus;
use klaviyo_replay::bless::{Blessing, bless};
use klaviyo_replay::native::Native;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

/// A corpus in a folder: two functions to which Klaviyo answers 500, and what that means.
fn corpus() -> Result<(TempDir, Corpus)> {
    let folder = TempDir::new()?;
    let at = |name: &str| folder.path().join(name);
    let corpus = Corpus { fixtures: at("fixtures"), answers: at("answers"), calls: at("calls") };
    std::fs::create_dir(&corpus.fixtures)?;
    let unavailable = json!({ "code": "unavailable", "status": 500 });
    write(
        &corpus.answers.join("any/500.json"),
        &json!({
            "name": "an error of Klaviyo's", "response": { "status": 500 }, "err": unavailable,
        }),
    )?;
    let get = |url: &str| json!({ "method": "GET", "url": url, "auth": "Klaviyo-API-Key" });
    write(
        &corpus.calls.join("lists/all.json"),
        &json!({
            "function": "lists.all",
            "stages": [{ "request": get("https://a.klaviyo.com/api/lists"), "answers": ["any"] }],
        }),
    )?;
    write(
        &corpus.calls.join("bulk/status.json"),
        &json!({
            "function": "bulk.status",
            "arguments": ["a"],
            "err": { "done": 0 },
            "stages": [{
                "request": get("https://a.klaviyo.com/api/profile-bulk-import-jobs/a"),
                "answers": ["any"],
            }],
        }),
    )?;
    Ok((folder, corpus))
}

fn write(file: &Path, value: &Value) -> Result<()> {
    std::fs::create_dir_all(file.parent().context("a folder")?)?;
    Ok(std::fs::write(file, value.to_string())?)
}

fn read(file: &Path) -> Result<Value> {
    Ok(serde_json::from_str(&std::fs::read_to_string(file)?)?)
}

fn change(file: &Path, pointer: &str, value: Value) -> Result<()> {
    let mut document = read(file)?;
    *document.pointer_mut(pointer).context("a value")? = value;
    write(file, &document)
}

fn blessed(corpus: &Corpus) -> Result<Blessing> {
    bless(&Native, corpus, std::slice::from_ref(&corpus.fixtures))
}

/// A fixture of a lookup.
fn lookup(returns: Value) -> Value {
    json!({
        "name": "lookup",
        "call": { "function": "contacts.lookup", "arguments": [{ "id": "01X" }] },
        "exchanges": [{
            "request": {
                "method": "GET",
                "url": "https://a.klaviyo.com/api/profiles/01X",
                "headers": { "accept": "text/html", "x-more": "" },
                "auth": "Klaviyo-API-Key",
                "body": "none",
            },
            "response": { "status": 200, "json": { "data": { "id": "01X", "attributes": { "email": "a@b" } } } },
        }],
        "returns": returns,
    })
}

#[test]
fn what_passes_is_not_touched() -> Result<()> {
    let (_folder, corpus) = corpus()?;
    let blessing = blessed(&corpus)?;
    assert_eq!((blessing.rewritten.len(), blessing.outcome.passed), (0, 2), "{:?}", blessing.outcome.failed);
    Ok(())
}

#[test]
fn the_requests_and_the_listed_fields_of_a_file_are_rewritten() -> Result<()> {
    let (_folder, corpus) = corpus()?;
    let file = corpus.fixtures.join("lookup.json");
    write(&file, &lookup(json!({ "ok-includes": { "email": "b@a", "unheard-of": 1 } })))?;
    let blessing = blessed(&corpus)?;
    assert_eq!((blessing.rewritten, blessing.outcome.passed), (vec![file.clone()], 3));
    let now = read(&file)?;
    assert_eq!(now["returns"], json!({ "ok-includes": { "email": "a@b", "unheard-of": null } }));
    let request = json!({
        // As a person wrote it: it is the same.
        "url": "https://a.klaviyo.com/api/profiles/01X",
        "method": "GET",
        "headers": { "accept": "application/vnd.api+json" },
        "auth": "Klaviyo-API-Key",
    });
    assert_eq!(now["exchanges"][0]["request"], request);

    write(&file, &lookup(json!({ "ok": {} })))?;
    assert_eq!(blessed(&corpus)?.outcome.failed, []);
    assert_eq!(read(&file)?["returns"]["ok"]["id"], "01X");
    Ok(())
}

#[test]
fn what_would_be_another_case_is_refused() -> Result<()> {
    let (_folder, corpus) = corpus()?;
    let file = corpus.fixtures.join("lookup.json");
    let mut twice = lookup(json!({ "ok": null }));
    let exchange = twice["exchanges"][0].clone();
    twice["exchanges"].as_array_mut().context("exchanges")?.push(exchange);
    for (text, why) in [
        (lookup(json!({ "err": { "code": "other" } })).to_string(), "and not err"),
        (twice.to_string(), "1 requests instead of 2"),
        (lookup(json!({ "ok": 1.0 })).to_string().replace("1.0", "1.00000000000000000000001"), "another way"),
    ] {
        std::fs::write(&file, &text)?;
        let blessing = blessed(&corpus)?;
        assert_eq!((blessing.rewritten.len(), blessing.outcome.passed), (0, 2));
        let [(_, refusal)] = blessing.outcome.failed.as_slice() else { anyhow::bail!("it was blessed") };
        assert!(refusal.contains(why), "{refusal}");
        assert_eq!(std::fs::read_to_string(&file)?, text);
    }
    Ok(())
}

#[test]
fn an_answer_and_a_call_are_rewritten_once_for_all_their_cases() -> Result<()> {
    let (_folder, corpus) = corpus()?;
    let (answer, call) = (corpus.answers.join("any/500.json"), corpus.calls.join("bulk/status.json"));
    change(&answer, "/err/code", json!("other"))?;
    change(&call, "/err/done", json!(7))?;
    change(&call, "/stages/0/request/url", json!("https://a.klaviyo.com/api/jobs/a"))?;
    // The cases of one function are enough to find it.
    let blessing = bless(&Native, &corpus, &[corpus.fixtures.join("bulk/status")])?;
    assert_eq!((blessing.rewritten, blessing.outcome.passed), (vec![answer.clone(), call.clone()], 1));
    assert_eq!(read(&answer)?["err"], json!({ "code": "unavailable", "status": 500 }));
    assert_eq!(read(&call)?["err"], json!({ "done": 0 }));
    assert_eq!(blessed(&corpus)?.outcome.passed, 2);
    Ok(())
}

#[test]
fn an_answer_that_means_two_things_is_left_alone() -> Result<()> {
    let (_folder, corpus) = corpus()?;
    let answer = corpus.answers.join("any/500.json");
    // One function finds no list there, the other one no job.
    change(&answer, "/response", json!({ "status": 200, "json": { "data": {} } }))?;
    change(&answer, "/err", json!({ "code": "malformed", "message": "?" }))?;
    let before = std::fs::read_to_string(&answer)?;
    let blessing = blessed(&corpus)?;
    assert_eq!(blessing.rewritten.len(), 0);
    assert!(!blessing.outcome.failed.is_empty());
    assert_eq!(std::fs::read_to_string(&answer)?, before);
    Ok(())
}

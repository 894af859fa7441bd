//! The demo as the command runs it.

use anyhow::Result;
use klaviyo_mock::Account;
use serde_json::{Value, json};
use std::process::{Command, Output};

fn demo(arguments: &[&str]) -> Result<Output> {
    Ok(Command::new(env!("CARGO_BIN_EXE_host-test")).arg("demo").args(arguments).output()?)
}

#[test]
fn the_story_goes_as_the_guide_tells_it() -> Result<()> {
    let output = demo(&["--json"])?;
    assert!(output.status.success());
    let story: Value = serde_json::from_slice(&output.stdout)?;
    let exchanges = |chapter: usize| -> Vec<String> {
        let exchanges = story["chapters"][chapter]["exchanges"].as_array().cloned().unwrap_or_default();
        let path = |e: &Value| e["url"].as_str().and_then(|url| url.split(['?']).next()).map(str::to_owned);
        let line = |e: &Value| format!("{} {} {}", e["method"], path(e).unwrap_or_default(), e["status"]);
        exchanges.iter().map(|e| line(e).replace(['"'], "").replace("https://a.klaviyo.com", "")).collect()
    };
    let subscribe = "POST /api/lists/Y6nRLr/relationships/profiles/ 204";
    assert_eq!(exchanges(0), ["GET /api/lists/ 200"]);
    let (found, created) = ("GET /api/profiles/ 200", "POST /api/profiles/ 201");
    let consent = "POST /api/profile-subscription-bulk-create-jobs/ 202";
    assert_eq!(exchanges(1), [found, created, subscribe, consent, found]);
    assert_eq!(exchanges(2), [found, subscribe, consent, found]);
    assert_eq!(exchanges(3), ["GET /api/profiles/ 401"]);
    assert_eq!(exchanges(4), ["POST /api/events/ 202"]);
    assert_eq!(exchanges(5), ["GET /api/events/ 200"]);

    // Klaviyo works on consent later.
    let receipt = |created: bool, state: &str| {
        let permitted = json!({ "channel": "email", "refused": null, "state": state, "can-receive": true });
        json!({ "ok": {
            "profile-id": "01GMTZY2TEKN4KFRP30JZ59KGB", "profile-name": "Priya", "list-id": "Y6nRLr",
            "created": created, "warnings": [], "consent": [permitted],
        } })
    };
    assert_eq!(story["chapters"][1]["result"], receipt(true, "NEVER_SUBSCRIBED"));
    assert_eq!(story["chapters"][2]["result"], receipt(false, "SUBSCRIBED"));
    assert_eq!(story["chapters"][3]["result"]["err"]["code"], "unauthenticated");
    let reply = "You are now subscribed, Priya! You will receive updates at priya@example.com.";
    assert_eq!(story["chapters"][1]["reply"], reply);

    let events = story["chapters"][5]["result"]["ok"]["events"].as_array().cloned().unwrap_or_default();
    let metrics: Vec<&Value> = events.iter().map(|event| &event["metric"]).collect();
    assert_eq!(metrics, ["Placed Order"]);
    let bought: Value = serde_json::from_str(events[0]["properties"].as_str().unwrap_or_default())?;
    let item = bought["Items"][0]["ProductName"].as_str().unwrap_or_default();
    let greeting = story["chapters"][5]["reply"].as_str().unwrap_or_default();
    assert!(!item.is_empty() && greeting.contains("Priya") && greeting.contains(item), "{greeting}");
    Ok(())
}

#[test]
fn the_key_is_in_nothing_that_is_printed() -> Result<()> {
    for arguments in [&[][..], &["--verbose"], &["--json"]] {
        let output = demo(arguments)?;
        let text = String::from_utf8(output.stdout)? + &String::from_utf8(output.stderr)?;
        assert_eq!(text.contains("authorization"), !arguments.is_empty());
        assert_eq!(text.contains("Klaviyo-API-Key pk_…"), !arguments.is_empty());
        assert!(!text.contains(Account::DEMO_KEY));
    }
    Ok(())
}

#[test]
fn what_cannot_work_exits_1_with_a_line() -> Result<()> {
    for arguments in [["--email", "priya"], ["--phone", "9820000001"], ["--list", "No such list"]] {
        let output = demo(&arguments)?;
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(String::from_utf8(output.stderr)?.lines().count(), 1, "{arguments:?}");
    }
    Ok(())
}

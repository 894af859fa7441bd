//! `consent`, and consent that goes with an opt-in.

use crate::run::{CANARY, LIST, eventually, run, with_history};
use klaviyo_mock::{Account, Channel, OptIn, Server};
use serde_json::{Value, json};

const PRIYA: [&str; 2] = ["--email", "priya@example.com"];

fn consent(server: &Server, words: &[&str]) -> crate::run::Run {
    run(server, &[["consent"].as_slice(), words, &["--json"]].concat())
}

/// What stands on a channel of marketing.
fn state(server: &Server, channel: &str) -> (String, Value) {
    let status = consent(server, &[["status"].as_slice(), &PRIYA].concat()).ok();
    let found =
        status["channels"].as_array().unwrap().iter().find(|consent| consent["channel"] == channel).cloned();
    let found = found.unwrap();
    (found["state"].as_str().unwrap().to_owned(), found["can-receive"].clone())
}

#[test]
fn what_is_granted_stands_until_it_is_revoked() {
    let server = with_history();
    assert_eq!(state(&server, "email").0, "NEVER_SUBSCRIBED");
    let found = run(&server, &[["lookup", "--json"].as_slice(), &PRIYA].concat()).ok();
    let id = found["id"].as_str().unwrap();
    // Without a list the account decides, which asks people to confirm.
    let granted = consent(&server, &[["grant", "--channel", "email"].as_slice(), &PRIYA].concat()).ok();
    assert_eq!((&granted["accepted"], &granted["refused"]), (&json!(1), &json!([])));
    eventually(&("SUBSCRIBED".to_owned(), json!(true)), || {
        server.account().confirm(id);
        state(&server, "email")
    });
    let text = run(&server, &[["consent", "status"].as_slice(), &PRIYA].concat());
    assert!(text.code == 0 && text.out.contains("SUBSCRIBED"), "{}", text.out);

    assert_eq!(consent(&server, &["revoke", "--channel", "email", "--id", id]).ok()["accepted"], 1);
    eventually(&"UNSUBSCRIBED".to_owned(), || state(&server, "email").0);
}

#[test]
fn a_person_without_a_profile_needs_a_list() {
    let server = with_history();
    let new = ["grant", "--channel", "email", "--email", "new@example.com"];
    assert_eq!(consent(&server, &new).err(3)["code"], "not-found");
    let granted = consent(&server, &[new.as_slice(), &["--list", "WhatsApp Opt-Ins"]].concat()).ok();
    assert_eq!(granted["accepted"], 1);
    eventually(&json!("SUBSCRIBED"), || {
        let status = consent(&server, &["status", "--email", "new@example.com"]);
        status.json()["ok"]["channels"][0]["state"].clone()
    });
    let nobody = consent(&server, &["status", "--email", "nobody@example.com"]);
    assert_eq!((nobody.code, &nobody.json()["ok"]), (3, &Value::Null));
}

#[test]
fn a_person_who_lacks_the_address_is_refused() {
    let server = with_history();
    let run = consent(&server, &[["grant", "--channel", "sms", "--list", LIST].as_slice(), &PRIYA].concat());
    assert_eq!(run.code, 1);
    assert_eq!(
        (&run.json()["ok"]["accepted"], run.json()["ok"]["refused"].as_array().unwrap().len()),
        (&json!(0), 1)
    );
    assert_eq!(consent(&server, &[["grant"].as_slice(), &PRIYA].concat()).err(2)["code"], "invalid-input");
    for channel in ["Fax", "", "r c"] {
        assert_eq!(consent(&server, &[["grant", "--channel", channel].as_slice(), &PRIYA].concat()).code, 2);
    }
}

#[test]
fn a_channel_uses_the_address_that_the_profile_has_for_it() {
    let server = with_history();
    run(&server, &["create", "--json", "--email", "asha@example.com", "--phone", "+919820000001"]).ok();
    let channels = ["--channel", "email,whatsapp"];
    for who in [["--email", "asha@example.com"], ["--phone", "+919820000001"]] {
        for list in [[].as_slice(), &["--list", LIST]] {
            for what in ["grant", "revoke"] {
                let outcome = consent(&server, &[&[what], channels.as_slice(), &who, list].concat()).ok();
                assert_eq!(
                    (&outcome["accepted"], &outcome["refused"]),
                    (&json!(1), &json!([])),
                    "{what} {who:?}"
                );
            }
        }
    }
    consent(&server, &["grant", "--channel", "whatsapp", "--email", "asha@example.com", "--list", LIST]).ok();
    eventually(&true, || {
        let account = server.account();
        account.profile("email", "asha@example.com").unwrap().consent(Channel::WhatsApp).is_given()
    });
}

#[test]
fn a_channel_that_the_contract_does_not_name_is_sent_by_klaviyos_name() {
    let server = with_history();
    // The simulator has no such channel, and says so as Klaviyo would.
    let refused = |result: &Value, place: &str| {
        let refusal =
            result[place].as_array().unwrap().iter().find(|one| one["channel"] == json!({ "other": "rcs" }));
        refusal.unwrap().clone()
    };
    for words in [["grant", "--channel", "email,rcs"], ["revoke", "--channel", "rcs,email"]] {
        let run = consent(&server, &[words.as_slice(), &["--list", LIST], &PRIYA].concat());
        let result = &run.json()["ok"];
        assert_eq!((run.code, &result["accepted"]), (1, &json!(1)), "{words:?} {result}");
        assert!(refused(result, "refused-channels")["reason"]["detail"].is_string());
    }
    let words = ["opt-in", "--json", "--list", LIST, "--consent", "email,rcs"];
    let run = run(&server, &[words.as_slice(), &PRIYA].concat());
    assert_eq!(run.code, 1);
    assert!(refused(&run.json()["ok"], "consent")["refused"]["detail"].is_string());
}

#[test]
fn an_opt_in_with_consent_subscribes_and_says_what_stands() {
    let server = with_history();
    let words = ["opt-in", "--list", LIST, "--consent", "email,whatsapp", "--phone", "+919820000001"];
    let words = [words.as_slice(), &["--email", "new@example.com", "--name", "Asha Rao"]].concat();
    let shown = run(&server, &words);
    assert_eq!((shown.code, shown.err.as_str()), (0, ""));
    assert!(shown.out.contains("You are now subscribed, Asha!"), "{}", shown.out);
    assert!(shown.out.contains("new@example.com") && shown.out.contains("SUBSCRIBED"), "{}", shown.out);
    let consent = || run(&server, &[words.as_slice(), &["--json"]].concat()).ok()["consent"].clone();
    let expected =
        |channel| json!({ "channel": channel, "refused": null, "state": "SUBSCRIBED", "can-receive": true });
    eventually(&json!([expected("email"), expected("whatsapp")]), consent);
}

#[test]
fn a_channel_that_the_account_lacks_is_told_and_does_not_cost_the_others() {
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    account.lacks_channel(Channel::WhatsApp);
    let server = Server::start(account).unwrap();
    let words =
        ["opt-in", "--json", "--list", LIST, "--consent", "email,whatsapp", "--phone", "+919820000001"];
    let run = run(&server, &[words.as_slice(), &PRIYA].concat());
    let receipt = run.json()["ok"].clone();
    assert_eq!(run.code, 1);
    assert_eq!(
        (&receipt["consent"][0]["refused"], &receipt["consent"][1]["channel"]),
        (&Value::Null, &json!("whatsapp"))
    );
    assert!(receipt["consent"][1]["refused"]["detail"].is_string());
    assert_eq!(server.account().members(LIST).len(), 1);
}

#[test]
fn the_reply_of_a_list_with_double_opt_in_asks_to_confirm() {
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    account.add_list_with("DoUbLe", "Confirmed", OptIn::Double);
    let server = Server::start(account).unwrap();
    let replied = || {
        let words = ["opt-in", "--list", "DoUbLe", "--consent", "email"];
        run(&server, &[words.as_slice(), &PRIYA].concat()).out.contains("now subscribed")
    };
    assert!(!replied());
    let id = server.account().profile("email", "priya@example.com").unwrap().id.clone();
    eventually(&json!(true), || {
        server.account().confirm(&id);
        replied().into()
    });
}

#[test]
fn the_reply_promises_messages_only_where_consent_was_taken() {
    let mut account = Account::demo();
    account.add_key(CANARY, Account::SCOPES);
    account.lacks_channel(Channel::Email);
    let server = Server::start(account).unwrap();
    let number = "+919820000001";
    for channels in ["email,whatsapp", "whatsapp"] {
        let words = ["opt-in", "--list", LIST, "--consent", channels, "--phone", number];
        let shown = run(&server, &[words.as_slice(), &PRIYA].concat());
        let reply = shown.out.lines().find(|line| line.contains("subscribed")).unwrap();
        assert!(reply.contains(number) && !reply.contains("priya@example.com"), "{channels}: {reply}");
    }
}

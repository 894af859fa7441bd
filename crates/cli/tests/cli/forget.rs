//! `klaviyo-connector forget`.

use crate::run::{CANARY, Run, Service, bare, klaviyo, server};
use crate::service::{APP_SECRET, notify_of, opt_in, serve, signed};
use klaviyo_mock::{Nats, Server};
use serde_json::{Value, json};
use std::time::Duration;

const DELETES: &str = "pk_deletes_0f3d5c7e9a1b2c4d";
/// Longer than the simulator takes for a deletion.
const JOB: Duration = Duration::from_secs(60);

#[test]
fn who_is_forgotten_and_where_is_to_be_said() {
    let nobody = ["--nats", "nats://127.0.0.1:1"];
    for words in [
        &["--account", "default"][..],
        &["--email", "priya@example.com"],
        &["--account", "default", "--email", "priya"],
        &["--account", "default", "--phone", "98200 00001"],
        &["--account", "default", "--external-id", " "],
        &["--account", "default", "--id", ""],
        &["--account", "default", "--email", "priya@example.com", "--klaviyo", "--dry-run"],
    ] {
        let run = Run::of(bare().arg("forget").args(words).args(nobody).arg("--json"));
        assert_eq!(run.err(2)["code"], "invalid-input", "{words:?}");
    }
    let all = ["--account", "default", "--phone", "98200 00001", "--region", "IN"];
    assert_eq!(
        Run::of(bare().arg("forget").args(all).args(nobody).arg("--json")).err(6)["code"],
        "connection"
    );
}

/// What it removed and kept, without zeros, and what Klaviyo was asked.
fn told(run: &Run) -> (Value, Value, Value) {
    let ok = run.json()["ok"].clone();
    let some = |name: &str| {
        let counts = ok[name].as_object().unwrap_or_else(|| panic!("{}{}", run.out, run.err)).clone();
        assert_eq!(counts.len(), 9, "{ok}");
        Value::from_iter(counts.into_iter().filter(|(_, count)| *count != json!(0)))
    };
    (some("removed"), some("kept"), ok["klaviyo"].clone())
}

#[test]
fn on_nats_a_person_is_forgotten_and_klaviyo_is_asked_when_told() {
    let (simulator, nats) = (server(), Nats::start().unwrap());
    // For deletions a key is made that may do no more than them.
    simulator.account().add_key(DELETES, &["profiles:read", "data-privacy:write"]);
    let door = Service::start(
        serve(&simulator)
            .args(["--nats", &nats.url()])
            .env("KLAVIYO_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("KLAVIYO_WHATSAPP_LIST", "WhatsApp Opt-Ins"),
    );
    let accepted = |id: &str, email: &str| {
        let (status, told) = signed(&door, "POST", "/v1/opt-ins", id, opt_in(email));
        assert_eq!(status, 202, "{told}");
        told["id"].as_str().unwrap().to_owned()
    };
    let (priya, asha) = (accepted("msg_1", "priya@example.com"), accepted("msg_2", "asha@example.com"));
    let contact = json!({ "profile": { "name": "Priya" }, "wa_id": "919820000001" });
    let stop = json!({ "from": "919820000001", "id": "wamid.1", "text": { "body": "STOP" } });
    assert_eq!(notify_of(&door, "106540352242922", contact, stop).0, 200);

    let forget = |words: &[&str]| {
        let mut command = klaviyo(&simulator.url(), DELETES);
        command.args(["forget", "--account", "default", "--nats", &nats.url()]).args(words);
        command
    };
    let by_email = ["--email", "Priya <priya@example.com>"];
    let hers =
        [&by_email[..], &["--phone", "98200 00001", "--region", "IN", "--external-id", "none"]].concat();
    let json = |words: &[&str]| Run::of(forget(words).arg("--json"));
    let (one, opt_out) = (json!({ "opt-ins": 1 }), json!({ "opt-outs": 1 }));
    let none = json!({});
    let asked = |server: &Server| server.account().requests();

    let dry = [&hers[..], &["--dry-run"]].concat();
    assert_eq!(told(&json(&dry)), (one.clone(), opt_out.clone(), Value::Null));
    let text = Run::of(&mut forget(&dry));
    assert!(text.code == 0 && text.out.contains("WOULD BE REMOVED"), "{}", text.out);
    // Klaviyo would make a profile of an opt-out that comes after the deletion.
    let klaviyo_too = [&hers[..], &["--klaviyo"]].concat();
    let early = json(&klaviyo_too);
    assert_eq!((early.code, told(&early)), (6, (one, opt_out.clone(), Value::Null)));
    assert_eq!(asked(&simulator), 0);
    assert_eq!(told(&json(&hers)), (none.clone(), opt_out.clone(), Value::Null));
    let all = [&hers[..], &["--opt-outs"]].concat();
    assert_eq!(told(&json(&all)), (opt_out, none.clone(), Value::Null));

    let state = |id: &str| signed(&door, "GET", &format!("/v1/opt-ins/{id}"), id, String::new());
    assert_eq!(state(&priya).0, 404);
    assert_eq!(state(&asha).1["state"], "waiting");
    let text = Run::of(&mut forget(&hers));
    assert!(text.code == 0 && text.out.contains("keeps nothing"), "{}", text.out);
    // Nothing of the person is shown.
    assert!(!text.err.contains("priya") && !text.err.contains("98200"), "{}", text.err);

    let create = ["create", "--email", "priya@example.com", "--json"];
    Run::of(klaviyo(&simulator.url(), CANARY).args(create)).ok();
    assert!(simulator.account().profile("email", "priya@example.com").is_some());
    // The email and the number; nobody has the external id.
    assert_eq!(told(&json(&klaviyo_too)), (none.clone(), none, json!(2)));
    simulator.advance(JOB);
    assert!(simulator.account().profile("email", "priya@example.com").is_none());
    #[cfg(unix)]
    door.end("-TERM");
}

//! `update` and `merge`.

use crate::run::{eventually, run, server};
use klaviyo_mock::Server;
use serde_json::{Value, json};

fn create(server: &Server, words: &[&str]) -> String {
    let created = run(server, &[["create", "--json"].as_slice(), words].concat()).ok();
    created["created"]["id"].as_str().unwrap().to_owned()
}

fn properties(profile: &Value) -> Value {
    serde_json::from_str(profile["properties"].as_str().unwrap()).unwrap()
}

#[test]
fn every_field_can_be_given_and_changed() {
    let server = server();
    let words = [
        "--email",
        "priya@example.com",
        "--organization",
        "Acme",
        "--title",
        "Buyer",
        "--locale",
        "en-IN",
        "--image",
        "https://example.com/p.png",
        "--location",
        "city=Pune",
        "--location",
        "country=India",
        "--property",
        r#"tags=["new"]"#,
        "--property",
        "trial=true",
    ];
    let id = create(&server, &words);
    let made = run(&server, &["lookup", "--json", "--id", &id]).ok();
    assert_eq!((&made["organization"], &made["location"]["city"]), (&json!("Acme"), &json!("Pune")));
    assert!(run(&server, &["lookup", "--id", &id]).out.contains("Pune"));

    let changes = [
        "--set",
        "title=Head of buying",
        "--set",
        "location.city=Mumbai",
        "--set",
        "property:plan=pro",
        "--clear",
        "organization",
        "--append",
        r#"{"tags":"vip"}"#,
        "--unset",
        "trial",
    ];
    let by_email = ["update", "--json", "--email", "priya@example.com"];
    let changed = run(&server, &[by_email.as_slice(), &changes].concat()).ok();
    assert_eq!((&changed["id"], &changed["title"]), (&json!(id), &json!("Head of buying")));
    assert_eq!((&changed["location"]["city"], &changed["organization"]), (&json!("Mumbai"), &Value::Null));
    assert_eq!(properties(&changed), json!({ "plan": "pro", "tags": ["new", "vip"] }));

    let by_id = ["update", "--json", "--id", &id, "--unappend", r#"{"tags":"new"}"#];
    assert_eq!(properties(&run(&server, &by_id).ok())["tags"], json!(["vip"]));
}

#[test]
fn an_update_that_cannot_work_changes_nothing() {
    let server = server();
    create(&server, &["--email", "priya@example.com"]);
    for wrong in [
        ["--set", "nonsense=1"].as_slice(),
        &["--set", "location.planet=Mars"],
        &["--set", "title"],
        &["--clear", "properties"],
        &["--append", "[]"],
        &[],
    ] {
        let run =
            run(&server, &[["update", "--json", "--email", "priya@example.com"].as_slice(), wrong].concat());
        assert_eq!(run.err(2)["code"], "invalid-input", "{wrong:?}");
    }
    let nobody = ["update", "--json", "--email", "nobody@example.com", "--set", "title=x"];
    assert_eq!(run(&server, &nobody).err(3)["code"], "not-found");
}

#[test]
fn a_merge_needs_a_yes_and_names_both() {
    let server = server();
    let into = create(&server, &["--email", "priya@example.com"]);
    let from = create(&server, &["--phone", "+919820000001", "--external-id", "42"]);
    let words = ["merge", "--into", "priya@example.com", "--from", "external-id:42"];
    let asked = run(&server, &words);
    assert!(asked.code == 2 && asked.err.contains(&into) && asked.err.contains(&from), "{}", asked.err);
    assert_eq!(server.account().profiles().len(), 2);
    let merged = run(&server, &[words.as_slice(), &["--yes", "--json"]].concat()).ok();
    assert_eq!(merged, json!({ "into": into, "from": from }));
    eventually(&(json!(into), json!("+919820000001")), || {
        let found = run(&server, &["lookup", "--json", "--email", "priya@example.com"]).ok();
        (found["id"].clone(), found["phone-number"].clone())
    });

    let same = ["merge", "--json", "--yes", "--into", &into, "--from", "priya@example.com"];
    assert_eq!(run(&server, &same).err(2)["code"], "invalid-input");
    let nobody = ["merge", "--json", "--yes", "--into", &into, "--from", "nobody@example.com"];
    assert_eq!(run(&server, &nobody).err(3)["code"], "not-found");
}

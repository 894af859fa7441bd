//! `klaviyo-connector whatsapp`.

use crate::run::{CANARY, LIST, Run, Service, bare, eventually, klaviyo, server};
use serde_json::{Value, json};
use ureq::Agent;
use ureq::http::Request;

/// A simulator in a process of its own.
fn start(words: &[&str]) -> Service {
    Service::start(bare().args(["whatsapp", "--port", "0", "--json"]).args(words))
}

fn ask(whatsapp: &Service, method: &str, path: &str, body: &Value) -> (u16, Value) {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let token = whatsapp.ok["token"].as_str().unwrap();
    let request = Request::builder()
        .method(method)
        .uri(format!("{}/{path}", whatsapp.url()))
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json");
    let mut answer = agent.run(request.body(body.to_string()).unwrap()).unwrap();
    let text = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&text).unwrap())
}

fn state(whatsapp: &Service) -> Value {
    ask(whatsapp, "GET", "_whatsapp/state", &json!({})).1
}

/// A message of the business.
fn say(whatsapp: &Service, number: &str) -> (u16, Value) {
    let path = format!("v25.0/{}/messages", whatsapp.ok["number_id"].as_str().unwrap());
    let body = json!({ "messaging_product": "whatsapp", "to": number, "text": { "body": "hi" } });
    let (status, answer) = ask(whatsapp, "POST", &path, &body);
    (status, answer["error"]["code"].clone())
}

#[test]
fn somebody_who_writes_to_the_simulator_is_opted_in_by_the_service() {
    let account = server();
    // The values that the simulator prints, which are always the same.
    let known = start(&[]).ok.clone();
    let text = |name: &str| known[name].as_str().unwrap().to_owned();
    let mut door = klaviyo(&account.url(), CANARY);
    door.args(["serve", "--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0", "--json"])
        .env("KLAVIYO_WHATSAPP_APP_SECRET", text("app_secret"))
        .env("KLAVIYO_WHATSAPP_VERIFY_TOKEN", text("verify_token"))
        .env("KLAVIYO_WHATSAPP_PHONE_NUMBER_ID", text("number_id"))
        .env("KLAVIYO_WHATSAPP_LIST", LIST);
    let door = Service::start(&mut door);
    let webhook = format!("{}/v1/whatsapp/default", door.url());
    let whatsapp = start(&["--webhook", &webhook, "--twice", "always"]);
    assert_eq!(whatsapp.ok["webhook"], webhook.as_str());
    assert_eq!(ask(&whatsapp, "POST", "_whatsapp/verify", &json!({})).0, 200);

    let priya = "_whatsapp/people/919820000001";
    assert_eq!(ask(&whatsapp, "PUT", priya, &json!({ "name": "Priya Sharma" })).0, 200);
    assert_eq!(ask(&whatsapp, "POST", &format!("{priya}/messages"), &json!({ "text": "SUBSCRIBE" })).0, 200);
    eventually(&json!(["taken", "taken"]), || {
        let webhooks = state(&whatsapp)["webhooks"].as_array().unwrap().clone();
        webhooks.iter().map(|webhook| webhook["fate"].clone()).collect()
    });
    eventually(&1, || account.account().members(LIST).len());
    let profiles: Vec<Value> = account
        .account()
        .profiles()
        .iter()
        .map(|profile| json!(profile.attributes["phone_number"]))
        .collect();
    assert_eq!(profiles, ["+919820000001"]);
}

#[test]
fn what_goes_wrong_is_up_to_the_user() {
    let words = ["--limits", "off", "--speed", "1000", "--failing", "#1 131050", "--seed", "7"];
    let whatsapp = start(&[&words[..], &["--fault", "POST /*: #1 status 500"]].concat());
    ask(&whatsapp, "POST", "_whatsapp/people/919820000001/messages", &json!({ "text": "hi" }));
    assert_eq!(say(&whatsapp, "919820000001"), (500, json!(131_000)));
    assert_eq!(say(&whatsapp, "919820000001"), (200, Value::Null));
    eventually(&json!("failed"), || state(&whatsapp)["messages"][0]["status"].clone());
    assert_eq!(say(&whatsapp, "919820000009"), (400, json!(131_026)));
    // The clock runs a thousand times as fast: a day has 86 seconds.
    assert_eq!(ask(&whatsapp, "POST", "_whatsapp/clock", &json!({ "advance": "25h" })).0, 200);
    assert_eq!(say(&whatsapp, "919820000001"), (400, json!(131_047)));
}

#[test]
fn a_port_that_is_taken_is_1_and_a_webhook_without_http_is_2() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    assert_eq!(Run::of(bare().args(["whatsapp", "--json", "--port", &port])).err(1)["code"], "other");
    let webhook = ["whatsapp", "--json", "--port", "0", "--webhook", "https://example.com/"];
    assert_eq!(Run::of(bare().args(webhook)).err(2)["code"], "invalid-input");
}

#[cfg(unix)]
#[test]
fn ctrl_c_and_sigterm_end_it_well() {
    for signal in ["-INT", "-TERM"] {
        start(&[]).end(signal);
    }
}

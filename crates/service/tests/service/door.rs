//! Front doors, over real sockets.

use crate::stage::{LIST, Running, Stage, key_of, settings, stage, until};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use klaviyo_mock::Faults;
use klaviyo_service::door::{DoorLimits, DoorSettings};
use klaviyo_service::ops;
use reqwest::{Client, Response};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const OTHER_SECRET: &str = "whsec_bGltZS1pbi10aGUtY29jb251dC1hbmQtc3Rpcg==";
pub(crate) const APP_SECRET: &str = "0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f";

pub(crate) async fn opened(accounts: &[&str]) -> Stage {
    open_to(stage(accounts).await)
}

/// A stage whose accounts have secrets for both kinds of callers.
pub(crate) fn open_to(stage: Stage) -> Stage {
    let write = |name: &str, text: &str| std::fs::write(stage.keys.path().join(name), text).unwrap();
    write("shop-1.signing-secret", SECRET);
    write("shop-2.signing-secret", OTHER_SECRET);
    write("shop-1.whatsapp-app-secret", APP_SECRET);
    write("shop-1.whatsapp-verify-token", "the token");
    write("shop-1.whatsapp-list", "WhatsApp Opt-Ins");
    stage
}

pub(crate) fn client() -> Client {
    // The first test installs it for all.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::new()
}

pub(crate) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().try_into().unwrap()
}

pub(crate) fn signature(secret: &str, id: &str, at: i64, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mac =
        Hmac::<Sha256>::new_from_slice(&key).unwrap().chain_update(format!("{id}.{at}.")).chain_update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// A request with a body, signed at a time.
pub(crate) async fn post_at(
    door: &Running,
    secret: &str,
    id: &str,
    at: i64,
    body: impl Into<Vec<u8>>,
) -> Response {
    post_to(door, "/v1/opt-ins", secret, id, at, body).await
}

/// The same, to a route.
pub(crate) async fn post_to(
    door: &Running,
    path: &str,
    secret: &str,
    id: &str,
    at: i64,
    body: impl Into<Vec<u8>>,
) -> Response {
    let body = body.into();
    client()
        .post(format!("{}{path}", door.url))
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature(secret, id, at, &body))
        .body(body)
        .send()
        .await
        .unwrap()
}

pub(crate) async fn post(door: &Running, id: &str, body: &Value) -> (u16, Value) {
    answer(post_at(door, SECRET, id, now(), body.to_string()).await).await
}

pub(crate) async fn answer(response: Response) -> (u16, Value) {
    (response.status().as_u16(), serde_json::from_str(&response.text().await.unwrap()).unwrap())
}

pub(crate) async fn ask(door: &Running, id: &str) -> (u16, Value) {
    ask_at(door, "/v1/opt-ins", id).await
}

pub(crate) async fn ask_at(door: &Running, path: &str, id: &str) -> (u16, Value) {
    // Read once: a second may end between two readings, and the signature is then of another time.
    let at = now();
    let response = client()
        .get(format!("{}{path}/{id}", door.url))
        .header("webhook-id", id)
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature(SECRET, id, at, b""))
        .send();
    answer(response.await.unwrap()).await
}

pub(crate) async fn get(url: &str, path: &str) -> (u16, String) {
    let response = client().get(format!("{url}{path}")).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

pub(crate) fn priya() -> Value {
    json!({ "account": "shop-1", "list": "WhatsApp Opt-Ins", "email": "priya@example.com", "first_name": "Priya" })
}

pub(crate) fn person(n: usize) -> Value {
    json!({ "account": "shop-1", "list": LIST, "email": format!("p{n:05}@example.com") })
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_the_answer_is_the_receipt_with_the_reply() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.direct_door(settings()).await;
    let mut consenting = priya();
    consenting["consent"] = json!(["email"]);
    let (status, told) = post(&door, "msg_1", &consenting).await;
    let expected = json!({
        "id": "msg_1", "state": "done", "profile_id": told["profile_id"], "profile_name": "Priya", "list_id": LIST,
        "created": true, "consent": ["email"],
        "reply": "You are now subscribed, Priya! You will receive updates at priya@example.com.",
    });
    assert_eq!((status, &told), (200, &expected));
    assert_eq!(stage.members("shop-1"), ["priya@example.com"]);

    let many =
        json!([person(1), person(2), { "account": "shop-1", "list": "none", "email": "x@example.com" }]);
    let (status, told) = post(&door, "msg_2", &many).await;
    assert_eq!((status, &told[0]["state"], &told[1]["id"]), (207, &json!("done"), &json!("msg_2/1")));
    // Who gives no consent is on the list, and is promised nothing.
    assert!(told[0]["reply"].as_str().unwrap().starts_with("You are on the list!"), "{told}");
    assert_eq!(told[0].get("consent"), None);
    assert_eq!((&told[2]["state"], &told[2]["code"]), (&json!("failed"), &json!("not-found")));
    assert_eq!(stage.members("shop-1").len(), 3);

    let (status, told) = ask(&door, &format!("shop-1.{}.1", "0".repeat(32))).await;
    assert_eq!((status, &told["error"]["code"]), (404, &json!("not-found")));
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failure_says_whether_it_is_worth_repeating() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.direct_door(settings()).await;
    let faults = |rule: &str| stage.klaviyo.set_faults(Faults::none().rule(rule.parse().unwrap()));
    faults("*: always status 503 retry-after 700");
    let body = priya().to_string();
    let response = post_at(&door, SECRET, "msg_1", now(), body).await;
    assert_eq!(response.headers().get("retry-after").unwrap(), "700");
    assert_eq!(answer(response).await.0, 503);
    stage.klaviyo.set_faults(Faults::none());
    let (status, told) =
        post(&door, "msg_2", &json!({ "account": "shop-1", "list": LIST, "phone_number": "+2901234" })).await;
    assert_eq!((status, &told["code"]), (422, &json!("rejected")));
    std::fs::write(stage.keys.path().join("shop-1.api-key"), "pk_wrong").unwrap();
    let other = stage.direct_door(settings()).await;
    let (status, told) = post(&other, "msg_3", &priya()).await;
    assert_eq!((status, &told["code"]), (502, &json!("unauthenticated")));
    other.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_who_can_sign_is_let_in_and_only_once() {
    let stage = opened(&["shop-1", "shop-2"]).await;
    let doors = [stage.direct_door(settings()).await, stage.queue_door(settings()).await];
    for door in &doors {
        let body = priya().to_string();
        let at = now();
        let refused = async |response: Response| {
            let (status, told) = answer(response).await;
            assert_eq!((status, &told["error"]["code"]), (401, &json!("unauthenticated")), "{told}");
        };
        let sent = stage.klaviyo.requests();
        refused(client().post(format!("{}/v1/opt-ins", door.url)).body(body.clone()).send().await.unwrap())
            .await;
        refused(post_at(door, "whsec_AAAA", "msg_1", at, body.clone()).await).await;
        refused(post_at(door, OTHER_SECRET, "msg_1", at, body.clone()).await).await;
        refused(post_at(door, SECRET, "msg_1", at - 400, body.clone()).await).await;
        refused(post_at(door, SECRET, "msg_1", at + 400, body.clone()).await).await;
        refused(post_at(door, SECRET, "msg_1", at, body.replace("shop-1", "shop-2")).await).await;
        refused(post_at(door, SECRET, "msg_1", at, body.replace("shop-1", "nobody")).await).await;
        assert_eq!(stage.klaviyo.requests(), sent);
        assert!(stage.queue.waiting().await.unwrap().is_empty());

        let (status, first) = answer(post_at(door, SECRET, "msg_1", at, body.clone()).await).await;
        assert!((200..300).contains(&status), "{first}");
        let (status, told) = answer(post_at(door, SECRET, "msg_1", at, body.clone()).await).await;
        assert_eq!((status, &told["error"]["code"]), (409, &json!("conflict")));
        let (status, again) = answer(post_at(door, SECRET, "msg_1", at + 1, body).await).await;
        assert!((200..300).contains(&status), "{again}");
        assert_eq!(first["id"], again["id"]);
    }
    // All doors know the signatures that one has accepted.
    let (other, at) = (stage.queue_door(settings()).await, now());
    assert_eq!(post_at(&doors[1], SECRET, "msg_2", at, person(1).to_string()).await.status(), 202);
    assert_eq!(post_at(&other, SECRET, "msg_2", at, person(1).to_string()).await.status(), 409);
    for door in [other].into_iter().chain(doors) {
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_makes_no_sense_is_refused_whole() {
    let stage = opened(&["shop-1", "shop-2"]).await;
    let door = stage.queue_door(settings()).await;
    let mixed = json!([person(1), { "account": "shop-2", "list": LIST, "email": "a@example.com" },
                       { "account": "shop-1", "list": LIST }]);
    let (status, told) = post(&door, "msg_1", &mixed).await;
    let places: Vec<_> =
        told["error"]["opt_ins"].as_array().unwrap().iter().map(|unfit| &unfit["index"]).collect();
    assert_eq!((status, places), (422, vec![&json!(1), &json!(2)]));
    let many: Vec<Value> = (0..1_001).map(person).collect();
    for (n, (body, expected)) in [
        (json!([]).to_string(), 422),
        (json!(many).to_string(), 413),
        (String::new(), 400),
        ("\u{0}".to_owned(), 400),
        ("null".to_owned(), 400),
        (format!("{}{}", "[".repeat(5_000), "]".repeat(5_000)), 400),
        (priya().to_string().replace('{', "{\"account\":\"shop-1\","), 400),
        (priya().to_string().replace("first_name", "frist_name"), 400),
        (priya().to_string().replace("shop-1", "sh*p"), 400),
        (format!("{}x", priya()), 400),
    ]
    .into_iter()
    .enumerate()
    {
        let (status, told) = answer(post_at(&door, SECRET, &format!("bad_{n}"), now(), body).await).await;
        assert_eq!(status, expected, "{n}: {told}");
        assert!(told["error"]["message"].is_string());
    }
    assert!(stage.queue.waiting().await.unwrap().is_empty());
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_queue_the_answer_is_an_id_to_ask_with() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let (status, told) = post(&door, "msg_1", &priya()).await;
    assert_eq!((status, &told["state"], &told["duplicate"]), (202, &json!("waiting"), &json!(false)));
    let id = told["id"].as_str().unwrap().to_owned();
    assert_eq!(ask(&door, &id).await, (200, json!({ "id": id, "state": "waiting" })));
    let again = post_at(&door, SECRET, "msg_1", now() + 1, priya().to_string()).await;
    assert_eq!(answer(again).await.1["duplicate"], true);
    let many: Vec<Value> = (0..1_000).map(person).collect();
    let (status, all) = post(&door, "msg_2", &json!(many)).await;
    assert_eq!((status, all.as_array().unwrap().len()), (202, 1_000));

    let worker = stage.worker().await;
    let end = tokio::time::Instant::now() + crate::stage::PATIENCE;
    let told = loop {
        let (status, told) = ask(&door, &id).await;
        assert_eq!(status, 200);
        if told["state"] != "waiting" {
            break told;
        }
        assert!(tokio::time::Instant::now() < end);
    };
    assert_eq!((&told["state"], &told["reply"]), (&json!("done"), &json!("You are on the list, Priya!")));
    assert_eq!(ask(&door, &format!("shop-1.{}.1", "0".repeat(32))).await.0, 404);
    assert_eq!(ask(&door, "shop-1").await.0, 401);
    // A signature is valid for its own id only.
    let at = now();
    let response = client()
        .get(format!("{}/v1/opt-ins/{id}", door.url))
        .header("webhook-id", "other")
        .header("webhook-timestamp", at)
        .header("webhook-signature", signature(SECRET, "other", at, b""));
    assert_eq!(response.send().await.unwrap().status(), 401);
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_accepted_that_is_not_written() {
    let mut stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    assert_eq!(get(&door.health_url, "/readyz").await.0, 200);
    let accepted = post(&door, "msg_0", &person(0)).await.1["id"].as_str().unwrap().to_owned();
    stage.nats.kill().unwrap();
    until("it is noticed", || !door.health.readiness().ready).await;
    assert_eq!(get(&door.health_url, "/readyz").await.0, 503);
    let asked = Instant::now();
    let response = post_at(&door, SECRET, "msg_1", now(), priya().to_string()).await;
    assert!(response.headers().contains_key("retry-after"));
    assert_eq!(answer(response).await.0, 503);
    assert_eq!(ask(&door, &accepted).await.0, 503);
    assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
    stage.nats.restart().unwrap();
    until("it is back", || door.health.readiness().ready).await;
    assert_eq!(post_at(&door, SECRET, "msg_1", now() + 1, priya().to_string()).await.status(), 202);
    door.stop().await;
}

pub(crate) const NUMBER_ID: &str = "106540352242922";

pub(crate) fn message(words: &str) -> Value {
    let timestamp = now().to_string();
    json!({ "from": "919820000001", "id": "wamid.1", "timestamp": timestamp, "type": "text", "text": { "body": words } })
}

pub(crate) fn notification_of(messages: Value, name: &str) -> String {
    json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [{ "field": "messages", "value": {
        "metadata": { "display_phone_number": "15550783881", "phone_number_id": NUMBER_ID },
        "contacts": [{ "profile": { "name": name }, "wa_id": "919820000001" }],
        "messages": messages,
    } }] }] })
    .to_string()
}

fn notification(words: &str) -> String {
    notification_of(json!([message(words)]), "Priya Sharma")
}

async fn notify(door: &Running, secret: &str, body: &str) -> (u16, Value) {
    notify_for(door, "shop-1", secret, body).await
}

pub(crate) async fn notify_for(door: &Running, account: &str, secret: &str, body: &str) -> (u16, Value) {
    let mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body).finalize().into_bytes();
    let digits: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    let request = client()
        .post(format!("{}/v1/whatsapp/{account}", door.url))
        .header("x-hub-signature-256", format!("sha256={digits}"))
        .body(body.to_owned());
    answer(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread")]
async fn whatsapps_word_opts_its_sender_in() {
    let stage = opened(&["shop-1"]).await;
    let direct = stage.direct_door(settings()).await;
    let question = "/v1/whatsapp/shop-1?hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=";
    assert_eq!(get(&direct.url, &format!("{question}the%20token")).await, (200, "1158201444".to_owned()));
    assert_eq!(get(&direct.url, &format!("{question}the")).await.0, 403);
    assert_eq!(get(&direct.url, "/v1/whatsapp/shop-1").await.0, 403);
    assert_eq!(get(&direct.url, &format!("{question}the%20token").replace("shop-1", "shop-2")).await.0, 403);

    assert_eq!(notify(&direct, "0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5e", &notification("SUBSCRIBE")).await.0, 401);
    assert_eq!(notify(&direct, APP_SECRET, &notification("When do you open?")).await, (200, json!([])));
    assert_eq!(notify(&direct, APP_SECRET, "{}").await, (200, json!([])));
    assert_eq!(stage.klaviyo.requests(), 0);
    let (status, told) = notify(&direct, APP_SECRET, &notification("Subscribe ")).await;
    assert_eq!((status, &told[0]["id"], &told[0]["state"]), (200, &json!("wamid.1"), &json!("done")));
    assert_eq!(
        told[0]["reply"],
        "You are on the list, Priya! Your entry there has the address +919820000001."
    );
    {
        let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        assert_eq!(
            account.profile("phone_number", "+919820000001").unwrap().attributes["last_name"],
            "Sharma"
        );
    }

    // Meta repeats a notification that failed for now. In the queue the repetition is a duplicate.
    stage.klaviyo.set_faults(Faults::none().rule("*: always status 503".parse().unwrap()));
    assert_eq!(notify(&direct, APP_SECRET, &notification("subscribe")).await.0, 503);
    let queue = stage.queue_door(settings()).await;
    for duplicate in [false, true] {
        let (status, told) = notify(&queue, APP_SECRET, &notification("subscribe")).await;
        assert_eq!((status, &told[0]["duplicate"]), (200, &json!(duplicate)));
    }
    std::fs::remove_file(stage.keys.path().join("shop-1.whatsapp-list")).unwrap();
    let unset = stage.queue_door(settings()).await;
    assert_eq!(notify(&unset, APP_SECRET, &notification("subscribe")).await.0, 503);
    for door in [direct, queue, unset] {
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_a_rate_that_strangers_cannot_use_up() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(DoorSettings { rate: 10.try_into().unwrap(), ..settings() }).await;
    for n in 0..20 {
        let stranger = post_at(&door, "whsec_AAAA", &format!("s{n}"), now(), person(n).to_string()).await;
        assert_eq!(stranger.status(), 401);
    }
    let ten: Vec<Value> = (0..10).map(person).collect();
    assert_eq!(post(&door, "msg_1", &json!(ten)).await.0, 202);
    let refused = post_at(&door, SECRET, "msg_2", now(), json!(ten).to_string()).await;
    assert_eq!(refused.headers().get("retry-after").unwrap(), "1");
    assert_eq!(refused.status(), 503);
    // A request over the rate can be repeated as it is.
    let at = now();
    loop {
        match post_at(&door, SECRET, "msg_4", at, json!(ten).to_string()).await.status().as_u16() {
            503 => tokio::time::sleep(Duration::from_millis(50)).await,
            status => break assert_eq!(status, 202),
        }
    }
    let eleven: Vec<Value> = (0..11).map(person).collect();
    assert_eq!(post(&door, "msg_3", &json!(eleven)).await.0, 413);
    door.stop().await;
}

/// Sends bytes, and reads the answer until the connection is closed.
fn raw(door: &Running, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(door.url.strip_prefix("http://").unwrap()).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answer = Vec::new();
    // A server that has answered may reset the connection if it has not read everything.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8(answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_body_has_a_size_and_a_time() {
    let stage = opened(&["shop-1"]).await;
    let limits = DoorLimits { pause: Duration::from_millis(200), ..DoorLimits::default() };
    let connections =
        ops::ListenerSettings { headers: Duration::from_millis(200), ..ops::ListenerSettings::default() };
    let door = stage.crowded_door(connections, DoorSettings { limits, ..settings() }).await;
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(post_at(&door, SECRET, "msg_1", now(), large).await.status(), 413);
    let chunks = format!("100000\r\n{}\r\n", " ".repeat(1 << 20));
    let head = "POST /v1/opt-ins HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n";
    let chunked = format!("{head}{chunks}1\r\n \r\n0\r\n\r\n");
    assert!(raw(&door, chunked.as_bytes()).starts_with("HTTP/1.1 413 "));
    let tricky = "POST /v1/opt-ins HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx";
    assert!(raw(&door, tricky.as_bytes()).starts_with("HTTP/1.1 400 "));

    let head = b"POST /v1/opt-ins HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
    assert!(raw(&door, head).starts_with("HTTP/1.1 408 "));
    let headers = raw(&door, b"POST /v1/opt-ins HTTP/1.1\r\nhost: x\r\n");
    assert!(headers.is_empty() || headers.starts_with("HTTP/1.1 408 "), "{headers}");
    assert_eq!(post(&door, "msg_3", &priya()).await.0, 202);
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_said_in_the_same_words() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let (status, told) = get(&door.url, "/v2/opt-ins").await;
    assert_eq!((status, told.contains("\"not-found\"")), (404, true));
    let response = client().delete(format!("{}/v1/opt-ins", door.url)).send().await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers().get("allow").unwrap(), "POST");
    assert_eq!(answer(response).await.1["error"]["code"], "method-not-allowed");
    post(&door, "msg_1", &priya()).await;
    let (status, metrics) = get(&door.health_url, "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "klaviyo_door_requests_total{route=\"opt-ins\",status=\"202\"} 1",
        "klaviyo_door_opt_ins_total{state=\"accepted\"} 1",
        "klaviyo_door_request_seconds_count 2",
    ] {
        assert!(metrics.lines().any(|own| own == line), "{line}\n{metrics}");
    }
    assert!(!metrics.contains("priya"));
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_a_secret_is_replaced_either_is_right() {
    let stage = opened(&["shop-1"]).await;
    let third = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
    let file = stage.keys.path().join("shop-1.signing-secret");
    std::fs::write(&file, format!("{OTHER_SECRET}\n{SECRET}\n")).unwrap();
    let body = priya().to_string();
    let door = stage.queue_door(settings()).await;
    for (id, secret, status) in [("a", SECRET, 202), ("b", OTHER_SECRET, 202), ("c", third, 401)] {
        assert_eq!(post_at(&door, secret, id, now(), body.clone()).await.status(), status, "{id}");
    }
    door.stop().await;
    // A third line leaves the account without a secret.
    std::fs::write(&file, format!("{third}\n{OTHER_SECRET}\n{SECRET}\n")).unwrap();
    let door = stage.queue_door(settings()).await;
    assert_eq!(post_at(&door, SECRET, "d", now(), body.clone()).await.status(), 401);
    door.stop().await;
    std::fs::write(&file, OTHER_SECRET).unwrap();
    let door = stage.queue_door(settings()).await;
    for (id, secret, status) in [("e", SECRET, 401), ("f", OTHER_SECRET, 202)] {
        assert_eq!(post_at(&door, secret, id, now(), body.clone()).await.status(), status, "{id}");
    }
    door.stop().await;
}

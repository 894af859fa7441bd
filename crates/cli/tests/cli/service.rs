//! `klaviyo-connector serve`, `worker` and `dead`.

use crate::run::{CANARY, LIST, Run, Service, bare, server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use klaviyo_mock::{Nats, Server};
use serde_json::{Value, json};
use sha2::Sha256;
use std::process::Command;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use ureq::Agent;
use ureq::http::Request;
use ureq::http::request::Builder;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
pub(crate) const APP_SECRET: &str = "0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f";
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn serve(klaviyo: &Server) -> Command {
    let mut command = crate::run::klaviyo(&klaviyo.url(), CANARY);
    let addresses = ["--listen", "127.0.0.1:0", "--health-listen", "127.0.0.1:0"];
    command.arg("serve").args(addresses).arg("--json").env("KLAVIYO_SIGNING_SECRET", SECRET);
    command
}

pub(crate) fn worker(klaviyo: &Server) -> Command {
    let mut command = crate::run::klaviyo(&klaviyo.url(), CANARY);
    command.args(["worker", "--listen", "127.0.0.1:0", "--json"]);
    command
}

fn mac(key: &[u8], text: &[u8]) -> Vec<u8> {
    Hmac::<Sha256>::new_from_slice(key).unwrap().chain_update(text).finalize().into_bytes().to_vec()
}

pub(crate) fn send(request: Request<String>) -> (u16, String) {
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let mut response = agent.run(request).unwrap();
    (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
}

/// Sends a request that is signed for the account.
pub(crate) fn signed(door: &Service, method: &str, path: &str, id: &str, body: String) -> (u16, Value) {
    let (status, text) = send(signed_request(door, method, path, id, &body).body(body).unwrap());
    (status, serde_json::from_str(&text).unwrap())
}

pub(crate) fn signed_request(door: &Service, method: &str, path: &str, id: &str, body: &str) -> Builder {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let signature = STANDARD.encode(mac(&key, format!("{id}.{now}.{body}").as_bytes()));
    Request::builder()
        .method(method)
        .uri(format!("{}{path}", door.url()))
        .header("webhook-id", id)
        .header("webhook-timestamp", now)
        .header("webhook-signature", format!("v1,{signature}"))
}

/// Sends a notification of WhatsApp's: somebody wrote the word to this number.
fn notify(door: &Service, number: &str, id: &str) -> (u16, Value) {
    let contact = json!({ "profile": { "name": "Ada Lovelace" }, "wa_id": "919820000001" });
    let message = json!({ "from": "919820000001", "id": id, "text": { "body": "Subscribe" } });
    notify_of(door, number, contact, message)
}

/// Sends a notification of a message that was written now to this number.
pub(crate) fn notify_of(door: &Service, number: &str, contact: Value, mut message: Value) -> (u16, Value) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().to_string();
    message["timestamp"] = json!(now);
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [{ "value": {
        "metadata": { "phone_number_id": number }, "contacts": [contact], "messages": [message],
    } }] }] })
    .to_string();
    let digits: String =
        mac(APP_SECRET.as_bytes(), body.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let notification = Request::post(format!("{}/v1/whatsapp/default", door.url()))
        .header("x-hub-signature-256", format!("sha256={digits}"));
    let (status, text) = send(notification.body(body).unwrap());
    (status, serde_json::from_str(&text).unwrap())
}

fn get(url: &str, path: &str) -> (u16, String) {
    send(Request::get(format!("{url}{path}")).body(String::new()).unwrap())
}

/// The address of the /healthz, /readyz and /metrics of a door.
fn health(door: &Service) -> &str {
    door.ok["health_url"].as_str().unwrap()
}

pub(crate) fn opt_in(email: &str) -> String {
    json!({ "account": "default", "list": LIST, "email": email, "first_name": "Priya" }).to_string()
}

#[test]
fn without_a_queue_an_opt_in_is_done_at_once() {
    let klaviyo = server();
    let door = Service::start(&mut serve(&klaviyo));
    assert_eq!((&door.ok["queue"], &door.ok["accounts"]), (&json!(false), &json!(["default"])));
    let (status, told) = signed(&door, "POST", "/v1/opt-ins", "msg_1", opt_in("priya@example.com"));
    assert_eq!((status, &told["state"], &told["id"]), (200, &json!("done"), &json!("msg_1")));
    assert!(told["reply"].as_str().unwrap().contains("Priya"));
    assert_eq!(klaviyo.account().members(LIST).len(), 1);
    assert_eq!(get(health(&door), "/readyz").0, 200);
    assert!(get(health(&door), "/metrics").1.contains("klaviyo_door_opt_ins_total{"));
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(door.url(), path).0, 404, "{path}");
    }
    let unsigned =
        Request::post(format!("{}/v1/opt-ins", door.url())).body(opt_in("eve@example.com")).unwrap();
    assert_eq!(send(unsigned).0, 401);
    #[cfg(unix)]
    door.end("-TERM");
}

#[test]
fn what_cannot_work_is_told_at_once() {
    let klaviyo = server();
    let mut no_secret = serve(&klaviyo);
    assert_eq!(Run::of(no_secret.env_remove("KLAVIYO_SIGNING_SECRET")).err(2)["code"], "invalid-input");
    let mut no_key = worker(&klaviyo);
    assert_eq!(Run::of(no_key.env_remove("KLAVIYO_API_KEY")).err(2)["code"], "invalid-input");
    let folder = ["--secrets", "no/such/folder"];
    assert_eq!(Run::of(serve(&klaviyo).args(folder)).err(2)["code"], "invalid-input");
    assert_eq!(Run::of(worker(&klaviyo).args(folder)).err(2)["code"], "invalid-input");
    // A port that is taken, and one where nobody listens.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, nobody) = (taken.local_addr().unwrap().to_string(), "nats://user:canary-password@127.0.0.1:1");
    for command in [&mut serve(&klaviyo), &mut worker(&klaviyo), bare().args(["dead", "list", "--json"])] {
        let run = Run::of(command.args(["--nats", nobody]));
        assert_eq!(run.err(6)["code"], "connection");
        assert!(!run.out.contains("canary-password") && !run.err.contains("canary-password"));
    }
    for (url, code) in [
        ("user:canary-password", 2),
        ("canary-password://127.0.0.1", 2),
        ("user:canary-password@127.0.0.1:1", 6),
    ] {
        let run = Run::of(bare().args(["dead", "list", "--json"]).env("NATS_URL", url));
        run.err(code);
        assert!(!run.out.contains("canary-password"), "{}", run.out);
    }
    // The message names the option of the port that is taken.
    for [option, other] in [["--listen", "--health-listen"], ["--health-listen", "--listen"]] {
        let mut command = crate::run::klaviyo(&klaviyo.url(), CANARY);
        command.args(["serve", option, &port, other, "127.0.0.1:0"]).env("KLAVIYO_SIGNING_SECRET", SECRET);
        let run = Run::of(&mut command);
        assert!(run.code == 1 && run.err.contains(&format!("{option} ")), "{}", run.err);
    }
    for words in [&["dead", "retry"][..], &["dead", "show", "x"], &["dead", "drop", "--account", "default"]] {
        assert_eq!(Run::of(bare().args(words).arg("--json")).err(2)["code"], "invalid-input", "{words:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_door_that_serves_nobody_names_each_account_and_what_it_lacks() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("shop-1.api-key"), CANARY).unwrap();
    std::fs::write(folder.path().join("shop-2.signing-secret"), SECRET).unwrap();
    let door = Service::start(serve(&server()).arg("--secrets").arg(folder.path()));
    assert_eq!(door.ok["accounts"], json!([]));
    let log = door.end("-TERM");
    for (place, is_named) in [
        ("shop-1.signing-secret", true),
        ("shop-1.api-key (", false),
        ("shop-2.api-key", true),
        ("shop-2.signing-secret (", false),
    ] {
        assert_eq!(log.contains(place), is_named, "{place}: {log}");
    }
}

/// What a shell or an editor makes of a secret when something is missing.
const NO_SECRETS: [&str; 6] = [
    "whsec_",
    "whsec_AAAA",
    "password",
    "hunter2",
    "\"MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\"",
    "\u{feff}MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
];

#[test]
fn a_variable_that_is_no_secret_is_2_by_its_name() {
    let klaviyo = server();
    let mut wrong: Vec<(&str, &str)> = NO_SECRETS.map(|secret| ("KLAVIYO_SIGNING_SECRET", secret)).to_vec();
    wrong.push(("KLAVIYO_WHATSAPP_APP_SECRET", "hunter2"));
    wrong.push(("KLAVIYO_WHATSAPP_VERIFY_TOKEN", "x"));
    wrong.push(("KLAVIYO_WHATSAPP_PHONE_NUMBER_ID", "+1 555 078 3881"));
    wrong.push(("KLAVIYO_API_KEY", "pk_one two"));
    for (variable, secret) in wrong {
        let run = Run::of(serve(&klaviyo).env(variable, secret));
        let message = run.err(2)["message"].as_str().unwrap().to_owned();
        assert!(message.contains(variable) && !message.contains(secret), "{message}");
    }
    // A worker does not read what it does not need.
    let nobody = ["--nats", "nats://127.0.0.1:1"];
    let run = Run::of(worker(&klaviyo).args(nobody).env("KLAVIYO_SIGNING_SECRET", "whsec_"));
    assert_eq!(run.err(6)["code"], "connection");
}

#[cfg(unix)]
#[test]
fn a_file_that_is_no_secret_is_told_and_its_account_is_not_served() {
    let klaviyo = server();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    for (n, secret) in NO_SECRETS.into_iter().enumerate() {
        write(&format!("bad-{n}.signing-secret"), secret);
        write(&format!("bad-{n}.api-key"), CANARY);
    }
    let door = Service::start(serve(&klaviyo).arg("--secrets").arg(folder.path()));
    assert_eq!(door.ok["accounts"], json!([]));
    assert_eq!(get(health(&door), "/readyz").0, 503);
    let log = door.end("-TERM");
    for n in 0..NO_SECRETS.len() {
        let name = format!("bad-{n}.signing-secret");
        assert!(log.lines().any(|line| line.contains("ERROR") && line.contains(&name)), "{name}: {log}");
    }
    assert!(!NO_SECRETS.iter().any(|secret| *secret != "password" && log.contains(secret)), "{log}");

    write("good.signing-secret", SECRET);
    write("good.api-key", CANARY);
    let door = Service::start(serve(&klaviyo).arg("--secrets").arg(folder.path()));
    assert_eq!(door.ok["accounts"], json!(["good"]));
    door.end("-TERM");
}

/// Whoever can read a secret can sign with it.
#[cfg(unix)]
#[test]
fn a_secret_that_everybody_can_read_is_told_once() {
    use std::os::unix::fs::PermissionsExt;
    let klaviyo = server();
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str, mode: u32| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    write("shop-1.signing-secret", SECRET, 0o644);
    write("shop-1.api-key", CANARY, 0o440);
    write("shop-1.whatsapp-list", "WhatsApp Opt-Ins", 0o644);
    let door = Service::start(serve(&klaviyo).arg("--secrets").arg(folder.path()));
    // Until it has been read once more.
    write("shop-2.signing-secret", SECRET, 0o600);
    write("shop-2.api-key", CANARY, 0o600);
    let end = Instant::now() + PATIENCE;
    while !get(health(&door), "/readyz").1.contains("\"accounts\":2") {
        assert!(Instant::now() < end, "it is not read");
    }
    let log = door.end("-TERM");
    assert_eq!(log.matches("shop-").count(), 1, "{log}");
    assert!(log.lines().any(|line| line.contains("WARN") && line.contains("shop-1.signing-secret")), "{log}");
}

/// One secret is a FIFO that nobody writes to: the other secrets are read, and a signal is heard.
#[cfg(unix)]
#[test]
fn a_fifo_among_the_secrets_holds_nobody_up() {
    let klaviyo = server();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("good.signing-secret"), SECRET).unwrap();
    std::fs::write(path("good.api-key"), CANARY).unwrap();
    let mkfifo = |name: &str| assert!(Command::new("mkfifo").arg(path(name)).status().unwrap().success());
    mkfifo("bad.signing-secret");
    let door = Service::start(serve(&klaviyo).arg("--secrets").arg(folder.path()));
    assert_eq!(door.ok["accounts"], json!(["good"]));
    mkfifo("worse.signing-secret");
    std::fs::write(path("more.signing-secret"), SECRET).unwrap();
    std::fs::write(path("more.api-key"), CANARY).unwrap();
    let end = Instant::now() + PATIENCE;
    while !get(health(&door), "/readyz").1.contains("\"accounts\":2") {
        assert!(Instant::now() < end, "it is not read");
    }
    assert_eq!(get(health(&door), "/healthz").0, 200);
    let asked = Instant::now();
    door.end("-TERM");
    assert!(asked.elapsed() < Duration::from_secs(10));
}

/// Meta's ids have the sender's number in them, in base64.
#[cfg(unix)]
#[test]
fn the_log_says_nothing_of_who_wrote_by_whatsapp() {
    let klaviyo = server();
    let door = Service::start(
        serve(&klaviyo)
            .env("KLAVIYO_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("KLAVIYO_WHATSAPP_PHONE_NUMBER_ID", "106540352242922")
            .env("KLAVIYO_WHATSAPP_LIST", "There is none"),
    );
    for (number, count) in [("106540352242922", 1), ("206540352242922", 0)] {
        let (status, told) = notify(&door, number, "wamid.HBgMOTE5ODIwMDAwMDAx");
        assert_eq!((status, told.as_array().unwrap().len()), (200, count));
    }
    let log = door.end("-TERM");
    assert_eq!(log.matches("account=default").count(), 2, "{log}");
    for personal in ["HBgM", "9198", "Lovelace"] {
        assert!(!log.contains(personal), "{log}");
    }
}

#[cfg(unix)]
#[test]
fn the_log_is_for_programs_where_they_read_it() {
    let klaviyo = server();
    let door = Service::start(
        serve(&klaviyo)
            .args(["--log", "json", "--verbose"])
            .env("KLAVIYO_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("KLAVIYO_WHATSAPP_LIST", "There is none"),
    );
    assert_eq!(notify(&door, "106540352242922", "wamid.1").0, 200);
    let log = door.end("-TERM");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let warned = lines.iter().find(|line| line["level"] == "WARN" && line["account"].is_string()).unwrap();
    assert_eq!(warned["account"], "default");
    assert!(warned["message"].is_string() && warned["timestamp"].is_string(), "{warned}");
    let asked = |line: &Value| line["exchange"].as_str().is_some_and(|text| text.contains("/api/lists"));
    assert!(lines.iter().any(asked), "{log}");
}

#[cfg(unix)]
#[test]
fn whatsapps_words_are_named_and_people_without_a_number_left_out() {
    let klaviyo = server();
    let number = "106540352242922";
    let words = ["--whatsapp-word", "JOIN", "--whatsapp-word", "Straße", "--whatsapp-numbers-only"];
    let door = Service::start(
        serve(&klaviyo)
            .args(words)
            .env("KLAVIYO_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("KLAVIYO_WHATSAPP_LIST", "WhatsApp Opt-Ins"),
    );
    for (n, (word, count)) in [("join", 1), ("STRASSE", 1), ("SUBSCRIBE", 0)].into_iter().enumerate() {
        let message = json!({ "from": "919820000001", "id": format!("wamid.{n}"), "text": { "body": word } });
        let (status, told) = notify_of(&door, number, json!({}), message);
        assert_eq!((status, told.as_array().unwrap().len()), (200, count), "{word}");
    }
    let contact =
        json!({ "user_id": "IN.1349120", "profile": { "name": "Ada Lovelace", "username": "@ada" } });
    let message = json!({ "from_user_id": "IN.1349120", "id": "wamid.9", "text": { "body": "join" } });
    assert_eq!(notify_of(&door, number, contact, message), (200, json!([])));
    let counted = "klaviyo_door_ignored_total{reason=\"without-number\"} 1";
    assert!(get(health(&door), "/metrics").1.contains(counted));
    let log = door.end("-TERM");
    assert!(log.contains("without-number") && log.contains("--whatsapp-numbers-only"), "{log}");
    for personal in ["IN.13", "@ada", "Ada", "wamid"] {
        assert!(!log.contains(personal), "{log}");
    }
    let empty = Run::of(serve(&klaviyo).args(["--whatsapp-word", " "]));
    assert_eq!(empty.code, 2);
}

#[test]
fn a_secret_is_made_without_other_programs() {
    let made = || Run::of(bare().arg("secret").env("PATH", ""));
    let (one, other) = (made(), made());
    assert_ne!(one.out, other.out);
    let secret = one.out.strip_suffix('\n').unwrap();
    let bytes = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    assert_eq!((one.code, one.err.as_str(), bytes.len()), (0, "", 32));
    let json = Run::of(bare().args(["secret", "--json"])).ok();
    assert!(json.as_str().unwrap().starts_with("whsec_"));
    assert_eq!(Run::of(bare().args(["secret", "--help"])).code, 0);

    // It can be used.
    let klaviyo = server();
    let door = Service::start(serve(&klaviyo).env("KLAVIYO_SIGNING_SECRET", secret));
    assert_eq!(door.ok["accounts"], json!(["default"]));
    assert_eq!(signed(&door, "POST", "/v1/opt-ins", "msg_1", opt_in("priya@example.com")).0, 401);
}

#[test]
fn a_file_with_certificates_that_is_not_there_is_named() {
    let dead = ["dead", "list", "--json", "--nats", "tls://127.0.0.1:1", "--nats-ca", "no/such/file"];
    let error = Run::of(bare().args(dead)).err(6);
    assert_eq!(error["code"], "connection");
    assert!(error["message"].as_str().unwrap().contains("no/such/file"), "{error}");
}

#[cfg(unix)]
#[test]
fn on_nats_the_id_of_a_request_is_in_the_lines_of_door_and_worker() {
    let klaviyo = server();
    let nats = Nats::start().unwrap();
    let options = ["--log", "json", "--verbose", "--nats", &nats.url()];
    let door = Service::start(serve(&klaviyo).args(options).env_remove("KLAVIYO_API_KEY"));
    let agent: Agent = Agent::config_builder().http_status_as_error(false).build().into();
    let post = |id: &str, request: &str, list: &str| {
        let body = json!({ "account": "default", "list": list, "email": "priya@example.com" }).to_string();
        let signed = signed_request(&door, "POST", "/v1/opt-ins", id, &body);
        let response = agent.run(signed.header("x-request-id", request).body(body).unwrap()).unwrap();
        assert_eq!(response.status(), 202);
        response.headers()["x-request-id"].to_str().unwrap().to_owned()
    };
    assert_eq!(post("msg_1", "req-good", LIST), "req-good");
    assert_eq!(post("msg_2", "req-bad", "No such list"), "req-bad");
    let made = post("msg_3", "not an id", LIST);
    assert!(made.len() == 32 && made != "not an id", "{made}");
    let worker = Service::start(worker(&klaviyo).args(options));
    let end = Instant::now() + PATIENCE;
    let ended = |state: &str, count: u32| {
        let series = format!("klaviyo_worker_messages_total{{lane=\"opt-ins\",state=\"{state}\"}} {count}\n");
        get(worker.url(), "/metrics").1.contains(&series)
    };
    while !(ended("done", 2) && ended("dead", 1)) {
        assert!(Instant::now() < end, "{}", get(worker.url(), "/metrics").1);
        std::thread::sleep(Duration::from_millis(100));
    }
    let lines = |log: String| -> Vec<Value> {
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    };
    let (door, worker) = (lines(door.end("-TERM")), lines(worker.end("-TERM")));
    for (request, state, level) in
        [("req-good", "done", "DEBUG"), ("req-bad", "dead", "WARN"), (&made, "done", "DEBUG")]
    {
        let answered = door.iter().find(|line| line["request"] == request && line["status"] == 202);
        assert!(answered.is_some(), "{request} {door:?}");
        // What is logged meanwhile has it too.
        assert!(door.iter().any(|line| line["span"]["request"] == request && line["account"] == "default"));
        let own: Vec<_> = worker.iter().filter(|line| line["request"] == request).collect();
        assert!(own.iter().any(|line| line["state"] == state && line["lane"] == "opt-ins"), "{own:?}");
        assert!(own.iter().any(|line| line["level"] == level), "{own:?}");
    }
    let dead = worker.iter().find(|line| line["level"] == "WARN" && line["request"] == "req-bad").unwrap();
    assert_eq!((&dead["account"], &dead["code"]), (&json!("default"), &json!("not-found")));
    assert!(dead["key"].as_str().unwrap().starts_with("default."), "{dead}");
}

#[cfg(unix)]
#[test]
fn on_nats_it_is_accepted_and_a_worker_does_it() {
    let klaviyo = server();
    let nats = Nats::start().unwrap();
    let door = Service::start(
        serve(&klaviyo)
            .args(["--nats", &nats.url()])
            .env_remove("KLAVIYO_API_KEY")
            .env("KLAVIYO_WHATSAPP_APP_SECRET", APP_SECRET)
            .env("KLAVIYO_WHATSAPP_LIST", "WhatsApp Opt-Ins"),
    );
    assert_eq!(door.ok["queue"], json!(true));
    let (status, good) = signed(&door, "POST", "/v1/opt-ins", "msg_1", opt_in("priya@example.com"));
    assert_eq!((status, &good["state"]), (202, &json!("waiting")));
    // The simulator takes eight digits or more.
    let bad = json!({ "account": "default", "list": LIST, "phone_number": "+2901234" }).to_string();
    let (status, bad) = signed(&door, "POST", "/v1/opt-ins", "msg_2", bad);
    assert_eq!(status, 202);
    assert_eq!(notify(&door, "106540352242922", "wamid.1").0, 200);

    let worker = Service::start(worker(&klaviyo).env("NATS_URL", nats.url()));
    let ask = |told: &Value| {
        let id = told["id"].as_str().unwrap();
        let (status, outcome) = signed(&door, "GET", &format!("/v1/opt-ins/{id}"), id, String::new());
        assert_eq!(status, 200);
        outcome["state"].as_str().unwrap().to_owned()
    };
    let until = |what: &str, is_so: &dyn Fn() -> bool| {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "waited in vain: {what}");
            // The same question within a second is a replay.
            std::thread::sleep(Duration::from_millis(1100));
        }
    };
    until("the good one is done", &|| ask(&good) == "done");
    until("the bad one is dead", &|| ask(&bad) == "dead");
    until("both are members", &|| klaviyo.account().members(LIST).len() == 2);
    assert_eq!(get(worker.url(), "/readyz").0, 200);
    until("it is counted", &|| get(worker.url(), "/metrics").1.contains("klaviyo_queue_dead_letters 1"));

    let dead =
        |words: &[&str]| Run::of(bare().arg("dead").args(words).args(["--json", "--nats", &nats.url()]));
    let letters = dead(&["list"]).ok();
    let id = letters[0]["id"].as_str().unwrap();
    assert_eq!((letters.as_array().unwrap().len(), &letters[0]["error"]["code"]), (1, &json!("rejected")));
    // The id in the answer is the id of the dead letter.
    assert_eq!(bad["id"], id);
    assert_eq!(letters[0].get("sequences"), None);
    let short = id.rsplit_once('.').unwrap().0;
    assert_eq!(dead(&["show", short]).ok()["id"], id);
    assert_eq!(dead(&["list", "--account", "other"]).ok(), json!([]));
    assert_eq!(dead(&["show", id]).ok()["opt_in"]["phone_number"], "+2901234");
    let text = Run::of(bare().args(["dead", "list", "--nats", &nats.url()]));
    assert!(text.code == 0 && text.out.contains(id) && text.out.contains("rejected"), "{}", text.out);
    assert_eq!(dead(&["retry", id]).ok(), json!(1));
    until("it is dead again", &|| dead(&["list"]).ok().as_array().unwrap().len() == 1);
    assert_eq!(dead(&["list"]).ok()[0]["id"], id);
    assert_eq!(dead(&["drop", "--all"]).ok(), json!(1));
    assert_eq!(dead(&["list"]).ok(), json!([]));
    assert_eq!(ask(&bad), "dropped");
    assert_eq!(dead(&["show", id]).err(3)["code"], "not-found");
    assert_eq!(dead(&["changes", "list", "--account", "default"]).ok(), json!([]));
    assert_eq!(dead(&["changes", "drop", "msg_1"]).err(3)["code"], "not-found");

    let log = worker.end("-TERM") + &door.end("-TERM");
    assert!(!log.contains("example.com") && !log.contains("9198"), "{log}");
}

/// The same command with a limit on open files.
#[cfg(unix)]
fn with_files(command: &Command, most: usize) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", &format!("ulimit -n {most}; exec \"$0\" \"$@\"")]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

#[cfg(unix)]
#[test]
fn idle_connections_do_not_take_the_files_that_work_needs() {
    let klaviyo = server();
    let mut few_places = serve(&klaviyo);
    few_places.args(["--concurrency", "8"]);
    let door = Service::start(&mut with_files(&few_places, 160));
    let address = door.url().strip_prefix("http://").unwrap();
    let mut idle = Vec::new();
    for n in 0..20 {
        idle.extend((0..20).map(|_| std::net::TcpStream::connect(address).unwrap()));
        let body = opt_in(&format!("p{n}@example.com"));
        let (status, told) = signed(&door, "POST", "/v1/opt-ins", &format!("msg_{n}"), body);
        assert_eq!(status, 200, "{told}");
        assert_eq!(get(health(&door), "/healthz").0, 200);
    }
    let log = door.end("-TERM");
    assert!(!log.contains("cannot accept"), "{log}");
}

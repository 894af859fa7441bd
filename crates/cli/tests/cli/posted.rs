//! `changes --post`: changes that are sent to an endpoint.

use crate::run::{CANARY, LIST, Run, Service, bare, eventually, klaviyo, run, server, with_history};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use klaviyo_mock::{Channel, Nats, Server};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const PATIENCE: Duration = Duration::from_secs(60);

/// An endpoint that answers each message with the status that `answer` gives. Each message is passed on before it is
/// answered.
fn endpoint(mut answer: impl FnMut(&Value) -> u16 + Send + 'static) -> (String, Receiver<Value>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let (send, received) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // A client that was killed says nothing.
            let Some((stream, message)) = read(stream.unwrap()) else { continue };
            let status = answer(&message);
            let _ = send.send(message);
            let _ = write!(&stream, "HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    (url, received)
}

/// Reads a request, and checks its signature.
fn read(stream: TcpStream) -> Option<(TcpStream, Value)> {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), Vec::new());
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    assert_eq!(line, "POST /hook HTTP/1.1\r\n");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let header = |name: &str| headers.iter().find(|(of, _)| of == name).unwrap().1.as_str();
    let mut body = vec![0; header("content-length").parse().unwrap()];
    reader.read_exact(&mut body).ok()?;
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    let mac = mac.chain_update(format!("{}.{}.", header("webhook-id"), header("webhook-timestamp")));
    let signature = STANDARD.encode(mac.chain_update(&body).finalize().into_bytes());
    assert_eq!(header("webhook-signature"), format!("v1,{signature}"));
    Some((reader.into_inner(), serde_json::from_slice(&body).unwrap()))
}

fn post(server: &Server, url: &str, words: &[&str]) -> Command {
    let mut command = klaviyo(&server.url(), CANARY);
    command.args(["changes"]).args(words).args(["--post", url, "--private-endpoints"]);
    command.env("KLAVIYO_CHANGES_SECRET", SECRET);
    command
}

fn email(message: &Value) -> String {
    message["data"]["profile"]["email"].as_str().unwrap().to_owned()
}

fn opt_in(server: &Server, email: &str) {
    run(server, &["opt-in", "--json", "--list", LIST, "--email", email]).ok();
}

#[test]
fn the_consent_of_a_changed_profile_is_sent_behind_it() {
    let server = with_history();
    run(&server, &["opt-in", "--json", "--list", LIST, "--email", "ada@example.com", "--consent", "email"])
        .ok();
    opt_in(&server, "grace@example.com");
    let is_given =
        || server.account().profile("email", "ada@example.com").unwrap().consent(Channel::Email).is_given();
    eventually(&true, is_given);
    let (url, received) = endpoint(|_| 204);
    let sent = Run::of(&mut post(&server, &url, &["profiles", "--since", "1h", "--consent"]));
    assert_eq!((sent.code, sent.err.as_str()), (0, ""));
    let messages: Vec<Value> = received.try_iter().collect();
    for (person, state) in [("ada@example.com", "SUBSCRIBED"), ("grace@example.com", "NEVER_SUBSCRIBED")] {
        let of = |kind: &str, pointer: &str| {
            let is_of = |message: &&Value| {
                message["type"] == kind && message.pointer(pointer) == Some(&json!(person))
            };
            messages.iter().position(|message| is_of(&message)).unwrap()
        };
        let profile = of("profile.changed", "/data/profile/email");
        let consent = of("consent.changed", "/data/email");
        assert!(profile < consent);
        let channels = messages[consent]["data"]["consent"]["channels"].as_array().unwrap();
        let email = channels.iter().find(|channel| channel["channel"] == "email").unwrap();
        assert_eq!(email["state"], state);
    }
    // Consent is not printed, so there has to be an endpoint.
    assert_eq!(run(&server, &["changes", "profiles", "--since", "1h", "--consent"]).code, 2);
}

#[test]
fn each_change_is_sent_once_and_the_state_goes_on_behind_it() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let state = folder.path().join("state");
    opt_in(&server, "ada@example.com");
    opt_in(&server, "grace@example.com");
    let words = ["members", "--list", LIST, "--since", "1h", "--state", state.to_str().unwrap()];
    // An endpoint that fails keeps the state where it is.
    let (failing, _) = endpoint(|_| 500);
    let failed = Run::of(&mut post(&server, &failing, &words));
    assert!(failed.code != 0 && failed.err.contains("500"), "{}", failed.err);
    let (url, received) = endpoint(|_| 204);
    let sent = Run::of(&mut post(&server, &url, &words));
    assert_eq!((sent.code, sent.out.as_str(), sent.err.as_str()), (0, "", ""));
    let messages: Vec<Value> = received.try_iter().collect();
    assert_eq!(messages.iter().map(email).collect::<Vec<_>>().len(), 2);
    assert!(
        messages.iter().all(|message| message["type"] == "list.joined" && message["data"]["list"] == LIST)
    );
    opt_in(&server, "edsger@example.com");
    assert_eq!(Run::of(&mut post(&server, &url, &words)).code, 0);
    assert_eq!(
        received.try_iter().map(|message| email(&message)).collect::<Vec<_>>(),
        ["edsger@example.com"]
    );
}

#[test]
fn a_refused_change_is_printed_and_the_others_are_sent() {
    let server = server();
    for name in ["ada", "grace", "edsger"] {
        opt_in(&server, &format!("{name}@example.com"));
    }
    let (url, received) = endpoint(|message| if email(message) == "grace@example.com" { 422 } else { 200 });
    let run = Run::of(&mut post(&server, &url, &["members", "--list", LIST, "--since", "1h"]));
    assert!(run.code != 0 && run.err.contains("refused"), "{}", run.err);
    let printed: Value = serde_json::from_str(&run.out).unwrap();
    assert_eq!(
        (email(&printed["message"]), &printed["attempts"]),
        ("grace@example.com".to_owned(), &Value::from(5))
    );
    assert_eq!(received.try_iter().count(), 2 + 5);
}

#[test]
fn who_is_killed_before_the_state_is_written_sends_it_again_and_leaves_nobody_out() {
    let (server, folder) = (server(), tempfile::tempdir().unwrap());
    let state = folder.path().join("state");
    let words = [
        "members",
        "--list",
        LIST,
        "--since",
        "1h",
        "--follow",
        "--every",
        "50ms",
        "--state",
        state.to_str().unwrap(),
    ];
    // The first endpoint is asked and never answers.
    let ((release, hold), (asked, is_asked)) = (channel::<()>(), channel());
    let (silent, _) = endpoint(move |message| {
        asked.send(email(message)).unwrap();
        let _ = hold.recv();
        200
    });
    opt_in(&server, "ada@example.com");
    opt_in(&server, "grace@example.com");
    let mut sender = post(&server, &silent, &words).stdout(Stdio::null()).spawn().unwrap();
    is_asked.recv_timeout(PATIENCE).unwrap();
    sender.kill().unwrap();
    sender.wait().unwrap();
    drop(release);
    let (url, received) = endpoint(|_| 200);
    let mut names = Vec::new();
    let mut sender = post(&server, &url, &words).stdout(Stdio::null()).spawn().unwrap();
    while names.len() < 2 {
        names.push(email(&received.recv_timeout(PATIENCE).unwrap()));
    }
    opt_in(&server, "edsger@example.com");
    while !names.contains(&"edsger@example.com".to_owned()) {
        names.push(email(&received.recv_timeout(PATIENCE).unwrap()));
    }
    names.sort();
    names.dedup();
    assert_eq!(names, ["ada@example.com", "edsger@example.com", "grace@example.com"]);
    sender.kill().unwrap();
    sender.wait().unwrap();
}

/// The same for a worker. It is killed while the endpoint has a message, before anything is noted.
#[test]
fn on_nats_a_worker_that_is_killed_leaves_no_change_out() {
    let (server, nats) = (server(), Nats::start().unwrap());
    let ((release, hold), (asked, is_asked)) = (channel::<()>(), channel());
    let (url, received) = endpoint(move |message| {
        let _ = asked.send(email(message));
        let _ = hold.recv();
        200
    });
    let names = ["ada@example.com", "edsger@example.com", "grace@example.com"];
    names.iter().for_each(|name| opt_in(&server, name));
    let settings =
        json!({ "url": url, "lists": [LIST], "since": "2026-01-01T00:00:00Z", "every_seconds": 1 });
    let start = || {
        let mut command = klaviyo(&server.url(), CANARY);
        command.args([
            "worker",
            "--listen",
            "127.0.0.1:0",
            "--json",
            "--private-endpoints",
            "--nats",
            &nats.url(),
        ]);
        command.env("KLAVIYO_CHANGES", settings.to_string()).env("KLAVIYO_CHANGES_SECRET", SECRET);
        Service::start(&mut command)
    };
    let worker = start();
    is_asked.recv_timeout(PATIENCE).unwrap();
    // The worker is killed.
    drop(worker);
    drop(release);
    let worker = start();
    let mut told = Vec::new();
    // After the first ones, which the killed worker may have sent.
    while told.len() < 3 || !names.iter().all(|name| told.contains(&(*name).to_owned())) {
        told.push(email(&received.recv_timeout(PATIENCE).unwrap()));
    }
    // What comes later is told too.
    opt_in(&server, "barbara@example.com");
    while told.last().unwrap() != "barbara@example.com" {
        told.push(email(&received.recv_timeout(PATIENCE).unwrap()));
    }
    #[cfg(unix)]
    {
        let log = worker.end("-TERM");
        assert!(!log.contains("example.com") && !log.contains(SECRET), "{log}");
    }
}

#[test]
fn on_nats_a_refused_change_is_shown_sent_again_or_given_up() {
    let (server, nats) = (server(), Nats::start().unwrap());
    let (is_refusing, names) =
        (Arc::new(AtomicBool::new(true)), ["ada@example.com", "grace@example.com", "mei@example.com"]);
    let refuses = Arc::clone(&is_refusing);
    let (platform, received) = endpoint(move |_| if refuses.load(Ordering::SeqCst) { 422 } else { 200 });
    names.iter().for_each(|name| opt_in(&server, name));
    let settings =
        json!({ "url": platform, "every_seconds": 86_400, "lists": [LIST], "since": "2026-01-01T00:00:00Z" });
    let mut command = klaviyo(&server.url(), CANARY);
    command.args([
        "worker",
        "--listen",
        "127.0.0.1:0",
        "--json",
        "--private-endpoints",
        "--nats",
        &nats.url(),
    ]);
    command.env("KLAVIYO_CHANGES", settings.to_string()).env("KLAVIYO_CHANGES_SECRET", SECRET);
    let _worker = Service::start(&mut command);
    let dead = |words: &[&str]| {
        Run::of(bare().args(["dead", "changes"]).args(words).args(["--json", "--nats", &nats.url()]))
    };
    eventually(&3, || dead(&["list"]).ok().as_array().unwrap().len());
    let letters = dead(&["list", "--account", "default"]).ok();
    assert_eq!(letters[0]["error"]["code"], "rejected");
    let [one, other] = [0, 1].map(|n| letters[n]["id"].as_str().unwrap().to_owned());
    assert_eq!(dead(&["show", &one]).ok(), letters[0]);
    assert_eq!(dead(&["show", "msg_0"]).err(3)["code"], "not-found");
    // Nothing is done where one of them is not there.
    assert_eq!(dead(&["retry", &one, "msg_0"]).err(3)["code"], "not-found");
    assert_eq!(dead(&["retry"]).code, 2);
    assert_eq!(dead(&["list"]).ok(), letters);
    is_refusing.store(false, Ordering::SeqCst);
    while received.try_recv().is_ok() {}
    let next = || received.recv_timeout(PATIENCE).unwrap();
    assert_eq!(dead(&["retry", &one]).ok(), json!(1));
    assert_eq!(next(), letters[0]["message"]);
    assert_eq!(dead(&["drop", &other]).ok(), json!(1));
    assert_eq!(dead(&["retry", "--all", "--account", "shop-2"]).ok(), json!(0));
    assert_eq!(dead(&["retry", "--all"]).ok(), json!(1));
    assert_eq!(next(), letters[2]["message"]);
    assert_eq!(dead(&["list"]).ok(), json!([]));
}

#[test]
fn an_endpoint_that_fails_is_not_taken_for_klaviyo() {
    let server = server();
    opt_in(&server, "ada@example.com");
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let gone = format!("http://{}/hook", listener.local_addr().unwrap());
    drop(listener);
    let failing = endpoint(|_| 503).0;
    for url in [gone, failing] {
        let mut command = post(&server, &url, &["profiles", "--since", "1h"]);
        let run = Run::of(&mut command);
        assert_eq!((run.code, run.err.contains(&server.url())), (6, false), "{}", run.err);
    }
}

#[test]
fn an_endpoint_that_may_not_be_sent_to_is_named_before_anything_is_read() {
    let server = server();
    let begin = |url: &str, secret: &str| {
        let mut command = klaviyo(&server.url(), CANARY);
        command.args(["changes", "profiles", "--since", "1h", "--post", url]);
        Run::of(command.env("KLAVIYO_CHANGES_SECRET", secret))
    };
    for (url, secret, culprit) in [
        ("http://platform.example/hook", SECRET, "--private-endpoints"),
        ("https://127.0.0.1/hook", SECRET, "--private-endpoints"),
        ("https://platform.example/hook", "", "KLAVIYO_CHANGES_SECRET"),
        ("https://platform.example/hook", "whsec_AAAA", "KLAVIYO_CHANGES_SECRET"),
        ("ftp://platform.example/hook", SECRET, "https://"),
        ("platform.example", SECRET, "--post"),
        ("https://platform.example/hook#part", SECRET, "--post"),
        ("https://user@platform.example/hook", SECRET, "--post"),
    ] {
        let run = begin(url, secret);
        assert!(run.code == 2 && run.err.contains(culprit), "{url}: {} {}", run.code, run.err);
    }
    assert_eq!(server.requests(), 0);
}

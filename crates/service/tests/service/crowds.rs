//! Callers who cannot sign, and accounts that send much, keep no other caller out.

use crate::door::{OTHER_SECRET, SECRET, answer, client, get, now, opened, person, post, post_at, signature};
use crate::stage::{LIST, PATIENCE, Running, key_of, settings};
use klaviyo_mock::Faults;
use klaviyo_service::door::{DoorLimits, DoorSettings};
use klaviyo_service::ops;
use serde_json::{Value, json};
use std::io::ErrorKind;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

async fn connect(door: &Running) -> TcpStream {
    TcpStream::connect(door.url.strip_prefix("http://").unwrap()).await.unwrap()
}

/// What a door answers when it begins to read the body of a request that asks for this answer.
const CONTINUE: &[u8; 25] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A connection on which the door has begun to read a request, with so many bytes of its body.
async fn unfinished(door: &Running, bytes: usize) -> TcpStream {
    let mut stream = connect(door).await;
    let head = "POST /v1/opt-ins HTTP/1.1\r\nhost: x\r\nexpect: 100-continue\r\n\
                content-length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = [0; CONTINUE.len()];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, *CONTINUE);
    stream.write_all(&vec![b' '; bytes]).await.unwrap();
    stream
}

/// Reads until the door closes the connection. The door may reset the connection if it has not read
/// everything.
async fn to_end(mut stream: TcpStream) -> String {
    let mut answer = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut answer)).await.unwrap();
    String::from_utf8(answer).unwrap()
}

/// The bytes of a signed request.
fn signed(id: &str, body: &Value) -> Vec<u8> {
    let (at, body) = (now(), body.to_string());
    let head = format!(
        "POST /v1/opt-ins HTTP/1.1\r\nhost: x\r\nwebhook-id: {id}\r\nwebhook-timestamp: {at}\r\n\
         webhook-signature: {}\r\ncontent-length: {}\r\n\r\n",
        signature(SECRET, id, at, body.as_bytes()),
        body.len()
    );
    (head + &body).into_bytes()
}

/// Sends a request on a connection that stays open. Returns the head of the answer.
async fn ask_on(stream: &mut TcpStream, request: &[u8]) -> String {
    stream.write_all(request).await.unwrap();
    let mut read = Vec::new();
    let head_end = loop {
        assert!(timeout(PATIENCE, stream.read_buf(&mut read)).await.unwrap().unwrap() > 0, "it was closed");
        if let Some(end) = read.windows(4).position(|window| window == b"\r\n\r\n") {
            break end + 4;
        }
    };
    let head = String::from_utf8(read[..head_end].to_vec()).unwrap().to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let length: usize = length.parse().unwrap();
    while read.len() < head_end + length {
        assert!(stream.read_buf(&mut read).await.unwrap() > 0, "it was closed");
    }
    head
}

#[tokio::test(flavor = "multi_thread")]
async fn more_unfinished_bodies_than_places_keep_no_signed_request_out() {
    let stage = opened(&["shop-1"]).await;
    let limits = DoorLimits { body: Duration::from_secs(3), ..DoorLimits::default() };
    let door =
        stage.queue_door(DoorSettings { concurrency: 2.try_into().unwrap(), limits, ..settings() }).await;
    let mut strangers = Vec::new();
    for _ in 0..40 {
        strangers.push(unfinished(&door, 1).await);
    }
    for n in 0..20 {
        assert_eq!(post(&door, &format!("msg_{n}"), &person(n)).await.0, 202);
    }
    for stranger in strangers {
        let answer = to_end(stranger).await;
        assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_idle_connections_than_there_may_be_keep_nobody_out() {
    let stage = opened(&["shop-1"]).await;
    let listener =
        ops::ListenerSettings { connections: 8, headers: PATIENCE, ..ops::ListenerSettings::default() };
    let door = stage.crowded_door(listener, settings()).await;
    let mut known = connect(&door).await;
    assert!(ask_on(&mut known, &signed("msg", &person(0))).await.starts_with("http/1.1 202 "));
    let mut idle = Vec::new();
    for n in 0..40 {
        idle.push(connect(&door).await);
        // On a new connection, and at the port for health.
        let new = ask_on(&mut connect(&door).await, &signed(&format!("msg_{n}"), &person(n))).await;
        assert!(new.starts_with("http/1.1 202 "), "{new}");
        assert_eq!(get(&door.health_url, "/healthz").await, (200, "ok\n".to_owned()));
    }
    for _ in 0..40 {
        idle.push(connect(&door).await);
    }
    // The oldest connections are closed.
    for stranger in idle.drain(..40) {
        assert_eq!(to_end(stranger).await, "");
    }
    assert!(ask_on(&mut known, &signed("last", &person(0))).await.starts_with("http/1.1 202 "));
    assert_eq!(get(&door.health_url, "/readyz").await.0, 200);
    let metrics = get(&door.health_url, "/metrics").await.1;
    let closed = "klaviyo_door_connections_closed_total{reason=\"full\"} ";
    let closed = metrics.lines().find_map(|line| line.strip_prefix(closed)).unwrap();
    assert!(closed.parse::<u64>().unwrap() >= 72, "{closed}");
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_learn_nothing_of_how_the_door_does() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    for path in ["/healthz", "/readyz", "/metrics"] {
        assert_eq!(get(&door.url, path).await.0, 404, "{path}");
        assert_eq!(get(&door.health_url, path).await.0, 200, "{path}");
    }
    assert_eq!(get(&door.health_url, "/v1/opt-ins").await.0, 404);
    door.stop().await;
}

/// Sends requests and reads nothing, until nothing more can be sent.
async fn clogged(door: &Running, method: &str) -> TcpStream {
    let stream = connect(door).await;
    let requests = format!("{method} /v1/nothing HTTP/1.1\r\nhost: x\r\n\r\n").repeat(100);
    let mut sent = 0;
    while timeout(Duration::from_millis(200), stream.writable()).await.is_ok() {
        match stream.try_write(requests.as_bytes()) {
            Ok(bytes) => sent += bytes,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // The door has closed it already.
            Err(_) => break,
        }
        // The buffers of the system and of the door have a bound.
        assert!(sent < 64 << 20, "it takes all that is sent");
    }
    stream
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_read_the_answers_is_dropped() {
    let stage = opened(&["shop-1"]).await;
    let listener =
        ops::ListenerSettings { writing: Duration::from_millis(500), ..ops::ListenerSettings::default() };
    let door = stage.crowded_door(listener, settings()).await;
    for (n, method) in ["GET", "HEAD", "POST"].into_iter().enumerate() {
        let stream = clogged(&door, method).await;
        let dropped = format!("klaviyo_door_connections_closed_total{{reason=\"not read\"}} {}", n + 1);
        let end = Instant::now() + PATIENCE;
        while !get(&door.health_url, "/metrics").await.1.lines().any(|line| line == dropped) {
            assert!(Instant::now() < end, "{method}: the connection stays");
        }
        drop(stream);
    }
    // The shutdown does not wait for it as long as for requests that are under way.
    let streams = [clogged(&door, "GET").await, clogged(&door, "HEAD").await];
    let begun = Instant::now();
    door.stop().await;
    assert!(begun.elapsed() < ops::ListenerSettings::default().grace / 2, "{:?}", begun.elapsed());
    drop(streams);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_grows_old() {
    let stage = opened(&["shop-1"]).await;
    let young = stage.queue_door(settings()).await;
    let mut stream = connect(&young).await;
    assert!(!ask_on(&mut stream, &signed("msg_0", &person(0))).await.contains("connection: close"));
    let settings_of = |age, grace| ops::ListenerSettings { age, grace, ..ops::ListenerSettings::default() };
    let old = stage.crowded_door(settings_of(Duration::ZERO, PATIENCE), settings()).await;
    let mut stream = connect(&old).await;
    let answer = ask_on(&mut stream, &signed("msg_1", &person(0))).await;
    assert!(answer.starts_with("http/1.1 202 ") && answer.contains("connection: close"), "{answer}");
    assert_eq!(to_end(stream).await, "");
    // A connection with a request at all times is closed, too.
    let never = settings_of(Duration::from_millis(100), Duration::from_millis(100));
    let broken = stage.crowded_door(never, settings()).await;
    assert_eq!(to_end(unfinished(&broken, 1).await).await, "");
    for door in [young, old, broken] {
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_worked_on_outlives_its_connections_age() {
    let stage = opened(&["shop-1"]).await;
    stage.klaviyo.set_faults(Faults::none().rule("*: always latency 1s".parse().unwrap()));
    // The opt-in takes four requests, and longer than this connection may last.
    let (age, grace) = (Duration::ZERO, Duration::from_secs(2));
    let door = stage.crowded_direct_door(
        ops::ListenerSettings { age, grace, ..ops::ListenerSettings::default() },
        settings(),
    );
    let mut stream = connect(&door).await;
    let answer = ask_on(&mut stream, &signed("msg_1", &person(0))).await;
    assert!(answer.starts_with("http/1.1 200 ") && answer.contains("connection: close"), "{answer}");
    assert_eq!(to_end(stream).await, "");
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_come_slowly_make_room_for_one_that_comes_quickly() {
    let stage = opened(&["shop-1"]).await;
    const NEVER: Duration = Duration::from_secs(60 * 60);
    let limits = DoorLimits { unsigned_bytes: 1 << 20, body: NEVER, pause: NEVER, ..DoorLimits::default() };
    let door = stage.queue_door(DoorSettings { limits, ..settings() }).await;
    let mut strangers = Vec::new();
    for _ in 0..20 {
        strangers.push(unfinished(&door, 100_000).await);
    }
    let many: Vec<Value> = (0..1_000)
        .map(|n| {
            let mut person = person(n);
            person["properties"] = json!({ "note": "x".repeat(600) });
            person
        })
        .collect();
    assert_eq!(post(&door, "msg_1", &json!(many)).await.0, 202);
    // The door has dropped those that began first.
    for stranger in strangers.drain(..10) {
        let answer = to_end(stranger).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 408 "), "{answer}");
    }
    drop(strangers);
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_door_holds_has_an_end() {
    let stage = opened(&["shop-1"]).await;
    let limits = DoorLimits { signed_bytes: 100_000, ..DoorLimits::default() };
    let door = stage.queue_door(DoorSettings { limits, ..settings() }).await;
    // An account gets half of the memory, and a byte of a body counts as four.
    let mut large = person(1);
    large["properties"] = json!({ "note": "x".repeat(12_500) });
    let refused = post_at(&door, SECRET, "msg_1", now(), large.to_string()).await;
    assert_eq!(refused.headers().get("retry-after").unwrap(), "1");
    assert_eq!(answer(refused).await.0, 503);
    large["properties"] = json!({ "note": "x".repeat(12_000) });
    for n in 2..10 {
        assert_eq!(post(&door, &format!("msg_{n}"), &large).await.0, 202);
    }
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_with_more_requests_open_than_there_are_places_leaves_some_to_others() {
    let stage = opened(&["shop-1", "shop-2"]).await;
    // The first account's requests wait for Klaviyo.
    let slow = "*: always latency 5s";
    stage.klaviyo.set_faults(Faults::none().rule(slow.parse().unwrap()));
    let door = stage.direct_door(DoorSettings { concurrency: 4.try_into().unwrap(), ..settings() }).await;
    let url = door.url.clone();
    let open = |n: usize| {
        let (url, id, at) = (url.clone(), format!("noisy_{n}"), now());
        let body = json!({ "account": "shop-1", "list": LIST, "email": "p@example.com" }).to_string();
        async move {
            let sent = client()
                .post(format!("{url}/v1/opt-ins"))
                .header("webhook-id", &id)
                .header("webhook-timestamp", at)
                .header("webhook-signature", signature(SECRET, &id, at, body.as_bytes()))
                .body(body)
                .send();
            sent.await.unwrap().status().as_u16()
        }
    };
    let mut noisy: JoinSet<u16> = (0..12).map(open).collect();
    // The account gets two of four places. Its other requests are answered 503.
    for _ in 0..10 {
        assert_eq!(noisy.join_next().await.unwrap().unwrap(), 503);
    }
    stage.klaviyo.set_faults(Faults::none());
    for n in 0..10 {
        let body = json!({ "account": "shop-2", "list": LIST, "email": format!("p{n}@example.com") });
        let quiet = post_at(&door, OTHER_SECRET, &format!("quiet_{n}"), now(), body.to_string()).await;
        assert_eq!(quiet.status(), 200);
    }
    while let Some(status) = noisy.join_next().await {
        assert_eq!(status.unwrap(), 200);
    }
    assert!(stage.klaviyo.account_of(&key_of("shop-2")).unwrap().members(LIST).len() == 10);
    door.stop().await;
}

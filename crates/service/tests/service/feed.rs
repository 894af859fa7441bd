//! Changes that are told to a platform.

use crate::door::{SECRET, client};
use crate::platform::{OK, Platform, Received};
use crate::stage::{LIST, PATIENCE, Stage, key_of, opt_in, settings, stage, until};
use async_nats::jetstream;
use futures_util::StreamExt;
use hmac::{Hmac, KeyInit, Mac};
use klaviyo_mock::Faults;
use klaviyo_service::account::Account;
use klaviyo_service::feed::{Destination, Message, Sender, deliver};
use klaviyo_service::opt_in::OptIn;
use klaviyo_service::queue::ChangesDeadLetter;
use klaviyo_service::secrets::MacKey;
use serde_json::{Value, json};
use sha2::Sha256;
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A stage where the account shop-1 has a platform.
async fn told(platform: &Platform, more: Value) -> Stage {
    let stage = stage(&["shop-1"]).await;
    set(&stage, &platform.url, more);
    std::fs::write(stage.keys.path().join("shop-1.changes-secret"), SECRET).unwrap();
    stage
}

fn set(stage: &Stage, url: &str, more: Value) {
    let mut settings = json!({ "url": url, "every_seconds": 1 });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    std::fs::write(stage.keys.path().join("shop-1.changes"), settings.to_string()).unwrap();
}

/// Opts people in at Klaviyo, by way of a worker.
async fn opt_in_all(stage: &Stage, people: std::ops::Range<usize>) {
    let opt_ins: Vec<OptIn> = people.map(|n| opt_in("shop-1", n, json!({ "consent": ["email"] }))).collect();
    stage.outcomes(&stage.put(&opt_ins).await).await;
}

fn email(n: usize) -> String {
    format!("p{n:05}@example.com")
}

/// The state of the consent to email, as a change of consent tells it.
fn email_state(received: &Received) -> &Value {
    let channels = received.body["data"]["consent"]["channels"].as_array().unwrap();
    &channels.iter().find(|channel| channel["channel"] == "email").unwrap()["state"]
}

/// The messages about each person come in the order of their times, whatever else comes between.
fn assert_in_order(received: &[Received], kind: &str) {
    let people: HashSet<&str> = received.iter().map(Received::email).collect();
    for person in people {
        let of = received.iter().filter(|one| one.kind() == kind && one.email() == person);
        let times: Vec<&str> = of.map(|one| one.body["timestamp"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{person}: {times:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn profiles_consent_and_lists_are_told_once_each_in_calm_weather() {
    let platform = Platform::start().await;
    let stage = told(&platform, json!({ "profiles": true, "consent": true, "lists": [LIST] })).await;
    let worker = stage.worker().await;
    let telling = || worker.health.readiness().document["changes"]["shop-1"]["state"] == "telling";
    until("the feed has begun", telling).await;
    opt_in_all(&stage, 0..30).await;
    let is_told = |kind: &str, n: usize| platform.told(kind).contains(&email(n));
    // A profile is new before the consent is given, so the first word about it can be that there is none.
    let consents = |n: usize| {
        let received = platform.received();
        let last = received.iter().rfind(|one| one.kind() == "consent.changed" && one.email() == email(n));
        last.is_some_and(|one| email_state(one) == "SUBSCRIBED")
    };
    until("all are told", || (0..30).all(|n| is_told("list.joined", n) && consents(n))).await;
    let received = platform.received();
    assert!(
        received.iter().all(|received| received.is_taken && received.body["data"]["account"] == "shop-1")
    );
    assert_in_order(&received, "profile.changed");
    assert_in_order(&received, "consent.changed");
    let of = |kind: &str| received.iter().rfind(|one| one.kind() == kind && one.email() == email(7)).unwrap();
    assert!(of("profile.changed").body["data"]["profile"]["first_name"].is_null());
    let joined = &of("list.joined").body["data"];
    assert_eq!((&joined["list"], joined["joined"].is_string()), (&json!(LIST), true));
    // Nothing was told twice.
    let ids: HashSet<&String> = received.iter().map(|received| &received.id).collect();
    assert_eq!(ids.len(), received.len());
    // Opt-ins that come later find the worker of the account awake.
    opt_in_all(&stage, 30..31).await;
    until("it is told too", || is_told("list.joined", 30)).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_feed_asks_for_nothing_while_an_opt_in_is_under_way() {
    let platform = Platform::start().await;
    let stage = told(&platform, json!({ "lists": [LIST] })).await;
    let worker = stage.worker().await;
    let asked =
        || worker.metric("klaviyo_api_requests_total{endpoint=\"get profiles of list\",status=\"200\"}");
    until("the feed has begun", || asked() > 0).await;
    // The feed asks each second, and the opt-in takes eight.
    stage.klaviyo.set_faults(Faults::none().rule("GET /api/profiles: #1 latency 8s".parse().unwrap()));
    let keys = stage.put(&[opt_in("shop-1", 0, json!({}))]).await;
    let before = asked();
    stage.outcomes(&keys).await;
    // Those before the worker had the opt-in.
    assert!(asked() <= before + 3, "{} {before}", asked());
    until("it goes on", || asked() > before + 3).await;
    until("the opt-in is told", || platform.told("list.joined") == [email(0)]).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_fails_in_any_way_holds_its_changes_and_no_opt_in() {
    let (platform, elsewhere) = (Platform::start().await, Platform::start().await);
    let stage = told(&platform, json!({ "lists": [LIST] })).await;
    platform.answers(|_| Some((404, &[], 0)));
    let worker = stage.worker().await;
    opt_in_all(&stage, 0..8).await;
    until("it is tried", || !platform.received().is_empty()).await;
    // The opt-ins go on, and the state says what the changes wait for.
    opt_in_all(&stage, 8..16).await;
    let state = || worker.health.readiness().document["changes"]["shop-1"].clone();
    until("it waits", || state()["state"] == "waiting").await;
    assert!(state()["error"]["message"].as_str().unwrap().contains("404"), "{}", state());
    assert!(worker.health.readiness().ready && platform.taken().is_empty());
    // Every other answer fails. One that is too large may be anything.
    let (mut count, place) = (0, Box::leak(elsewhere.url.clone().into_boxed_str()));
    let location: &'static [(&str, &str)] = Box::leak(Box::new([("location", &*place)]));
    platform.answers(move |_| {
        count += 1;
        match count {
            1 => Some((302, location, 0)),
            3 => Some((503, &[("retry-after", "1")], 0)),
            5 => None,
            7 => Some((200, &[], 1 << 20)),
            9 => Some((429, &[], 0)),
            11 => Some((401, &[], 0)),
            _ => OK,
        }
    });
    until("all are told", || (0..16).all(|n| platform.told("list.joined").contains(&email(n)))).await;
    assert!(elsewhere.received().is_empty());
    assert!(stage.queue.changes_dead(None).await.unwrap().is_empty());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_back_is_told_to_be_before_all_that_waited_is_told() {
    let platform = Platform::start().await;
    let stage = told(&platform, json!({ "profiles": true, "lists": [LIST] })).await;
    let mut failures = 2;
    // What is refused takes its time.
    platform.answers(move |received| match received.kind() {
        "list.joined" => Some((422, &[], 0)),
        _ if failures > 0 => {
            failures -= 1;
            Some((503, &[], 0))
        }
        _ => OK,
    });
    join(&stage, 0..1).await;
    let worker = stage.worker().await;
    let is = |state: &str| worker.health.readiness().document["changes"]["shop-1"]["state"] == *state;
    until("the endpoint fails", || is("waiting")).await;
    until("it is back", || is("telling")).await;
    let refusals = platform.received().iter().filter(|received| received.kind() == "list.joined").count();
    assert!(refusals < 5, "the reading has ended");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_that_is_refused_becomes_a_dead_letter_and_holds_up_nobody_else() {
    let platform = Platform::start().await;
    let stage = told(&platform, json!({ "lists": [LIST] })).await;
    platform.answers(|received| if received.email() == email(3) { Some((422, &[], 0)) } else { OK });
    join(&stage, 0..8).await;
    let worker = stage.worker().await;
    until("the others are told", || platform.told("list.joined").len() == 7).await;
    let end = Instant::now() + PATIENCE;
    let letters = loop {
        let letters = stage.queue.changes_dead(Some(&"shop-1".parse().unwrap())).await.unwrap();
        if !letters.is_empty() {
            break letters;
        }
        assert!(Instant::now() < end, "there is no dead letter");
        sleep(Duration::from_millis(100)).await;
    };
    let (account, sequence, letter) = &letters[0];
    assert_eq!((letters.len(), account.as_str(), letter.attempts), (1, "shop-1", 5));
    assert!(letter.error.message.contains("422"), "{}", letter.error.message);
    let message: Value = serde_json::from_str(letter.message.get()).unwrap();
    assert_eq!(message["data"]["profile"]["email"], json!(email(3)));
    let refused = platform.received().into_iter().filter(|received| !received.is_taken).count();
    assert_eq!(refused, 5);
    assert!(platform.received().iter().all(|received| received.is_taken || received.id == letter.id));
    // The feed goes on behind it.
    join(&stage, 8..9).await;
    until("the next is told", || platform.told("list.joined").contains(&email(8))).await;
    assert_eq!(platform.told("list.joined").len(), 8);
    assert!(stage.queue.drop_changes_dead_letter(*sequence).await.unwrap());
    assert!(!stage.queue.drop_changes_dead_letter(*sequence).await.unwrap());
    worker.stop().await;
}

/// The refused changes, when there are so many of them.
async fn refused(stage: &Stage, count: usize) -> Vec<(Account, u64, ChangesDeadLetter)> {
    let end = Instant::now() + PATIENCE;
    loop {
        let letters = stage.queue.changes_dead(None).await.unwrap();
        if letters.len() == count {
            return letters;
        }
        assert!(Instant::now() < end, "{} of {count} changes are refused", letters.len());
        sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn refused_changes_are_sent_again_by_the_worker_of_their_account_in_their_order() {
    let platform = Platform::start().await;
    let more = json!({ "lists": [LIST], "profiles": true, "every_seconds": 86_400 });
    let stage = told(&platform, more).await;
    platform.answers(|received| if received.email() == email(1) { Some((422, &[], 0)) } else { OK });
    join(&stage, 0..3).await;
    let worker = stage.worker().await;
    let letters = refused(&stage, 2).await;
    let ids: Vec<&String> = letters.iter().map(|(.., letter)| &letter.id).collect();
    let told = || -> Vec<String> {
        let of_one = platform.taken().into_iter().filter(|received| received.email() == email(1));
        of_one.map(|received| received.id).collect()
    };
    platform.answers(|_| OK);
    // The worker, which looks once a day, is told of it.
    let (account, sequence, letter) = &letters[0];
    assert!(stage.queue.retry_change(account, *sequence, letter).await.unwrap());
    until("it is told", || told() == [ids[0].clone()]).await;
    worker.stop().await;
    // Nobody is there: they wait for the next worker.
    for (account, sequence, letter) in &letters {
        let is_first = letter.id == *ids[0];
        assert_eq!(stage.queue.retry_change(account, *sequence, letter).await.unwrap(), !is_first);
    }
    assert_eq!(refused(&stage, 0).await.len(), 0);
    assert_eq!(stage.queue.changes_dead_letters().await.unwrap(), 2);
    let worker = stage.worker().await;
    until("both are told", || told() == [ids[0].clone(), ids[0].clone(), ids[1].clone()]).await;
    let end = Instant::now() + PATIENCE;
    while stage.queue.changes_dead_letters().await.unwrap() > 0 {
        assert!(Instant::now() < end, "changes that are told are kept");
        sleep(Duration::from_millis(100)).await;
    }
    worker.stop().await;
}

/// Adds new people to the list, without a worker.
async fn join(stage: &Stage, people: std::ops::Range<usize>) {
    let authorization = format!("Klaviyo-API-Key {}", key_of("shop-1"));
    let post = async |path: &str, body: Value| {
        let request = client()
            .post(format!("{}{path}", stage.klaviyo.url()))
            .header("authorization", &authorization)
            .header("revision", "2025-01-15")
            .header("content-type", "application/vnd.api+json")
            .body(body.to_string());
        request.send().await.unwrap().error_for_status().unwrap().text().await.unwrap()
    };
    for n in people {
        let profile = json!({ "data": { "type": "profile", "attributes": { "email": email(n) } } });
        let created: Value = serde_json::from_str(&post("/api/profiles/", profile).await).unwrap();
        let member = json!({ "data": [{ "type": "profile", "id": created["data"]["id"] }] });
        post(&format!("/api/lists/{LIST}/relationships/profiles/"), member).await;
    }
}

/// Whatever the endpoint answers, each message is taken once, and after those about the same person before it.
#[tokio::test(flavor = "multi_thread")]
async fn each_person_is_told_of_in_order() {
    tokio::join!(told_in_order(1), told_in_order(2), told_in_order(3));
}

async fn told_in_order(seed: u64) {
    let (platform, mut random) = (Platform::start().await, fastrand::Rng::with_seed(seed));
    let mut people: Vec<usize> = (0..400).map(|n| n % 40).collect();
    random.shuffle(&mut people);
    let message = |(n, person): (usize, usize)| {
        let profile = json!({
            "id": format!("{person}"), "updated": format!("{n:05}"), "email": email(person), "properties": "{}",
        });
        Message::profile_changed(None, &profile).unwrap()
    };
    let messages: Vec<Message> = people.into_iter().enumerate().map(message).collect();
    let refused = messages[random.usize(..messages.len())].id.clone();
    let is_refused = refused.clone();
    platform.answers(move |received| match random.u32(..200) {
        _ if received.id == is_refused => Some((422, &[], 0)),
        0 => Some((500, &[], 0)),
        1 => None,
        _ => OK,
    });
    let key = MacKey::signing_secret(SECRET).unwrap();
    let endpoint =
        Arc::new(Sender::new(true).unwrap()).endpoint(platform.url.parse().unwrap(), key.into()).unwrap();
    let wait = |_: String, pause: Duration| async move {
        sleep(pause).await;
        true
    };
    let refusals = deliver(&Destination::Endpoint(endpoint), messages.clone(), wait).await.unwrap();
    assert_eq!(refusals.iter().map(|refusal| &refusal.message.id).collect::<Vec<_>>(), [&refused]);
    let taken = platform.taken();
    let ids: HashSet<&String> = taken.iter().map(|received| &received.id).collect();
    assert_eq!((taken.len(), ids.len()), (399, 399), "seed {seed}");
    assert_in_order(&taken, "profile.changed");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_endpoint_that_is_gone_is_asked_for_nothing_until_the_settings_change() {
    let (gone, platform) = (Platform::start().await, Platform::start().await);
    let stage = told(&gone, json!({ "lists": [LIST] })).await;
    gone.answers(|_| Some((410, &[], 0)));
    join(&stage, 0..3).await;
    let worker = stage.worker().await;
    let state = || worker.health.readiness().document["changes"]["shop-1"]["state"].clone();
    until("it stops", || state() == "stopped").await;
    let tried = gone.received().len();
    join(&stage, 3..4).await;
    // Another secret of the account changes nothing.
    std::fs::write(stage.keys.path().join("shop-1.signing-secret"), SECRET).unwrap();
    opt_in_all(&stage, 4..5).await;
    sleep(2 * Duration::from_secs(2)).await;
    assert_eq!((gone.received().len(), state()), (tried, json!("stopped")));
    set(&stage, &platform.url, json!({ "lists": [LIST] }));
    until("all are told", || platform.told("list.joined").len() == 5).await;
    worker.stop().await;
}

/// NATS is killed while the endpoint has a message and before its answer, so that where the feed goes on is not written.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_told_and_not_noted_is_told_again_with_the_same_id_and_nothing_is_lost() {
    let platform = Platform::start().await;
    let mut stage = told(&platform, json!({ "profiles": true, "lists": [LIST] })).await;
    let (told, mut tells) = tokio::sync::mpsc::unbounded_channel();
    let (killed, is_killed) = std::sync::mpsc::channel::<()>();
    let mut first = Some(is_killed);
    platform.answers(move |_| {
        if let Some(is_killed) = first.take() {
            told.send(()).unwrap();
            tokio::task::block_in_place(|| is_killed.recv().unwrap());
        }
        OK
    });
    join(&stage, 0..20).await;
    let worker = stage.worker().await;
    tells.recv().await.unwrap();
    stage.nats.kill().unwrap();
    killed.send(()).unwrap();
    until("the page is told", || platform.told("profile.changed").len() >= 20).await;
    until("the lease is lost", || !worker.health.readiness().ready).await;
    stage.nats.restart().unwrap();
    let is_told = |n: usize| platform.told("list.joined").contains(&email(n));
    until("all are told", || (0..20).all(is_told)).await;
    let received = platform.received();
    let of = |n: usize| {
        received.iter().filter(move |one| one.kind() == "profile.changed" && one.email() == email(n))
    };
    for n in 0..20 {
        let (of, first) = (of(n).collect::<Vec<_>>(), of(n).next().unwrap());
        assert!(of.len() >= 2 && of.iter().all(|one| one.id == first.id), "{of:?}");
    }
    assert_in_order(&received, "profile.changed");
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_worker_goes_on_where_the_last_one_ended() {
    let platform = Platform::start().await;
    let stage = told(&platform, json!({ "lists": [LIST] })).await;
    join(&stage, 0..5).await;
    let (one, other) = (stage.worker().await, stage.worker().await);
    until("all are told", || platform.told("list.joined").len() == 5).await;
    one.stop().await;
    join(&stage, 5..8).await;
    until("the others are told", || platform.told("list.joined").len() >= 8).await;
    other.stop().await;
    let last = stage.worker().await;
    join(&stage, 8..9).await;
    until("the last is told", || platform.told("list.joined").contains(&email(8))).await;
    let ids: HashSet<String> = platform.taken().into_iter().map(|received| received.id).collect();
    assert_eq!(ids.len(), 9);
    last.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn klaviyos_webhook_makes_it_prompt() {
    const WEBHOOK: &str = "a secret of our own";
    let platform = Platform::start().await;
    let stage = told(&platform, json!({ "lists": [LIST], "every_seconds": 86_400 })).await;
    std::fs::write(stage.keys.path().join("shop-1.klaviyo-webhook-secret"), WEBHOOK).unwrap();
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    let telling = || worker.health.readiness().document["changes"]["shop-1"]["state"] == "telling";
    until("the feed has begun", telling).await;
    join(&stage, 0..1).await;
    let body = r#"{"data":[{"topic":"event:klaviyo.subscribed_to_list"}],"meta":{}}"#;
    let time = "Fri, 27 Nov 2026 08:00:00 GMT";
    let post = async |account: &str, secret: &str| {
        let mac =
            Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap().chain_update(body).chain_update(time);
        let signature: String =
            mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        let request = client()
            .post(format!("{}/v1/klaviyo/{account}", door.url))
            .header("klaviyo-signature", signature)
            .header("klaviyo-timestamp", time)
            .body(body);
        request.send().await.unwrap().status().as_u16()
    };
    assert_eq!(post("shop-1", "another secret of 16").await, 401);
    assert_eq!(post("shop-2", WEBHOOK).await, 401);
    assert_eq!(platform.received(), []);
    // The same one again wakes the feed again, and is harmless.
    assert_eq!(post("shop-1", WEBHOOK).await, 204);
    until("it is told", || platform.told("list.joined") == [email(0)]).await;
    join(&stage, 1..2).await;
    assert_eq!(post("shop-1", WEBHOOK).await, 204);
    until("the next is told", || platform.told("list.joined") == [email(0), email(1)]).await;
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subject_gets_them_as_soon_as_a_stream_has_it() {
    let stage = stage(&["shop-1"]).await;
    let settings = json!({ "subject": "platform.shop-1", "lists": [LIST], "every_seconds": 1 });
    std::fs::write(stage.keys.path().join("shop-1.changes"), settings.to_string()).unwrap();
    join(&stage, 0..5).await;
    let worker = stage.worker().await;
    let state = || worker.health.readiness().document["changes"]["shop-1"]["state"].clone();
    until("it waits for a stream", || state() == "waiting").await;
    let context = jetstream::new(async_nats::connect(stage.nats.url()).await.unwrap());
    let stream = jetstream::stream::Config {
        name: "PLATFORM".to_owned(),
        subjects: vec!["platform.*".to_owned()],
        ..jetstream::stream::Config::default()
    };
    let stream = context.create_stream(stream).await.unwrap();
    let consumer = stream.create_consumer(jetstream::consumer::pull::Config::default()).await.unwrap();
    let messages = consumer.messages().await.unwrap().take(5).map(|message| {
        let message = message.unwrap();
        let id = message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().to_string();
        let body: Value = serde_json::from_slice(&message.payload).unwrap();
        assert!(id.starts_with("msg_") && body["type"] == "list.joined");
        body["data"]["profile"]["email"].as_str().unwrap().to_owned()
    });
    let told: HashSet<String> = tokio::time::timeout(PATIENCE, messages.collect()).await.unwrap();
    assert_eq!(told, (0..5).map(email).collect());
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_klaviyo_that_is_away_or_a_list_that_is_not_there_delays_what_can_be_told() {
    let platform = Platform::start().await;
    let stage = told(&platform, json!({ "lists": ["XXXXXX", LIST] })).await;
    stage.klaviyo.set_faults(Faults::none().rule("GET /api/*: always status 503".parse().unwrap()));
    join(&stage, 0..2).await;
    let worker = stage.worker().await;
    let state = || worker.health.readiness().document["changes"]["shop-1"].clone();
    until("it waits for Klaviyo", || state()["error"]["code"] == "unavailable").await;
    stage.klaviyo.set_faults(Faults::none());
    until("the list that is there is told", || platform.told("list.joined").len() == 2).await;
    until("the other is named", || state()["error"]["code"] == "not-found").await;
    worker.stop().await;
}

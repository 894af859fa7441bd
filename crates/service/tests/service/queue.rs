//! A queue that fails, stands still, is full, or has unexpected messages.

use crate::stage::{
    LIST, PATIENCE, Stage, connect, key_in_queue, key_of, opt_in, receipts, stage, stage_on, until,
};
use async_nats::jetstream::{self, consumer, stream};
use futures_util::StreamExt;
use klaviyo_mock::{Faults, Nats};
use klaviyo_service::key::OptInKey;
use klaviyo_service::opt_in::OptIn;
use klaviyo_service::outcome::Outcome;
use klaviyo_service::queue::{self, Lane, Queue, QueueError};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

const OPT_INS: &str = "KLAVIYO_OPT_INS";
const DEAD: &str = "KLAVIYO_DEAD";
const OUTCOMES: &str = "KV_klaviyo-outcomes";

/// The JetStream of a stage, for changes that the queue itself does not make.
async fn jetstream(stage: &Stage) -> jetstream::Context {
    jetstream::new(async_nats::connect(stage.nats.url()).await.unwrap())
}

/// Leaves a stream room for so many bytes.
async fn leave_room(jetstream: &jetstream::Context, stream: &str, bytes: Option<u64>) {
    let stream = jetstream.get_stream(stream).await.unwrap();
    let info = stream.get_info().await.unwrap();
    let max_bytes = bytes.map_or(-1, |bytes| i64::try_from(info.state.bytes + bytes).unwrap());
    jetstream.update_stream(stream::Config { max_bytes, ..info.config }).await.unwrap();
}

async fn publish(jetstream: &jetstream::Context, subject: &str, message: impl Into<Vec<u8>>) {
    jetstream.publish(subject.to_owned(), message.into().into()).await.unwrap().await.unwrap();
}

fn named(opt_ins: &[OptIn]) -> Vec<(OptInKey, bytes::Bytes)> {
    opt_ins.iter().map(|opt_in| (key_in_queue(opt_in), opt_in.to_json())).collect()
}

fn people(range: std::ops::Range<usize>, more: Value) -> Vec<OptIn> {
    range.map(|n| opt_in("shop-1", n, more.clone())).collect()
}

/// Together they need more places than the client has for unacknowledged messages.
async fn twelve_puts_of_a_thousand(queue: &Queue) -> Vec<Result<(), QueueError>> {
    let mut puts = JoinSet::new();
    for n in 0..12 {
        let (queue, opt_ins) = (queue.clone(), named(&people(1_000 * n..1_000 * (n + 1), json!({}))));
        puts.spawn(async move { queue.put(Lane::OptIns, opt_ins).await });
    }
    let all = timeout(Duration::from_secs(60), puts.join_all()).await.expect("puts wait for each other");
    all.into_iter().flatten().map(|put| put.map(drop)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn more_at_once_than_the_client_has_places_for_are_all_written() {
    for server in Nats::servers() {
        let stage = stage_on(Nats::start_with(&server.program).unwrap(), &["shop-1"]).await;
        let puts = twelve_puts_of_a_thousand(&stage.queue).await;
        assert!(puts.iter().all(Result::is_ok), "NATS {}", server.version);
        assert_eq!(stage.queue.waiting().await.unwrap().total(), 12_000, "NATS {}", server.version);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_is_asked_of_a_nats_that_stands_still_ends() {
    let stage = stage(&["shop-1"]).await;
    let keys = stage.put(&people(0..1, json!({}))).await;
    stage.nats.pause().unwrap();
    let puts = twelve_puts_of_a_thousand(&stage.queue).await;
    assert!(puts.iter().all(Result::is_err));
    let asked = async {
        assert!(stage.queue.waiting().await.is_err());
        assert!(stage.queue.outcome(&keys[0].0, keys[0].1).await.is_err());
        assert!(stage.queue.remembers("c2lnbmF0dXJl").await.is_err());
        assert!(stage.queue.remember("c2lnbmF0dXJl").await.is_err());
        assert!(stage.queue.dead(None).await.is_err());
        assert!(stage.queue.lease(&"shop-1".parse().unwrap(), "a worker").await.is_err());
        assert!(stage.queue.account(&"shop-1".parse().unwrap(), Lane::OptIns).await.is_err());
    };
    timeout(Duration::from_secs(60), asked).await.expect("it waits without end");
    // The client notices by itself that the server does not answer. After that no call waits.
    until("the connection counts as broken", || !stage.queue.is_connected()).await;
    stage.nats.resume().unwrap();
    until("the queue is back", || stage.queue.is_connected()).await;
    // An unacknowledged opt-in may be in the stream all the same. Put again, it is there once.
    let puts = twelve_puts_of_a_thousand(&stage.queue).await;
    assert!(puts.iter().all(Result::is_ok));
    assert_eq!(stage.queue.waiting().await.unwrap().total(), 12_000);
}

/// A consumer that does not deliver the messages in the stream: here it has reached its most deliveries.
#[tokio::test(flavor = "multi_thread")]
async fn a_consumer_that_gives_out_nothing_is_made_anew() {
    for server in Nats::servers() {
        let stage = stage_on(Nats::start_with(&server.program).unwrap(), &["shop-1"]).await;
        let jetstream = jetstream(&stage).await;
        let config = consumer::pull::Config {
            durable_name: Some("shop-1".to_owned()),
            // The description of a consumer that was made since the server started.
            description: Some(format!("made by the server {}", jetstream.client().server_info().server_id)),
            filter_subject: "klaviyo.opt-ins.shop-1".to_owned(),
            ack_wait: Duration::from_millis(100),
            max_deliver: 1,
            ..consumer::pull::Config::default()
        };
        let stream = jetstream.get_stream(OPT_INS).await.unwrap();
        let consumer = stream.create_consumer(config).await.unwrap();
        let keys = stage.put(&people(0..3, json!({}))).await;
        let given: Vec<_> = consumer.fetch().max_messages(3).messages().await.unwrap().collect().await;
        assert_eq!(given.len(), 3);
        let end = Instant::now() + PATIENCE;
        loop {
            let info = consumer.get_info().await.unwrap();
            if (info.num_pending, info.num_ack_pending) == (0, 0) {
                break;
            }
            assert!(Instant::now() < end, "{info:?}");
            // With another request the server notices that it has delivered them often enough.
            let mut more = consumer.fetch().max_messages(3).messages().await.unwrap();
            assert!(!matches!(timeout(Duration::from_millis(500), more.next()).await, Ok(Some(Ok(_)))));
        }
        assert_eq!(stage.queue.waiting().await.unwrap().total(), 3);

        let worker = stage.worker().await;
        assert_eq!(receipts(stage.outcomes(&keys).await).len(), 3, "NATS {}", server.version);
        assert_eq!(worker.metric("klaviyo_queue_recreated_total"), 1);
        worker.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn klaviyo_is_not_asked_for_what_could_not_be_noted() {
    let stage = stage(&["shop-1"]).await;
    let jetstream = jetstream(&stage).await;
    leave_room(&jetstream, OUTCOMES, Some(1)).await;
    let keys = stage.put(&people(0..30, json!({ "consent": ["email"] }))).await;
    let worker = stage.worker().await;
    until("the queue has failed", || worker.metric("klaviyo_worker_queue_failures_total") > 2).await;
    let readiness = worker.health.readiness();
    assert_eq!((readiness.ready, &readiness.document["queue"]), (false, &json!("failing")));
    assert_eq!(stage.requests("shop-1"), 0);

    leave_room(&jetstream, OUTCOMES, None).await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 30);
    until("it is told", || worker.health.readiness().ready).await;
    let asked = |operation| stage.klaviyo.account_of(&key_of("shop-1")).unwrap().requests_of(operation);
    assert_eq!(asked("bulk_subscribe_profiles"), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_is_noted_before_more_is_asked() {
    let stage = stage(&["shop-1"]).await;
    let jetstream = jetstream(&stage).await;
    stage.klaviyo.set_faults(Faults::none().rule("*: always latency 1s".parse().unwrap()));
    let keys = stage.put(&people(0..30, json!({ "consent": ["email"] }))).await;
    let worker = stage.worker().await;
    until("Klaviyo is asked", || stage.klaviyo.requests() > 0).await;
    leave_room(&jetstream, OUTCOMES, Some(1)).await;
    let failures = || worker.metric("klaviyo_worker_queue_failures_total");
    until("the queue has failed", || failures() > 0).await;
    let (asked, failed) = (stage.requests("shop-1"), failures());
    until("it is tried again", || failures() > failed + 1).await;
    assert_eq!(stage.requests("shop-1"), asked);

    leave_room(&jetstream, OUTCOMES, None).await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 30);
    assert_eq!(stage.requests("shop-1"), asked);
    assert!(stage.klaviyo.account_of(&key_of("shop-1")).unwrap().requests_of("bulk_subscribe_profiles") == 1);
    worker.stop().await;
}

/// The lease ends before anything can be written, and the account is taken again.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_done_while_nats_stood_still_is_done_once() {
    let stage = stage(&["shop-1"]).await;
    stage.klaviyo.set_faults(Faults::none().rule("*: always latency 200ms".parse().unwrap()));
    let keys = stage.put(&people(0..600, json!({ "consent": ["email"] }))).await;
    let worker = stage.worker().await;
    let asked = |operation| stage.klaviyo.account_of(&key_of("shop-1")).unwrap().requests_of(operation);
    // From then on it needs NATS no more until it is done.
    until("Klaviyo is asked for profiles", || asked("get_profiles") > 0).await;
    stage.nats.pause().unwrap();
    let has_account = || worker.health.readiness().document.pointer("/accounts/shop-1").is_some();
    until("the lease is lost", || !has_account()).await;
    assert_eq!(asked("bulk_subscribe_profiles"), 1);
    stage.nats.resume().unwrap();
    until("the queue is back", || stage.queue.is_connected()).await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 600);
    let end = Instant::now() + PATIENCE;
    while !stage.queue.waiting().await.unwrap().is_empty() {
        assert!(Instant::now() < end, "they are not taken off");
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(asked("bulk_subscribe_profiles"), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_full_is_emptied() {
    for server in Nats::servers() {
        let is_old = server.version.starts_with("2.9.");
        let nats = Nats::start_with_config(server.program, "jetstream { max_file_store: 4MB }").unwrap();
        let connect = async |opt_ins_bytes| {
            let nats = queue::Nats { url: nats.url(), opt_ins_bytes, ..queue::Nats::default() };
            Queue::connect(&nats).await
        };
        // A server that can bound a stream by its bytes refuses more than its store has at once.
        if !is_old {
            assert!(matches!(connect(8 << 20).await, Err(QueueError::SetUp(..))));
        }
        let queue = connect(1 << 20).await.unwrap();
        fill_and_empty(&queue, &stage_on(nats, &["shop-1"]).await).await;
    }
}

async fn fill_and_empty(queue: &Queue, stage: &Stage) {
    // Large opt-ins and small ones.
    let large = people(0..20, json!({ "properties": { "note": "x".repeat(50_000) } }));
    let opt_ins: Vec<OptIn> = large.into_iter().chain(people(20..10_000, json!({}))).collect();
    let mut keys: Vec<(OptInKey, u64)> = Vec::new();
    for opt_ins in opt_ins.chunks(100) {
        let puts = queue.put(Lane::OptIns, named(opt_ins)).await;
        let puts = opt_ins.iter().map(key_in_queue).zip(puts);
        keys.extend(puts.filter_map(|(key, put)| Some((key, put.ok()?.sequence))));
    }
    assert!((100..10_000).contains(&keys.len()), "{}", keys.len());
    let worker = stage.worker().await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), keys.len());
    assert_eq!(stage.members("shop-1").len(), keys.len());
    stage.put(&people(20_000..20_001, json!({}))).await;
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_for_a_day_does_not_put_the_account_to_sleep() {
    let stage = stage(&["shop-1"]).await;
    let rule = "*: always status 429 retry-after 86400";
    stage.klaviyo.set_faults(Faults::none().rule(rule.parse().unwrap()));
    let keys = stage.put(&people(0..5, json!({}))).await;
    let worker = stage.worker().await;
    let state = |pointer: &str| worker.health.readiness().document.pointer(pointer).cloned();
    until("it is told", || state("/accounts/shop-1/state") == Some(json!("waiting"))).await;
    let seconds = state("/accounts/shop-1/seconds").unwrap().as_u64().unwrap();
    assert!((500..=600).contains(&seconds), "{seconds}");
    assert_eq!(worker.metric("klaviyo_worker_accounts{state=\"waiting\",code=\"rate-limited\"}"), 1);
    worker.stop().await;
    // No opt-in of it waits in the queue with a long delay.
    stage.klaviyo.set_faults(Faults::none());
    let worker = stage.worker().await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 5);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_does_not_hold_up_its_account() {
    let stage = stage(&["shop-1"]).await;
    let jetstream = jetstream(&stage).await;
    publish(&jetstream, "klaviyo.opt-ins.shop-1", vec![1; 400_000]).await;
    let keys = stage.put(&people(0..1, json!({}))).await;
    let worker = stage.worker().await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 1);
    let end = Instant::now() + PATIENCE;
    while stage.queue.dead_letters().await.unwrap() < 1 {
        assert!(Instant::now() < end, "there is no letter");
        sleep(Duration::from_millis(50)).await;
    }
    let letter = stage.queue.dead(None).await.unwrap().remove(0);
    let begins: String = serde_json::from_str(letter.body.opt_in.get()).unwrap();
    assert!(begins.starts_with("AQEBAQ"));

    // There is no room for these dead letters.
    leave_room(&jetstream, DEAD, Some(1)).await;
    let lost = stage.put(&people(10..16, json!({ "list": "There is none" }))).await;
    let keys = stage.put(&people(20..21, json!({}))).await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 1);
    stage.outcomes(&lost).await;
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 1);
    leave_room(&jetstream, DEAD, None).await;
    while stage.queue.dead_letters().await.unwrap() < 7 {
        assert!(Instant::now() < end, "the letters are lost");
        sleep(Duration::from_millis(50)).await;
    }
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_decides_late_about_a_letter_undoes_nothing() {
    let stage = stage(&["shop-1"]).await;
    let keys = stage.put(&people(0..2, json!({ "list": "There is none" }))).await;
    let worker = stage.worker().await;
    stage.outcomes(&keys).await;
    let end = Instant::now() + PATIENCE;
    while stage.queue.dead_letters().await.unwrap() < 2 {
        assert!(Instant::now() < end, "there are no letters");
        sleep(Duration::from_millis(50)).await;
    }
    let old = stage.letter(&keys[0].0).await;
    // It fails again and has a second dead letter; then it is done.
    assert!(stage.queue.retry(&old).await.unwrap());
    let newer = loop {
        let letter = stage.queue.dead_letter(&keys[0].0).await.unwrap();
        if let Some(letter) = letter.filter(|letter| letter.sequence != old.sequence) {
            break letter;
        }
        assert!(Instant::now() < end, "there is no other letter");
        sleep(Duration::from_millis(50)).await;
    };
    assert!(!stage.queue.retry(&old).await.unwrap());
    assert!(!stage.queue.give_up(&old).await.unwrap());
    assert!(matches!(stage.outcomes(&keys[..1]).await.remove(0), Outcome::Dead(_)));
    stage.klaviyo.account_of(&key_of("shop-1")).unwrap().add_list("Nw1234", "There is none");
    assert!(stage.queue.retry(&newer).await.unwrap());
    let done = stage.outcomes(&keys[..1]).await;
    assert_eq!(receipts(done.clone()).len(), 1);
    assert!(!stage.queue.retry(&newer).await.unwrap());
    assert!(!stage.queue.give_up(&newer).await.unwrap());
    assert_eq!(stage.outcomes(&keys[..1]).await, done);
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 1);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_newer_door_has_written_is_kept_for_a_newer_worker() {
    let stage = stage(&["shop-1"]).await;
    let jetstream = jetstream(&stage).await;
    let text =
        format!(r#"{{"account":"shop-1","id":"1","list":"{LIST}","email":"p@example.com", "opt_out":true}}"#);
    publish(&jetstream, "klaviyo.opt-ins.shop-1", text.clone()).await;
    let worker = stage.worker().await;
    let letter = stage.letter(&OptInKey::of_opt_out(&"shop-1".parse().unwrap(), "1")).await;
    assert_eq!((letter.body.opt_in.get(), letter.body.attempts), (text.as_str(), 3));
    assert_eq!(stage.requests("shop-1"), 0);
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outcome_that_cannot_be_read_holds_up_its_own_opt_in_alone() {
    let stage = stage(&["shop-1"]).await;
    let opt_ins = people(0..2, json!({}));
    let bucket = jetstream(&stage).await.get_key_value("klaviyo-outcomes").await.unwrap();
    let newer =
        bucket.put(key_in_queue(&opt_ins[0]).to_string(), r#"{"state":"revoked"}"#.into()).await.unwrap();
    let keys = stage.put(&opt_ins).await;
    let worker = stage.worker().await;
    assert_eq!(receipts(stage.outcomes(&keys[1..]).await).len(), 1);
    assert_eq!(stage.members("shop-1"), ["p00001@example.com"]);
    assert!(stage.queue.outcome(&keys[0].0, keys[0].1).await.is_err());
    assert_eq!(stage.queue.waiting().await.unwrap().total(), 1);
    // Without it the opt-in is done.
    bucket.delete_expect_revision(key_in_queue(&opt_ins[0]).to_string(), Some(newer)).await.unwrap();
    assert_eq!(receipts(stage.outcomes(&keys[..1]).await).len(), 1);
    worker.stop().await;
}

/// Workers that start and stop make no attempts, so the attempts of the messages that they nak do not grow.
#[tokio::test(flavor = "multi_thread")]
async fn an_opt_in_is_given_up_for_how_often_it_was_tried_and_not_given_out() {
    let stage = stage(&["shop-1"]).await;
    let jetstream = jetstream(&stage).await;
    leave_room(&jetstream, OUTCOMES, Some(1)).await;
    let keys = stage.put(&people(0..5, json!({}))).await;
    for _ in 0..4 {
        let worker = stage.worker().await;
        until("they are given out", || worker.metric("klaviyo_worker_queue_failures_total") > 0).await;
        worker.stop().await;
    }
    leave_room(&jetstream, OUTCOMES, None).await;
    stage.klaviyo.set_faults(Faults::none().rule("*: #1-8 status 503".parse().unwrap()));
    let worker = stage.worker().await;
    assert_eq!(receipts(stage.outcomes(&keys).await).len(), 5);
    worker.stop().await;
}

/// A retry is interrupted before the opt-in is in the queue.
#[tokio::test(flavor = "multi_thread")]
async fn a_letter_that_could_not_be_put_back_can_be_dropped() {
    let stage = stage(&["shop-1"]).await;
    let jetstream = jetstream(&stage).await;
    let keys = stage.put(&people(0..1, json!({ "list": "There is none" }))).await;
    let worker = stage.worker().await;
    stage.outcomes(&keys).await;
    let letter = stage.letter(&keys[0].0).await;
    worker.stop().await;
    // The opt-in is larger than the room.
    leave_room(&jetstream, OPT_INS, Some(1)).await;
    assert!(stage.queue.retry(&letter).await.is_err());
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 1);
    assert!(stage.queue.give_up(&letter).await.unwrap());
    assert_eq!(stage.outcomes(&keys).await, [Outcome::Dropped]);
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_of_no_account_are_told() {
    let stage = stage(&["shop-1"]).await;
    let jetstream = jetstream(&stage).await;
    publish(&jetstream, "klaviyo.opt-ins.caf\u{e9}", "{}").await;
    let waiting = stage.queue.waiting().await.unwrap();
    assert!(waiting.accounts.is_empty() && !waiting.is_empty());
    assert_eq!(waiting.strays, [("klaviyo.opt-ins.caf\u{e9}".to_owned(), 1)].into());
    let worker = stage.worker().await;
    until("it is told", || worker.metric("klaviyo_queue_strays") == 1).await;
    worker.stop().await;
    // Another connection sees the same.
    assert_eq!(connect(&stage.nats).await.waiting().await.unwrap(), waiting);
}

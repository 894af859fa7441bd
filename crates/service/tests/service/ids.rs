//! The id of an opt-in: it stays the same from the answer of a door to the end.

use crate::door::{SECRET, answer, ask, now, opened, person, post, post_at};
use crate::stage::{PATIENCE, Running, settings};
use async_nats::jetstream;
use klaviyo_service::id::OptInId;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// The id of an opt-in that a door has accepted.
async fn taken(door: &Running, webhook_id: &str, body: &Value) -> OptInId {
    let (status, told) = post(door, webhook_id, body).await;
    assert_eq!(status, 202, "{told}");
    told["id"].as_str().unwrap().parse().unwrap()
}

/// The state of an opt-in, by its id.
async fn state(door: &Running, id: &OptInId) -> String {
    let (status, told) = ask(door, &id.to_string()).await;
    assert_eq!((status, &told["id"]), (200, &json!(id.to_string())), "{told}");
    told["state"].as_str().unwrap().to_owned()
}

async fn until_it_is(door: &Running, id: &OptInId, expected: &str) {
    let end = Instant::now() + PATIENCE;
    while state(door, id).await != expected {
        assert!(Instant::now() < end, "waited in vain: {expected}");
        sleep(Duration::from_millis(50)).await;
    }
}

/// Ids that are close to an id, and that no door has given.
async fn others_are_unknown(door: &Running, id: &OptInId) {
    let sequence = id.sequence.unwrap();
    for other in [None, Some(0), Some(sequence + 1), Some(sequence + 2), Some(u64::MAX)] {
        let other = OptInId { key: id.key.clone(), sequence: other }.to_string();
        let (status, told) = ask(door, &other).await;
        assert_eq!((status, &told["error"]["code"]), (404, &json!("not-found")), "{other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_id_that_was_not_given_is_unknown() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let id = taken(&door, "msg_1", &person(1)).await;
    assert_eq!(state(&door, &id).await, "waiting");
    others_are_unknown(&door, &id).await;
    let worker = stage.worker().await;
    until_it_is(&door, &id, "done").await;
    others_are_unknown(&door, &id).await;
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_letter_has_the_id_of_its_opt_in() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let nobody = json!({ "account": "shop-1", "list": "There is none", "email": "a@example.com" });
    let id = taken(&door, "msg_1", &nobody).await;
    let worker = stage.worker().await;
    for _ in 0..2 {
        until_it_is(&door, &id, "dead").await;
        let letter = stage.letter(&id.key).await;
        assert_eq!(letter.id(), id);
        others_are_unknown(&door, &id).await;
        stage.queue.retry(&letter).await.unwrap();
    }
    until_it_is(&door, &id, "dead").await;
    worker.stop().await;

    // After a retry it has another sequence, and its old id.
    let letter = stage.letter(&id.key).await;
    stage.queue.retry(&letter).await.unwrap();
    assert_eq!(state(&door, &id).await, "waiting");
    others_are_unknown(&door, &id).await;
    door.stop().await;
}

/// JetStream forgets a message id after ten minutes; here it does after a moment.
#[tokio::test(flavor = "multi_thread")]
async fn who_repeats_an_opt_in_late_has_two_ids_for_it() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let context = jetstream::new(async_nats::connect(stage.nats.url()).await.unwrap());
    let mut config = context.get_stream("KLAVIYO_OPT_INS").await.unwrap().cached_info().config.clone();
    config.duplicate_window = Duration::from_millis(100);
    context.update_stream(config).await.unwrap();

    let first = taken(&door, "msg_1", &person(1)).await;
    let worker = stage.worker().await;
    until_it_is(&door, &first, "done").await;
    let requests = stage.requests("shop-1");
    // With another time stamp it is another request.
    let mut ids = vec![first];
    for n in 1..=2 {
        let end = Instant::now() + PATIENCE;
        let again = loop {
            let (status, told) =
                answer(post_at(&door, SECRET, "msg_1", now() - 10 * n, person(1).to_string()).await).await;
            if status == 202 && told["duplicate"] == false {
                break told["id"].as_str().unwrap().parse().unwrap();
            }
            assert!(Instant::now() < end, "{told}");
            sleep(Duration::from_millis(100)).await;
        };
        ids.push(again);
    }
    for id in &ids {
        assert_eq!(state(&door, id).await, "done", "{id}");
    }
    while !stage.queue.waiting().await.unwrap().is_empty() {
        sleep(Duration::from_millis(50)).await;
    }
    for id in &ids {
        assert_eq!(state(&door, id).await, "done", "{id}");
    }
    assert_eq!(stage.requests("shop-1"), requests);
    others_are_unknown(&door, &ids[2]).await;
    worker.stop().await;
    door.stop().await;
}

//! Requests that come again: from callers without an answer, and from strangers who have recorded them.

use crate::door::{SECRET, answer, ask, client, get, now, opened, person, post, post_at, post_to, priya};
use crate::stage::{Stage, settings, until};
use async_nats::jetstream;
use klaviyo_mock::Faults;
use klaviyo_service::door::DoorSettings;
use klaviyo_service::queue::Lane;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Bounds the opt-ins that may wait; -1 is no bound.
async fn at_most(stage: &Stage, messages: i64) {
    bound(stage, Lane::OptIns, messages).await;
}

/// Bounds what may wait in a lane.
async fn bound(stage: &Stage, lane: Lane, messages: i64) {
    let context = jetstream::new(async_nats::connect(stage.nats.url()).await.unwrap());
    let mut config = context.get_stream(lane.stream()).await.unwrap().cached_info().config.clone();
    config.max_messages = messages;
    context.update_stream(config).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_written_can_be_repeated_as_it_is() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    assert_eq!(post(&door, "msg_1", &person(1)).await.0, 202);
    at_most(&stage, 1).await;
    let (at, body) = (now(), person(2).to_string());
    let again = async || answer(post_at(&door, SECRET, "msg_2", at, body.clone()).await).await;
    for _ in 0..2 {
        let (status, told) = again().await;
        assert_eq!((status, &told["error"]["code"]), (503, &json!("unavailable")), "{told}");
    }
    at_most(&stage, -1).await;
    let (status, told) = again().await;
    assert_eq!((status, &told["duplicate"]), (202, &json!(false)), "{told}");
    assert_eq!(again().await.0, 409);
    assert_eq!(stage.queue.waiting().await.unwrap().total(), 2);
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_what_was_not_done_can_be_repeated_as_it_is() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.direct_door(settings()).await;
    stage.klaviyo.set_faults(Faults::none().rule("*: always status 503".parse().unwrap()));
    let (at, body) = (now(), priya().to_string());
    let again = async || answer(post_at(&door, SECRET, "msg_1", at, body.clone()).await).await.0;
    assert_eq!(again().await, 503);
    assert_eq!(again().await, 503);
    stage.klaviyo.set_faults(Faults::none());
    assert_eq!(again().await, 200);
    assert_eq!(again().await, 409);
    // An opt-in that cannot be done is answered, and its signature is used up.
    let body = json!({ "account": "shop-1", "list": "none", "email": "a@example.com" }).to_string();
    assert_eq!(post_at(&door, SECRET, "msg_2", at, body.clone()).await.status(), 422);
    assert_eq!(post_at(&door, SECRET, "msg_2", at, body).await.status(), 409);
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_an_array_that_is_written_in_part_it_is_told_which() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    at_most(&stage, 99).await;
    let body = json!((0..300).map(person).collect::<Vec<_>>()).to_string();
    let at = now();
    let (status, told) = answer(post_at(&door, SECRET, "msg_1", at, body.clone()).await).await;
    assert_eq!(status, 503, "{told}");
    let all = told["error"]["opt_ins"].as_array().unwrap();
    let places: Vec<u64> = all.iter().map(|one| one["index"].as_u64().unwrap()).collect();
    assert_eq!(places, (0..300).collect::<Vec<_>>());
    let (written, unknown): (Vec<&Value>, Vec<&Value>) =
        all.iter().partition(|one| one["state"] == "waiting");
    assert_eq!((written.len(), unknown.len()), (99, 201));
    assert!(unknown.iter().all(|one| one["state"] == "unknown" && one["id"].is_null()));
    for one in written.iter().take(3) {
        let id = one["id"].as_str().unwrap();
        assert_eq!(ask(&door, id).await, (200, json!({ "id": id, "state": "waiting" })));
    }

    // After the repetition each opt-in is in the queue once, under its id.
    at_most(&stage, -1).await;
    let (status, again) = answer(post_at(&door, SECRET, "msg_1", at, body).await).await;
    let again = again.as_array().unwrap().clone();
    assert_eq!((status, again.len()), (202, 300));
    for one in &written {
        let same = &again[usize::try_from(one["index"].as_u64().unwrap()).unwrap()];
        assert_eq!((&same["id"], &same["duplicate"]), (&one["id"], &json!(true)));
    }
    let ids: HashSet<&str> = again.iter().map(|one| one["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 300);
    assert_eq!(stage.queue.waiting().await.unwrap().total(), 300);
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replay_does_not_use_the_rate_up() {
    let stage = opened(&["shop-1"]).await;
    for door in [stage.direct_door(at_rate(10)).await, stage.queue_door(at_rate(10)).await] {
        let (at, body) = (now(), person(1).to_string());
        assert!(post_at(&door, SECRET, "msg_1", at, body.clone()).await.status().is_success());
        for _ in 0..30 {
            assert_eq!(post_at(&door, SECRET, "msg_1", at, body.clone()).await.status(), 409);
        }
        let (status, told) = post(&door, "msg_2", &json!((2..11).map(person).collect::<Vec<_>>())).await;
        assert!((200..300).contains(&status), "{told}");
        door.stop().await;
    }
}

fn at_rate(rate: u32) -> DoorSettings {
    DoorSettings { rate: rate.try_into().unwrap(), ..settings() }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_door_whose_queue_takes_nothing_is_not_ready() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    assert_eq!(post(&door, "msg_1", &person(1)).await.0, 202);
    until("it is ready", || door.health.readiness().ready).await;
    let stop = opt_out().to_string();
    assert_eq!(post_to(&door, "/v1/opt-outs", SECRET, "out", now(), stop).await.status(), 202);
    // The door notices that the queue is full before it has to refuse a request.
    at_most(&stage, 1).await;
    bound(&stage, Lane::OptOuts, 1).await;
    until("it is full", || !door.health.readiness().ready).await;
    assert_eq!(get(&door.health_url, "/readyz").await.0, 503);
    // It notices that there is room before it has accepted one.
    at_most(&stage, -1).await;
    bound(&stage, Lane::OptOuts, -1).await;
    until("it has room", || door.health.readiness().ready).await;
    assert_eq!(post(&door, "msg_2", &person(2)).await.0, 202);
    #[cfg(unix)]
    {
        stage.nats.pause().unwrap();
        until("it stands still", || !door.health.readiness().ready).await;
        stage.nats.resume().unwrap();
        until("it goes on", || door.health.readiness().ready).await;
    }
    door.stop().await;
}

fn opt_out() -> Value {
    json!({ "account": "shop-1", "email": "p00001@example.com", "channels": ["email"] })
}

/// All doors have the same lanes, so a balancer is not to leave this one out.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_is_full_keeps_a_door_from_its_own_kind_only() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    assert_eq!(post(&door, "in_1", &person(1)).await.0, 202);
    let accepts = |lane: &str| door.metric(&format!("klaviyo_door_accepts{{lane=\"{lane}\"}}"));
    assert_eq!((accepts("opt-ins"), accepts("opt-outs")), (1, 1));
    // Noticed by the door itself, before it refuses one.
    at_most(&stage, 1).await;
    until("it is full", || accepts("opt-ins") == 0).await;
    let (status, told) = get(&door.health_url, "/readyz").await;
    let told: Value = serde_json::from_str(&told).unwrap();
    let expected = json!({ "queue": "full", "refusing": ["opt-ins"], "accounts": 2 });
    assert_eq!((status, told), (200, expected));
    assert_eq!(accepts("opt-outs"), 1);
    let response = post_at(&door, SECRET, "in_2", now(), person(2).to_string()).await;
    assert_eq!((response.status().as_u16(), response.headers().contains_key("retry-after")), (503, true));
    let (status, told) =
        answer(post_to(&door, "/v1/opt-outs", SECRET, "out_1", now(), opt_out().to_string()).await).await;
    assert_eq!(status, 202, "{told}");
    // Neither a refused opt-in nor one lane that has room makes the other look different.
    assert!(door.health.readiness().ready);
    assert_eq!((accepts("opt-ins"), accepts("opt-outs")), (0, 1));
    at_most(&stage, -1).await;
    until("it has room", || accepts("opt-ins") == 1).await;
    // The other way round.
    bound(&stage, Lane::OptOuts, 1).await;
    until("opt-outs are full", || accepts("opt-outs") == 0).await;
    assert!(door.health.readiness().ready);
    assert_eq!(post(&door, "in_3", &person(3)).await.0, 202);
    let refused = post_to(&door, "/v1/opt-outs", SECRET, "out_2", now(), opt_out().to_string()).await;
    assert_eq!(refused.status(), 503);
    door.stop().await;
}

/// A door does not read the rest of a body before it knows who has signed it.
#[tokio::test(flavor = "multi_thread")]
async fn an_unsigned_body_is_not_read_but_for_its_account() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let wrong = r#"{"account":"shop-1","list":7,"nonsense":{"a":[1,2,{"b":null}]}}"#;
    let array = format!("[{wrong},7]");
    for body in [wrong, &array] {
        let (status, _) = answer(post_at(&door, "whsec_AAAA", "msg_1", now(), body).await).await;
        assert_eq!(status, 401);
        let (status, _) = answer(post_at(&door, SECRET, "msg_1", now(), body).await).await;
        assert_eq!(status, 400);
    }
    let request = client().post(format!("{}/v1/opt-ins", door.url)).body("no JSON");
    assert_eq!(request.send().await.unwrap().status(), 401);
    door.stop().await;
}

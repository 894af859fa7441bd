//! Opt-outs of callers who sign them.

use crate::door::{SECRET, answer, ask, ask_at, now, opened, post, post_to};
use crate::stage::{LIST, PATIENCE, Running, Stage, key_of, settings, until};
use klaviyo_mock::{Channel, State};
use klaviyo_service::door::DoorSettings;
use klaviyo_service::moment::Moment;
use serde_json::{Value, json};
use std::fs;
use tokio::time::{Duration, Instant, sleep};

const PRIYA: &str = "priya@example.com";

pub(crate) async fn post_opt_outs(door: &Running, id: &str, body: &Value) -> (u16, Value) {
    answer(post_to(door, "/v1/opt-outs", SECRET, id, now(), body.to_string()).await).await
}

/// So many seconds after a time.
fn after(time: i64, seconds: i64) -> String {
    Moment::from_unix_ms((time + seconds) * 1_000).to_string()
}

fn opt_in(email: &str) -> Value {
    json!({ "account": "shop-1", "list": LIST, "email": email, "consent": ["email"] })
}

fn opt_out(email: &str) -> Value {
    json!({ "account": "shop-1", "email": email, "channels": ["email"], "lists": ["WhatsApp Opt-Ins"] })
}

fn with(mut value: Value, field: &str, given: impl Into<Value>) -> Value {
    value[field] = given.into();
    value
}

/// Waits until somebody is on the list and subscribed to emails, or neither. Klaviyo takes consent later than it answers.
async fn ends(stage: &Stage, email: &str, is_in: bool) {
    let is_so = || {
        let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        let profile = account.profile("email", email);
        let is_on = profile.is_some_and(|profile| account.members(LIST).contains(&profile.id));
        let consents =
            profile.is_some_and(|profile| profile.consent(Channel::Email).state == State::Subscribed);
        (is_on, consents) == (is_in, is_in)
    };
    until(&format!("{email} {is_in}"), is_so).await;
}

/// The outcome of an opt-out or an opt-in in the queue, by the id in an answer.
async fn outcome(door: &Running, path: &str, told: &Value) -> Value {
    let (id, end) = (told["id"].as_str().unwrap(), Instant::now() + PATIENCE);
    loop {
        let (status, told) = ask_at(door, path, id).await;
        assert_eq!(status, 200, "{told}");
        if told["state"] != "waiting" {
            return told;
        }
        assert!(Instant::now() < end, "{id} still waits");
        sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_opts_people_out_and_is_told_what_was_taken() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.direct_door(settings()).await;
    assert_eq!(post(&door, "msg_1", &opt_in(PRIYA)).await.0, 200);
    ends(&stage, PRIYA, true).await;
    // It has the id of the opt-in, and another identifier that cannot be one.
    let (time, body) = (now(), with(opt_out("Priya@Example.com"), "phone_number", "12345").to_string());
    let response = post_to(&door, "/v1/opt-outs", SECRET, "msg_1", time, body.clone()).await;
    let (status, told) = answer(response).await;
    assert_eq!((status, &told["state"], &told["id"]), (200, &json!("opted-out"), &json!("msg_1")), "{told}");
    assert_eq!((&told["consent"], &told["lists"]), (&json!(["email"]), &json!([LIST])));
    assert!(told["warnings"][0].as_str().unwrap().starts_with("phone_number: "), "{told}");
    ends(&stage, PRIYA, false).await;

    let replayed = post_to(&door, "/v1/opt-outs", SECRET, "msg_1", time, body.clone()).await;
    assert_eq!(replayed.status(), 409);
    let (status, again) = answer(post_to(&door, "/v1/opt-outs", SECRET, "msg_1", time + 1, body).await).await;
    assert_eq!((status, &again["state"], again.get("consent")), (200, &json!("opted-out"), None));
    // Somebody whom Klaviyo does not know is unsubscribed all the same.
    let both = json!([opt_out("nobody@example.com"), with(opt_out(PRIYA), "lists", json!(["none"]))]);
    let (status, told) = post_opt_outs(&door, "msg_2", &both).await;
    assert_eq!((status, &told[0]["state"], &told[1]["id"]), (200, &json!("opted-out"), &json!("msg_2/1")));
    assert!(told[1]["warnings"][0].as_str().unwrap().contains("none"), "{told}");
    assert!(door.metrics().contains("klaviyo_door_opt_outs_total{state=\"done\"} 4"), "{}", door.metrics());
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_that_cannot_be_is_refused_by_its_field() {
    let stage = opened(&["shop-1", "shop-2"]).await;
    let doors = [stage.direct_door(settings()).await, stage.queue_door(settings()).await];
    for door in &doors {
        let wrong = [
            (json!({ "channels": [], "lists": [] }), "channels"),
            (json!({ "email": null }), "email"),
            (json!({ "email": "nobody" }), "email"),
            (json!({ "lists": [" "] }), "lists"),
            (json!({ "lists": vec![LIST; 21] }), "lists"),
            (json!({ "id": "" }), "id"),
            (json!({ "at": after(now(), 3_600) }), "at"),
            (json!({ "account": "shop-2" }), "account"),
        ];
        let mut all = vec![opt_out(PRIYA)];
        for (changes, _) in &wrong {
            let mut one = opt_out(PRIYA);
            for (field, change) in changes.as_object().unwrap() {
                one[field] = change.clone();
            }
            all.push(one);
        }
        let (status, told) = post_opt_outs(door, "msg_1", &json!(all)).await;
        assert_eq!(status, 422, "{told}");
        let refused = told["error"]["opt_outs"].as_array().unwrap();
        let found: Vec<(u64, &str)> = refused
            .iter()
            .map(|one| (one["index"].as_u64().unwrap(), one["field"].as_str().unwrap()))
            .collect();
        let expected: Vec<(u64, &str)> = (1..).zip(wrong.iter().map(|(_, field)| *field)).collect();
        assert_eq!(found, expected);
        // What is an opt-in, or what only this service says, is no opt-out.
        for body in [
            opt_in(PRIYA),
            with(opt_out(PRIYA), "opt_out", json!(["email"])),
            with(opt_out(PRIYA), "warnings", json!([])),
            with(opt_out(PRIYA), "channels", json!(["push"])),
        ] {
            assert_eq!(post_opt_outs(door, "msg_2", &body).await.0, 400, "{body}");
        }
        assert_eq!(post_opt_outs(door, "msg_3", &json!([])).await.0, 422);
        assert_eq!(post_opt_outs(door, "msg_4", &json!(vec![opt_out(PRIYA); 1_001])).await.0, 413);
        let stranger = opt_out(PRIYA).to_string();
        let stranger = post_to(door, "/v1/opt-outs", "whsec_AAAA", "msg_5", now(), stranger).await;
        assert_eq!(stranger.status(), 401);
    }
    assert!(stage.queue.waiting().await.unwrap().is_empty());
    assert_eq!(stage.klaviyo.requests(), 0);
    for door in doors {
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_opt_out_stands_against_what_is_older() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let (older, later) = ("older@example.com", "later@example.com");
    let began = now();
    let at = |seconds| after(began, seconds);
    // Nobody works yet. The opt-outs come after opt-ins, of which one is older and one later.
    let ins = json!([with(opt_in(older), "at", at(-40)), with(opt_in(later), "at", at(-10))]);
    let (status, ins) = post(&door, "msg", &ins).await;
    assert_eq!(status, 202);
    // They have the ids of the opt-ins.
    let outs = json!([
        with(opt_out("OLDER@example.com"), "at", at(-20)),
        with(with(opt_out(later), "at", at(-20)), "phone_number", "none"),
    ]);
    let time = now();
    let response = post_to(&door, "/v1/opt-outs", SECRET, "msg", time, outs.to_string()).await;
    let (status, told) = answer(response).await;
    assert_eq!((status, &told[0]["state"], &told[1]["duplicate"]), (202, &json!("waiting"), &json!(false)));
    let replayed = post_to(&door, "/v1/opt-outs", SECRET, "msg", time, outs.to_string()).await;
    assert_eq!(replayed.status(), 409);
    let again = post_to(&door, "/v1/opt-outs", SECRET, "msg", time + 1, outs.to_string()).await;
    let (status, again) = answer(again).await;
    assert_eq!((status, &again[0]["duplicate"], &again[0]["id"]), (202, &json!(true), &told[0]["id"]));
    let waiting = told[0]["id"].as_str().unwrap();
    assert_eq!(
        ask_at(&door, "/v1/opt-outs", waiting).await,
        (200, json!({ "id": waiting, "state": "waiting" }))
    );

    let worker = stage.worker().await;
    for told in told.as_array().unwrap() {
        assert_eq!(outcome(&door, "/v1/opt-outs", told).await["state"], "opted-out");
    }
    // Its lane may have been quicker. Then the opt-out has taken what it gave.
    outcome(&door, "/v1/opt-ins", &ins[0]).await;
    assert_eq!(outcome(&door, "/v1/opt-ins", &ins[1]).await["state"], "done");
    ends(&stage, older, false).await;
    ends(&stage, later, true).await;

    // One that comes when the opt-out is done, and is older.
    let (_, told) = post(&door, "again", &with(opt_in(older), "at", at(-30))).await;
    assert_eq!(outcome(&door, "/v1/opt-ins", &told).await["state"], "opted-out");
    ends(&stage, older, false).await;

    // A later one takes both, and says so.
    let (status, told) = post_opt_outs(&door, "last", &with(opt_out(later), "phone_number", "123")).await;
    assert_eq!(status, 202, "{told}");
    let done = outcome(&door, "/v1/opt-outs", &told).await;
    assert_eq!((&done["consent"], &done["lists"]), (&json!(["email"]), &json!([LIST])), "{done}");
    assert_eq!(done["warnings"], told["warnings"]);
    ends(&stage, later, false).await;
    // One that is older than the next opt-in takes nothing.
    let (_, told) = post(&door, "in", &opt_in(later)).await;
    assert_eq!(outcome(&door, "/v1/opt-ins", &told).await["state"], "done");
    ends(&stage, later, true).await;
    let (_, told) = post_opt_outs(&door, "late", &with(opt_out(later), "at", at(-5))).await;
    let done = outcome(&door, "/v1/opt-outs", &told).await;
    assert_eq!((&done["state"], done.get("consent"), done.get("lists")), (&json!("opted-out"), None, None));
    ends(&stage, later, true).await;
    // The lists alone.
    let lists_only = json!({ "account": "shop-1", "email": later, "lists": [LIST] });
    let (status, told) = post_opt_outs(&door, "lists", &lists_only).await;
    assert_eq!(status, 202, "{told}");
    let done = outcome(&door, "/v1/opt-outs", &told).await;
    assert_eq!((done.get("consent"), &done["lists"]), (None, &json!([LIST])), "{done}");
    worker.stop().await;
    door.stop().await;
}

/// Opt-ins that use up the rate of their account leave room for its opt-outs.
#[tokio::test(flavor = "multi_thread")]
async fn opt_ins_leave_an_accounts_opt_outs_their_rate() {
    let stage = opened(&["shop-1"]).await;
    fs::write(stage.keys.path().join("shop-1.signing-secret"), SECRET).unwrap();
    let door = stage.queue_door(DoorSettings { rate: 10.try_into().unwrap(), ..settings() }).await;
    let ten =
        |of: fn(&str) -> Value| -> Value { (0..10).map(|n| of(&format!("p{n}@example.com"))).collect() };
    // More often than the rate comes back: one second for ten.
    let mut refused = 0;
    for n in 0..20 {
        refused += u32::from(post(&door, &format!("in_{n}"), &ten(opt_in)).await.0 == 503);
    }
    assert!(refused > 0);
    let (status, told) = post_opt_outs(&door, "out", &ten(opt_out)).await;
    assert_eq!(status, 202, "{told}");
    let id = told[0]["id"].as_str().unwrap();
    assert_eq!(ask(&door, id).await.0, 200);
    door.stop().await;
}

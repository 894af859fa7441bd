//! The account of a notification of WhatsApp, and the requests that it may make.

use crate::door::{APP_SECRET, NUMBER_ID, message, notification_of, notify_for, now, opened};
use crate::stage::{Running, Stage, settings, until};
use serde_json::{Value, json};

fn set(stage: &Stage, name: &str, text: &str) {
    std::fs::write(stage.keys.path().join(name), text).unwrap();
}

async fn waiting(stage: &Stage) -> usize {
    stage.queue.waiting().await.unwrap().total()
}

async fn notify(door: &Running, messages: Value) -> (u16, Value) {
    notify_for(door, "shop-1", APP_SECRET, &notification_of(messages, "Priya Sharma")).await
}

/// One app for all accounts: one secret signs all notifications.
#[tokio::test(flavor = "multi_thread")]
async fn a_notification_is_of_the_account_whose_number_it_names() {
    let stage = opened(&["shop-1", "shop-2"]).await;
    set(&stage, "shop-2.whatsapp-app-secret", APP_SECRET);
    set(&stage, "shop-2.whatsapp-list", "WhatsApp Opt-Ins");
    let body = notification_of(json!([message("SUBSCRIBE")]), "Priya Sharma");
    // Nothing tells its account, so no account gets it, and Meta repeats it.
    let unsure = stage.queue_door(settings()).await;
    for account in ["shop-1", "shop-2"] {
        assert_eq!(notify_for(&unsure, account, APP_SECRET, &body).await.0, 503);
    }
    unsure.stop().await;
    set(&stage, "shop-1.whatsapp-phone-number-id", &format!("{NUMBER_ID}\n"));
    set(&stage, "shop-2.whatsapp-phone-number-id", "206540352242922");
    for door in [stage.direct_door(settings()).await, stage.queue_door(settings()).await] {
        let requests = stage.klaviyo.requests();
        assert_eq!(notify_for(&door, "shop-2", APP_SECRET, &body).await, (200, json!([])));
        assert_eq!((stage.klaviyo.requests(), waiting(&stage).await), (requests, 0));
        let (status, told) = notify_for(&door, "shop-1", APP_SECRET, &body).await;
        assert_eq!((status, told.as_array().unwrap().len()), (200, 1));
        assert_eq!(door.metric("klaviyo_door_ignored_total{reason=\"foreign-number\"}"), 1);
        door.stop().await;
    }
    assert_eq!(waiting(&stage).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_captured_notification_opts_nobody_in_later() {
    let stage = opened(&["shop-1"]).await;
    for door in [stage.direct_door(settings()).await, stage.queue_door(settings()).await] {
        let mut old = message("SUBSCRIBE");
        old["timestamp"] = json!((now() - 8 * 24 * 60 * 60).to_string());
        let mut undated = message("SUBSCRIBE");
        undated.as_object_mut().unwrap().remove("timestamp");
        assert_eq!(notify(&door, json!([old, undated])).await, (200, json!([])));
        assert_eq!((stage.klaviyo.requests(), waiting(&stage).await), (0, 0));
        assert_eq!(door.metric("klaviyo_door_ignored_total{reason=\"old\"}"), 2);
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_meta_sends_is_made_to_fit_or_told() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let mut long_id = message("SUBSCRIBE");
    long_id["id"] = json!(format!("wamid.{}", "x".repeat(300)));
    let mut long_number = message("SUBSCRIBE");
    long_number["from"] = json!("9198200000010000");
    let name = format!("Priya {}", "é".repeat(60_000));
    let body = notification_of(json!([long_id, long_number]), &name);
    let (status, told) = notify_for(&door, "shop-1", APP_SECRET, &body).await;
    assert_eq!(status, 200, "{told}");
    let states: Vec<&Value> = told.as_array().unwrap().iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["failed", "waiting"]);
    assert_eq!(told[0]["code"], "invalid-input");
    // A repeated one is a duplicate.
    let (_, again) = notify_for(&door, "shop-1", APP_SECRET, &body).await;
    assert_eq!(again[1]["duplicate"], true);

    let worker = stage.worker().await;
    let found = || {
        stage
            .klaviyo
            .account_of(&crate::stage::key_of("shop-1"))
            .unwrap()
            .profile("phone_number", "+919820000001")
            .is_some()
    };
    until("it is done", found).await;
    // The invalid number.
    let unfit = klaviyo_service::key::OptInKey::new(&"shop-1".parse().unwrap(), "wamid.1");
    assert_eq!(stage.letter(&unfit).await.body.error.code, "invalid-input");
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 1);
    worker.stop().await;
    door.stop().await;
}

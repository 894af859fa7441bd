//! People whose ids change: a number that another profile has, and another id of WhatsApp's.

use super::opt_outs::post_opt_outs;
use crate::door::{APP_SECRET, notify_for, now, post};
use crate::replies::{answering, is_empty, sent, set, tells, texts};
use crate::stage::{LIST, Running, Stage, key_of, settings, until};
use klaviyo_host::types::Identifier;
use klaviyo_mock::{Channel, State};
use klaviyo_service::data_subject::DataSubject;
use klaviyo_service::queue::{ErasureSettings, Place};
use klaviyo_whatsapp_mock::{Business, Contact, Limits, WhatsApp};
use serde_json::json;
use std::time::Duration;

const OTHER: &str = "OtHeR1";
const NUMBER: &str = "+919820000002";
const USER_ID: &str = "IN.13491208655302741918";

/// The profiles of the account, each with its email, number and external id.
fn profiles(stage: &Stage) -> Vec<[Option<String>; 3]> {
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    let text = |value: Option<&serde_json::Value>| value.and_then(|value| value.as_str()).map(str::to_owned);
    account
        .profiles()
        .iter()
        .map(|profile| {
            ["email", "phone_number", "external_id"].map(|name| text(profile.attributes.get(name)))
        })
        .collect()
}

/// Whether the person with the number is on both lists, and the state of the consent to WhatsApp.
fn has(stage: &Stage) -> (bool, bool, State) {
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    let profile = account.profile("phone_number", NUMBER).unwrap();
    let is_on = |list| account.members(list).contains(&profile.id);
    (is_on(LIST), is_on(OTHER), profile.consent(Channel::WhatsApp).state)
}

/// A person with a profile by the number, who has a username since, and so gets another profile, by WhatsApp's id.
async fn becomes_one(stage: &Stage, whatsapp: &WhatsApp, door: &Running) {
    stage.klaviyo.account_of(&key_of("shop-1")).unwrap().add_list(OTHER, "Others");
    tells(whatsapp, door);
    let known = json!({ "account": "shop-1", "list": OTHER, "email": "asha@example.com", "first_name": "Asha",
                        "phone_number": NUMBER, "consent": ["whatsapp"] });
    assert!((200..300).contains(&post(door, "msg_1", &known).await.0));
    until("she has consent", || {
        let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        let profile = account.profile("phone_number", NUMBER);
        profile.is_some_and(|profile| profile.consent(Channel::WhatsApp).state == State::Subscribed)
    })
    .await;
    let asha = Contact::new("919820000002").named("Asha Rao").with_username("asha").with_user_id(USER_ID);
    let asha = whatsapp.person(asha);
    asha.writes("SUBSCRIBE");
    sent(whatsapp, 2).await;
    assert_eq!(profiles(stage).len(), 2);
    asha.shares_number().unwrap();
    sent(whatsapp, 3).await;
    assert_eq!(
        texts(&asha.messages())[2],
        "You are on the list, Asha! Your entry there has the address +919820000002."
    );
    let [email, number, id] = ["asha@example.com", NUMBER, USER_ID].map(|text| Some(text.to_owned()));
    let one = [[email, number, id]];
    until("there is one profile", || profiles(stage) == one).await;
    assert_eq!(has(stage), (true, true, State::Subscribed));
    // From now on WhatsApp tells the number.
    whatsapp.advance(Duration::from_secs(1));
    asha.writes("STOP");
    sent(whatsapp, 4).await;
    until("she has stopped", || has(stage).2 == State::Unsubscribed).await;
    assert_eq!(profiles(stage), one);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_that_another_profile_has_makes_the_two_one() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    becomes_one(&stage, &whatsapp, &door).await;
    is_empty(&stage).await;
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_such_a_number_makes_the_two_one_too() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let door = stage.direct_door(settings()).await;
    becomes_one(&stage, &whatsapp, &door).await;
    door.stop().await;
}

/// Whether somebody who is known by WhatsApp's id is on the list.
fn is_member(stage: &Stage, user_id: &str) -> bool {
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    account.profile("external_id", user_id).is_some_and(|profile| account.members(LIST).contains(&profile.id))
}

/// Her profile follows to the new id, and so does what she has said: her opt-out stands against an older opt-in, and START
/// gives back what it took.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_has_said_counts_under_another_id() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    set(&stage, "shop-1.whatsapp-settings", &json!({ "opt_out_lists": [LIST] }).to_string());
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    let asha = Contact::new("919820000002").named("Asha Rao").with_username("asha").with_user_id(USER_ID);
    let asha = whatsapp.person(asha);
    asha.writes("SUBSCRIBE");
    until("she is on the list", || is_member(&stage, USER_ID)).await;
    whatsapp.advance(Duration::from_secs(1));
    asha.writes("STOP");
    until("she has left", || !is_member(&stage, USER_ID)).await;
    is_empty(&stage).await;
    asha.changes_number("+44 7700 900123");
    let new_id = asha.user_id();
    assert_ne!(new_id, USER_ID);
    let follows = || profiles(&stage) == [[None, None, Some(new_id.clone())]];
    until("the profile has the new id", follows).await;
    is_empty(&stage).await;
    let older =
        json!({ "account": "shop-1", "list": LIST, "external_id": new_id, "at": "2026-01-01T00:00:00Z" });
    assert_eq!(post(&door, "older", &older).await.0, 202);
    is_empty(&stage).await;
    assert!(!is_member(&stage, &new_id));
    whatsapp.advance(Duration::from_secs(1));
    asha.writes("START");
    until("she is back", || is_member(&stage, &new_id)).await;
    assert_eq!(profiles(&stage).len(), 1);
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
    worker.stop().await;
    door.stop().await;
}

/// The notifications come out of order, or wait together: an opt-out under the id of before is of the profile with the new one,
/// and an opt-in under the id of before makes no second profile.
#[tokio::test(flavor = "multi_thread")]
async fn words_that_come_late_count_under_the_id_of_now() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let own = json!({ "opt_out_lists": [LIST], "delivery_events": { "read": "Read" } });
    set(&stage, "shop-1.whatsapp-settings", &own.to_string());
    let door = stage.queue_door(settings()).await;
    let (old, new, begun) = ("IN.1", "GB.2", now() - 100);
    let tell = async |field: &str, value: serde_json::Value| {
        let mut value = value;
        value["metadata"] = json!({ "phone_number_id": Business::NUMBER_ID });
        let body = json!({ "object": "whatsapp_business_account",
                           "entry": [{ "changes": [{ "field": field, "value": value }] }] });
        assert_eq!(notify_for(&door, "shop-1", APP_SECRET, &body.to_string()).await.0, 200);
    };
    let writes = async |id: &str, word: &str, second: i64| {
        let message = json!({ "id": format!("wamid.{second}"), "from_user_id": id, "text": { "body": word },
                              "timestamp": (begun + second).to_string() });
        tell("messages", json!({ "messages": [message] })).await;
    };
    let worker = stage.worker().await;
    writes(old, "SUBSCRIBE", 1).await;
    until("she is on the list", || is_member(&stage, old)).await;
    is_empty(&stage).await;
    worker.stop().await;

    // In this order, and nobody works yet.
    writes(old, "STOP", 10).await;
    let change =
        json!({ "user_id": { "previous": old, "current": new }, "timestamp": (begun + 20).to_string() });
    tell("user_id_update", json!({ "user_id_update": [change] })).await;
    let worker = stage.worker().await;
    is_empty(&stage).await;
    assert_eq!(profiles(&stage), [[None, None, Some(new.to_owned())]]);
    assert!(!is_member(&stage, new), "the opt-out is lost");

    // An older opt-in is repeated by Meta.
    writes(old, "SUBSCRIBE", 5).await;
    is_empty(&stage).await;
    assert!(!is_member(&stage, new));
    // A later one gives the list, to the profile that there is.
    writes(old, "SUBSCRIBE", 15).await;
    until("she is on the list again", || is_member(&stage, new)).await;
    writes(old, "STOP", 16).await;
    until("she has left again", || !is_member(&stage, new)).await;
    writes(old, "START", 17).await;
    until("she is back", || is_member(&stage, new)).await;
    let status = json!({ "id": "wamid.to-her", "status": "read", "recipient_user_id": old,
                         "timestamp": (begun + 18).to_string() });
    tell("messages", json!({ "statuses": [status] })).await;
    let events = || stage.klaviyo.account_of(&key_of("shop-1")).unwrap().events().count();
    until("the event is there", || events() == 1).await;
    assert_eq!(profiles(&stage), [[None, None, Some(new.to_owned())]]);
    let property = {
        let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        account.profile("external_id", new).unwrap().attributes["properties"]["whatsapp_user_id"].clone()
    };
    assert_eq!(property, new);
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
    drop(whatsapp);
    worker.stop().await;
    door.stop().await;
}

/// WhatsApp tells of both changes, the second one first: her profile has the last id, and so has what she has said.
#[tokio::test(flavor = "multi_thread")]
async fn two_changes_of_an_id_count_by_their_times() {
    let (stage, _whatsapp) = answering(Limits::off()).await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    let ids = ["IN.1", "GB.2", "US.3", "MX.4"];
    let known =
        json!({ "account": "shop-1", "list": LIST, "external_id": ids[0], "email": "asha@example.com" });
    assert_eq!(post(&door, "msg_1", &known).await.0, 202);
    until("she is on the list", || is_member(&stage, ids[0])).await;
    let stop = json!({ "account": "shop-1", "lists": [LIST], "external_id": ids[0] });
    assert_eq!(post_opt_outs(&door, "msg_2", &stop).await.0, 202);
    until("she has left", || !is_member(&stage, ids[0])).await;
    let begun = now();
    let tell = async |n: usize| {
        let change = json!({ "user_id": { "previous": ids[n], "current": ids[n + 1] },
                             "timestamp": (begun - 10 + n as i64).to_string() });
        let metadata = json!({ "phone_number_id": Business::NUMBER_ID });
        let value = json!({ "metadata": metadata, "user_id_update": [change] });
        let body = json!({ "object": "whatsapp_business_account",
                           "entry": [{ "changes": [{ "field": "user_id_update", "value": value }] }] });
        assert_eq!(notify_for(&door, "shop-1", APP_SECRET, &body.to_string()).await.0, 200);
        is_empty(&stage).await;
    };
    for n in [2, 1, 0] {
        tell(n).await;
    }
    let email = Some("asha@example.com".to_owned());
    assert_eq!(profiles(&stage), [[email, None, Some(ids[3].to_owned())]]);
    let older =
        json!({ "account": "shop-1", "list": LIST, "external_id": ids[3], "at": "2026-01-01T00:00:00Z" });
    assert_eq!(post(&door, "older", &older).await.0, 202);
    is_empty(&stage).await;
    assert!(!is_member(&stage, ids[3]));
    // What was noted of her ids is forgotten with her.
    let subject = DataSubject::new(vec![Identifier::ExternalId(ids[3].to_owned())]);
    let erased = stage.queue.erase(&"shop-1".parse().unwrap(), &subject, ErasureSettings::default()).await;
    assert_eq!(erased.unwrap().removed[&Place::Outcomes], 2);
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_a_profile_follows_to_another_id_too() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let door = stage.direct_door(settings()).await;
    tells(&whatsapp, &door);
    let asha = Contact::new("919820000002").named("Asha Rao").with_username("asha").with_user_id(USER_ID);
    let asha = whatsapp.person(asha);
    asha.writes("SUBSCRIBE");
    until("she is on the list", || is_member(&stage, USER_ID)).await;
    asha.changes_number("+44 7700 900123");
    until("the profile has the new id", || is_member(&stage, &asha.user_id())).await;
    assert_eq!(profiles(&stage).len(), 1);
    door.stop().await;
}

//! The number that a person was asked for, where another profile has it already.

use crate::door::post;
use crate::replies::{answering, is_empty, sent, tells, texts};
use crate::stage::{LIST, Running, Stage, key_of, settings, until};
use klaviyo_mock::{Channel, State};
use klaviyo_whatsapp_mock::{Contact, Limits, WhatsApp};
use serde_json::json;

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
    whatsapp.advance(std::time::Duration::from_secs(1));
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

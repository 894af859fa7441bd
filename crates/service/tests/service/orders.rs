//! The order of a person's words: whichever arrives first, the last one stands.

use crate::door::{APP_SECRET, SECRET, message, notification_of, notify_for, now, open_to, opened, post};
use crate::replies::is_empty;
use crate::stage::{LIST, Running, Stage, connect, key_of, settings, stage_with_jobs, until};
use klaviyo_mock::{Channel, Faults, Nats, State};
use klaviyo_service::moment::Moment;
use klaviyo_service::outcome::Outcome;
use klaviyo_service::queue::Lane;
use serde_json::{Value, json};
use std::fs;
use std::time::Duration;

const OTHER: &str = "OtHeR1";

/// A stage with a list that people leave by an opt-out, and one that they do not.
async fn leavable() -> Stage {
    leavable_on(opened(&["shop-1"]).await)
}

fn leavable_on(stage: Stage) -> Stage {
    fs::write(stage.keys.path().join("shop-1.signing-secret"), SECRET).unwrap();
    let settings = json!({ "opt_out_lists": [LIST],
        "languages": { "es": { "opt_out_words": ["BAJA"] } },
        "delivery_events": { "delivered": "WhatsApp delivered", "failed": "WhatsApp failed" } });
    fs::write(stage.keys.path().join("shop-1.whatsapp-settings"), settings.to_string()).unwrap();
    stage.klaviyo.account_of(&key_of("shop-1")).unwrap().add_list(OTHER, "Others");
    stage
}

fn number(n: usize) -> String {
    format!("9198{n:08}")
}

/// So many seconds from now.
fn at(seconds: i64) -> String {
    Moment::from_unix_ms((now() + seconds) * 1_000).to_string()
}

fn consenting(n: usize, list: &str, seconds: i64) -> Value {
    json!({ "account": "shop-1", "list": list, "phone_number": format!("+{}", number(n)),
            "consent": ["sms", "whatsapp"], "at": at(seconds) })
}

/// A word that somebody wrote so many seconds from now.
fn word(n: usize, word: &str, seconds: i64) -> Value {
    let mut message = message(word);
    message["from"] = json!(number(n));
    message["id"] = json!(format!("wamid.{n}.{word}.{seconds}"));
    message["timestamp"] = json!((now() + seconds).to_string());
    message
}

async fn notify(door: &Running, messages: &[Value]) -> Vec<Value> {
    let body = notification_of(json!(messages), "Priya Sharma");
    let (status, told) = notify_for(door, "shop-1", APP_SECRET, &body).await;
    assert_eq!(status, 200, "{told}");
    told.as_array().unwrap().clone()
}

/// Whether a person is on a list, and the state of the consent to WhatsApp and to text messages.
fn state(stage: &Stage, n: usize, list: &str) -> (bool, Option<State>, Option<State>) {
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    let Some(profile) = account.profile("phone_number", &format!("+{}", number(n))) else {
        return (false, None, None);
    };
    let is_on = account.members(list).contains(&profile.id);
    (is_on, Some(profile.consent(Channel::WhatsApp).state), Some(profile.consent(Channel::Sms).state))
}

fn has_all(stage: &Stage, n: usize) -> bool {
    let (is_on, whatsapp, _) = state(stage, n, LIST);
    is_on && whatsapp == Some(State::Subscribed)
}

fn has_nothing(stage: &Stage, n: usize) -> bool {
    let (is_on, whatsapp, _) = state(stage, n, LIST);
    !is_on && whatsapp != Some(State::Subscribed)
}

async fn outcome(stage: &Stage, told: &Value) -> Outcome {
    let id: klaviyo_service::id::OptInId = told["id"].as_str().unwrap().parse().unwrap();
    stage.outcomes(&[(id.key, id.sequence.unwrap())]).await.remove(0)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    In,
    Out,
    Back,
}

/// All orders of three things.
const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// One person for each order of the three words and each order of their arrival: the words in the order of arrival,
/// each with its time.
fn people() -> Vec<Vec<(Word, i64)>> {
    let words = [Word::In, Word::Out, Word::Back];
    let mut people = Vec::new();
    for said in ORDERS {
        for arrives in ORDERS {
            // A round takes less than a minute.
            people.push(arrives.map(|n| (words[said[n]], 60 * n as i64 - 240)).into());
        }
    }
    people
}

/// Whether somebody has everything in the end, by the order in which the words were said.
fn is_right(stage: &Stage, n: usize, words: &[(Word, i64)]) -> bool {
    let mut said = words.to_vec();
    said.sort_by_key(|(_, at)| *at);
    let (mut has, mut had) = (false, false);
    for (word, _) in said {
        match word {
            Word::In => has = true,
            Word::Out => (had, has) = (had || has, false),
            Word::Back => (has, had) = (has || had, false),
        }
    }
    if has { has_all(stage, n) } else { has_nothing(stage, n) }
}

/// Waits until all have what they have by the order in which their words were said.
async fn all_end_right(stage: &Stage, people: &[Vec<(Word, i64)>]) {
    for (n, words) in people.iter().enumerate() {
        until(&format!("{words:?} is right, not {:?}", state(stage, n, LIST)), || is_right(stage, n, words))
            .await;
    }
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
}

/// Sends the words that arrive in this round.
async fn say(door: &Running, people: &[Vec<(Word, i64)>], round: usize) {
    let (mut messages, mut opt_ins) = (Vec::new(), Vec::new());
    for (n, words) in people.iter().enumerate() {
        match words[round] {
            (Word::In, at) => opt_ins.push(consenting(n, LIST, at)),
            (Word::Out, at) => messages.push(word(n, if n % 2 == 0 { "STOP" } else { "baja" }, at)),
            (Word::Back, at) => messages.push(word(n, "START", at)),
        }
    }
    assert_eq!(post(door, &format!("msg_{round}"), &json!(opt_ins)).await.0, 202);
    assert_eq!(notify(door, &messages).await.len(), messages.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_stands_in_whatever_order_they_are_said_and_arrive() {
    let (stage, people) = (leavable().await, people());
    let door = stage.queue_door(settings()).await;
    let worker = stage.worker().await;
    for round in 0..3 {
        say(&door, &people, round).await;
        is_empty(&stage).await;
    }
    all_end_right(&stage, &people).await;
    worker.stop().await;
    door.stop().await;
}

/// All words wait at once, each call of Klaviyo takes its time, and workers are killed in the midst of them.
#[tokio::test(flavor = "multi_thread")]
async fn the_last_word_stands_whatever_is_killed() {
    let (stage, people) = (leavable().await, people());
    let door = stage.queue_door(settings()).await;
    for round in 0..3 {
        say(&door, &people, round).await;
    }
    stage.klaviyo.set_faults(Faults::none().rule("*: always latency 100ms".parse().unwrap()));
    for requests in [3, 9] {
        let worker = stage.worker_to_kill().await;
        until("Klaviyo is asked", || stage.klaviyo.requests() >= requests).await;
        worker.shutdown_background();
    }
    let worker = stage.worker().await;
    is_empty(&stage).await;
    all_end_right(&stage, &people).await;
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_is_done_before_ten_thousand_opt_ins() {
    let stage = leavable().await;
    let door = stage.queue_door(settings()).await;
    let opt_ins: Vec<_> = (0..10_000)
        .map(|n| {
            let mut opt_in = consenting(n, LIST, -60);
            opt_in["id"] = json!(n.to_string());
            serde_json::from_value(opt_in).unwrap()
        })
        .collect();
    let keys = stage.put(&opt_ins).await;
    let mut ids = Vec::new();
    // Before any is begun, and while they are under way.
    ids.extend(notify(&door, &[word(1, "STOP", -30), word(9_999, "STOP", -30)]).await);
    let worker = stage.worker().await;
    let is_submitted =
        || stage.klaviyo.account_of(&key_of("shop-1")).unwrap().requests_of("bulk_import_profiles") > 0;
    until("they are under way", is_submitted).await;
    ids.extend(notify(&door, &[word(2, "STOP", -30), word(5_000, "STOP", -30)]).await);
    for id in &ids {
        assert!(matches!(outcome(&stage, id).await, Outcome::OptedOut(_)));
    }
    let waiting = stage.queue.waiting().await.unwrap();
    let waiting = waiting.accounts[&"shop-1".parse().unwrap()][&Lane::OptIns];
    assert!(waiting > 5_000, "{waiting}");
    assert_eq!(stage.outcomes(&keys[..3]).await.len(), 3);
    is_empty(&stage).await;
    for n in [1, 2, 5_000, 9_999] {
        until(&format!("{n} has left: {:?}", state(&stage, n, LIST)), || has_nothing(&stage, n)).await;
    }
    until("the others are there", || has_all(&stage, 0) && has_all(&stage, 9_998)).await;
    let members = stage.klaviyo.account_of(&key_of("shop-1")).unwrap().members(LIST).len();
    assert_eq!(members, 9_996);
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_resume_gives_back_what_was_taken_and_nothing_else() {
    let stage = leavable().await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    // The first one has joined both lists, the second one the other list alone.
    let joined = json!([consenting(1, LIST, -60), consenting(1, OTHER, -60), consenting(2, OTHER, -60)]);
    assert_eq!(post(&door, "msg_1", &joined).await.0, 202);
    is_empty(&stage).await;
    until("they consent", || state(&stage, 1, LIST).1 == Some(State::Subscribed)).await;
    until("both do", || state(&stage, 2, OTHER).1 == Some(State::Subscribed)).await;
    let told = notify(&door, &[word(1, "STOP", -30), word(2, "STOP", -30), word(3, "STOP", -30)]).await;
    let left = outcome(&stage, &told[0]).await;
    assert!(
        matches!(&left, Outcome::OptedOut(receipt) if receipt.lists == [LIST] && receipt.consent.len() == 1),
        "{left:?}"
    );
    until("they have left", || has_nothing(&stage, 1) && has_nothing(&stage, 2)).await;
    for n in [1, 2] {
        assert_eq!(state(&stage, n, OTHER).2, Some(State::Subscribed), "text messages are another channel");
        assert!(state(&stage, n, OTHER).0);
    }
    let told = notify(&door, &[word(1, "START", -20), word(2, "START", -20), word(3, "START", -20)]).await;
    let lists = async |n: usize| match outcome(&stage, &told[n]).await {
        Outcome::Resumed(receipt) => (receipt.lists.len(), receipt.consent.len()),
        other => panic!("{other:?}"),
    };
    assert_eq!((lists(0).await, lists(1).await, lists(2).await), ((1, 1), (0, 1), (0, 0)));
    until("the first one is back", || has_all(&stage, 1)).await;
    until("so is the second one", || state(&stage, 2, LIST).1 == Some(State::Subscribed)).await;
    assert!(!state(&stage, 2, LIST).0, "the second one was not on this list");
    assert!(has_nothing(&stage, 3));
    worker.stop().await;
    door.stop().await;
}

/// Klaviyo carries out a consent after it has answered, and puts the person on the list then.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_before_klaviyo_has_carried_the_consent_out_has_left() {
    let nats = Nats::start().unwrap();
    let queue = connect(&nats).await;
    let stage = stage_with_jobs(nats, queue, &["shop-1"], Duration::from_secs(3));
    let stage = leavable_on(open_to(stage));
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    let (_, told) = post(&door, "msg_1", &consenting(1, LIST, -60)).await;
    assert!(matches!(outcome(&stage, &told).await, Outcome::Done(_)));
    let told = notify(&door, &[word(1, "STOP", -30)]).await;
    assert!(matches!(outcome(&stage, &told[0]).await, Outcome::OptedOut(_)));
    // The opt-out took the person off, and the job has not run: it puts the person on the list once more.
    assert_eq!(state(&stage, 1, LIST), (false, Some(State::NeverSubscribed), Some(State::NeverSubscribed)));
    until("the consent is carried out", || state(&stage, 1, LIST).2 == Some(State::Subscribed)).await;
    is_empty(&stage).await;
    until("the person has left", || has_nothing(&stage, 1)).await;
    // A resume gives back what the opt-outs took.
    notify(&door, &[word(1, "START", -10)]).await;
    until("the person is back", || has_all(&stage, 1)).await;
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_opt_outs_take_few_requests() {
    let stage = leavable().await;
    let door = stage.queue_door(settings()).await;
    let opt_ins: Vec<Value> = (0..300).map(|n| consenting(n, LIST, -60)).collect();
    assert_eq!(post(&door, "msg_1", &json!(opt_ins)).await.0, 202);
    let worker = stage.worker().await;
    is_empty(&stage).await;
    until("they are there", || (0..300).all(|n| has_all(&stage, n))).await;
    worker.stop().await;
    let stops: Vec<Value> = (0..300).map(|n| word(n, "STOP", -30)).collect();
    notify(&door, &stops).await;
    let before = stage.klaviyo.requests();
    let worker = stage.worker().await;
    is_empty(&stage).await;
    let requests = stage.klaviyo.requests() - before;
    // All are done twice: what they leave was given lately.
    assert!((1..=2 * 16).contains(&requests), "{requests}");
    until("they have left", || (0..300).all(|n| has_nothing(&stage, n))).await;
    worker.stop().await;
    door.stop().await;
}

const ID: &str = "IN.13491208655302741918";

/// The same message of somebody whose number is not told.
fn hidden(mut message: Value) -> Value {
    message.as_object_mut().unwrap().remove("from");
    message["from_user_id"] = json!(ID);
    message
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_known_by_whatsapps_id_can_leave_and_be_completed() {
    let stage = leavable().await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    let members = || stage.klaviyo.account_of(&key_of("shop-1")).unwrap().members(LIST).len();
    notify(&door, &[hidden(word(1, "SUBSCRIBE", -60))]).await;
    until("it is there", || members() == 1).await;
    notify(&door, &[hidden(word(1, "STOP", -50))]).await;
    until("it has left", || members() == 0).await;
    notify(&door, &[hidden(word(1, "START", -40))]).await;
    until("it is back", || members() == 1).await;
    // The number that was asked for becomes the profile's.
    let mut answer = hidden(word(1, "", -30));
    answer["type"] = json!("contacts");
    answer.as_object_mut().unwrap().remove("text");
    answer["contacts"] = json!([{ "origin": "contact_request", "phones": [{ "wa_id": number(1) }] }]);
    let told = notify(&door, &[answer]).await;
    assert!(matches!(outcome(&stage, &told[0]).await, Outcome::Done(_)));
    let profile = || {
        let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        account.profile("external_id", ID).unwrap().clone()
    };
    until("it has the number", || profile().attributes["phone_number"] == format!("+{}", number(1))).await;
    assert_eq!(members(), 1);
    // From now on the number names the same person.
    notify(&door, &[word(1, "STOP", -20)]).await;
    until("it has left again", || members() == 0).await;
    worker.stop().await;
    door.stop().await;
}

fn of_statuses(statuses: Value) -> String {
    json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [{ "field": "messages", "value": {
        "metadata": { "phone_number_id": crate::door::NUMBER_ID }, "statuses": statuses } }] }] })
    .to_string()
}

fn status(n: usize, id: &str, state: &str, errors: Value) -> Value {
    json!({ "id": id, "status": state, "timestamp": now().to_string(), "recipient_id": number(n), "errors": errors })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_failed_because_marketing_is_stopped_is_an_opt_out() {
    let stage = leavable().await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    assert_eq!(post(&door, "msg_1", &json!([consenting(1, LIST, -60)])).await.0, 202);
    is_empty(&stage).await;
    until("they are there", || has_all(&stage, 1)).await;
    let failed = status(1, "wamid.out", "failed", json!([{ "code": 131050, "title": "stopped" }]));
    assert_eq!(notify_for(&door, "shop-1", APP_SECRET, &of_statuses(json!([failed]))).await.0, 200);
    until("they have left", || has_nothing(&stage, 1)).await;
    worker.stop().await;
    door.stop().await;
}

/// The metrics and properties of all events, sorted.
fn events(stage: &Stage) -> Vec<(String, Value)> {
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    let name = |id: &str| account.metrics().find(|metric| metric.id == id).unwrap().name.clone();
    let own = account.events().filter(|event| event.properties.contains_key("message_id"));
    let mut all: Vec<_> =
        own.map(|event| (name(&event.metric), Value::from(event.properties.clone()))).collect();
    all.sort_by_key(|(name, properties)| (name.clone(), properties.to_string()));
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn statuses_become_events_once() {
    let stage = leavable().await;
    let direct = stage.direct_door(settings()).await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    let body = of_statuses(json!([
        status(1, "wamid.a", "sent", Value::Null),
        status(1, "wamid.a", "delivered", Value::Null),
        status(2, "wamid.b", "failed", json!([{ "code": 131026, "title": "Undeliverable" }])),
    ]));
    for door in [&door, &door, &direct] {
        assert_eq!(notify_for(door, "shop-1", APP_SECRET, &body).await, (200, json!([])));
        is_empty(&stage).await;
    }
    until("they are there", || events(&stage).len() >= 2).await;
    let all = events(&stage);
    assert_eq!(
        all.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(),
        ["WhatsApp delivered", "WhatsApp failed"]
    );
    assert_eq!((&all[1].1["code"], &all[1].1["reason"]), (&json!(131_026), &json!("Undeliverable")));
    assert_eq!(door.metric("klaviyo_door_ignored_total{reason=\"status\"}"), 2);
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
    worker.stop().await;
    door.stop().await;
    direct.stop().await;
}

/// Those that wait share a request, and so do those of one notification at a door without a queue.
#[tokio::test(flavor = "multi_thread")]
async fn many_statuses_take_few_requests() {
    let stage = leavable().await;
    let direct = stage.direct_door(settings()).await;
    let door = stage.queue_door(settings()).await;
    let delivered = |name: &str| -> Value {
        (0..300).map(|n| status(n, &format!("wamid.{name}{n}"), "delivered", Value::Null)).collect()
    };
    let before = stage.klaviyo.requests();
    assert_eq!(notify_for(&direct, "shop-1", APP_SECRET, &of_statuses(delivered("a"))).await.0, 200);
    assert_eq!(stage.klaviyo.requests(), before + 1);
    for n in 0..10 {
        assert_eq!(
            notify_for(&door, "shop-1", APP_SECRET, &of_statuses(delivered(&format!("b{n}-")))).await.0,
            200
        );
    }
    let worker = stage.worker().await;
    is_empty(&stage).await;
    let took = stage.klaviyo.requests() - before - 1;
    // A thousand in each, and fewer in the first ones.
    assert!((3..=8).contains(&took), "{took}");
    until("all are there", || events(&stage).len() == 3_300).await;
    worker.stop().await;
    door.stop().await;
    direct.stop().await;
}

/// Opt-ins wait for a Klaviyo that limits their rate, and opt-outs do not.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_that_waits_holds_up_no_other() {
    let stage = leavable().await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    assert_eq!(post(&door, "msg_1", &json!([consenting(1, LIST, -60)])).await.0, 202);
    is_empty(&stage).await;
    until("they are there", || has_all(&stage, 1)).await;
    let rule = "POST /api/profile-subscription-bulk-create-jobs: always status 429 retry-after 3600";
    stage.klaviyo.set_faults(Faults::none().rule(rule.parse().unwrap()));
    assert_eq!(post(&door, "msg_2", &json!([consenting(2, LIST, -60)])).await.0, 202);
    let waits =
        || worker.health.readiness().document.pointer("/accounts/shop-1/state") == Some(&json!("waiting"));
    until("it waits", waits).await;
    notify(&door, &[word(1, "STOP", -30)]).await;
    until("they have left", || has_nothing(&stage, 1)).await;
    assert!(waits());
    worker.stop().await;
    door.stop().await;
}

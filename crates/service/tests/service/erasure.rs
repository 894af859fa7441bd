//! What the queue keeps of one person is removed, and nothing of anybody else.

use super::permissions::{deployed, make_streams, queue};
use super::replies::{answering, is_empty, sent, tells};
use crate::stage::{LIST, PATIENCE, Stage, opt_in, settings, stage, stage_at, stage_on, until};
use async_nats::jetstream;
use bytes::Bytes;
use klaviyo_host::types::Identifier;
use klaviyo_mock::{Faults, Nats};
use klaviyo_service::account::Account;
use klaviyo_service::data_subject::DataSubject;
use klaviyo_service::key::OptInKey;
use klaviyo_service::moment::Moment;
use klaviyo_service::outcome::Outcome;
use klaviyo_service::queue::{Erasure, ErasureSettings, Lane, Place, Queue, Role};
use klaviyo_whatsapp_mock::{Contact, Limits};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use tokio::time::{Duration, Instant, sleep};

const ALL: ErasureSettings = ErasureSettings { opt_outs: true, is_dry: false };
const DRY: ErasureSettings = ErasureSettings { opt_outs: false, is_dry: true };
/// The number of a person, and of another one.
const PRIYA: &str = "+919820000001";
const ASHA: &str = "+919820000002";

fn account() -> Account {
    "shop-1".parse().unwrap()
}

/// The person with a number, an email and WhatsApp's id.
fn person(number: &str) -> DataSubject {
    DataSubject::new(vec![
        Identifier::PhoneNumber(number.to_owned()),
        Identifier::Email(email(number)),
        Identifier::ExternalId(user_id(number)),
    ])
}

fn digits(number: &str) -> &str {
    number.strip_prefix('+').unwrap()
}

fn email(number: &str) -> String {
    format!("p{}@example.com", digits(number))
}

fn user_id(number: &str) -> String {
    format!("US.{}", digits(number))
}

fn counts(places: &[(Place, u64)]) -> BTreeMap<Place, u64> {
    places.iter().copied().filter(|(_, count)| *count > 0).collect()
}

/// Those that are not 0.
fn some(counted: &BTreeMap<Place, u64>) -> BTreeMap<Place, u64> {
    counts(&counted.iter().map(|(place, count)| (*place, *count)).collect::<Vec<_>>())
}

/// At so many milliseconds.
fn at(ms: i64) -> String {
    Moment::from_unix_ms(ms).to_string()
}

/// A message with these fields.
fn message(id: &str, more: Value) -> Value {
    let mut message = json!({ "account": "shop-1", "id": id });
    message.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    message
}

/// Puts messages into a lane, as a door does.
async fn put(queue: &Queue, lane: Lane, messages: Vec<Value>) -> Vec<(OptInKey, u64)> {
    let of = if lane == Lane::OptOuts { OptInKey::of_opt_out } else { OptInKey::new };
    let key = |message: &Value| of(&account(), message["id"].as_str().unwrap());
    let named: Vec<_> =
        messages.iter().map(|message| (key(message), Bytes::from(message.to_string()))).collect();
    let accepted = queue.put(lane, named.clone()).await;
    named.into_iter().zip(accepted).map(|((key, _), accepted)| (key, accepted.unwrap().sequence)).collect()
}

async fn jetstream_as(nats: &Nats, user: &str) -> jetstream::Context {
    let options = async_nats::ConnectOptions::with_user_and_password(user.to_owned(), user.to_owned());
    let options = options.custom_inbox_prefix(format!("_INBOX.klaviyo-{user}"));
    jetstream::new(options.connect(nats.url()).await.unwrap())
}

async fn publish(context: &jetstream::Context, subject: String, message: &Value) {
    context.publish(subject, message.to_string().into()).await.unwrap().await.unwrap();
}

async fn is_worked_off(stage: &Stage, lane: Lane) {
    let end = Instant::now() + PATIENCE;
    let waits = async || {
        let waiting = stage.queue.waiting().await.unwrap();
        waiting.accounts.values().any(|lanes| lanes.contains_key(&lane))
    };
    while waits().await {
        assert!(Instant::now() < end, "the lane {lane} is not worked off");
        sleep(Duration::from_millis(50)).await;
    }
}

/// What waits and is kept of a person, when a worker has done some of it.
async fn keep_something_of(queue: &Queue, context: &jetstream::Context, number: &str) {
    let wa_id = digits(number);
    let conversation = json!({ "message_id": "wamid.1", "number": wa_id, "user_id": user_id(number) });
    put(
        queue,
        Lane::OptIns,
        vec![
            message(&format!("{wa_id} by email"), json!({ "list": LIST, "email": email(number) })),
            message(
                &format!("{wa_id} by WhatsApp"),
                json!({ "list": LIST, "external_id": user_id(number), "first_name": "Priya" }),
            ),
        ],
    )
    .await;
    let opt_out = json!({ "phone_number": number, "opt_out": ["whatsapp"], "whatsapp": conversation });
    let resume = json!({ "external_id": user_id(number), "resume": ["whatsapp"] });
    let (stop, start) = (format!("{wa_id} STOP"), format!("{wa_id} START"));
    put(queue, Lane::OptOuts, vec![message(&stop, opt_out), message(&start, resume)]).await;
    let event = json!({ "metric": "WhatsApp read", "phone_number": number, "properties": {} });
    put(queue, Lane::Events, vec![message(&format!("{wa_id} read"), event)]).await;
    let reply = json!({
        "kind": "on-list", "at": at(0), "conversation": conversation, "address": email(number),
    });
    publish(context, "klaviyo.replies.shop-1".to_owned(), &message(&format!("{wa_id} reply"), reply)).await;
    let answered = OptInKey::new(&account(), &format!("reply {wa_id}"));
    let mark = Sha256::digest(format!("{answered} phone_number {wa_id}"));
    let answer = json!({ "people": [hex::encode(&mark[..8])] });
    publish(context, format!("$KV.klaviyo-replies.{answered}"), &answer).await;
    for (id, data) in [
        ("profile", json!({ "profile": { "id": "01", "phone_number": number, "email": null } })),
        ("consent", json!({ "email": email(number), "consent": { "profile_id": "01" } })),
    ] {
        let letter = json!({ "id": format!("{wa_id}-{id}"), "message": { "type": id, "data": data },
                             "error": { "code": "rejected", "message": "no" }, "attempts": 5, "since": at(0) });
        publish(context, format!("klaviyo.changes-dead.shop-1.{wa_id}-{id}"), &letter).await;
    }
}

/// The messages of all streams that have a text in them.
async fn mentions(context: &jetstream::Context, text: &str) -> Vec<String> {
    use futures_util::TryStreamExt;
    let names: Vec<String> = context.stream_names().try_collect().await.unwrap();
    let mut found = Vec::new();
    for name in names {
        let stream = context.get_stream(&name).await.unwrap();
        let state = stream.get_info().await.unwrap().state;
        for sequence in state.first_sequence..=state.last_sequence {
            let Ok(message) = stream.get_raw_message(sequence).await else { continue };
            let message = format!("{} {}", message.subject, String::from_utf8_lossy(&message.payload));
            if message.contains(text) {
                found.push(format!("{name}: {message}"));
            }
        }
    }
    found
}

/// The operator of `deploy/nats.conf` may do all of it, on each NATS.
#[tokio::test(flavor = "multi_thread")]
async fn what_is_kept_of_a_person_is_removed_and_nothing_of_anybody_else() {
    for server in Nats::servers() {
        let nats = deployed(server, "");
        make_streams(&nats).await;
        let (door, worker) = (queue(&nats, Role::Door).await, queue(&nats, Role::Worker).await);
        let as_worker = jetstream_as(&nats, "worker").await;
        let operator = queue(&nats, Role::Operator).await;
        let context = jetstream_as(&nats, "operator").await;
        let stage = stage_at(nats, operator, &["shop-1"]);

        // Of each: an opt-in that is done, one that is dead, and an opt-out that is dead.
        for number in [PRIYA, ASHA] {
            let done = json!({ "list": LIST, "phone_number": number, "email": email(number) });
            let dead = json!({ "list": "no such list", "phone_number": number });
            let messages =
                vec![message(&format!("{number} done"), done), message(&format!("{number} dead"), dead)];
            put(&door, Lane::OptIns, messages).await;
            let unreadable = json!({ "phone_number": number, "opt_out": ["pigeon"] });
            put(&door, Lane::OptOuts, vec![message(&format!("{number} unreadable"), unreadable)]).await;
        }
        let running = stage.worker_at(worker);
        is_worked_off(&stage, Lane::OptIns).await;
        is_worked_off(&stage, Lane::OptOuts).await;
        running.stop().await;
        for number in [PRIYA, ASHA] {
            keep_something_of(&door, &as_worker, number).await;
        }
        // Of each a refused change is to be sent again.
        for (account, sequence, letter) in stage.queue.changes_dead(None).await.unwrap() {
            if letter.id.ends_with("-consent") {
                assert!(stage.queue.retry_change(&account, sequence, &letter).await.unwrap());
            }
        }

        let removed = counts(&[
            (Place::OptIns, 2),
            (Place::OptOuts, 1),
            (Place::Events, 1),
            (Place::Replies, 1),
            (Place::Answers, 1),
            (Place::DeadLetters, 1),
            (Place::ChangesDeadLetters, 2),
            (Place::Outcomes, 3),
            (Place::People, 2),
        ]);
        let kept = counts(&[(Place::OptOuts, 1), (Place::DeadLetters, 1)]);
        let erase = async |number, settings| {
            let Erasure { removed, kept } =
                stage.queue.erase(&account(), &person(number), settings).await.unwrap();
            assert_eq!(removed.len(), 9);
            (some(&removed), some(&kept))
        };
        assert_eq!(erase(PRIYA, DRY).await, (removed.clone(), kept.clone()));
        assert_eq!(erase(PRIYA, ErasureSettings::default()).await, (removed, kept.clone()));
        assert_eq!(erase(PRIYA, ErasureSettings::default()).await, (BTreeMap::new(), kept.clone()));
        assert_eq!(erase(PRIYA, ALL).await, (kept, BTreeMap::new()));
        assert_eq!(erase(PRIYA, ALL).await, (BTreeMap::new(), BTreeMap::new()));
        assert_eq!(mentions(&context, digits(PRIYA)).await, [""; 0]);

        assert_eq!(stage.queue.dead(None).await.unwrap().len(), 2);
        let other: Account = "shop-2".parse().unwrap();
        let elsewhere = stage.queue.erase(&other, &person(ASHA), ALL).await.unwrap();
        assert_eq!(some(&elsewhere.removed), BTreeMap::new());
        let (removed, kept) = erase(ASHA, ALL).await;
        assert_eq!((removed.values().sum::<u64>(), kept), (16, BTreeMap::new()));
        assert_eq!(mentions(&context, digits(ASHA)).await, [""; 0]);
    }
}

/// Whether the person is on the list of [`said`].
fn is_on_list(stage: &Stage, number: &str) -> bool {
    let account = stage.klaviyo.account_of(&crate::stage::key_of("shop-1")).unwrap();
    let profile = account.profile("phone_number", number);
    profile.is_some_and(|profile| account.members(LIST).contains(&profile.id))
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_in_that_comes_late_does_not_undo_the_opt_out_of_a_forgotten_person() {
    let stage = stage(&["shop-1"]).await;
    let worker = stage.worker().await;
    let said = async |lane, id: String, what: Value| {
        let keys = put(&stage.queue, lane, vec![message(&id, what)]).await;
        stage.outcomes(&keys).await.remove(0)
    };
    let opt_in = |number: &str, ms| json!({ "list": LIST, "phone_number": number, "at": at(ms) });
    let mut kept = Vec::new();
    for (number, settings) in [(PRIYA, ErasureSettings::default()), (ASHA, ALL)] {
        said(Lane::OptIns, format!("{number} 1"), opt_in(number, 1_000)).await;
        let opt_out =
            json!({ "phone_number": number, "opt_out": ["whatsapp"], "lists": [LIST], "at": at(3_000) });
        said(Lane::OptOuts, format!("{number} 3"), opt_out).await;
        assert!(!is_on_list(&stage, number));
        is_worked_off(&stage, Lane::OptOuts).await;
        let erasure = stage.queue.erase(&account(), &person(number), settings).await.unwrap();
        // The opt-out is done once more a little later, which has an outcome too.
        assert_eq!(some(&erasure.removed), counts(&[(Place::Outcomes, 3), (Place::People, 1)]));
        kept.push(some(&erasure.kept));
        // It waited at the caller meanwhile.
        let late = said(Lane::OptIns, format!("{number} 2"), opt_in(number, 2_000)).await;
        assert_eq!(matches!(late, Outcome::OptedOut(_)), number == PRIYA, "{late:?}");
        assert_eq!(is_on_list(&stage, number), number == ASHA);
    }
    assert_eq!(kept, [counts(&[(Place::People, 1)]), BTreeMap::new()]);
    // A newer one counts.
    said(Lane::OptIns, format!("{PRIYA} 5"), opt_in(PRIYA, 5_000)).await;
    assert!(is_on_list(&stage, PRIYA));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_worker_had_in_hand_is_removed_when_it_is_done() {
    let stage = stage(&["shop-1"]).await;
    stage.klaviyo.set_faults(Faults::none().rule("*: always latency 2s".parse().unwrap()));
    let worker = stage.worker().await;
    let wanted = json!({ "list": LIST, "phone_number": PRIYA, "first_name": "Priya" });
    let keys = put(&stage.queue, Lane::OptIns, vec![message("1", wanted)]).await;
    until("Klaviyo is asked", || stage.requests("shop-1") > 0).await;
    let erased = async || {
        let erasure = stage.queue.erase(&account(), &person(PRIYA), ErasureSettings::default()).await;
        some(&erasure.unwrap().removed)
    };
    assert_eq!(erased().await.get(&Place::OptIns), Some(&1));
    // It is out of the lane, and goes on.
    let end = Instant::now() + PATIENCE;
    while stage.queue.outcome(&keys[0].0, keys[0].1).await.unwrap().is_none() {
        assert!(Instant::now() < end, "it has no outcome");
        sleep(Duration::from_millis(50)).await;
    }
    assert!(is_on_list(&stage, PRIYA));
    let again = erased().await;
    assert_eq!((again.get(&Place::OptIns), again.get(&Place::Outcomes)), (None, Some(&1)));
    assert_eq!(erased().await, BTreeMap::new());
    // The account goes on, and the worker with it.
    let next = json!({ "list": LIST, "phone_number": ASHA });
    let keys = put(&stage.queue, Lane::OptIns, vec![message("2", next)]).await;
    assert!(matches!(stage.outcomes(&keys).await.remove(0), Outcome::Done(_)));
    worker.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_person_was_answered_is_forgotten() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    // WhatsApp writes numbers of Mexico with a 1 that they do not have.
    let priya = whatsapp.person(Contact::new("5215512345678").named("Priya"));
    let asha = whatsapp.person(Contact::new("919820000002").named("Asha").with_username("asha"));
    priya.writes("SUBSCRIBE");
    asha.writes("SUBSCRIBE");
    sent(&whatsapp, 3).await;
    is_empty(&stage).await;
    assert_eq!(asha.messages().last().map(|message| message.kind), Some("interactive"));
    let answers = async |identifier| {
        let subject = DataSubject::new(vec![identifier]);
        let erasure = stage.queue.erase(&account(), &subject, ErasureSettings::default()).await.unwrap();
        erasure.removed[&Place::Answers]
    };
    // That the message was answered, and what was said last; of her also that she was asked.
    let number = Identifier::PhoneNumber("+525512345678".to_owned());
    let id = Identifier::ExternalId(asha.user_id());
    assert_eq!(answers(number.clone()).await, 2);
    assert_eq!(answers(number).await, 0);
    assert_eq!(answers(id.clone()).await, 3);
    assert_eq!(answers(id).await, 0);
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_ten_thousand_is_found_in_time() {
    for server in Nats::servers() {
        let stage = stage_on(Nats::start_with(&server.program).unwrap(), &["shop-1"]).await;
        let opt_ins: Vec<_> = (0..10_000).map(|n| opt_in("shop-1", n, json!({}))).collect();
        for some in opt_ins.chunks(2_000) {
            stage.put(some).await;
        }
        let subject = DataSubject::new(vec![
            Identifier::Email("p00000@example.com".to_owned()),
            Identifier::Email("P04321@example.com".to_owned()),
            Identifier::Email("p09999@example.com".to_owned()),
        ]);
        let begun = Instant::now();
        let erasure = stage.queue.erase(&account(), &subject, ErasureSettings::default()).await.unwrap();
        assert_eq!(some(&erasure.removed), counts(&[(Place::OptIns, 3)]), "NATS {}", server.version);
        assert_eq!(stage.queue.waiting().await.unwrap().total(), 9_997);
        assert!(begun.elapsed() < PATIENCE, "{:?}", begun.elapsed());
    }
}

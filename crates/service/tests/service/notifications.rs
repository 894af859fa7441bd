//! WhatsApp's notifications from host-test/cases/whatsapp: whom each opts in, and how.

use crate::door::{APP_SECRET, NUMBER_ID, notify_for, now, opened, post};
use crate::stage::{LIST, PATIENCE, Running, Stage, key_of, settings, until};
use klaviyo_mock::{Channel, State};
use klaviyo_service::door::DoorSettings;
use klaviyo_service::outcome::Outcome;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use tokio::time::{Instant, sleep};

/// A person that a notification opts in.
struct Person {
    /// `phone_number`, `external_id` or `email`, and its value.
    known: (&'static str, &'static str),
    name: &'static str,
    email: Option<&'static str>,
    /// The number of warnings.
    warnings: usize,
    properties: Value,
}

/// The right result of a notification.
struct Case {
    file: &'static str,
    people: Vec<Person>,
    ignored: &'static [(&'static str, u64)],
}

fn by_number(number: &'static str, name: &'static str) -> Person {
    Person { known: ("phone_number", number), name, email: None, warnings: 0, properties: json!({}) }
}

fn by_id(id: &'static str, name: &'static str, username: Option<&str>) -> Person {
    let mut properties = json!({ "whatsapp_user_id": id });
    if let Some(username) = username {
        properties["whatsapp_username"] = username.into();
    }
    Person { known: ("external_id", id), name, email: None, warnings: 1, properties }
}

fn one(file: &'static str, person: Person) -> Case {
    Case { file, people: vec![person], ignored: &[] }
}

fn nobody(file: &'static str, ignored: &'static [(&'static str, u64)]) -> Case {
    Case { file, people: Vec::new(), ignored }
}

fn cases() -> Vec<Case> {
    let priya = |file, number| one(file, by_number(number, "Priya Sharma"));
    vec![
        priya("list-reply", "+919820000031"),
        priya("list-reply-title", "+919820000201"),
        priya("button-reply", "+919820000202"),
        priya("template-button", "+919820000061"),
        priya("template-button-text", "+919820000203"),
        priya("template-button-blank", "+919820000204"),
        priya("word-02", "+919820000102"),
        priya("word-03", "+919820000103"),
        priya("word-soft-hyphen", "+919820000205"),
        priya("word-no-break", "+919820000206"),
        one("bsuid-only", by_id("IN.13491208655302741918", "Priya Sharma", Some("@priya"))),
        one("bsuid-in-from", by_id("IN.23491208655302741918", "Asha Rao", Some("@asha"))),
        one("bsuid-without-username", by_id("BR.7kQ2mX9", "", None)),
        priya("bsuid-beside", "+919820000032"),
        one("bsuid-number-in-contact", by_number("+919820000209", "Asha Rao")),
        one("bsuid-parent", by_id("IN.9210", "Asha Rao", None)),
        one("mexico", by_number("+525512345678", "Luz M")),
        one("mexico-plus", by_number("+523312345678", "Luz M")),
        one("mexico-e164", by_number("+525512345679", "Luz N")),
        one("brazil", by_number("+5581999112233", "Rui S")),
        one("brazil-landline", by_number("+558133112233", "Rui S")),
        one("brazil-ninth-digit", by_number("+5511961234567", "Rui T")),
        one("argentina", by_number("+5491112345678", "Ema A")),
        one("argentina-plus", by_number("+5493511234567", "Ema B")),
        one("argentina-number", by_number("+5492211234567", "Ema C")),
        one("contacts-null", by_number("+919820000038", "")),
        one("contacts-object", by_number("+919820000217", "")),
        one("contacts-other", by_number("+919820000218", "")),
        one("no-profile", by_number("+919820000036", "")),
        one("profile-null", by_number("+919820000219", "")),
        one("profile-name-number", by_number("+919820000220", "")),
        priya("plus-from", "+919820000071"),
        priya("number-from", "+919820000221"),
        priya("blank-from", "+919820000222"),
        Case {
            file: "many",
            people: vec![by_number("+919820000051", "A One"), by_number("+919820000053", "C Three")],
            ignored: &[("not-a-wish", 1), ("status", 1)],
        },
        Case {
            file: "many-broken",
            people: vec![by_number("+919820000224", "D Four")],
            ignored: &[("unreadable", 4), ("unsupported-type", 1)],
        },
        Case {
            file: "many-kinds",
            people: vec![by_number("+919820000225", "E Five"), by_number("+919820000226", "F Six")],
            ignored: &[("unsupported-type", 1), ("status", 1)],
        },
        nobody("reaction", &[("unsupported-type", 1)]),
        nobody("unsupported", &[("unsupported-type", 1)]),
        nobody("image", &[("unsupported-type", 1)]),
        nobody("statuses", &[("status", 1)]),
        nobody("statuses-failed", &[("status", 2)]),
        nobody("message-echoes", &[("other-field", 1)]),
        one("flow-yes", Person { email: Some("Priya.S@example.com"), ..by_number("+919820000234", "Pri") }),
        nobody("flow-no", &[("declined", 1)]),
        one("flow-word", Person { warnings: 1, ..by_number("+919820000236", "Asha R. Rao") }),
    ]
}

/// The people who opt out, each with the notification.
const LEAVING: [(&str, &str); 2] =
    [("status-user-preferences", "+919820000001"), ("preferences-user-id", "+525512345680")];

/// A person resumes, and another one stops whose number is not told.
const RESUMING: &str = "preferences-resume";

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../host-test/cases/whatsapp")
}

/// A notification with the time of now.
fn notification(file: &str) -> String {
    let text = std::fs::read_to_string(folder().join(format!("{file}.json"))).unwrap();
    let now = now().to_string();
    text.replace("1749416383", &now).replace("1731705721", &now)
}

async fn notify(door: &Running, body: &str) -> Vec<Value> {
    let (status, told) = notify_for(door, "shop-1", APP_SECRET, body).await;
    assert_eq!(status, 200, "{told}");
    told.as_array().unwrap().clone()
}

fn words() -> DoorSettings {
    DoorSettings { words: ["opt_in", "SUBSCRIBE"].map(str::to_owned).into(), ..settings() }
}

/// Sends all notifications, and checks the ignored parts. Returns the answers with the people whom they
/// should opt in.
async fn send(door: &Running) -> Vec<(Value, Person)> {
    let (mut all, mut ignored) = (Vec::new(), BTreeMap::<&str, u64>::new());
    for case in cases() {
        let told = notify(door, &notification(case.file)).await;
        assert_eq!(told.len(), case.people.len(), "{}: {told:?}", case.file);
        all.extend(told.into_iter().zip(case.people));
        for (reason, count) in case.ignored {
            *ignored.entry(reason).or_default() += count;
        }
        for (reason, count) in &ignored {
            let metric = format!("klaviyo_door_ignored_total{{reason=\"{reason}\"}}");
            assert_eq!(door.metric(&metric), *count, "{}: {reason}", case.file);
        }
    }
    all
}

/// Checks that these profiles are on the list with the right fields, and that there are no others.
fn check(stage: &Stage, people: &[Person]) {
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    let members = account.members(LIST);
    for Person { known: (by, value), name, email, properties, .. } in people {
        let profile = account.profile(by, value).unwrap_or_else(|| panic!("{value} is not there"));
        assert!(members.contains(&profile.id), "{value} is not on the list");
        let text = |name: &str| profile.attributes.get(name).and_then(Value::as_str);
        let names: Vec<&str> = ["first_name", "last_name"].into_iter().filter_map(text).collect();
        assert_eq!(names.join(" "), *name, "{value}");
        assert_eq!(text("email").map(str::to_lowercase), email.map(str::to_lowercase), "{value}");
        let is_number = *by == "phone_number";
        assert_eq!((text("phone_number").is_some(), text("external_id").is_some()), (is_number, !is_number));
        assert_eq!(
            profile.attributes.get("properties").cloned().unwrap_or(json!({})),
            *properties,
            "{value}"
        );
        for channel in [Channel::Email, Channel::Sms, Channel::WhatsApp] {
            assert!(!profile.consent(channel).is_given(), "{value}");
        }
    }
    assert_eq!((members.len(), account.profiles().len()), (people.len(), people.len()));
}

#[test]
fn every_case_is_tried() {
    let mut tried: Vec<&str> = cases().iter().map(|case| case.file).collect();
    tried.extend(LEAVING.map(|(file, _)| file));
    tried.push(RESUMING);
    tried.sort_unstable();
    let stem = |entry: std::fs::DirEntry| entry.path().file_stem().unwrap().to_str().unwrap().to_owned();
    let mut there: Vec<String> =
        std::fs::read_dir(folder()).unwrap().map(|entry| stem(entry.unwrap())).collect();
    there.sort_unstable();
    assert_eq!(tried, there);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_notification_comes_out_right_at_once() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.direct_door(words()).await;
    let told = send(&door).await;
    for (told, person) in &told {
        assert_eq!(told["state"], "done", "{told}");
        let warnings = told["warnings"].as_array().map_or(0, Vec::len);
        assert_eq!(warnings, person.warnings, "{}: {told}", person.known.1);
    }
    check(&stage, &told.into_iter().map(|(_, person)| person).collect::<Vec<_>>());
    door.stop().await;
}

/// The outcome of an opt-in or an opt-out that was accepted under an id.
async fn outcome(stage: &Stage, id: &Value) -> Outcome {
    let id: klaviyo_service::id::OptInId = id.as_str().unwrap().parse().unwrap();
    let end = Instant::now() + PATIENCE;
    loop {
        match stage.queue.outcome(&id.key, id.sequence.unwrap()).await.unwrap() {
            Some(Outcome::Waiting) => {}
            Some(outcome) => return outcome,
            None => panic!("{id} is lost"),
        }
        assert!(Instant::now() < end, "{id} still waits");
        sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_notification_comes_out_right_through_the_queue() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(words()).await;
    let told = send(&door).await;
    let worker = stage.worker().await;
    for (told, person) in &told {
        assert_eq!(told["warnings"].as_array().map_or(0, Vec::len), person.warnings, "{told}");
        match outcome(&stage, &told["id"]).await {
            Outcome::Done(receipt) => {
                assert_eq!(receipt.warnings.len(), person.warnings, "{}: {receipt:?}", person.known.1);
            }
            other => panic!("{}: {other:?}", person.known.1),
        }
    }
    check(&stage, &told.into_iter().map(|(_, person)| person).collect::<Vec<_>>());
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);
    worker.stop().await;
    door.stop().await;
}

/// The state of a person's consent.
fn state(stage: &Stage, number: &str, channel: Channel) -> Option<State> {
    let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    account.profile("phone_number", number).map(|profile| profile.consent(channel).state)
}

fn consenting(number: &str) -> Value {
    json!({ "account": "shop-1", "list": LIST, "phone_number": number, "consent": ["sms", "whatsapp"],
            "consent_source": "a form" })
}

/// The same, so many seconds after now.
fn consenting_at(number: &str, seconds: i64) -> Value {
    let mut opt_in = consenting(number);
    opt_in["at"] =
        klaviyo_service::moment::Moment::from_unix_ms((now() + seconds) * 1_000).to_string().into();
    opt_in
}

fn has_left(stage: &Stage, number: &str) -> bool {
    state(stage, number, Channel::WhatsApp) == Some(State::Unsubscribed)
}

#[tokio::test(flavor = "multi_thread")]
async fn who_presses_stop_in_whatsapp_gets_no_more_there() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.direct_door(settings()).await;
    for (n, (file, number)) in LEAVING.iter().enumerate() {
        assert_eq!(post(&door, &format!("msg_{n}"), &consenting(number)).await.0, 200);
        until("they consent", || state(&stage, number, Channel::WhatsApp) == Some(State::Subscribed)).await;
        let told = notify(&door, &notification(file)).await;
        assert_eq!((told.len(), &told[0]["state"]), (1, &json!("opted-out")), "{told:?}");
        assert!(told[0].get("reply").is_none());
        until("they have left", || has_left(&stage, number)).await;
        // The profile and the consent to other channels stay.
        assert_eq!(state(&stage, number, Channel::Sms), Some(State::Subscribed));
    }
    let members = stage.klaviyo.account_of(&key_of("shop-1")).unwrap().members(LIST);
    assert_eq!(members.len(), LEAVING.len());
    assert_eq!(door.metric("klaviyo_door_opt_outs_total{state=\"done\"}"), 2);
    door.stop().await;
}

/// Without a queue it is not known what an opt-out took.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_a_resume_gives_nothing_back_and_says_so() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.direct_door(settings()).await;
    let told = notify(&door, &notification(RESUMING)).await;
    let states: Vec<&Value> = told.iter().map(|one| &one["state"]).collect();
    assert_eq!(states, ["opted-out", "resumed"], "{told:?}");
    assert_eq!(told[1]["warnings"].as_array().unwrap().len(), 1);
    assert_eq!(door.metric("klaviyo_door_resumes_total{state=\"nothing\"}"), 1);
    assert_eq!(door.metric("klaviyo_door_opt_outs_total{state=\"done\"}"), 1);
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_opt_out_stands_against_the_opt_ins_before_it() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let [(first, leaves), (second, comes_back)] = LEAVING;
    assert_eq!(post(&door, "msg_1", &consenting_at(leaves, -2)).await.0, 202);
    let mut ids = Vec::new();
    for file in [first, second] {
        let told = notify(&door, &notification(file)).await;
        assert_eq!((told.len(), &told[0]["state"]), (1, &json!("waiting")), "{told:?}");
        ids.push(told[0]["id"].clone());
    }
    // This opt-in is later than the opt-out, so it counts.
    assert_eq!(post(&door, "msg_2", &consenting_at(comes_back, 2)).await.0, 202);
    let worker = stage.worker().await;
    for id in &ids {
        assert!(matches!(outcome(&stage, id).await, Outcome::OptedOut(_)));
    }
    until("they have come back", || state(&stage, comes_back, Channel::WhatsApp) == Some(State::Subscribed))
        .await;
    until("they are done", || state(&stage, leaves, Channel::Sms) == Some(State::Subscribed)).await;
    assert_eq!(state(&stage, leaves, Channel::WhatsApp), Some(State::Unsubscribed));
    worker.stop().await;
    door.stop().await;
}

/// The opt-in is tried again by somebody who does not know of the opt-out, and at a later place in the
/// stream.
#[tokio::test(flavor = "multi_thread")]
async fn consent_that_was_taken_back_is_not_given_by_an_older_opt_in() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let (file, number) = LEAVING[0];
    let mut opt_in = consenting_at(number, -2);
    opt_in["list"] = json!("Later");
    assert_eq!(post(&door, "msg_1", &opt_in).await.0, 202);
    let worker = stage.worker().await;
    until("it is dead", || {
        worker.metric("klaviyo_worker_messages_total{lane=\"opt-ins\",state=\"dead\"}") == 1
    })
    .await;
    let left = notify(&door, &notification(file)).await;
    assert!(matches!(outcome(&stage, &left[0]["id"]).await, Outcome::OptedOut(_)));
    worker.stop().await;

    stage.klaviyo.account_of(&key_of("shop-1")).unwrap().add_list("LaTeR1", "Later");
    let letters = stage.queue.dead(None).await.unwrap();
    let id = json!(letters[0].id().to_string());
    assert!(stage.queue.retry(&letters[0]).await.unwrap());
    let worker = stage.worker().await;
    match outcome(&stage, &id).await {
        Outcome::Done(receipt) => assert!(receipt.warnings.iter().any(|one| one.starts_with("consent: "))),
        other => panic!("{other:?}"),
    }
    until("they are done", || state(&stage, number, Channel::Sms) == Some(State::Subscribed)).await;
    assert_ne!(state(&stage, number, Channel::WhatsApp), Some(State::Subscribed));

    // Consent that is given after the opt-out counts.
    assert_eq!(post(&door, "msg_2", &consenting_at(number, 2)).await.0, 202);
    until("they have come back", || state(&stage, number, Channel::WhatsApp) == Some(State::Subscribed))
        .await;
    worker.stop().await;
    door.stop().await;
}

/// The opt-out fails before the opt-in behind it was tried.
#[tokio::test(flavor = "multi_thread")]
async fn who_leaves_and_comes_back_while_klaviyo_is_away_is_back() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let (file, number) = LEAVING[0];
    let left = notify(&door, &notification(file)).await;
    assert_eq!(post(&door, "msg_1", &consenting_at(number, 2)).await.0, 202);
    stage.klaviyo.set_faults(
        klaviyo_mock::Faults::none()
            .rule("POST /api/profile-subscription-bulk-delete-jobs: #1-5 status 503".parse().unwrap()),
    );
    let worker = stage.worker().await;
    assert!(matches!(outcome(&stage, &left[0]["id"]).await, Outcome::OptedOut(_)));
    until("it is done", || {
        worker.metric("klaviyo_worker_messages_total{lane=\"opt-ins\",state=\"done\"}") == 1
    })
    .await;
    until("they are back", || state(&stage, number, Channel::WhatsApp) == Some(State::Subscribed)).await;
    worker.stop().await;
    door.stop().await;
}

/// Membership of a list does not need the scope.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_may_not_change_consent_still_brings_opt_ins() {
    let stage = opened(&["shop-1"]).await;
    let scopes = ["lists:read", "lists:write", "profiles:read", "profiles:write"];
    stage.klaviyo.account_of(&key_of("shop-1")).unwrap().add_key("pk_less", &scopes);
    std::fs::write(stage.keys.path().join("shop-1.api-key"), "pk_less").unwrap();
    let direct = stage.direct_door(settings()).await;
    let stop = notification(LEAVING[0].0);
    // Meta repeats it until there is another key.
    assert_eq!(notify_for(&direct, "shop-1", APP_SECRET, &stop).await.0, 503);
    direct.stop().await;

    let door = stage.queue_door(settings()).await;
    let left = notify(&door, &stop).await;
    let joined = notify(&door, &notification("plus-from")).await;
    let worker = stage.worker().await;
    assert!(matches!(outcome(&stage, &joined[0]["id"]).await, Outcome::Done(_)));
    match outcome(&stage, &left[0]["id"]).await {
        Outcome::Dead(reason) => assert_eq!(reason.code, "forbidden"),
        other => panic!("{other:?}"),
    }
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wish_that_cannot_be_done_is_told_and_kept() {
    let stage = opened(&["shop-1"]).await;
    let mut unfit = crate::door::message("SUBSCRIBE");
    unfit["from"] = json!("12");
    let mut nameless = crate::door::message("SUBSCRIBE");
    nameless["id"] = json!("wamid.2");
    nameless.as_object_mut().unwrap().remove("from");
    let body = crate::door::notification_of(json!([unfit, nameless]), "Priya Sharma");
    let direct = stage.direct_door(settings()).await;
    let queue = stage.queue_door(settings()).await;
    for door in [&direct, &queue] {
        let told = notify(door, &body).await;
        let states: Vec<(&Value, &Value)> = told.iter().map(|one| (&one["state"], &one["code"])).collect();
        assert_eq!(states, [(&json!("failed"), &json!("invalid-input")); 2], "{told:?}");
        assert_eq!(door.metric("klaviyo_door_opt_ins_total{state=\"refused\"}"), 2);
    }
    assert_eq!(stage.klaviyo.requests(), 0);
    let worker = stage.worker().await;
    let account = "shop-1".parse().unwrap();
    for (id, field) in [("wamid.1", "phone_number"), ("wamid.2", "email")] {
        let letter = stage.letter(&klaviyo_service::key::OptInKey::new(&account, id)).await;
        assert_eq!(letter.body.error.code, "invalid-input");
        assert!(letter.body.error.message.starts_with(field), "{}", letter.body.error.message);
        assert!(letter.body.opt_in.get().contains(id));
    }
    // It becomes a dead letter at once, not after many attempts.
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 2);
    assert_eq!(stage.klaviyo.requests(), 0);
    worker.stop().await;
    for door in [direct, queue] {
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_opt_out_can_be_listed_retried_and_dropped() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let (file, number) = LEAVING[0];
    // An invalid number, which the connector refuses.
    let unfit = notification(file).replace("919820000001", "12").replace("\"IN.1\"", "null");
    assert_eq!(notify(&door, &unfit).await.len(), 1);
    let worker = stage.worker().await;
    until("it is dead", || {
        worker.metric("klaviyo_worker_messages_total{lane=\"opt-outs\",state=\"dead\"}") == 1
    })
    .await;
    let letters = stage.queue.dead(None).await.unwrap();
    assert_eq!(letters[0].body.error.code, "invalid-input");
    assert!(letters[0].body.opt_in.get().contains("\"opt_out\":[\"whatsapp\"]"));
    assert!(stage.queue.retry(&letters[0]).await.unwrap());
    until("it is dead again", || {
        worker.metric("klaviyo_worker_messages_total{lane=\"opt-outs\",state=\"dead\"}") == 2
    })
    .await;
    let letters = stage.queue.dead(None).await.unwrap();
    assert!(stage.queue.give_up(&letters[0]).await.unwrap());
    assert_eq!(stage.queue.dead_letters().await.unwrap(), 0);

    assert_eq!(post(&door, "msg_1", &consenting(number)).await.0, 202);
    until("they are there", || state(&stage, number, Channel::WhatsApp) == Some(State::Subscribed)).await;
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn people_without_a_number_can_be_passed_over() {
    let stage = opened(&["shop-1"]).await;
    let settings = DoorSettings { numbers_only: true, ..settings() };
    for door in [stage.direct_door(settings.clone()).await, stage.queue_door(settings.clone()).await] {
        assert_eq!(notify(&door, &notification("bsuid-only")).await.len(), 0);
        assert_eq!(door.metric("klaviyo_door_ignored_total{reason=\"without-number\"}"), 1);
        assert_eq!(notify(&door, &notification("bsuid-beside")).await.len(), 1);
        door.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_notification_may_have_4_mb_and_opt_ins_1_mb() {
    let stage = opened(&["shop-1"]).await;
    let door = stage.queue_door(settings()).await;
    let filled = |bytes: usize| {
        let mut body = notification("plus-from");
        let rest = bytes - body.len();
        body.push_str(&" ".repeat(rest));
        body
    };
    assert_eq!(notify(&door, &filled(4 << 20)).await.len(), 1);
    let (status, told) = notify_for(&door, "shop-1", APP_SECRET, &filled((4 << 20) + 1)).await;
    assert_eq!((status, &told["error"]["code"]), (413, &json!("too-large")));
    // As many requests as fit; all of them are written.
    let wish = |n: usize| json!({ "from": format!("9198{n:08}"), "id": n.to_string(), "timestamp": now(), "text": { "body": "subscribe" } });
    let wishes: Vec<Value> = (0..20_000).map(wish).collect();
    let body = json!({ "object": "whatsapp_business_account", "entry": [{ "changes": [{ "value": {
        "metadata": { "phone_number_id": NUMBER_ID }, "messages": wishes,
    } }] }] });
    // The answer has only the first ones, because nobody reads it.
    assert_eq!(notify(&door, &body.to_string()).await.len(), 1_000);
    assert_eq!(stage.queue.waiting().await.unwrap().total(), 20_001);
    door.stop().await;
}

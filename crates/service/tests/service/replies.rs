//! Replies by WhatsApp: who writes is answered, once, whatever fails or is killed.

use crate::door::{APP_SECRET, now, opened, post};
use crate::stage::{LIST, PATIENCE, Running, Stage, key_of, settings, until};
use async_nats::jetstream;
use klaviyo_mock::{Channel, Faults, OptIn, State, When};
use klaviyo_service::conversation::Conversation;
use klaviyo_service::moment::Moment;
use klaviyo_service::reply::{Details, Reply, ReplyKind, Variables};
use klaviyo_whatsapp_mock::{Business, Contact, Limits, Message, Server, WhatsApp};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;
use tokio::task::block_in_place;

pub(crate) fn set(stage: &Stage, name: &str, text: &str) {
    fs::write(stage.keys.path().join(name), text).unwrap();
}

/// A stage with a WhatsApp whose webhooks come twice.
pub(crate) async fn answering(limits: Limits) -> (Stage, Server) {
    let stage = opened(&["shop-1"]).await;
    let business = Business::new().app_secret(APP_SECRET).limits(limits).twice(When::Always).lanes(8);
    let whatsapp = Server::start(business).unwrap();
    stage.whatsapp.set(whatsapp.url()).unwrap();
    set(&stage, "shop-1.whatsapp-token", Business::TOKEN);
    set(&stage, "shop-1.whatsapp-phone-number-id", Business::NUMBER_ID);
    (stage, whatsapp)
}

pub(crate) fn tells(whatsapp: &WhatsApp, door: &Running) {
    whatsapp.set_webhook(&format!("{}/v1/whatsapp/shop-1", door.url)).unwrap();
}

/// Waits until the business has sent so many messages.
pub(crate) async fn sent(whatsapp: &WhatsApp, count: usize) {
    until("the business has answered", || whatsapp.messages().len() >= count).await;
}

pub(crate) async fn is_empty(stage: &Stage) {
    let is_empty = || block_in_place(|| tokio::runtime::Handle::current().block_on(stage.queue.waiting()));
    until("nothing waits", || is_empty().unwrap().is_empty()).await;
}

/// How many answers each message has.
fn answers(messages: &[Message]) -> BTreeMap<String, usize> {
    let mut answers = BTreeMap::new();
    for message in messages {
        *answers.entry(message.context.clone().unwrap()).or_default() += 1;
    }
    answers
}

pub(crate) fn texts(messages: &[Message]) -> Vec<&str> {
    messages.iter().map(|message| message.text.as_str()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_is_answered_once_and_in_order() {
    let (stage, whatsapp) = answering(Limits::times(4)).await;
    let own = json!({
        "languages": { "es": { "opt_in_words": ["ALTA"], "replies": { "on_list": "¡Listo, {first_name}!" } } },
        "replies": { "nothing_to_resume": null },
    });
    set(&stage, "shop-1.whatsapp-settings", &own.to_string());
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya Sharma"));
    let asha = whatsapp.person(Contact::new("919820000002").named("Asha Rao").with_username("asha"));
    let ids = [priya.writes("SUBSCRIBE"), asha.writes("alta")];
    sent(&whatsapp, 3).await;
    assert_eq!(
        texts(&priya.messages()),
        ["You are on the list, Priya! Your entry there has the address +919820000001."]
    );
    assert_eq!(priya.messages()[0].context.as_ref(), Some(&ids[0]));
    // WhatsApp does not tell her number, so she is asked for it.
    let to_asha = asha.messages();
    assert_eq!((to_asha[0].text.as_str(), to_asha[0].context.as_ref()), ("¡Listo, Asha!", Some(&ids[1])));
    assert_eq!((to_asha.len(), to_asha[1].kind), (2, "interactive"));
    asha.shares_number().unwrap();
    sent(&whatsapp, 4).await;
    // Once a week: not again.
    asha.writes("SUBSCRIBE");
    sent(&whatsapp, 5).await;
    let stop = priya.writes("STOP");
    sent(&whatsapp, 6).await;
    priya.writes("hello");
    is_empty(&stage).await;
    let last = priya.messages().pop().unwrap();
    assert_eq!(
        (last.context.as_ref(), last.text.as_str()),
        (Some(&stop), "You are unsubscribed. We will send you no more marketing messages here.")
    );
    // The account wants no answer to this one. Of equal times, in seconds, the opt-out would count.
    whatsapp.advance(Duration::from_secs(1));
    priya.writes("START");
    until("it is settled", || {
        worker.metric("klaviyo_worker_messages_total{lane=\"replies\",state=\"off\"}") == 1
    })
    .await;
    assert_eq!(whatsapp.messages().len(), 6);
    assert_eq!(worker.metric("klaviyo_worker_messages_total{lane=\"replies\",state=\"sent\"}"), 6);
    // Who asks by a signed request gets the text in the answer.
    let signed = json!({ "account": "shop-1", "list": "WhatsApp Opt-Ins", "phone_number": "+919820000001" });
    assert_eq!(post(&door, "msg_1", &signed).await.0, 202);
    is_empty(&stage).await;
    assert_eq!(whatsapp.messages().len(), 6);
    worker.stop().await;
    door.stop().await;
}

/// A part of the requests fails in every way, and workers are killed while they send.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_twice_whatever_fails_or_is_killed() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let faults = Faults::seeded(7);
    let faults = [
        "*: always latency 100ms",
        "*: 10% reset-after",
        "*: 10% status-after 500",
        "*: 10% status 429 retry-after 1",
        "*: 10% truncate",
    ]
    .into_iter()
    .fold(faults, |faults, rule| faults.rule(rule.parse().unwrap()));
    whatsapp.set_faults(faults);
    let door = stage.queue_door(settings()).await;
    tells(&whatsapp, &door);
    let people: Vec<_> =
        (0..60).map(|n| whatsapp.person(Contact::new(&format!("9198300000{n:02}")))).collect();
    let mut written: Vec<String> = people.iter().map(|person| person.writes("SUBSCRIBE")).collect();
    for count in [5, 20] {
        let worker = stage.worker_to_kill().await;
        sent(&whatsapp, count).await;
        worker.shutdown_background();
    }
    let worker = stage.worker().await;
    written.extend(people.iter().map(|person| person.writes("STOP")));
    block_in_place(|| whatsapp.settle(PATIENCE)).unwrap();
    is_empty(&stage).await;
    let (messages, mut lost) = (whatsapp.messages(), 0);
    let answers = answers(&messages);
    for id in &written {
        match answers.get(id) {
            Some(1) => {}
            None => lost += 1,
            Some(count) => panic!("{id} has {count} answers"),
        }
    }
    // Those that a killed worker had claimed: at most those that were under way. What it had not claimed came back to the
    // next one, perhaps when STOP was answered already.
    let outdated = worker.metric("klaviyo_worker_messages_total{lane=\"replies\",state=\"outdated\"}");
    assert!(lost <= 2 * 16 + outdated, "{lost} are lost, {outdated} of them outdated");
    for person in people {
        let told = person.messages();
        // Whatever is lost, nothing comes after the answer to STOP.
        let texts = texts(&told);
        let stop = texts.iter().position(|text| text.starts_with("You are unsubscribed."));
        assert!(stop.is_none_or(|stop| stop + 1 == texts.len()), "{texts:?}");
    }
    worker.stop().await;
    door.stop().await;
}

/// The guide's scene: who has consented is told so, and what STOP takes START gives back.
#[tokio::test(flavor = "multi_thread")]
async fn who_consents_by_whatsapp_is_told_so() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let settings_file = json!({ "consent": ["whatsapp", "email"], "opt_out_lists": [LIST] });
    set(&stage, "shop-1.whatsapp-settings", &settings_file.to_string());
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya Sharma"));
    let consent = || {
        let account = stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
        let profile = account.profile("phone_number", "+919820000001").unwrap();
        (profile.consent(Channel::WhatsApp).state, account.members(LIST).contains(&profile.id))
    };
    // WhatsApp writes times in whole seconds, and of equal times the opt-out stands.
    let mut said = Vec::new();
    for (word, told, is_in) in [
        ("SUBSCRIBE", "You are now subscribed, Priya! You will receive updates at +919820000001.", true),
        ("STOP", "You are unsubscribed. We will send you no more marketing messages here.", false),
        ("START", "Welcome back! You will receive our messages again.", true),
    ] {
        whatsapp.advance(Duration::from_secs(1));
        priya.writes(word);
        said.push(told);
        sent(&whatsapp, said.len()).await;
        assert_eq!(texts(&priya.messages()), said);
        // Klaviyo does what it is asked for a little later.
        let follows = || consent() == (if is_in { State::Subscribed } else { State::Unsubscribed }, is_in);
        until("Klaviyo follows", follows).await;
    }
    worker.stop().await;
    door.stop().await;
}

/// A list with double opt-in: her consent counts when she has confirmed it.
#[tokio::test(flavor = "multi_thread")]
async fn who_has_to_confirm_is_not_told_that_she_is_subscribed() {
    const DOUBLE: &str = "DoUbLe";
    let (stage, whatsapp) = answering(Limits::off()).await;
    let account = || stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    account().add_list_with(DOUBLE, "Confirmed", OptIn::Double);
    set(&stage, "shop-1.whatsapp-list", DOUBLE);
    let own = json!({ "consent": ["whatsapp"], "opt_in_words": ["SUBSCRIBE"], "languages":
        { "es": { "opt_in_words": ["ALTA"], "replies": { "to_confirm": "Confirma, {first_name}: {address}" } } } });
    set(&stage, "shop-1.whatsapp-settings", &own.to_string());
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya Sharma"));
    priya.writes("SUBSCRIBE");
    sent(&whatsapp, 1).await;
    let state = || {
        let account = account();
        account
            .profile("phone_number", "+919820000001")
            .map(|profile| profile.consent(Channel::WhatsApp).state)
    };
    until("she is asked to confirm", || state() == Some(State::Unconfirmed)).await;
    priya.writes("alta");
    sent(&whatsapp, 2).await;
    let id = account().profile("phone_number", "+919820000001").unwrap().id.clone();
    account().confirm(&id);
    priya.writes("SUBSCRIBE");
    sent(&whatsapp, 3).await;
    let expected = [
        ReplyKind::ToConfirm.text([], variables("Priya", "+919820000001")).unwrap(),
        "Confirma, Priya: +919820000001".to_owned(),
        ReplyKind::Subscribed.text([], variables("Priya", "+919820000001")).unwrap(),
    ];
    assert_eq!(texts(&priya.messages()), expected);
    // A signed request is answered alike, and its receipt names the channels.
    let direct = stage.direct_door(settings()).await;
    let signed = json!({ "account": "shop-1", "list": DOUBLE, "email": "p@example.com", "first_name": "Priya",
                         "phone_number": "+919820000001", "consent": ["email"] });
    let (status, told) = post(&direct, "msg_1", &signed).await;
    assert_eq!((status, &told["consent"], &told["unconfirmed"]), (200, &json!(["email"]), &json!(["email"])));
    let expected = ReplyKind::ToConfirm.text([], variables("Priya", "p@example.com"));
    assert_eq!(told["reply"].as_str(), expected.as_deref());
    direct.stop().await;
    worker.stop().await;
    door.stop().await;
}

fn variables<'a>(first_name: &'a str, address: &'a str) -> Variables<'a> {
    Variables { first_name: Some(first_name), address: Some(address), ..Variables::default() }
}

/// A killed worker had the reply to an opt-in, and the next one answers the opt-out first.
#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_comes_after_the_opposite_is_not_sent() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    let user_id = "IN.13491208655302741918";
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya Sharma").with_user_id(user_id));
    let stop = priya.writes("STOP");
    sent(&whatsapp, 1).await;
    let late = |kind, id: &str, seconds| Reply {
        account: "shop-1".parse().unwrap(),
        id: id.to_owned(),
        kind,
        at: Moment::from_unix_ms((now() + seconds) * 1_000),
        conversation: Box::new(Conversation {
            message_id: stop.clone(),
            phone_number_id: Some(Business::NUMBER_ID.to_owned()),
            number: Some("919820000001".to_owned()),
            user_id: Some(user_id.to_owned()),
            ..Conversation::default()
        }),
        first_name: None,
        address: None,
        details: Details::default(),
    };
    let nats = jetstream::new(async_nats::connect(stage.nats.url()).await.unwrap());
    for (reply, state) in [
        (late(ReplyKind::Subscribed, "wamid.1", -60), "outdated"),
        (late(ReplyKind::OnList, "wamid.2", 60), "sent"),
        (late(ReplyKind::OptedOut, "wamid.3", 30), "outdated"),
    ] {
        let settled =
            || worker.metric(&format!("klaviyo_worker_messages_total{{lane=\"replies\",state=\"{state}\"}}"));
        let before = settled();
        let json = serde_json::to_vec(&reply).unwrap();
        nats.publish("klaviyo.replies.shop-1", json.into()).await.unwrap().await.unwrap();
        until("it is settled", || settled() == before + 1).await;
    }
    assert_eq!(priya.messages().len(), 2);
    worker.stop().await;
    door.stop().await;
}

/// All that the component in the sandbox knows, it could send.
#[tokio::test(flavor = "multi_thread")]
async fn whatsapps_token_is_in_no_request_to_klaviyo_and_not_in_the_queue() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    // Some of what WhatsApp answers becomes a reason.
    whatsapp.set_faults(Faults::seeded(1).rule("*: #1 status 429 retry-after 1".parse().unwrap()));
    let own =
        json!({ "consent": ["whatsapp"], "opt_out_lists": [LIST], "delivery_events": { "sent": "Sent" } });
    set(&stage, "shop-1.whatsapp-settings", &own.to_string());
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya Sharma"));
    for (n, word) in ["SUBSCRIBE", "STOP", "START"].into_iter().enumerate() {
        whatsapp.advance(Duration::from_secs(1));
        priya.writes(word);
        sent(&whatsapp, n + 1).await;
    }
    block_in_place(|| whatsapp.settle(PATIENCE)).unwrap();
    is_empty(&stage).await;
    worker.stop().await;
    door.stop().await;
    let direct = stage.direct_door(settings()).await;
    tells(&whatsapp, &direct);
    whatsapp.advance(Duration::from_secs(1));
    priya.writes("STOP");
    sent(&whatsapp, 4).await;
    direct.stop().await;
    let key = key_of("shop-1");
    assert!(stage.sent.has(&key) && stage.sent.has("+919820000001") && stage.sent.has("\"Sent\""));
    assert!(!stage.sent.has(Business::TOKEN));
    assert!(!whatsapp.state().to_string().contains(&key));
    let mut folders = vec![stage.nats.stored("")];
    let (mut files, mut found) = (0, Vec::new());
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            // The server removes files while it runs.
            let Ok(bytes) = fs::read(&path) else { continue };
            let text = String::from_utf8_lossy(&bytes);
            files += 1;
            assert!(!text.contains(Business::TOKEN) && !text.contains(&key), "{}", path.display());
            found.extend(text.contains("opted-out").then_some(path));
        }
    }
    // It is readable: what waited has been there.
    assert!(files > 10 && !found.is_empty(), "{files} {found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_wait_for_a_token_and_opt_ins_do_not() {
    let (stage, whatsapp) = answering(Limits::off()).await;
    set(&stage, "shop-1.whatsapp-token", "EAAGanother0123456789");
    let (door, worker) = (stage.queue_door(settings()).await, stage.worker().await);
    tells(&whatsapp, &door);
    let priya = whatsapp.person(Contact::new("919820000001").named("Priya Sharma"));
    priya.writes("SUBSCRIBE");
    let state = || worker.health.readiness().document["accounts"]["shop-1"].clone();
    until("the replies are paused", || state()["state"] == "paused").await;
    assert!(!state().to_string().contains("EAAG"), "{}", state());
    assert!(worker.health.readiness().ready);
    let asha = whatsapp.person(Contact::new("919820000002"));
    asha.writes("SUBSCRIBE");
    let account = || stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    until("the opt-in is done", || account().profile("phone_number", "+919820000002").is_some()).await;
    assert_eq!(whatsapp.messages().len(), 0);
    set(&stage, "shop-1.whatsapp-token", Business::TOKEN);
    sent(&whatsapp, 2).await;
    is_empty(&stage).await;
    assert_eq!((priya.messages().len(), asha.messages().len()), (1, 1));
    worker.stop().await;
    door.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_queue_the_door_answers_and_without_a_token_nobody() {
    let (stage, whatsapp) = answering(Limits::times(60)).await;
    // The second webhook about a message comes while the answer to the first is under way.
    whatsapp.set_faults(Faults::seeded(1).rule("*: #1 latency 500ms".parse().unwrap()));
    let door = stage.direct_door(settings()).await;
    tells(&whatsapp, &door);
    let user_id = "IN.13491208655302741918";
    let asha = Contact::new("919820000002").named("Asha Rao").with_username("asha").with_user_id(user_id);
    let asha = whatsapp.person(asha);
    let id = asha.writes("SUBSCRIBE");
    sent(&whatsapp, 2).await;
    assert_eq!(answers(&whatsapp.messages()), BTreeMap::from([(id, 2)]));
    assert_eq!(asha.messages()[1].kind, "interactive");
    // Her answer completes the profile that has WhatsApp's id of her.
    asha.shares_number().unwrap();
    sent(&whatsapp, 3).await;
    let account = || stage.klaviyo.account_of(&key_of("shop-1")).unwrap();
    let external_id =
        account().profile("phone_number", "+919820000002").unwrap().attributes["external_id"].clone();
    assert_eq!(external_id, user_id);
    asha.writes("STOP");
    sent(&whatsapp, 4).await;
    block_in_place(|| whatsapp.settle(Duration::from_secs(60))).unwrap();
    // The second webhook about each message.
    until("it is known", || door.metric("klaviyo_door_replies_total{state=\"repeated\"}") >= 4).await;
    assert_eq!(whatsapp.messages().len(), 4);
    door.stop().await;

    fs::remove_file(stage.keys.path().join("shop-1.whatsapp-token")).unwrap();
    let door = stage.queue_door(settings()).await;
    tells(&whatsapp, &door);
    let worker = stage.worker().await;
    asha.writes("SUBSCRIBE");
    block_in_place(|| whatsapp.settle(Duration::from_secs(60))).unwrap();
    is_empty(&stage).await;
    let answered: Vec<Value> = whatsapp.messages().iter().map(|message| message.body.clone()).collect();
    assert_eq!(answered.len(), 4, "{answered:?}");
    worker.stop().await;
    door.stop().await;
}

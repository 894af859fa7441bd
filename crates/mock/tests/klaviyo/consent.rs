//! Giving and taking back consent, and what comes of it.

use crate::client::{Client, JOB, members, server};
use klaviyo_mock::{Account, Channel, OptIn, Server, State, Suppression};
use serde_json::{Value, json};

const SUBSCRIBE: &str = "/api/profile-subscription-bulk-create-jobs/";
const UNSUBSCRIBE: &str = "/api/profile-subscription-bulk-delete-jobs/";

/// A job for one person.
fn job(kind: &str, person: Value, list: Option<&str>, more: Value) -> Value {
    let mut attributes = json!({ "profiles": { "data": [{ "type": "profile", "attributes": person }] } });
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let mut data =
        json!({ "type": format!("profile-subscription-bulk-{kind}-job"), "attributes": attributes });
    if let Some(list) = list {
        data["relationships"] = json!({ "list": { "data": { "type": "list", "id": list } } });
    }
    json!({ "data": data })
}

fn marketing(channel: &str, consent: &str) -> Value {
    json!({ channel: { "marketing": { "consent": consent } } })
}

fn by_email(email: &str) -> Value {
    json!({ "email": email, "subscriptions": marketing("email", "SUBSCRIBED") })
}

fn subscribe(server: &Server, person: Value, list: Option<&str>) {
    let reply = Client::new(server).post(SUBSCRIBE, &job("create", person, list, json!({})));
    assert_eq!((reply.status, &*reply.text), (202, ""));
    server.advance(JOB);
}

fn unsubscribe(server: &Server, email: &str, list: Option<&str>) {
    let person = json!({ "email": email, "subscriptions": marketing("email", "UNSUBSCRIBED") });
    let reply = Client::new(server).post(UNSUBSCRIBE, &job("delete", person, list, json!({})));
    assert_eq!((reply.status, &*reply.text), (202, ""));
    server.advance(JOB);
}

fn state(server: &Server, email: &str) -> State {
    server.account().profile("email", email).unwrap().consent(Channel::Email).state
}

#[test]
fn a_subscription_takes_effect_later() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let body =
        job("create", by_email("a@example.com"), Some("Y6nRLr"), json!({ "custom_source": "WhatsApp" }));
    let reply = client.post(SUBSCRIBE, &body);
    assert_eq!((reply.status, &*reply.text, reply.header("content-type")), (202, "", ""));
    assert!(server.account().profiles().is_empty());

    server.advance(JOB);
    let id = server.account().profiles()[0].id.clone();
    assert_eq!(server.account().members("Y6nRLr"), std::slice::from_ref(&id));
    let consent = server.account().profiles()[0].consent(Channel::Email);
    assert_eq!((consent.state, consent.source.as_deref()), (State::Subscribed, Some("WhatsApp")));

    let shown = client.get(&format!("/api/profiles/{id}/?additional-fields[profile]=subscriptions"));
    let marketing = shown.at("/data/attributes/subscriptions/email/marketing");
    assert_eq!(marketing["consent"], "SUBSCRIBED");
    assert_eq!(marketing["can_receive_email_marketing"], true);
    assert_eq!(marketing["custom_method_detail"], "WhatsApp");
    assert!(marketing["consent_timestamp"].is_string());
    let sms = shown.at("/data/attributes/subscriptions/sms/marketing");
    assert_eq!(
        (&sms["consent"], &sms["can_receive_sms_marketing"]),
        (&json!("NEVER_SUBSCRIBED"), &json!(false))
    );
    assert_eq!(shown.at("/data/attributes/subscriptions/whatsapp"), &Value::Null);
}

#[test]
fn membership_is_not_consent() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    client.post("/api/lists/Y6nRLr/relationships/profiles/", &members(&[id]));
    assert_eq!(state(&server, "a@example.com"), State::NeverSubscribed);
}

#[test]
fn channels_come_with_revisions() {
    let server = server(Account::demo());
    let try_channel = |channel: &str, revision: &'static str| {
        let person = json!({
            "email": "a@example.com", "phone_number": "+14155550100",
            "subscriptions": marketing(channel, "SUBSCRIBED"),
        });
        let reply =
            Client::new(&server).revision(revision).post(SUBSCRIBE, &job("create", person, None, json!({})));
        let pointer = "/data/attributes/profiles/data/0/attributes/subscriptions";
        assert!(reply.status == 202 || reply.error() == (400, "invalid", pointer), "{reply:?}");
        reply.status
    };
    for (channel, since) in [("sms", "2025-01-15"), ("whatsapp", "2025-07-15"), ("push", "2026-01-15")] {
        for revision in ["2025-01-15", "2025-04-15", "2025-07-15", "2025-10-15", "2026-01-15", "2026-07-15"] {
            let expected = if revision >= since { 202 } else { 400 };
            assert_eq!(try_channel(channel, revision), expected, "{channel} {revision}");
        }
    }
    assert_eq!(try_channel("pigeon", "2026-07-15"), 400);
}

#[test]
fn some_messages_can_only_be_left() {
    let server = server(Account::demo());
    let client = Client::new(&server).revision("2026-07-15");
    let try_message = |path: &str, kind: &str, consent: &str, message: &str| {
        let subscriptions = json!({ "whatsapp": { message: { "consent": consent } } });
        let person = json!({ "phone_number": "+14155550100", "subscriptions": subscriptions });
        client.post(path, &job(kind, person, None, json!({}))).status
    };
    for (message, subscribed) in [("marketing", 202), ("transactional", 202), ("conversational", 400)] {
        assert_eq!(try_message(SUBSCRIBE, "create", "SUBSCRIBED", message), subscribed, "{message}");
        assert_eq!(try_message(UNSUBSCRIBE, "delete", "UNSUBSCRIBED", message), 202, "{message}");
    }
}

#[test]
fn a_row_that_makes_no_sense_is_refused() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let own = "/data/attributes/profiles/data/0/attributes";
    for (person, pointer) in [
        (json!({ "email": "a", "subscriptions": marketing("email", "SUBSCRIBED") }), format!("{own}/email")),
        (json!({ "subscriptions": marketing("email", "SUBSCRIBED") }), own.to_owned()),
        (json!({ "email": "a@example.com" }), own.to_owned()),
        (json!({ "email": "a@example.com", "subscriptions": {} }), format!("{own}/subscriptions")),
        (
            json!({ "email": "a@example.com", "subscriptions": marketing("sms", "SUBSCRIBED") }),
            own.to_owned(),
        ),
        (
            json!({ "email": "a@example.com", "subscriptions": marketing("email", "UNSUBSCRIBED") }),
            format!("{own}/subscriptions/email/marketing/consent"),
        ),
        (
            json!({
                "email": "a@example.com", "first_name": "A",
                "subscriptions": marketing("email", "SUBSCRIBED"),
            }),
            own.to_owned(),
        ),
        (
            json!({ "phone_number": "5550100", "subscriptions": marketing("sms", "SUBSCRIBED") }),
            format!("{own}/phone_number"),
        ),
    ] {
        let reply = client.post(SUBSCRIBE, &job("create", person.clone(), None, json!({})));
        assert_eq!(reply.error(), (400, "invalid", &*pointer), "{person}");
    }
    let unknown =
        client.post(SUBSCRIBE, &job("create", by_email("a@example.com"), Some("NoList"), json!({})));
    assert_eq!(unknown.error(), (404, "not_found", ""));
}

#[test]
fn as_many_people_as_klaviyo_takes() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let many = |kind: &str, consent: &str, n: usize| {
        let row = json!({ "type": "profile", "attributes": {
            "email": "a@example.com", "subscriptions": marketing("email", consent),
        } });
        let kind = format!("profile-subscription-bulk-{kind}-job");
        json!({ "data": { "type": kind, "attributes": { "profiles": { "data": vec![row; n] } } } })
    };
    for (path, kind, consent, most) in
        [(SUBSCRIBE, "create", "SUBSCRIBED", 1_000), (UNSUBSCRIBE, "delete", "UNSUBSCRIBED", 100)]
    {
        assert_eq!(client.post(path, &many(kind, consent, most)).status, 202);
        for n in [0, most + 1] {
            let pointer = "/data/attributes/profiles/data";
            assert_eq!(client.post(path, &many(kind, consent, n)).error(), (400, "invalid", pointer));
        }
    }
}

#[test]
fn old_consent_needs_its_time() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let try_at = |historical: bool, at: Option<&str>| {
        let mut consent = json!({ "consent": "SUBSCRIBED" });
        if let Some(at) = at {
            consent["consented_at"] = json!(at);
        }
        let person =
            json!({ "email": "a@example.com", "subscriptions": { "email": { "marketing": consent } } });
        let body = job("create", person, None, json!({ "historical_import": historical }));
        client.post(SUBSCRIBE, &body).error().0
    };
    assert_eq!(try_at(false, Some("2020-01-01T00:00:00Z")), 400);
    assert_eq!(try_at(true, None), 400);
    assert_eq!(try_at(true, Some("2999-01-01T00:00:00Z")), 400);
    assert_eq!(try_at(true, Some("long ago")), 400);
    assert_eq!(try_at(true, Some("2020-01-01T05:30:00+05:30")), 202);
    server.advance(JOB);
    // Without a list, but of old: somebody new is created.
    let account = server.account();
    let consent = account.profiles()[0].consent(Channel::Email);
    assert_eq!(consent.since.as_deref(), Some("2020-01-01T00:00:00+00:00"));
}

#[test]
fn somebody_new_without_a_list_never_appears() {
    let server = server(Account::demo());
    subscribe(&server, by_email("a@example.com"), None);
    assert!(server.account().profiles().is_empty());
}

#[test]
fn without_a_list_the_setting_of_the_account_decides() {
    for (opt_in, expected) in [(OptIn::Double, State::Unconfirmed), (OptIn::Single, State::Subscribed)] {
        let mut account = Account::demo();
        account.set_opt_in(opt_in);
        let server = server(account);
        Client::new(&server).create(json!({ "email": "a@example.com" }));
        subscribe(&server, by_email("A@example.com"), None);
        assert_eq!(state(&server, "a@example.com"), expected);
    }
}

#[test]
fn a_double_opt_in_waits_for_the_person() {
    let mut account = Account::demo();
    account.add_list_with("Double", "Confirmed", OptIn::Double);
    let server = server(account);
    subscribe(&server, by_email("a@example.com"), Some("Double"));
    assert_eq!(state(&server, "a@example.com"), State::Unconfirmed);
    assert!(server.account().members("Double").is_empty());
    let id = server.account().profiles()[0].id.clone();
    let path = format!("/api/profiles/{id}/?additional-fields[profile]=subscriptions");
    let consent = "/data/attributes/subscriptions/email/marketing/consent";
    assert_eq!(Client::new(&server).get(&path).at(consent), "NEVER_SUBSCRIBED");

    server.account().confirm(&id);
    assert_eq!(state(&server, "a@example.com"), State::Subscribed);
    assert_eq!(server.account().members("Double"), [id]);
    assert_eq!(Client::new(&server).get(&path).at(consent), "SUBSCRIBED");
}

#[test]
fn who_agreed_already_joins_a_double_opt_in_at_once() {
    let mut account = Account::demo();
    account.add_list_with("Double", "Confirmed", OptIn::Double);
    let server = server(account);
    subscribe(&server, by_email("a@example.com"), Some("Y6nRLr"));
    subscribe(&server, by_email("a@example.com"), Some("Double"));
    assert_eq!(state(&server, "a@example.com"), State::Subscribed);
    let id = server.account().profiles()[0].id.clone();
    assert_eq!(server.account().members("Double"), [id]);
}

#[test]
fn who_takes_it_back_has_nothing_to_confirm() {
    for list in [Some("First"), None] {
        let mut account = Account::demo();
        account.add_list_with("First", "Confirmed", OptIn::Double);
        account.add_list_with("Second", "Confirmed too", OptIn::Double);
        let server = server(account);
        // However often it was asked.
        subscribe(&server, by_email("a@example.com"), Some("First"));
        subscribe(&server, by_email("a@example.com"), Some("First"));
        unsubscribe(&server, "a@example.com", list);
        subscribe(&server, by_email("a@example.com"), Some("Second"));
        let id = server.account().profiles()[0].id.clone();
        server.account().confirm(&id);
        assert!(server.account().members("First").is_empty(), "{list:?}");
        assert_eq!(server.account().members("Second"), [id]);
    }
}

#[test]
fn a_subscription_lifts_what_people_said_but_not_what_addresses_are() {
    let server = server(Account::demo());
    let id = Client::new(&server).create(json!({ "email": "a@example.com" }));
    for reason in [
        Suppression::Unsubscribe,
        Suppression::SpamComplaint,
        Suppression::UserSuppressed,
        Suppression::HardBounce,
        Suppression::InvalidEmail,
    ] {
        server.account().suppress(&id, reason);
    }
    subscribe(&server, by_email("a@example.com"), Some("Y6nRLr"));
    let suppressions = server.account().profiles()[0].suppressions();
    assert_eq!(suppressions, [Suppression::HardBounce, Suppression::InvalidEmail]);
    let path = format!("/api/profiles/{id}/?additional-fields[profile]=subscriptions");
    let shown = Client::new(&server).get(&path);
    let marketing = shown.at("/data/attributes/subscriptions/email/marketing");
    assert_eq!(marketing["can_receive_email_marketing"], false);
    assert_eq!(marketing["suppression"][0]["reason"], "HARD_BOUNCE");
}

#[test]
fn who_is_on_the_list_leaves_it_and_who_is_not_leaves_everything() {
    let server = server(Account::demo());
    subscribe(&server, by_email("a@example.com"), Some("Y6nRLr"));
    unsubscribe(&server, "a@example.com", Some("Y6nRLr"));
    assert!(server.account().members("Y6nRLr").is_empty());
    assert_eq!(state(&server, "a@example.com"), State::Subscribed);

    unsubscribe(&server, "a@example.com", Some("Y6nRLr"));
    assert_eq!(state(&server, "a@example.com"), State::Unsubscribed);
    assert_eq!(server.account().profiles()[0].suppressions(), [Suppression::Unsubscribe]);

    // Somebody who is not known is known from then on, as somebody who wants nothing.
    unsubscribe(&server, "nobody@example.com", None);
    assert_eq!(state(&server, "nobody@example.com"), State::Unsubscribed);
    subscribe(&server, by_email("a@example.com"), Some("Y6nRLr"));
    assert!(server.account().profiles()[0].suppressions().is_empty());
}

#[test]
fn a_profile_is_subscribed_by_its_id() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    let row = |id: &str| {
        let attributes = json!({ "subscriptions": marketing("email", "SUBSCRIBED") });
        json!({ "type": "profile", "id": id, "attributes": attributes })
    };
    let body = |id: &str| {
        let attributes = json!({ "profiles": { "data": [row(id)] } });
        let list = json!({ "list": { "data": { "type": "list", "id": "Y6nRLr" } } });
        let kind = "profile-subscription-bulk-create-job";
        json!({ "data": { "type": kind, "attributes": attributes, "relationships": list } })
    };
    assert_eq!(client.post(SUBSCRIBE, &body("01NOBODY")).status, 202);
    assert_eq!(client.post(SUBSCRIBE, &body(&id)).status, 202);
    server.advance(JOB);
    assert_eq!(server.account().profiles().len(), 1);
    assert_eq!(state(&server, "a@example.com"), State::Subscribed);
}

#[test]
fn a_job_has_what_it_knows_and_nothing_more() {
    let server = server(Account::demo());
    let client = Client::new(&server).revision("2026-07-15");
    let try_job = |path: &str, kind: &str, person: Value, more: Value| {
        let body = job(kind, person, None, more);
        let reply = client.post(path, &body);
        assert!([202, 400].contains(&reply.status), "{reply:?}");
        (reply.status, reply.error().2.to_owned())
    };
    let accepted = (202, String::new());
    let refused = |pointer: &str| (400, pointer.to_owned());
    let row = "/data/attributes/profiles/data/0/attributes";
    let born = |date: &str| {
        let mut person = by_email("a@example.com");
        person["age_gated_date_of_birth"] = json!(date);
        try_job(SUBSCRIBE, "create", person, json!({}))
    };
    assert_eq!(born("1950-01-31"), accepted);
    assert_eq!(born("1950-02-30"), refused(&format!("{row}/age_gated_date_of_birth")));

    let leaving = json!({ "email": "a@example.com", "subscriptions": marketing("email", "UNSUBSCRIBED") });
    assert_eq!(try_job(UNSUBSCRIBE, "delete", leaving.clone(), json!({})), accepted);
    let sourced = json!({ "custom_source": "WhatsApp" });
    assert_eq!(try_job(UNSUBSCRIBE, "delete", leaving, sourced), refused("/data/attributes"));

    // To tracking there is no consent of old, so it has no time.
    let tracked = |tracking: Value| {
        let marketing = json!({ "consent": "SUBSCRIBED", "consented_at": "2020-01-01T00:00:00Z" });
        let subscriptions = json!({ "email": { "marketing": marketing, "open_tracking": tracking } });
        let person = json!({ "email": "a@example.com", "subscriptions": subscriptions });
        try_job(SUBSCRIBE, "create", person, json!({ "historical_import": true }))
    };
    assert_eq!(tracked(json!({ "consent": "SUBSCRIBED" })), accepted);
    let dated = json!({ "consent": "SUBSCRIBED", "consented_at": "2020-01-01T00:00:00Z" });
    assert_eq!(tracked(dated), refused(&format!("{row}/subscriptions/email/open_tracking")));

    let push = |tokens: Value| {
        let push = json!({ "marketing": { "consent": "UNSUBSCRIBED" }, "tokens": tokens });
        let person = json!({ "email": "a@example.com", "subscriptions": { "push": push } });
        try_job(UNSUBSCRIBE, "delete", person, json!({}))
    };
    assert_eq!(push(json!([{ "token": "a", "platform": "ios", "vendor": "apns" }])), accepted);
    let pointer = format!("{row}/subscriptions/push/tokens/0");
    assert_eq!(push(json!([{ "token": "a", "platform": "ios" }])), refused(&pointer));
}

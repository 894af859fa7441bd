//! Channels: messages beside marketing, and channels that an account has not set up.

use crate::client::{Client, JOB, Reply, server};
use klaviyo_mock::{Account, Channel, OptIn};
use serde_json::{Value, json};

const PHONE: &str = "+14155550100";

fn change(client: &Client, what: &str, subscriptions: &[Value]) -> Reply {
    let row = |subscriptions: &Value| {
        let attributes =
            json!({ "email": "a@example.com", "phone_number": PHONE, "subscriptions": subscriptions });
        json!({ "type": "profile", "attributes": attributes })
    };
    let rows: Vec<Value> = subscriptions.iter().map(row).collect();
    let kind = format!("profile-subscription-bulk-{what}-job");
    let data = json!({ "type": kind, "attributes": { "profiles": { "data": rows } } });
    client.post(&format!("/api/{kind}s/"), &json!({ "data": data }))
}

fn account() -> Account {
    let mut account = Account::demo();
    account.set_opt_in(OptIn::Single);
    account
}

fn to(channel: &str, message: &str, consent: &str) -> Value {
    json!({ channel: { message: { "consent": consent } } })
}

#[test]
fn transactional_messages_stand_beside_marketing() {
    let server = server(account());
    let revision = |revision| Client::new(&server).revision(revision);
    let client = revision("2026-04-15");
    client.create(json!({ "email": "a@example.com", "phone_number": PHONE }));
    let shown = |revision: &'static str| {
        let client = Client::new(&server).revision(revision);
        let reply = client.get("/api/profiles/?additional-fields[profile]=subscriptions");
        reply.at("/data/0/attributes/subscriptions").clone()
    };
    for channel in ["sms", "whatsapp"] {
        let subscribe = [to(channel, "transactional", "SUBSCRIBED")];
        assert_eq!(change(&client, "create", &subscribe).status, 202);
        server.advance(JOB);
        let own = &shown("2026-04-15")[channel];
        assert_eq!(own["transactional"]["consent"], "SUBSCRIBED", "{channel}");
        assert_eq!(own["marketing"]["consent"], "NEVER_SUBSCRIBED", "{channel}");
        let unsubscribe = [to(channel, "transactional", "UNSUBSCRIBED")];
        assert_eq!(change(&client, "delete", &unsubscribe).status, 202);
        server.advance(JOB);
        assert_eq!(shown("2026-04-15")[channel]["transactional"]["consent"], "UNSUBSCRIBED", "{channel}");
    }
    let whatsapp = &shown("2026-04-15")["whatsapp"];
    assert_eq!(whatsapp["conversational"]["can_receive"], false);
    assert_eq!(whatsapp["transactional"]["phone_number"], PHONE);
    assert_eq!(shown("2025-04-15")["whatsapp"], Value::Null);
    // SMS has transactional messages in every revision, WhatsApp since it is there at all.
    let sms = [to("sms", "transactional", "SUBSCRIBED")];
    assert_eq!(change(&revision("2025-01-15"), "create", &sms).status, 202);
    let whatsapp = [to("whatsapp", "transactional", "SUBSCRIBED")];
    assert_eq!(change(&revision("2025-04-15"), "create", &whatsapp).status, 400);
    assert_eq!(change(&revision("2025-07-15"), "create", &whatsapp).status, 202);
}

#[test]
fn open_tracking_is_known_since_april_2026() {
    let server = server(account());
    let open = [to("email", "open_tracking", "SUBSCRIBED")];
    let (old, new) =
        (Client::new(&server).revision("2026-01-15"), Client::new(&server).revision("2026-04-15"));
    assert_eq!(change(&old, "create", &open).status, 400);
    assert_eq!(change(&new, "create", &open).status, 202);
    new.create(json!({ "email": "a@example.com" }));
    server.advance(JOB);
    let shown = |client: &Client| {
        let reply = client.get("/api/profiles/?additional-fields[profile]=subscriptions");
        reply.at("/data/0/attributes/subscriptions/email/open_tracking/consent").clone()
    };
    assert_eq!((shown(&old), shown(&new)), (Value::Null, json!("SUBSCRIBED")));
}

#[test]
fn a_channel_that_is_not_set_up_sinks_the_whole_request() {
    let mut account = account();
    account.lacks_channel("whatsapp".parse().unwrap());
    let server = server(account);
    let client = Client::new(&server).revision("2025-07-15");
    client.create(json!({ "email": "a@example.com", "phone_number": PHONE }));
    let email = to("email", "marketing", "SUBSCRIBED");
    let both = json!({
        "email": { "marketing": { "consent": "SUBSCRIBED" } },
        "whatsapp": { "marketing": { "consent": "SUBSCRIBED" } },
    });
    let refused = change(&client, "create", &[email.clone(), both]);
    let pointer = "/data/attributes/profiles/data/1/attributes/subscriptions/whatsapp";
    assert_eq!(refused.error(), (400, "invalid", pointer));
    server.advance(JOB);
    let is_given = || server.account().profiles()[0].consent(Channel::Email).is_given();
    assert!(!is_given());
    assert_eq!(change(&client, "create", &[email]).status, 202);
    server.advance(JOB);
    assert!(is_given());
    let withdrawn = [to("whatsapp", "marketing", "UNSUBSCRIBED")];
    assert_eq!(change(&client, "delete", &withdrawn).status, 202);
}

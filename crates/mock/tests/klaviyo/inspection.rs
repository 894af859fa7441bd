//! What tests in other languages read and set.

use crate::client::{Client, JOB, members, server};
use klaviyo_mock::Account;
use serde_json::json;

#[test]
fn the_state_is_shown_without_keys() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    client.post("/api/lists/Y6nRLr/relationships/profiles/", &members(std::slice::from_ref(&id)));
    let subscription = json!({ "data": {
        "type": "profile-subscription-bulk-create-job",
        "attributes": { "profiles": { "data": [{ "type": "profile", "attributes": {
            "email": "a@example.com",
            "subscriptions": { "email": { "marketing": { "consent": "SUBSCRIBED" } } },
        } }] } },
        "relationships": { "list": { "data": { "type": "list", "id": "Y6nRLr" } } },
    } });
    client.post("/api/profile-subscription-bulk-create-jobs/", &subscription);
    let before = client.get("/_mock/state");
    assert_eq!(before.at("/accounts/0/pending_subscription_jobs"), 1);
    server.advance(JOB);

    // No key is needed.
    let reply = client.send_with("GET", "/_mock/state", &[], None).unwrap();
    assert_eq!((reply.status, &reply.body), (200, &server.state()));
    assert!(!reply.text.contains(Account::DEMO_KEY));
    let account = reply.at("/accounts/0");
    assert_eq!(account["keys"][0]["key"], "pk_…4860");
    assert_eq!(account["lists"][1]["members"], json!([id]));
    assert_eq!(account["profiles"][0]["attributes"], json!({ "email": "a@example.com" }));
    assert_eq!(account["profiles"][0]["consent"]["email"]["state"], "SUBSCRIBED");
    let requests = json!({ "add_profiles_to_list": 1, "bulk_subscribe_profiles": 1, "create_profile": 1 });
    assert_eq!(account["requests"], requests);
    assert_eq!(client.get("/_mock/state/").body, reply.body);
    // Looking does not count.
    assert_eq!((reply.at("/requests"), server.requests()), (&json!(3), 3));
}

#[test]
fn faults_are_set_over_http() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let put = |body: &str| client.send_with("PUT", "/_mock/faults", &[], Some(body)).unwrap();
    let rule = "GET /api/lists: #2 status 503";
    assert_eq!(put(&json!({ "seed": 7, "rules": [rule] }).to_string()).status, 200);
    assert_eq!([client.get("/api/lists").status, client.get("/api/lists").status], [200, 503]);
    let faults = client.get("/_mock/faults");
    let expected = json!({ "seed": 7, "rules": [{ "rule": rule, "requests": 2, "applied": 1 }] });
    assert_eq!(faults.body, expected);

    for (body, said) in [
        ("", "the body is"),
        (r#"{"rules":"x"}"#, "the body is"),
        (r#"{"rules":[1]}"#, "the body is"),
        (r#"{"seed":"x","rules":[]}"#, "the body is"),
        (r#"["rules"]"#, "the body is"),
        (r#"{"rules":[],"sed":7}"#, "\"sed\""),
        (r#"{"rules":["GET /api/lists: always reset"]}"#, "`reset-before`"),
    ] {
        let reply = put(body);
        assert_eq!(reply.status, 400, "{body}");
        assert!(reply.text_at("/error").contains(said), "{body}: {}", reply.text);
    }
    // What could not be read changed nothing.
    assert_eq!(client.get("/_mock/faults").body, expected);
    assert_eq!(put(r#"{"rules":[]}"#).status, 200);
    assert!(server.faults().is_empty());
    assert_eq!(client.get("/_mock/nothing").status, 404);
}

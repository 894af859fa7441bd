//! Bulk imports: taken whole or not at all, then written one by one.

use crate::client::{Client, JOB, server};
use klaviyo_mock::{Account, Channel, State};
use serde_json::{Value, json};

const IMPORTS: &str = "/api/profile-bulk-import-jobs/";

fn job(people: impl IntoIterator<Item = Value>, lists: &[&str]) -> Value {
    let rows: Vec<Value> =
        people.into_iter().map(|person| json!({ "type": "profile", "attributes": person })).collect();
    let lists: Vec<Value> = lists.iter().map(|id| json!({ "type": "list", "id": id })).collect();
    json!({ "data": {
        "type": "profile-bulk-import-job",
        "attributes": { "profiles": { "data": rows } },
        "relationships": { "lists": { "data": lists } },
    } })
}

fn people(n: usize) -> Vec<Value> {
    (0..n).map(|n| json!({ "email": format!("p{n}@example.com") })).collect()
}

fn encoded(id: &str) -> String {
    id.replace('+', "%2B")
}

#[test]
fn a_job_goes_from_queued_to_complete() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    client.create(json!({ "email": "P3@example.com", "first_name": "P" }));
    let accepted = client.post(IMPORTS, &job(people(10), &["Y6nRLr", "UdR4mA"]));
    assert_eq!((accepted.status, accepted.text_at("/data/attributes/status")), (202, "queued"));
    let id = accepted.text_at("/data/id");
    assert_eq!(id.len(), 58);
    assert_ne!(id, encoded(id));

    let status = || {
        let reply = client.get(&format!("{IMPORTS}{}", encoded(id)));
        let count = |name: &str| reply.at(&format!("/data/attributes/{name}")).as_u64().unwrap();
        let counts = ["total_count", "completed_count", "failed_count"].map(count);
        (reply.text_at("/data/attributes/status").to_owned(), counts)
    };
    assert_eq!(status(), ("queued".to_owned(), [10, 0, 0]));
    server.advance(JOB * 3 / 4);
    assert_eq!(status(), ("processing".to_owned(), [10, 5, 0]));
    assert_eq!(server.account().profiles().len(), 5);
    server.advance(JOB / 4);
    assert_eq!(status(), ("complete".to_owned(), [10, 10, 0]));
    assert_eq!(server.account().members("Y6nRLr").len(), 10);
    assert_eq!(server.account().members("UdR4mA").len(), 10);

    let account = server.account();
    assert_eq!(account.profiles().len(), 10);
    assert_eq!(account.profile("email", "p3@example.com").unwrap().attributes["first_name"], "P");
    // Membership is not consent.
    assert!(account.profiles().iter().all(|p| p.consent(Channel::Email).state == State::NeverSubscribed));
    let import = account.imports().next().unwrap();
    assert_eq!((import.status, import.total, import.completed, import.errors.len()), ("complete", 10, 10, 0));
}

#[test]
fn one_malformed_row_refuses_them_all() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let row = |n: usize, member: &str| format!("/data/attributes/profiles/data/{n}/attributes{member}");
    for (bad, member) in [
        (json!({ "email": "a" }), "/email"),
        (json!({ "phone_number": "5550100" }), "/phone_number"),
        (json!({ "first_name": "A" }), ""),
        (json!({ "email": "a@example.com", "shoe_size": "7" }), ""),
        (json!({ "email": "a@example.com", "properties": { "p": "x".repeat(100_000) } }), ""),
    ] {
        let mut rows = people(9);
        rows.insert(7, bad);
        let reply = client.post(IMPORTS, &job(rows, &[]));
        assert_eq!(reply.error(), (400, "invalid", &*row(7, member)));
    }
    assert_eq!(client.post(IMPORTS, &job(people(1), &["NoList"])).error(), (404, "not_found", ""));
    assert_eq!(
        client.post(IMPORTS, &job([], &[])).error(),
        (400, "invalid", "/data/attributes/profiles/data")
    );
    server.advance(JOB);
    assert_eq!(server.account().profiles().len(), 0);
    assert_eq!(server.account().imports().count(), 0);
}

#[test]
fn ten_thousand_profiles_are_taken_and_no_more() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let too_many = client.post(IMPORTS, &job(people(10_001), &[]));
    assert_eq!(too_many.error(), (400, "invalid", "/data/attributes/profiles/data"));
    assert_eq!(client.post(IMPORTS, &job(people(10_000), &["Y6nRLr"])).status, 202);
    server.advance(JOB);
    assert_eq!(server.account().members("Y6nRLr").len(), 10_000);
}

#[test]
fn what_fails_is_among_the_errors() {
    let mut account = Account::demo();
    account.refuse_to_import("refused@example.com", "The domain does not exist.");
    let server = server(account);
    let client = Client::new(&server);
    client.create(json!({ "email": "a@example.com" }));
    client.create(json!({ "phone_number": "+14155550100" }));
    let mut rows = people(3);
    rows.insert(1, json!({ "email": "a@example.com", "phone_number": "+14155550100" }));
    rows.insert(3, json!({ "email": "Refused@example.com" }));
    let accepted = client.post(IMPORTS, &job(rows.clone(), &["Y6nRLr"]));
    let path = format!("{IMPORTS}{}", encoded(accepted.text_at("/data/id")));
    assert!(client.get(&format!("{path}/import-errors")).ids().is_empty());
    server.advance(JOB);
    let done = client.get(&path);
    assert_eq!(done.at("/data/attributes/status"), "complete");
    assert_eq!(done.at("/data/attributes/completed_count"), 3);
    assert_eq!(done.at("/data/attributes/failed_count"), 2);
    assert!(done.at("/data/attributes/expires_at").is_string());

    let first = client.get(&format!("{path}/import-errors/?page[size]=1"));
    let error = first.at("/data/0/attributes");
    assert_eq!(error["code"], "duplicate_profile");
    assert_eq!(error["source"]["pointer"], "/data/attributes/profiles/data/1");
    assert_eq!(error["original_payload"]["attributes"], rows[1]);
    let next = first.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap();
    let second = client.get(next);
    assert_eq!(second.text_at("/data/0/attributes/detail"), "The domain does not exist.");
    assert_eq!(second.at("/links/next"), &Value::Null);
    assert_eq!(server.account().members("Y6nRLr").len(), 3);
}

#[test]
fn jobs_are_found_by_id_and_by_status() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let first = client.post(IMPORTS, &job(people(1), &[])).text_at("/data/id").to_owned();
    server.advance(JOB);
    let second = client.post(IMPORTS, &job(people(1), &[])).text_at("/data/id").to_owned();
    assert_eq!(client.get(IMPORTS).ids(), [&first, &second]);
    assert_eq!(client.get(&format!("{IMPORTS}?filter=equals(status,'complete')")).ids(), [&first]);
    assert_eq!(client.get(&format!("{IMPORTS}?filter=any(status,['queued','processing'])")).ids(), [&second]);
    assert_eq!(client.get(&format!("{IMPORTS}?sort=-created_at")).ids(), [&second, &first]);
    assert_eq!(client.get(&format!("{IMPORTS}nobody")).error(), (404, "not_found", ""));
    assert_eq!(client.get(&format!("{IMPORTS}nobody/import-errors")).error(), (404, "not_found", ""));
}

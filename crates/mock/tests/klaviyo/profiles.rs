//! Reading and writing profiles.

use crate::client::{Client, profile, server};
use klaviyo_mock::Account;
use serde_json::{Value, json};

const WRITTEN: &str = "/api/profile-import/";

#[test]
fn what_is_created_is_found_by_every_identifier() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let attributes = json!({
        "email": "o'b+1@example.com", "phone_number": "+14155550100", "external_id": "shop/ 4\"\\",
        "first_name": "O", "properties": { "plan": "pro" },
    });
    let id = client.create(attributes);
    assert_eq!(id, "01GMTZY2TEKN4KFRP30JZ59KGB");
    for filter in [
        "equals(id,%2201GMTZY2TEKN4KFRP30JZ59KGB%22)",
        "equals(email,%22o'b%2B1@example.com%22)",
        "equals(email,%22O'B%2B1@EXAMPLE.com%22)",
        "equals(email,'o%5C'b%2B1@example.com')",
        "equals(phone_number,%22%2B14155550100%22)",
        "equals(external_id,%22shop/%204%5C%22%5C%5C%22)",
        "any(email,[%22nobody@example.com%22,%22o'b%2B1@example.com%22])",
        "any(id,['01GMTZY2TEKN4KFRP30JZ59KGB'])",
        "equals(phone_number,%22%2B14155550100%22),equals(external_id,%22shop/%204%5C%22%5C%5C%22)",
        "equals(phone_number,%22%2B14155550100%22),greater-than(created,2020-01-01T00:00:00Z)",
    ] {
        assert_eq!(client.get(&format!("/api/profiles/?filter={filter}")).ids(), [&id], "{filter}");
    }
    for filter in [
        // A raw plus sign is a space.
        "equals(email,%22o'b+1@example.com%22)",
        "equals(external_id,%22SHOP/%204%5C%22%5C%5C%22)",
        "equals(phone_number,%22%2B14155550100%22),equals(external_id,%22another%22)",
        "equals(phone_number,%22%2B14155550100%22),less-than(created,2020-01-01T00:00:00Z)",
        "any(email,[%22nobody@example.com%22])",
    ] {
        assert!(client.get(&format!("/api/profiles/?filter={filter}")).ids().is_empty(), "{filter}");
    }
    for filter in
        ["", "equals(email,a)", "equals(shoe_size,%22a%22)", "equals(email,%22a%22);", "any(email,%22a%22)"]
    {
        let reply = client.get(&format!("/api/profiles/?filter={filter}"));
        assert_eq!(reply.error(), (400, "invalid", "filter"), "{filter}");
    }
}

#[test]
fn a_profile_shows_what_it_has() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let id = client.create(json!({
        "email": "a@example.com", "properties": { "plan": "pro" }, "location": { "city": "Pune" },
    }));
    let reply = client.get(&format!("/api/profiles/{id}/"));
    let attributes = reply.at("/data/attributes");
    assert_eq!(attributes["email"], "a@example.com");
    assert_eq!(attributes["phone_number"], Value::Null);
    assert_eq!(attributes["properties"], json!({ "plan": "pro" }));
    assert_eq!(
        (&attributes["location"]["city"], &attributes["location"]["zip"]),
        (&json!("Pune"), &Value::Null)
    );
    assert_eq!(attributes.get("subscriptions"), None);
    assert_eq!(reply.text_at("/data/links/self"), format!("https://a.klaviyo.com/api/profiles/{id}/"));

    let sparse = client.get(&format!("/api/profiles/{id}/?fields[profile]=email,location.city"));
    let mut names: Vec<&String> = sparse.at("/data/attributes").as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["email", "location"]);

    let reply = client.get("/api/profiles/01NOBODY/");
    assert_eq!(reply.error(), (404, "not_found", "/data/id"));
    assert_eq!(reply.text_at("/errors/0/detail"), "A profile with id 01NOBODY does not exist.");
    let unknown = client.get(&format!("/api/profiles/{id}/?additional-fields[profile]=shoe_size"));
    assert_eq!(unknown.error(), (400, "invalid", "additional-fields[profile]"));
}

#[test]
fn a_second_profile_with_an_identifier_is_a_conflict() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let first = client.create(json!({ "email": "a@example.com", "external_id": "1" }));
    let second = client.create(json!({ "phone_number": "+14155550100" }));
    for (attributes, holder) in [
        (json!({ "email": "A@EXAMPLE.COM" }), &first),
        (json!({ "email": "b@example.com", "external_id": "1" }), &first),
        (json!({ "email": "b@example.com", "phone_number": "+14155550100" }), &second),
    ] {
        let reply = client.post("/api/profiles/", &profile(attributes));
        let id = reply.text_at("/errors/0/id").to_owned();
        assert_eq!(reply.header("x-klaviyo-req-id"), id);
        let expected = json!({ "errors": [{
            "id": id, "status": 409, "code": "duplicate_profile", "title": "Conflict.",
            "detail": "A profile already exists with one of these identifiers.",
            "source": { "pointer": "/data/attributes" }, "links": {},
            "meta": { "duplicate_profile_id": holder },
        }] });
        assert_eq!((reply.status, reply.body), (409, expected));
    }
    assert_eq!(server.account().profiles().len(), 2);
}

#[test]
fn an_upsert_leaves_what_it_omits_and_clears_what_is_null() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let upsert = |attributes| client.post(WRITTEN, &profile(attributes));
    let created = upsert(json!({
        "email": "a@example.com", "phone_number": "+14155550100", "first_name": "A", "last_name": "B",
        "properties": { "plan": "pro", "n": 1 },
    }));
    assert_eq!(created.status, 201);
    let updated = upsert(json!({
        "email": "A@example.com", "phone_number": null, "last_name": null, "properties": { "n": 2 },
    }));
    assert_eq!((updated.status, updated.at("/data/id")), (200, created.at("/data/id")));
    let attributes = updated.at("/data/attributes");
    assert_eq!(attributes["email"], "A@example.com");
    assert_eq!(attributes["first_name"], "A");
    assert_eq!(attributes["last_name"], Value::Null);
    assert_eq!(attributes["properties"], json!({ "plan": "pro", "n": 2 }));
    // The number is free again.
    assert!(server.account().profile("phone_number", "+14155550100").is_none());
    assert!(server.account().profile("email", "a@EXAMPLE.com").is_some());
    client.create(json!({ "phone_number": "+14155550100" }));
}

#[test]
fn an_upsert_of_two_profiles_is_a_conflict() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let first = client.create(json!({ "email": "a@example.com" }));
    let second = client.create(json!({ "phone_number": "+14155550100" }));
    let both = profile(json!({ "email": "a@example.com", "phone_number": "+14155550100" }));
    let reply = client.post(WRITTEN, &both);
    assert_eq!(reply.error(), (409, "duplicate_profile", "/data/attributes"));
    assert_eq!(reply.text_at("/errors/0/meta/duplicate_profile_id"), second);

    let named = |id: &str| {
        let data = json!({ "type": "profile", "id": id, "attributes": { "email": "b@example.com" } });
        client.post(WRITTEN, &json!({ "data": data }))
    };
    assert_eq!(named(&first).status, 200);
    assert_eq!(named(&second).error().0, 409);
    assert_eq!(named("01NOBODY").error(), (404, "not_found", "/data/id"));
    assert_eq!(server.account().profiles().len(), 2);
}

#[test]
fn a_profile_is_updated_by_its_id() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let first = client.create(json!({ "email": "a@example.com" }));
    client.create(json!({ "email": "b@example.com" }));
    let update = |id: &str, attributes: Value| {
        let body = json!({ "data": { "type": "profile", "id": first, "attributes": attributes } });
        client.send("PATCH", &format!("/api/profiles/{id}/"), Some(&body.to_string())).unwrap()
    };
    let updated = update(&first, json!({ "email": "c@example.com", "title": "Dr" }));
    assert_eq!((updated.status, updated.text_at("/data/attributes/title")), (200, "Dr"));
    assert_eq!(update(&first, json!({ "email": "b@example.com" })).error().0, 409);
    assert_eq!(update("01NOBODY", json!({})).error().0, 404);
    assert_eq!(server.account().profile("email", "c@example.com").unwrap().id, first);
}

#[test]
fn a_phone_number_that_is_not_valid_is_dropped_beside_an_email() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    for (path, status) in [("/api/profiles/", 201), (WRITTEN, 200)] {
        let reply =
            client.post(path, &profile(json!({ "email": "a@example.com", "phone_number": "555-0100" })));
        assert_eq!((reply.status, reply.header("x-klaviyo-partial-failure")), (status, "phone_number"));
        assert_eq!(reply.at("/data/attributes/phone_number"), &Value::Null);
        let reply = client.post(path, &profile(json!({ "external_id": "1", "phone_number": "555-0100" })));
        assert_eq!(reply.error(), (400, "invalid", "/data/attributes/phone_number"));
    }
    let whole = client.post(WRITTEN, &profile(json!({ "email": "a@example.com" })));
    assert_eq!(whole.header("x-klaviyo-partial-failure"), "");
}

#[test]
fn profiles_come_in_pages() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let ids: Vec<String> =
        (0..45).map(|n| client.create(json!({ "email": format!("p{n:02}@example.com") }))).collect();
    assert_eq!(client.get("/api/profiles/").ids().len(), 20);
    for size in ["0", "101", "x", ""] {
        let reply = client.get(&format!("/api/profiles/?page[size]={size}"));
        assert_eq!(reply.error(), (400, "invalid", "page[size]"), "{size}");
    }
    assert_eq!(client.get("/api/profiles/?page[size]=100").ids().len(), 45);

    let mut path = "/api/profiles/?page%5Bsize%5D=10&sort=-email".to_owned();
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = String::new();
    for page in 0..5 {
        let reply = client.get(&path);
        seen.extend(reply.ids().into_iter().map(str::to_owned));
        assert_eq!(reply.at("/links/prev").is_null(), page == 0);
        let next = reply.text_at("/links/next");
        if page == 4 {
            assert_eq!(reply.at("/links/next"), &Value::Null);
            break;
        }
        path = next.strip_prefix("https://a.klaviyo.com").unwrap().to_owned();
        cursor = path.split("cursor%5D=").nth(1).unwrap().to_owned();
    }
    seen.reverse();
    assert_eq!(seen, ids);

    // A cursor is good for the collection that it was given out for, and cannot be made up.
    assert_eq!(client.get(&format!("/api/profiles/?sort=-email&page[cursor]={cursor}")).status, 200);
    for cursor in [&*cursor, "bmV4dDo6aWQ6OjEw", "next:10", ""] {
        let reply = client.get(&format!("/api/profiles/?page[cursor]={cursor}"));
        assert_eq!(reply.error(), (400, "invalid", "page[cursor]"), "{cursor}");
    }
    assert_eq!(client.get("/api/profiles/?sort=shoe_size").error(), (400, "invalid", "sort"));
}

#[test]
fn many_profiles_are_as_quick_as_few() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    for n in 0..2_000 {
        client.create(json!({ "email": format!("p{n}@example.com") }));
    }
    let (one, two) = (client.get("/api/profiles/?filter=equals(email,'p7@example.com')"), "p7@example.com");
    assert_eq!(one.text_at("/data/0/attributes/email"), two);
    assert_eq!(server.account().profile("email", two).unwrap().id, one.ids()[0]);
}

#[test]
fn properties_are_appended_to_and_unset() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let upsert = |meta: Value| {
        let attributes = json!({ "email": "a@example.com" });
        client
            .post(WRITTEN, &json!({ "data": { "type": "profile", "attributes": attributes, "meta": meta } }))
    };
    client.create(
        json!({ "email": "a@example.com", "properties": { "tags": ["a", "b"], "plan": "pro", "n": 1 } }),
    );
    let patch = json!({
        "append": { "tags": "c", "plan": ["max"] }, "unappend": { "tags": ["a"] }, "unset": ["n", "m"],
    });
    let reply = upsert(json!({ "patch_properties": patch }));
    let expected = json!({ "tags": ["b", "c"], "plan": ["pro", "max"] });
    assert_eq!(reply.at("/data/attributes/properties"), &expected);
    for meta in [json!({ "patch_properties": { "unset": 1 } }), json!({ "patch_identifiers": {} })] {
        assert_eq!(upsert(meta).error().0, 400);
    }
}

#[test]
fn of_two_who_create_the_same_one_does() {
    let server = server(Account::demo());
    let create = || {
        let client = Client::new(&server);
        let statuses: Vec<u16> = (0..50)
            .map(|n| client.post("/api/profiles/", &profile(json!({ "external_id": n.to_string() }))).status)
            .collect();
        statuses
    };
    let statuses: Vec<u16> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(create)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
    assert_eq!((count(201), count(409)), (50, 150));
    assert_eq!(server.account().requests_of("create_profile"), 200);
}

#[test]
fn numbers_in_properties_keep_their_digits() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let properties =
        r#"{"order":36893488147419103232,"price":1.10,"lat":12345678.123456789012,"deep":[{"n":-0.0}]}"#;
    let body = |email: &str| {
        format!(
            r#"{{"data":{{"type":"profile","attributes":{{"email":"{email}","properties":{properties}}}}}}}"#
        )
    };
    let created = client.send("POST", "/api/profiles/", Some(&body("a@example.com"))).unwrap();
    let updated = client.send("POST", WRITTEN, Some(&body("a@example.com"))).unwrap();
    let found = client.get("/api/profiles/?filter=equals(email,%22a@example.com%22)");
    let state = client.send_with("GET", "/_mock/state", &[], None).unwrap();
    for reply in [created, updated, found, state] {
        assert!(reply.text.contains(&format!("\"properties\":{properties}")), "{}", reply.text);
    }
}

#[test]
fn an_external_id_has_255_characters_at_most() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    client.create(json!({ "external_id": "é".repeat(255) }));
    for path in ["/api/profiles/", WRITTEN] {
        let reply = client.post(path, &profile(json!({ "external_id": "é".repeat(256) })));
        assert_eq!(reply.error(), (400, "invalid", "/data/attributes/external_id"));
    }
}

#[test]
fn a_profile_has_the_standard_fields() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let location = json!({
        "address1": "1 Main Street", "address2": "Flat 2", "city": "Pune", "country": "India",
        "latitude": 18.52, "longitude": "73.86", "region": "MH", "zip": "411001",
        "timezone": "Asia/Kolkata", "ip": "203.0.113.7",
    });
    let id = client.create(json!({
        "email": "a@example.com", "organization": "Acme", "title": "Dr", "locale": "en-IN",
        "image": "https://example.com/a.png", "location": location,
    }));
    let update = |attributes: Value, meta: Value| {
        let data = json!({ "type": "profile", "id": id, "attributes": attributes, "meta": meta });
        let body = json!({ "data": data }).to_string();
        client.send("PATCH", &format!("/api/profiles/{id}/"), Some(&body)).unwrap()
    };
    let reply = update(json!({ "title": null, "location": { "zip": null } }), json!({}));
    let shown = reply.at("/data/attributes");
    assert_eq!(["organization", "locale", "image"].map(|name| shown[name].is_string()), [true; 3]);
    assert_eq!((&shown["title"], &shown["location"]["zip"]), (&Value::Null, &Value::Null));
    assert_eq!((&shown["location"]["city"], &shown["location"]["latitude"]), (&json!("Pune"), &json!(18.52)));

    let properties = json!({ "patch_properties": { "append": { "tags": "vip" } } });
    assert_eq!(update(json!({}), properties).at("/data/attributes/properties/tags"), &json!(["vip"]));
    let properties = json!({ "patch_properties": { "unappend": { "tags": "vip" }, "unset": "nothing" } });
    assert_eq!(update(json!({}), properties).at("/data/attributes/properties/tags"), &json!([]));
    let properties = json!({ "patch_properties": { "unset": ["tags"] } });
    assert_eq!(update(json!({}), properties).at("/data/attributes/properties"), &json!({}));

    // It is read only.
    let date = json!({ "last_event_date": "2026-01-15T12:00:00Z" });
    assert_eq!(update(date, json!({})).error(), (400, "invalid", "/data/attributes"));
    let other = json!({ "data": { "type": "profile", "id": "01OTHER", "attributes": {} } }).to_string();
    let reply = client.send("PATCH", &format!("/api/profiles/{id}/"), Some(&other)).unwrap();
    assert_eq!(reply.error(), (400, "invalid", "/data/id"));
}

//! Lists and who is on them.

use crate::client::{Client, members, server};
use klaviyo_mock::{Account, OptIn};
use serde_json::{Value, json};

const MEMBERS: &str = "/api/lists/Y6nRLr/relationships/profiles/";

fn many_lists() -> Account {
    let mut account = Account::demo();
    for n in 0..22 {
        account.add_list(&format!("L{n:05}"), &format!("List {n}"));
    }
    account
}

#[test]
fn lists_come_ten_at_a_time() {
    let server = server(many_lists());
    let client = Client::new(&server);
    let mut path = "/api/lists/".to_owned();
    let mut sizes = Vec::new();
    loop {
        let reply = client.get(&path);
        sizes.push(reply.ids().len());
        let Some(next) = reply.at("/links/next").as_str() else { break };
        path = next.strip_prefix("https://a.klaviyo.com").unwrap().to_owned();
    }
    assert_eq!(sizes, [10, 10, 5]);
    let made_up = client.get("/api/lists/?page[cursor]=bmV4dDo6aWQ6OjEw");
    assert_eq!(made_up.error(), (400, "invalid", "page[cursor]"));
}

#[test]
fn the_size_of_a_page_of_lists_can_be_told_since_april_2026() {
    let server = server(many_lists());
    let old = Client::new(&server).revision("2026-01-15").get("/api/lists/?page[size]=5");
    assert_eq!(old.error(), (400, "invalid", "page[size]"));
    let client = Client::new(&server).revision("2026-04-15");
    assert_eq!(client.get("/api/lists/?page[size]=5").ids().len(), 5);
    assert_eq!(client.get("/api/lists/?page[size]=11").error(), (400, "invalid", "page[size]"));
}

#[test]
fn lists_are_filtered_and_sorted() {
    let server = server(many_lists());
    let client = Client::new(&server);
    assert_eq!(client.get("/api/lists/?filter=equals(name,'VIP%20customers')").ids(), ["UdR4mA"]);
    assert_eq!(client.get("/api/lists/?filter=any(id,['X7kQpz','Y6nRLr'])").ids(), ["X7kQpz", "Y6nRLr"]);
    assert_eq!(client.get("/api/lists/?filter=equals(name,'vip%20customers')").ids().len(), 0);
    assert_eq!(client.get("/api/lists/?sort=-id").ids()[..2], ["Y6nRLr", "X7kQpz"]);
    assert_eq!(client.get("/api/lists/?filter=equals(email,'a')").error(), (400, "invalid", "filter"));
}

#[test]
fn a_list_tells_how_people_join_it_and_how_many_did() {
    let mut account = Account::demo();
    account.add_list_with("Double", "Confirmed", OptIn::Double);
    let server = server(account);
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    client.post(MEMBERS, &members(&[id]));
    let list = client.get("/api/lists/Y6nRLr?additional-fields[list]=profile_count");
    assert_eq!(list.at("/data/attributes/profile_count"), 1);
    assert_eq!(list.at("/data/attributes/opt_in_process"), "single_opt_in");
    assert_eq!(client.get("/api/lists/Double").at("/data/attributes/opt_in_process"), "double_opt_in");
    assert_eq!(client.get("/api/lists/Y6nRLr").at("/data/attributes/profile_count"), &Value::Null);
    assert_eq!(client.get("/api/lists/NoList").error(), (404, "not_found", ""));
}

#[test]
fn a_list_takes_profiles_that_exist() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let id = client.create(json!({ "email": "a@example.com" }));
    let one = members(std::slice::from_ref(&id));
    for _ in 0..2 {
        let reply = client.post(MEMBERS, &one);
        assert_eq!((reply.status, &*reply.text, reply.header("content-type")), (204, "", ""));
    }
    let nowhere = client.post("/api/lists/NoList/relationships/profiles/", &one);
    assert_eq!(nowhere.error(), (404, "not_found", ""));
    assert_eq!(nowhere.text_at("/errors/0/detail"), "A list with id `NoList` does not exist.");
    let unknown =
        client.post(MEMBERS, &members(&[id.clone(), "x".to_owned(), "y".to_owned(), "x".to_owned()]));
    assert_eq!(unknown.error(), (400, "invalid", "/data"));
    assert_eq!(unknown.text_at("/errors/0/detail"), "Invalid profile IDs: {'x', 'y'}");
    for body in [json!({ "data": [{ "type": "list", "id": id }] }), json!({ "data": {} }), json!({})] {
        assert_eq!(client.post(MEMBERS, &body).error(), (400, "invalid", "/data"), "{body}");
    }
    assert_eq!(client.post(MEMBERS, &members(&vec![id.clone(); 1_000])).status, 204);
    assert_eq!(client.post(MEMBERS, &members(&vec![id.clone(); 1_001])).error().0, 400);
    assert_eq!(server.account().members("Y6nRLr"), [id]);
    assert!(server.account().members("NoList").is_empty());
}

#[test]
fn members_are_read_in_pages_and_removed() {
    let server = server(Account::demo());
    let client = Client::new(&server);
    let ids: Vec<String> = (0..3).map(|n| client.create(json!({ "external_id": n.to_string() }))).collect();
    client.post(MEMBERS, &members(&ids));
    let page = client.get(&format!("{MEMBERS}?page[size]=2"));
    assert_eq!(page.ids(), ids[..2]);
    let next = page.text_at("/links/next").strip_prefix("https://a.klaviyo.com").unwrap();
    assert_eq!(client.get(next).ids(), ids[2..]);
    let profiles = client.get("/api/lists/Y6nRLr/profiles/");
    assert_eq!(profiles.ids(), ids);
    assert!(profiles.at("/data/0/attributes/joined_group_at").is_string());
    assert_eq!(profiles.at("/data/0/attributes/external_id"), "0");

    // `ureq` sends no body with DELETE unless it is told to.
    let body = members(&ids[..1]).to_string();
    let removed = crate::faults::raw(&server, "DELETE", MEMBERS, &body);
    assert!(removed.starts_with(b"HTTP/1.1 204"));
    assert_eq!(client.get(MEMBERS).ids(), ids[1..]);
}

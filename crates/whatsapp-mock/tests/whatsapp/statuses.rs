//! What becomes of messages.

use crate::door::{changes, connected, pass, send, taken, text};
use klaviyo_whatsapp_mock::{Business, Contact, Limits, Statuses};
use serde_json::json;
use std::time::Duration;

const NUMBER: &str = "919820000001";
const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_message_is_sent_delivered_and_read() {
    let (whatsapp, door) = connected(Business::new());
    let priya = whatsapp.person(Contact::new(NUMBER).named("Priya").with_user_id("IN.7"));
    priya.writes("SUBSCRIBE");
    let mut body = text(NUMBER, "hi");
    body["biz_opaque_callback_data"] = json!("reply-1");
    let id = taken(send(&whatsapp, &body));
    let at = priya.messages()[0].at;
    let mut seen = Vec::new();
    for second in 0..=6 {
        pass(&whatsapp, if second == 0 { Duration::ZERO } else { SECOND });
        let status = whatsapp.state()["messages"][0]["status"].as_str().unwrap().to_owned();
        seen.push((door.statuses().len(), status));
    }
    let expected = [
        (0, "accepted"),
        (1, "sent"),
        (2, "delivered"),
        (2, "delivered"),
        (2, "delivered"),
        (3, "read"),
        (3, "read"),
    ];
    assert_eq!(seen, expected.map(|(count, status)| (count, status.to_owned())));
    let names: Vec<String> = door
        .statuses()
        .into_iter()
        .map(|(of, name)| {
            assert_eq!(of, id);
            name
        })
        .collect();
    assert_eq!(names, ["sent", "delivered", "read"]);
    let (_, read) = door.items("statuses").pop().unwrap();
    assert_eq!(
        read,
        json!({ "id": id, "status": "read", "timestamp": (at + 5).to_string(), "recipient_id": NUMBER,
        "recipient_user_id": "IN.7", "biz_opaque_callback_data": "reply-1" })
    );
    let change = changes(door.bodies().last().unwrap()).remove(0);
    assert_eq!(change["value"]["contacts"][0]["wa_id"], NUMBER);
}

#[test]
fn the_status_of_somebody_without_a_number_has_the_id() {
    let (whatsapp, door) = connected(Business::new());
    let asha = whatsapp.person(Contact::new(NUMBER).with_username("asha").with_user_id("IN.7"));
    asha.writes("SUBSCRIBE");
    taken(send(
        &whatsapp,
        &json!({ "messaging_product": "whatsapp", "recipient": "IN.7", "text": { "body": "hi" } }),
    ));
    pass(&whatsapp, SECOND);
    let (_, status) = door.items("statuses").remove(0);
    assert_eq!((status.get("recipient_id"), &status["recipient_user_id"]), (None, &json!("IN.7")));
}

#[test]
fn messages_fail_where_the_test_wants_it() {
    let statuses = Statuses::unread().failing("#2".parse().unwrap(), 131_026);
    let (whatsapp, door) = connected(Business::new().limits(Limits::off()).statuses(statuses));
    let priya = whatsapp.person(Contact::new(NUMBER));
    priya.writes("SUBSCRIBE");
    let ids: Vec<String> = (0..3).map(|n| taken(send(&whatsapp, &text(NUMBER, &n.to_string())))).collect();
    priya.fails_with(Some(131_050));
    let last = taken(send(&whatsapp, &text(NUMBER, "3")));
    priya.fails_with(None);
    let after = taken(send(&whatsapp, &text(NUMBER, "4")));
    pass(&whatsapp, 10 * SECOND);
    let names = |id: &str| {
        let of = door.statuses().into_iter().filter(|(of, _)| of == id);
        of.map(|(_, name)| name).collect::<Vec<_>>()
    };
    assert_eq!(names(&ids[0]), ["sent", "delivered"]);
    assert_eq!((names(&ids[1]), names(&last)), (vec!["failed".to_owned()], vec!["failed".to_owned()]));
    assert_eq!((names(&ids[2]), names(&after)), (names(&ids[0]), names(&ids[0])));
    let failed: Vec<_> =
        door.items("statuses").into_iter().filter(|(_, item)| item["status"] == "failed").collect();
    let codes: Vec<_> = failed.iter().map(|(_, item)| item["errors"][0]["code"].as_u64()).collect();
    assert_eq!(codes, [Some(131_026), Some(131_050)]);
}

#[test]
fn late_statuses_come_in_another_order_and_say_when_it_was() {
    let late = Statuses::usual().late(Duration::from_secs(600));
    let (whatsapp, door) = connected(Business::new().limits(Limits::off()).statuses(late).seed(3));
    let priya = whatsapp.person(Contact::new(NUMBER));
    priya.writes("SUBSCRIBE");
    let ids: Vec<String> = (0..6).map(|n| taken(send(&whatsapp, &text(NUMBER, &n.to_string())))).collect();
    let at = priya.messages()[0].at;
    pass(&whatsapp, Duration::from_secs(700));
    let all = door.items("statuses");
    assert_eq!(all.len(), 18);
    let orders: Vec<Vec<String>> = ids
        .iter()
        .map(|id| door.statuses().into_iter().filter(|(of, _)| of == id).map(|(_, name)| name).collect())
        .collect();
    assert!(orders.iter().any(|order| order[..] != ["sent", "delivered", "read"]), "{orders:?}");
    for (_, status) in all {
        let seconds = match status["status"].as_str() {
            Some("sent") => 1,
            Some("delivered") => 2,
            _ => 5,
        };
        assert_eq!(status["timestamp"], (at + seconds).to_string());
    }
}

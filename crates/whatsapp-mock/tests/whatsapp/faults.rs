//! What goes wrong with requests on demand. The forms of faults are tested where they are made.

use crate::door::{connected, messages_url, refused, send, taken, text};
use klaviyo_mock::Faults;
use klaviyo_whatsapp_mock::{Business, Contact, Limits, Server};

const NUMBER: &str = "919820000001";

fn faulty(rules: &[&str]) -> Server {
    let faults = rules.iter().fold(Faults::seeded(1), |faults, rule| faults.rule(rule.parse().unwrap()));
    let (whatsapp, _door) = connected(Business::new().limits(Limits::off()).faults(faults));
    whatsapp.person(Contact::new(NUMBER)).writes("SUBSCRIBE");
    whatsapp
}

#[test]
fn a_status_is_an_error_of_metas() {
    let rules = [
        "POST /*/*/messages: #1 status 500",
        "POST /*/*/messages: #2 status 429",
        "POST /*/*/messages: #3 status 503",
        "POST /*/*/messages: #4 status 401",
        "POST /*/*/messages: #5 status 403",
    ];
    let whatsapp = faulty(&rules);
    let seen: Vec<(u16, u64)> = (0..5).map(|_| refused(send(&whatsapp, &text(NUMBER, "hi")))).collect();
    assert_eq!(seen, [(500, 131_000), (429, 130_429), (503, 2), (401, 190), (403, 10)]);
    assert!(whatsapp.messages().is_empty());
    taken(send(&whatsapp, &text(NUMBER, "hi")));
    assert_eq!(whatsapp.requests(), 6);
}

#[test]
fn a_connection_breaks_before_the_message_or_after_it() {
    for (fault, sent) in [("reset-before", 0), ("reset-after", 1), ("truncate", 1), ("status-after 500", 1)] {
        let whatsapp = faulty(&[&format!("POST /*: #1 {fault}")]);
        let answer = ureq::post(&messages_url(&whatsapp))
            .header("authorization", format!("Bearer {}", Business::TOKEN))
            .content_type("application/json")
            .send(text(NUMBER, "hi").to_string())
            .and_then(|mut answer| answer.body_mut().read_to_string());
        assert!(answer.is_err(), "{fault}");
        assert_eq!(whatsapp.messages().len(), sent, "{fault}");
    }
}

#[test]
fn a_part_of_the_requests_fails_and_the_same_with_the_same_seed() {
    let run = || {
        let whatsapp = faulty(&["POST /*: 30% status 500"]);
        (0..40).map(|_| send(&whatsapp, &text(NUMBER, "hi")).0).collect::<Vec<_>>()
    };
    let first = run();
    assert!(first.contains(&500) && first.contains(&200));
    assert_eq!(first, run());
}

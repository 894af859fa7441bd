//! Webhooks that come twice, late and in another order; the same with the same seed.

use crate::door::{connected, pass};
use klaviyo_whatsapp_mock::{Business, Contact};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn some_come_twice_with_the_same_id() {
    let (whatsapp, door) = connected(Business::new().twice("#2,4".parse().unwrap()));
    let priya = whatsapp.person(Contact::new("919820000001"));
    for text in ["a", "b", "c"] {
        priya.writes(text);
    }
    pass(&whatsapp, Duration::ZERO);
    // The copy of the second is the third webhook, so `c` is the fourth.
    assert_eq!(door.texts(), ["a", "b", "b", "c", "c"]);
    let bodies = door.bodies();
    assert_eq!(bodies[1], bodies[2]);
}

#[test]
fn late_webhooks_come_in_another_order_and_keep_their_time() {
    let order = |seed| {
        let (whatsapp, door) = connected(Business::new().seed(seed).late(MINUTE));
        let priya = whatsapp.person(Contact::new("919820000001"));
        for n in 0..8 {
            priya.writes(&n.to_string());
        }
        // By steps, so that each has its own time.
        for _ in 0..600 {
            pass(&whatsapp, MINUTE / 600);
        }
        let times = door.items("messages").into_iter().map(|(_, message)| message["timestamp"].clone());
        let times: Vec<_> = times.collect();
        assert!(times.iter().all(|time| *time == times[0]), "{times:?}");
        door.texts()
    };
    let first = order(7);
    assert_eq!(first.len(), 8);
    assert!(!first.is_sorted(), "{first:?}");
    assert_eq!(first, order(7));
    assert_ne!(first, order(8));
}

#[test]
fn many_lanes_bring_everything_once() {
    let (whatsapp, door) = connected(Business::new().lanes(8));
    let priya = whatsapp.person(Contact::new("919820000001"));
    let written: Vec<String> = (0..200).map(|n| format!("{n:03}")).collect();
    for text in &written {
        priya.writes(text);
    }
    pass(&whatsapp, Duration::ZERO);
    let mut texts = door.texts();
    texts.sort_unstable();
    assert_eq!(texts, written);
}

//! How webhooks are sent: repeated, together, and only to a door that is known.

use crate::door::{Door, PATIENCE, changes, connected, pass};
use klaviyo_whatsapp_mock::{Business, Contact, Fate, Packing, Server};
use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[test]
fn what_is_not_answered_with_200_comes_again_by_the_clock() {
    let (whatsapp, door) = connected(Business::new());
    door.answers(&[503, 202]);
    whatsapp.person(Contact::new("919820000001")).writes("SUBSCRIBE");
    pass(&whatsapp, Duration::ZERO);
    assert_eq!(door.texts().len(), 1);
    pass(&whatsapp, Duration::from_millis(999));
    assert_eq!(door.texts().len(), 1);
    pass(&whatsapp, Duration::from_millis(1));
    assert_eq!(door.texts().len(), 2);
    pass(&whatsapp, Duration::from_secs(5));
    assert_eq!(door.texts().len(), 3);
    pass(&whatsapp, 2 * DAY);
    let bodies = door.bodies();
    assert!(bodies.len() == 3 && bodies.iter().all(|body| *body == bodies[0]));
    let webhook = &whatsapp.webhooks()[0];
    assert_eq!((&webhook.answers[..], webhook.fate), (&[Some(503), Some(202), Some(200)][..], Fate::Taken));
}

#[test]
fn a_webhook_that_nobody_takes_is_dropped_after_seven_days() {
    let (whatsapp, door) = connected(Business::new());
    door.answers(&[500; 100]);
    whatsapp.person(Contact::new("919820000001")).writes("SUBSCRIBE");
    for _ in 0..8 * 4 {
        pass(&whatsapp, DAY / 4);
    }
    let webhook = &whatsapp.webhooks()[0];
    assert_eq!((webhook.fate, webhook.answers.len()), (Fate::Dropped, door.texts().len()));
    assert!((10..40).contains(&webhook.answers.len()), "{}", webhook.answers.len());
}

#[test]
fn webhooks_wait_until_it_is_known_where_they_go() {
    let whatsapp = Server::start(Business::new().stop_the_clock()).unwrap();
    whatsapp.person(Contact::new("919820000001")).writes("SUBSCRIBE");
    let (door, nobody) = (Door::open(), "http://127.0.0.1:1/");
    whatsapp.set_webhook(nobody).unwrap();
    pass(&whatsapp, Duration::ZERO);
    assert_eq!(whatsapp.webhooks()[0].answers, [None]);
    whatsapp.set_webhook(&door.url()).unwrap();
    pass(&whatsapp, Duration::from_secs(1));
    assert_eq!(door.texts(), ["SUBSCRIBE"]);
    for wrong in ["", "127.0.0.1:8080", "https://example.com/", "http://", "http:///x", "http://a b"] {
        assert!(whatsapp.set_webhook(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn a_fast_clock_repeats_by_itself() {
    let door = Door::open();
    door.answers(&[500, 500, 500]);
    let business = Business::new().speed(1000).webhook(&door.url()).unwrap();
    let whatsapp = Server::start(business).unwrap();
    whatsapp.person(Contact::new("919820000001")).writes("SUBSCRIBE");
    assert!(whatsapp.wait_until(PATIENCE, |whatsapp| whatsapp.webhooks()[0].fate == Fate::Taken));
    assert_eq!(door.texts().len(), 4);
}

#[test]
fn several_things_are_told_by_one_body() {
    for (packing, entries, all_changes) in
        [(Packing::Values, 1, 2), (Packing::Changes, 1, 4), (Packing::Entries, 4, 4)]
    {
        let (whatsapp, door) = connected(Business::new());
        let [priya, noah] =
            ["919820000001", "919820000002"].map(|number| whatsapp.person(Contact::new(number)));
        whatsapp.together(packing, || {
            priya.writes("SUBSCRIBE");
            noah.writes("SUBSCRIBE");
            priya.writes("STOP");
            noah.stops();
        });
        priya.writes("alone");
        pass(&whatsapp, Duration::ZERO);
        let bodies = door.bodies();
        assert_eq!(bodies.len(), 2);
        let shape = (bodies[0]["entry"].as_array().unwrap().len(), changes(&bodies[0]).len());
        assert_eq!(shape, (entries, all_changes), "{packing:?}");
        assert_eq!(door.texts(), ["SUBSCRIBE", "SUBSCRIBE", "STOP", "alone"]);
    }
}

#[test]
fn the_webhook_is_asked_whether_it_is_wanted() {
    let (whatsapp, door) = connected(Business::new());
    whatsapp.verify().unwrap();
    assert!(door.asked()[0].starts_with("hub.mode=subscribe&hub.challenge="), "{:?}", door.asked());
    let (stranger, _door) = connected(Business::new().verify_token("another"));
    assert!(stranger.verify().is_err());
    let unset = Server::start(Business::new()).unwrap();
    assert!(unset.verify().is_err());
    // 200, and something else than the challenge.
    unset.set_webhook(&format!("{}/_whatsapp/state", unset.url())).unwrap();
    assert!(unset.verify().is_err());
}

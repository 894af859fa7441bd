//! What has to be true of all messages that doors have accepted, whatever broke. It looks into the stores of the simulated
//! server, without asking it.

use super::people::{LIST, Person, Wish};
use super::server::Server;
use crate::outcome::Outcome;
use crate::queue::DeadLetter;
use klaviyo_mock::{Channel, Simulator, State};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Where the message of a wish is.
struct Whereabouts {
    waits: bool,
    outcome: Option<Outcome>,
    is_dead_letter: bool,
}

impl Whereabouts {
    fn of(server: &Server, wish: &Wish) -> Self {
        let (mut server, key) = (server.state(), wish.key().to_string());
        let record = server.entry("KV_klaviyo-outcomes", &format!("$KV.klaviyo-outcomes.{key}"));
        let record = record.and_then(|record| record.value);
        Self {
            waits: server.has_id(wish.lane().stream(), &key),
            outcome: record.map(|record| serde_json::from_slice(&record).unwrap()),
            is_dead_letter: server.last_of("KLAVIYO_DEAD", &format!("klaviyo.dead.{key}")).is_some(),
        }
    }
}

/// At any moment: a message waits, or it has its outcome, and with that of a dead letter there is one.
pub(super) fn lost<'a>(server: &Server, accepted: impl Iterator<Item = &'a Wish>) -> Vec<String> {
    let is_lost = |wish: &&Wish| {
        let Whereabouts { waits, outcome, is_dead_letter } = Whereabouts::of(server, wish);
        !waits && !is_dead_letter && matches!(outcome, None | Some(Outcome::Dead(_) | Outcome::Waiting))
    };
    accepted.filter(is_lost).map(|wish| format!("{wish:?} is lost")).collect()
}

/// When all has ended: each message has exactly one end.
pub(super) fn not_ended_once<'a>(server: &Server, accepted: impl Iterator<Item = &'a Wish>) -> Vec<String> {
    let is_wrong = |wish: &&Wish| match Whereabouts::of(server, wish) {
        Whereabouts { waits: false, outcome: Some(Outcome::Dead(_)), is_dead_letter: true } => false,
        Whereabouts { waits: false, outcome: Some(outcome), is_dead_letter: false } => match outcome {
            Outcome::Done(_) => !wish.is_in,
            Outcome::OptedOut(_) | Outcome::Dropped => false,
            Outcome::Resumed(_) | Outcome::Dead(_) | Outcome::Waiting => true,
        },
        Whereabouts { .. } => true,
    };
    let wrong = accepted.filter(is_wrong).map(|wish| {
        let Whereabouts { waits, outcome, is_dead_letter } = Whereabouts::of(server, wish);
        format!("{wish:?}: waits {waits}, outcome {outcome:?}, dead letter {is_dead_letter}")
    });
    wrong.collect()
}

/// Nothing is a dead letter without a reason: Klaviyo refuses the person, or it was tried too often.
pub(super) fn without_reason(letters: &[DeadLetter], refused: Option<&str>, attempts: u32) -> Vec<String> {
    let has_reason = |letter: &&DeadLetter| {
        let is_refused = refused.is_some_and(|refused| letter.body.opt_in.get().contains(refused));
        is_refused || letter.body.attempts >= attempts
    };
    let wrong = letters.iter().filter(|letter| !has_reason(letter));
    wrong.map(|letter| format!("there is a dead letter: {}", letter.document())).collect()
}

/// A person has what the last word gave or left.
pub(super) fn not_as_said(klaviyo: &Simulator, person: Person, last: Option<&Wish>) -> Option<String> {
    let account = klaviyo.account();
    let expected = last.is_some_and(|last| last.is_in);
    let profile = match person.writes() {
        false => account.profile("email", &person.email()),
        true => account.profile("phone_number", &format!("+{}", person.phone_number())),
    };
    let members: BTreeSet<_> = account.members(LIST).into_iter().collect();
    let is_member = profile.is_some_and(|profile| members.contains(&profile.id));
    let consents = profile.is_some_and(|profile| profile.consent(Channel::Email).state == State::Subscribed);
    // Who writes by WhatsApp joins the list without consent to emails.
    let is_right = (is_member, consents) == (expected, expected && !person.writes());
    (!is_right).then(|| format!("{person:?}: last {last:?}, on the list {is_member}, consent {consents}"))
}

/// Nothing is answered twice by WhatsApp.
pub(super) fn answered_twice(replies: &[Value]) -> Vec<String> {
    let mut answers: BTreeMap<String, u32> = BTreeMap::new();
    for reply in replies {
        *answers.entry(reply["context"]["message_id"].to_string()).or_default() += 1;
    }
    let twice = answers.iter().filter(|(_, answers)| **answers > 1);
    twice.map(|(message, answers)| format!("{message} is answered {answers} times")).collect()
}

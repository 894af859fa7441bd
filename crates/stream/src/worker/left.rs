//! Who has stopped marketing lately, so that consent which they gave before is not given after it.

use crate::opt_in::{ConsentTo, OptIn};
use crate::opt_out::OptOut;
use std::collections::BTreeMap;

/// How many are known. An opt-in is older than an opt-out and comes after it only where it was tried before.
const MOST: usize = 10_000;

/// Who has left which channel of an account, by their number, E.164, and where in the stream that was said. It is known as long as the account is
/// this worker's.
#[derive(Default)]
pub(super) struct Left {
    people: BTreeMap<(String, ConsentTo), u64>,
    by_place: BTreeMap<u64, Vec<(String, ConsentTo)>>,
}

impl Left {
    /// Somebody has left.
    pub(super) fn note(&mut self, place: u64, opt_out: &OptOut) {
        let number = &opt_out.phone_number;
        for channel in &opt_out.opt_out {
            let who = (number.clone(), *channel);
            let latest = self.people.entry(who.clone()).or_default();
            *latest = place.max(*latest);
            self.by_place.entry(place).or_default().push(who);
        }
        while self.by_place.len() > MOST
            && let Some((oldest, people)) = self.by_place.pop_first()
        {
            for who in people {
                if self.people.get(&who) == Some(&oldest) {
                    self.people.remove(&who);
                }
            }
        }
    }

    /// Takes the consent out of an opt-in that its person has taken back since.
    pub(super) fn keep_out(&self, place: u64, opt_in: &mut OptIn) {
        let Some(number) = opt_in.phone_number.clone().filter(|_| !self.people.is_empty()) else { return };
        let has_left = |channel: &ConsentTo| {
            self.people.get(&(number.clone(), *channel)).is_some_and(|since| place < *since)
        };
        let (left, kept): (Vec<ConsentTo>, Vec<ConsentTo>) =
            std::mem::take(&mut opt_in.consent).into_iter().partition(has_left);
        opt_in.consent = kept;
        if opt_in.consent.is_empty() {
            // There is no source of nothing.
            opt_in.consent_source = None;
        }
        for channel in left {
            let name = channel.as_str();
            opt_in.warn(format!("consent: the person has stopped {name} marketing since, so none is given"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn stop(n: usize) -> OptOut {
        serde_json::from_value(
            json!({ "account": "a", "id": "7", "phone_number": format!("+9198200{n:05}"), "opt_out": ["whatsapp"] }),
        )
        .unwrap()
    }

    #[test]
    fn consent_that_was_given_before_it_was_taken_back_is_not_given() {
        let mut left = Left::default();
        left.note(7, &stop(1));
        for (place, number, kept) in [
            (6, "+919820000001", vec![ConsentTo::Sms]),
            (8, "+919820000001", vec![ConsentTo::Sms, ConsentTo::Whatsapp]),
            (6, "+919820000002", vec![ConsentTo::Sms, ConsentTo::Whatsapp]),
        ] {
            let mut opt_in: OptIn = serde_json::from_value(json!({
                "account": "a", "list": "x", "phone_number": number, "consent": ["sms", "whatsapp"],
                "consent_source": "a form",
            }))
            .unwrap();
            left.keep_out(place, &mut opt_in);
            assert_eq!((opt_in.consent.len(), opt_in.warnings.len()), (kept.len(), 2 - kept.len()));
            assert_eq!(opt_in.consent, kept);
        }
        let mut alone: OptIn = serde_json::from_value(json!({
            "account": "a", "list": "x", "phone_number": "+919820000001", "consent": ["whatsapp"],
            "consent_source": "a form",
        }))
        .unwrap();
        left.keep_out(1, &mut alone);
        // Put back into the queue it can be read.
        alone.check().unwrap();
    }

    #[test]
    fn not_everybody_who_ever_left_is_known() {
        let mut left = Left::default();
        for n in 0..MOST + 10 {
            left.note(n as u64 + 1, &stop(n));
        }
        assert_eq!((left.people.len(), left.by_place.len()), (MOST, MOST));
    }
}

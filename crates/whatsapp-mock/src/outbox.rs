//! Webhooks that wait: first in the order of their time, then again and again until they are taken.

use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long Meta repeats.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// The seconds before each repeat. The last one is before each later repeat, too. Unproven: Meta says only
/// that it repeats less and less often.
const PAUSES: [u64; 9] = [1, 5, 30, 2 * 60, 10 * 60, 60 * 60, 3 * 3600, 6 * 3600, 12 * 3600];

/// A webhook, and what became of it.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The bytes of its body.
    pub body: Arc<[u8]>,
    /// The statuses that it was answered with, in order. None: there was no answer.
    pub answers: Vec<Option<u16>>,
    /// What became of it.
    pub fate: Fate,
    /// What it tells, for the log.
    pub(crate) label: String,
}

/// What became of a webhook.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// It waits for its time, or to be repeated.
    Waiting,
    /// It was answered with 200.
    Taken,
    /// It was repeated for seven days in vain.
    Dropped,
}

impl Webhook {
    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A webhook on its way.
#[derive(Debug)]
pub(crate) struct Letter {
    /// Its place among all webhooks.
    place: usize,
    /// When it was to be sent first.
    first: Duration,
    pub(crate) body: Arc<[u8]>,
}

/// What a lane may do now.
pub(crate) enum Next {
    Send(Letter),
    /// Nothing before this time.
    Wait(Duration),
    Nothing,
}

/// All webhooks.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    all: Vec<Webhook>,
    /// By the time when it is sent, and a number that keeps the order.
    waiting: BTreeMap<(Duration, u64), Letter>,
    counter: u64,
    in_flight: usize,
}

impl Outbox {
    pub(crate) fn all(&self) -> &[Webhook] {
        &self.all
    }

    /// The number of webhooks so far.
    pub(crate) fn len(&self) -> u64 {
        u64::try_from(self.all.len()).unwrap_or(u64::MAX)
    }

    pub(crate) fn put(&mut self, body: Arc<[u8]>, label: &str, due: Duration) {
        let place = self.all.len();
        let (answers, label) = (Vec::new(), label.to_owned());
        self.all.push(Webhook { body: Arc::clone(&body), answers, fate: Fate::Waiting, label });
        self.wait(due, Letter { place, first: due, body });
    }

    fn wait(&mut self, due: Duration, letter: Letter) {
        self.counter += 1;
        self.waiting.insert((due, self.counter), letter);
    }

    /// Takes the next webhook whose time has come.
    pub(crate) fn next(&mut self, now: Duration) -> Next {
        match self.waiting.first_entry() {
            Some(entry) if entry.key().0 <= now => {
                self.in_flight += 1;
                Next::Send(entry.remove())
            }
            Some(entry) => Next::Wait(entry.key().0),
            None => Next::Nothing,
        }
    }

    /// Whether nothing is to be sent at this time or being sent.
    pub(crate) fn is_settled(&self, now: Duration) -> bool {
        self.in_flight == 0 && self.waiting.first_key_value().is_none_or(|((due, _), _)| *due > now)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len() + self.in_flight
    }

    /// Notes the answer to a webhook. Returns the line for the log.
    pub(crate) fn answered(&mut self, letter: Letter, answer: Option<u16>, now: Duration) -> String {
        self.in_flight = self.in_flight.saturating_sub(1);
        let Some(webhook) = self.all.get_mut(letter.place) else { return String::new() };
        webhook.answers.push(answer);
        let answer = answer.map_or("no answer".to_owned(), |status| status.to_string());
        let pause = pause_after(webhook.answers.len());
        let ahead = now.saturating_add(pause);
        let end = if webhook.answers.last() == Some(&Some(200)) {
            webhook.fate = Fate::Taken;
            String::new()
        } else if ahead.saturating_sub(letter.first) > LONGEST {
            webhook.fate = Fate::Dropped;
            "; dropped after seven days".to_owned()
        } else {
            format!("; again in {}", humantime::format_duration(pause))
        };
        let line = format!("→ {}: {answer}{end}", webhook.label);
        if webhook.fate == Fate::Waiting {
            self.wait(ahead, letter);
        }
        line
    }
}

/// How long to wait after so many attempts.
fn pause_after(attempts: usize) -> Duration {
    let last = PAUSES.last().copied().unwrap_or_default();
    Duration::from_secs(PAUSES.get(attempts.saturating_sub(1)).copied().unwrap_or(last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn put(outbox: &mut Outbox, name: &str, due: u64) {
        outbox.put(name.as_bytes().into(), name, Duration::from_secs(due));
    }

    fn take(outbox: &mut Outbox, now: u64) -> Option<Letter> {
        match outbox.next(Duration::from_secs(now)) {
            Next::Send(letter) => Some(letter),
            Next::Wait(_) | Next::Nothing => None,
        }
    }

    #[test]
    fn webhooks_go_in_the_order_of_their_time() {
        let mut outbox = Outbox::default();
        put(&mut outbox, "b", 2);
        put(&mut outbox, "a", 1);
        put(&mut outbox, "c", 2);
        let mut names = Vec::new();
        while let Some(letter) = take(&mut outbox, 2) {
            names.push(String::from_utf8(letter.body.to_vec()).unwrap());
            outbox.answered(letter, Some(200), Duration::from_secs(2));
        }
        assert_eq!(names, ["a", "b", "c"]);
        assert!(outbox.is_settled(Duration::MAX) && outbox.waiting() == 0);
    }

    #[test]
    fn what_is_not_taken_is_repeated_less_and_less_often_for_seven_days() {
        let mut outbox = Outbox::default();
        put(&mut outbox, "a", 0);
        let (mut now, mut times) = (0, Vec::new());
        while outbox.waiting() > 0 {
            match outbox.next(Duration::from_secs(now)) {
                Next::Send(letter) => {
                    times.push(now);
                    // Only 200 counts.
                    let answer = [None, Some(500), Some(202), Some(302)][times.len() % 4];
                    outbox.answered(letter, answer, Duration::from_secs(now));
                }
                Next::Wait(due) => now = due.as_secs(),
                Next::Nothing => break,
            }
        }
        assert_eq!(times[..5], [0, 1, 6, 36, 156]);
        let pauses: Vec<u64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.is_sorted(), "{pauses:?}");
        let week = LONGEST.as_secs();
        assert!(times.last().is_some_and(|last| (week - 12 * 3600..=week).contains(last)), "{times:?}");
        assert_eq!(outbox.all()[0].fate, Fate::Dropped);
        assert_eq!(outbox.all()[0].answers.len(), times.len());
    }
}

//! Creates and changes people, adds them to a list, and tracks what they do.

use super::REPORTED_AFTER;
use crate::canary::KEY;
use anyhow::{Result, bail};
use fastrand::Rng;
use klaviyo_mock::{Reply, Simulator};
use serde_json::{Value, json};
use std::ops::Range;
use std::time::Duration;

const IMPORTS: &str = "/api/profile-bulk-import-jobs/";
const MEMBERS: &str = "/api/lists/Y6nRLr/relationships/profiles/";
const EVENTS: &str = "/api/event-bulk-create-jobs/";
const DELETIONS: &str = "/api/data-privacy-deletion-jobs/";
/// The most people of one import when the world begins, and of a change of neighbours.
const MANY: usize = 500;

/// Somebody who writes to a Klaviyo.
pub(super) struct Writer {
    random: Rng,
    /// How many people it creates.
    people: usize,
    /// How many it has created.
    created: usize,
    /// The number of the last change, which is the title of the person changed.
    change: u64,
    /// The number of the last event.
    event: u64,
    /// Who joined the list last.
    joined: Vec<usize>,
    /// Who left it since.
    left: Vec<usize>,
}

impl Writer {
    pub(super) fn new(people: usize, seed: u64) -> Self {
        Self {
            random: Rng::with_seed(seed.wrapping_add(2)),
            people,
            created: 0,
            change: 0,
            event: 0,
            joined: Vec::new(),
            left: Vec::new(),
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.created == self.people
    }

    /// Creates the first two people of five, within some time.
    pub(super) fn begin(&mut self, simulator: &Simulator) -> Result<()> {
        while self.created < self.people * 2 / 5 {
            self.create(simulator, MANY)?;
            simulator.advance(Duration::from_secs(20));
        }
        Ok(())
    }

    /// Does something.
    pub(super) fn step(&mut self, simulator: &Simulator) -> Result<()> {
        match self.random.u8(..100) {
            0..40 => {
                let count = self.random.usize(1..=60);
                self.create(simulator, count)
            }
            40..62 => {
                let people = self.some(40);
                self.import(simulator, &people)
            }
            62..65 => self.change_neighbours(simulator, MANY),
            65..80 => {
                let mut people = self.some(60);
                // Those who left come back.
                people.append(&mut self.left);
                self.joined.clone_from(&people);
                self.list(simulator, http::Method::POST, &people)
            }
            80..84 => {
                let people: Vec<usize> = self.joined.drain(..).take(10).collect();
                self.left.extend(&people);
                self.list(simulator, http::Method::DELETE, &people)
            }
            84..99 => {
                let people = self.some(60);
                self.track(simulator, &people)
            }
            _ => {
                let person = json!({ "type": "profile", "attributes": { "email": email(self.random.usize(..self.created)) } });
                let attributes = json!({ "profile": { "data": person } });
                let body =
                    json!({ "data": { "type": "data-privacy-deletion-job", "attributes": attributes } });
                send(simulator, http::Method::POST, DELETIONS, &body)
            }
        }
    }

    /// Changes people who are neighbours in the order of changes, as a nightly import does.
    pub(super) fn change_neighbours(&mut self, simulator: &Simulator, most: usize) -> Result<()> {
        let first = self.random.usize(..self.created);
        let people: Vec<usize> = (first..self.created).take(most).collect();
        self.import(simulator, &people)
    }

    /// Some of the people, up to so many, without repetition.
    fn some(&mut self, most: usize) -> Vec<usize> {
        let count = self.random.usize(1..=most);
        let mut people: Vec<usize> = (0..count).map(|_| self.random.usize(..self.created)).collect();
        people.sort_unstable();
        people.dedup();
        people
    }

    fn create(&mut self, simulator: &Simulator, count: usize) -> Result<()> {
        let new: Range<usize> = self.created..self.people.min(self.created + count);
        self.created = new.end;
        self.import(simulator, &new.collect::<Vec<_>>())
    }

    fn import(&mut self, simulator: &Simulator, people: &[usize]) -> Result<()> {
        let mut row = |person: &usize| {
            self.change += 1;
            let attributes = json!({ "email": email(*person), "title": self.change.to_string() });
            json!({ "type": "profile", "attributes": attributes })
        };
        let rows: Vec<Value> = people.iter().map(&mut row).collect();
        let attributes = json!({ "profiles": { "data": rows } });
        let body = json!({ "data": { "type": "profile-bulk-import-job", "attributes": attributes } });
        send(simulator, http::Method::POST, IMPORTS, &body)
    }

    /// Adds people to the list, or removes them.
    fn list(&mut self, simulator: &Simulator, method: http::Method, people: &[usize]) -> Result<()> {
        let account = simulator.account();
        let ids = people.iter().filter_map(|person| account.profile("email", &email(*person)));
        let data: Vec<Value> = ids.map(|profile| json!({ "type": "profile", "id": profile.id })).collect();
        drop(account);
        if data.is_empty() { Ok(()) } else { send(simulator, method, MEMBERS, &json!({ "data": data })) }
    }

    fn track(&mut self, simulator: &Simulator, people: &[usize]) -> Result<()> {
        let now = simulator.date();
        let mut one = |person: &usize| {
            self.event += 1;
            let metric = self.random.choice(["Placed Order", "Viewed Product", "Active on Site"]);
            let before = Duration::from_secs(self.random.u64(..=REPORTED_AFTER.as_secs()));
            let event = json!({ "type": "event", "attributes": {
                "metric": { "data": { "type": "metric", "attributes": { "name": metric } } },
                "properties": {},
                "time": humantime::format_rfc3339_seconds(now - before).to_string(),
                "unique_id": self.event.to_string(),
            } });
            let profile = json!({ "type": "profile", "attributes": { "email": email(*person) } });
            let attributes = json!({ "profile": { "data": profile }, "events": { "data": [event] } });
            json!({ "type": "event-bulk-create", "attributes": attributes })
        };
        let data: Vec<Value> = people.iter().map(&mut one).collect();
        let attributes = json!({ "events-bulk-create": { "data": data } });
        let body = json!({ "data": { "type": "event-bulk-create-job", "attributes": attributes } });
        send(simulator, http::Method::POST, EVENTS, &body)
    }
}

fn email(person: usize) -> String {
    format!("person+{person}@example.com")
}

fn send(simulator: &Simulator, method: http::Method, path: &str, body: &Value) -> Result<()> {
    let request = http::Request::builder()
        .method(method)
        .uri(path)
        .header("authorization", format!("Klaviyo-API-Key {KEY}"))
        .header("revision", "2025-01-15")
        .header("content-type", "application/vnd.api+json")
        .body(body.to_string())?;
    match simulator.answer(request) {
        Reply::Answer(answer) if answer.status().is_success() => Ok(()),
        other => bail!("{path} was not accepted: {other:?}"),
    }
}

//! Events and their metrics. What a request reports becomes an event later, as a job.

use crate::account::Account;
use crate::check::given;
use crate::clock::timestamp;
use crate::keyset::Key;
use crate::lateness::Hidden;
use crate::profile::IDENTIFIERS;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};
use std::time::{Duration, SystemTime};

/// Something that a person did.
#[derive(Clone, Debug)]
pub struct Event {
    /// Klaviyo's id.
    pub id: String,
    /// The id of its metric.
    pub metric: String,
    /// The id of the person's profile.
    pub profile: String,
    /// The properties, with the value as `$value`. A number that a [`Value`] cannot hold exactly is as in
    /// [`Profile::attributes`](crate::Profile::attributes).
    pub properties: Map<String, Value>,
    /// When it happened, to the second.
    pub time: SystemTime,
}

/// What events of one kind are called.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Klaviyo's id.
    pub id: String,
    /// Its name, such as `Placed Order`.
    pub name: String,
    /// The integration that reports it: `API`, unless a request names another service.
    pub service: String,
    pub(crate) created: String,
}

/// An event as a request reports it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Report {
    /// The person: an id, attributes, and the `meta` of the resource with them.
    pub(crate) id: Option<String>,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) patch: Value,
    pub(crate) metric: String,
    pub(crate) service: Option<String>,
    /// None: when the request came.
    pub(crate) time: Option<SystemTime>,
    pub(crate) unique_id: Option<String>,
    pub(crate) properties: Map<String, Value>,
}

/// The reports of one request.
#[derive(Debug)]
struct Job {
    accepted: Duration,
    date: SystemTime,
    reports: Vec<Report>,
}

/// The events of an account.
#[derive(Debug, Default)]
pub(crate) struct Events {
    /// By id, in the order in which they were recorded.
    pub(crate) all: IndexMap<String, Event>,
    /// By id, in the order of their first events.
    pub(crate) metrics: IndexMap<String, Metric>,
    /// The metric, the profile and the unique id of each.
    recorded: HashSet<[String; 3]>,
    /// The events that readers see: their times and numbers.
    shown: BTreeSet<Key>,
    /// The same by profile, because accounts are large.
    shown_of: HashMap<String, BTreeSet<Key>>,
    jobs: VecDeque<Job>,
}

impl Account {
    /// The events, in the order in which Klaviyo recorded them. Those that are late are among them.
    pub fn events(&self) -> impl Iterator<Item = &Event> {
        self.events.all.values()
    }

    /// The metrics, in the order of their first events.
    pub fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.events.metrics.values()
    }

    /// Accepts the reports of a request.
    pub(crate) fn accept_events(&mut self, reports: Vec<Report>) {
        let (accepted, date) = (self.clock.now(), self.clock.date());
        self.events.jobs.push_back(Job { accepted, date, reports });
    }

    /// Records the events that are due.
    pub(crate) fn run_events(&mut self) {
        let now = self.clock.now();
        let due = |job: &Job, delay| job.accepted.saturating_add(delay) <= now;
        while self.events.jobs.front().is_some_and(|job| due(job, self.job_delay)) {
            let Some(job) = self.events.jobs.pop_front() else { return };
            job.reports.into_iter().for_each(|report| self.record(report, job.date));
        }
    }

    /// Records an event, unless it is recorded already.
    pub(crate) fn record(&mut self, report: Report, accepted: SystemTime) {
        let Some(position) = self.person(&report) else { return };
        let Some(profile) = self.profile_at(position).map(|profile| profile.id.clone()) else { return };
        let time = timestamp(report.time.unwrap_or(accepted));
        self.join_segments_of(&report.metric, &profile);
        let metric = self.events.metric(report.metric, report.service, self.clock.timestamp());
        let unique_id = report.unique_id.unwrap_or_else(|| time.clone());
        if !self.events.recorded.insert([metric.clone(), profile.clone(), unique_id]) {
            return;
        }
        // Unproven: that an event changes `updated`. It changes `last_event_date`, which is of the profile.
        self.touch(position);
        if let Some(own) = self.profile_at_mut(position).map(|profile| &mut profile.last_event_date) {
            *own = own.take().max(Some(time.clone()));
        }
        let number = self.events.all.len();
        let id = event_id(number);
        let event = Event {
            id: id.clone(),
            metric,
            profile,
            properties: report.properties,
            time: crate::clock::parse(&time).unwrap_or(accepted),
        };
        self.events.all.insert(id, event);
        if self.is_late() {
            self.hide(Hidden::Event(number));
        } else {
            self.events.show(number);
        }
    }

    /// The profile of a report. It is made if there is none, and gets the attributes of the report.
    fn person(&mut self, report: &Report) -> Option<usize> {
        let mut attributes = report.attributes.clone();
        let position = match &report.id {
            // Unproven: an event of an id that no profile has is lost.
            Some(id) => Some(self.position_of("id", id)?),
            None => self.holders(&attributes).first().copied(),
        };
        let Some(position) = position else {
            let position = self.create(attributes);
            self.patch(position, &report.patch);
            return Some(position);
        };
        // Unproven: an identifier of another profile stays there, and the event is not refused.
        for name in IDENTIFIERS {
            let holder = given(&attributes, name).and_then(|value| self.position_of(name, value));
            if holder.is_some() {
                attributes.shift_remove(name);
            }
        }
        if attributes.values().any(|value| !value.is_null()) {
            self.write(position, attributes);
        }
        self.patch(position, &report.patch);
        Some(position)
    }
}

impl Events {
    /// The id of a metric, which is made if there is none.
    fn metric(&mut self, name: String, service: Option<String>, now: String) -> String {
        let service = service.unwrap_or_else(|| "API".to_owned());
        let known = self.metrics.values().find(|own| own.name == name && own.service == service);
        if let Some(known) = known {
            return known.id.clone();
        }
        let id = short_id(METRIC, self.metrics.len(), 6);
        self.metrics.insert(id.clone(), Metric { id: id.clone(), name, service, created: now });
        id
    }

    /// Makes an event visible to readers.
    pub(crate) fn show(&mut self, number: usize) {
        let Some((_, event)) = self.all.get_index(number) else { return };
        let key = (timestamp(event.time), number);
        self.shown_of.entry(event.profile.clone()).or_default().insert(key.clone());
        self.shown.insert(key);
    }

    /// The events that readers see: of this profile, or of all.
    pub(crate) fn shown(&self, profile: Option<&str>) -> &BTreeSet<Key> {
        static NONE: BTreeSet<Key> = BTreeSet::new();
        match profile {
            Some(profile) => self.shown_of.get(profile).unwrap_or(&NONE),
            None => &self.shown,
        }
    }

    /// Makes the events of a profile another's.
    pub(crate) fn assign(&mut self, from: &str, into: &str) {
        for event in self.all.values_mut().filter(|event| event.profile == from) {
            into.clone_into(&mut event.profile);
        }
        let moved = self.shown_of.remove(from).unwrap_or_default();
        self.shown_of.entry(into.to_owned()).or_default().extend(moved);
    }

    /// Hides the events of a profile from readers for ever.
    pub(crate) fn forget(&mut self, profile: &str) {
        for key in self.shown_of.remove(profile).unwrap_or_default() {
            self.shown.remove(&key);
        }
    }

    /// Whether readers see the event with this id.
    pub(crate) fn visible(&self, id: &str) -> Option<&Event> {
        let (number, _, event) = self.all.get_full(id)?;
        self.shown.contains(&(timestamp(event.time), number)).then_some(event)
    }

    /// The number of requests whose events are not recorded yet.
    pub(crate) fn pending(&self) -> usize {
        self.jobs.len()
    }
}

impl Event {
    /// A UUID that begins with the time.
    pub(crate) fn uuid(&self) -> String {
        let seconds = self.time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        let end: String = self.id.bytes().rev().take(6).map(|byte| format!("{byte:02x}")).collect();
        format!("{seconds:08x}-0000-1000-8001-{end}")
    }
}

impl Metric {
    pub(crate) fn resource(&self, origin: &str) -> Value {
        json!({
            "type": "metric",
            "id": self.id,
            "attributes": {
                "name": self.name,
                "created": self.created,
                "updated": self.created,
                // Unproven: its members.
                "integration": {
                    "object": "integration",
                    "id": short_id(INTEGRATION, self.service.bytes().map(usize::from).sum(), 6),
                    "name": self.service,
                    "category": self.service,
                },
            },
            "links": { "self": format!("{origin}/api/metrics/{}/", self.id) },
        })
    }
}

const METRIC: usize = 0x2b_9d_41;
const INTEGRATION: usize = 0x11_5c_73;

/// The id of the n-th event.
fn event_id(n: usize) -> String {
    format!("3{}", short_id(0x4f_1b_bc_dc, n, 10))
}

/// A short id like Klaviyo's: the n-th after a start.
fn short_id(start: usize, n: usize, length: u32) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // The factor has no divisor in common with the number of ids, so each number has an id of its own.
    let wide = |number: usize| u128::try_from(number).unwrap_or_default();
    let mut rest = (wide(start) + wide(n) * 4_294_967_291) % 62_u128.pow(length);
    let mut id = String::new();
    for _ in 0..length {
        let digit = usize::try_from(rest % 62).ok().and_then(|digit| DIGITS.get(digit));
        id.push(digit.copied().map_or('0', char::from));
        rest /= 62;
    }
    id
}

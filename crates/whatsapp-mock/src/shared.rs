//! The state that the people, the requests and the webhooks of a simulator share.

use crate::business::Business;
use crate::contact::{Contact, country, key};
use crate::limits::Meter;
use crate::outbox::Outbox;
use crate::statuses::Step;
use crate::updates::{Packing, Update, pack, written};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use klaviyo_mock::{Clock, Injector, draw};
use parking_lot::{Condvar, Mutex};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// What a simulator is made of.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) business: Business,
    pub(crate) clock: Clock,
    pub(crate) world: Mutex<World>,
    /// Something has changed: there may be work, or what somebody waits for.
    pub(crate) changed: Condvar,
}

#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) people: Vec<State>,
    /// The place of each person, by everything that the person can be found by.
    places: HashMap<String, usize>,
    pub(crate) sent: Vec<Sent>,
    pub(crate) outbox: Outbox,
    pub(crate) meter: Meter,
    pub(crate) injector: Injector,
    /// The number of requests.
    pub(crate) requests: u64,
    /// Where webhooks go.
    pub(crate) webhook: Option<String>,
    /// Set while updates are collected for one body.
    pub(crate) held: Option<Vec<Update>>,
    /// The number of ids that were made.
    ids: u64,
    /// Grows with each change.
    pub(crate) version: u64,
    /// The simulator has ended.
    pub(crate) is_over: bool,
}

/// A person, and what the simulator knows of them.
#[derive(Clone, Debug)]
pub(crate) struct State {
    pub(crate) contact: Contact,
    /// When the person last wrote.
    pub(crate) wrote: Option<Duration>,
    /// The ids of what the person has sent.
    pub(crate) messages: Vec<String>,
    /// The places of what the business has sent to the person.
    pub(crate) got_messages: Vec<usize>,
    /// When the business last sent something.
    pub(crate) got: Option<Duration>,
    /// Whether the person has stopped marketing.
    pub(crate) has_stopped: bool,
    /// Whether the last message of the business asks for the number.
    pub(crate) is_asked: bool,
    /// The code with which messages to the person fail.
    pub(crate) fails_with: Option<u32>,
}

/// A message of the business.
#[derive(Clone, Debug)]
pub(crate) struct Sent {
    /// The place of the person.
    pub(crate) person: usize,
    pub(crate) message: Message,
    pub(crate) at: Duration,
    pub(crate) steps: Vec<Step>,
}

/// A message that the business has sent.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Meta's id of it: `wamid.…`.
    pub id: String,
    /// The number or the id that it was sent to, as the request had it.
    pub to: String,
    /// `text`, `interactive` (which asks for the number) or `template`.
    pub kind: &'static str,
    /// What the person reads, or the name of the template.
    pub text: String,
    /// The id of the message that it answers.
    pub context: Option<String>,
    /// The whole body of the request.
    pub body: Value,
    /// When it was sent, in seconds since 1970.
    pub at: u64,
}

impl Shared {
    pub(crate) fn new(business: Business) -> Self {
        let world = World {
            injector: Injector::new(business.faults.clone()),
            webhook: business.webhook.clone(),
            ..World::default()
        };
        let clock = business.clock.clone().unwrap_or_else(Clock::running);
        Self { business, clock, world: Mutex::new(world), changed: Condvar::new() }
    }

    /// Changes the state, and wakes all who wait for a change.
    pub(crate) fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = self.world.lock();
        let result = change(&mut world);
        world.version += 1;
        self.changed.notify_all();
        result
    }

    /// Hands a line to the log.
    pub(crate) fn report(&self, line: &str) {
        if let Some(report) = &self.business.report {
            (report.0)(line);
        }
    }

    /// The time this long after the start, in seconds since 1970.
    pub(crate) fn unix(&self, at: Duration) -> u64 {
        let start = self.clock.date().checked_sub(self.clock.now()).unwrap_or(SystemTime::UNIX_EPOCH);
        let since = start.checked_add(at).and_then(|date| date.duration_since(SystemTime::UNIX_EPOCH).ok());
        since.unwrap_or_default().as_secs()
    }

    /// A new id for a message.
    pub(crate) fn new_id(&self, world: &mut World) -> String {
        world.ids += 1;
        let code = STANDARD.encode(format!("{:016x}{:016x}", self.business.seed, world.ids));
        format!("wamid.{code}")
    }

    /// Adds somebody, or changes who the person with this number is. Returns the person's place.
    pub(crate) fn place(&self, world: &mut World, mut contact: Contact) -> usize {
        let place = world.find(&contact.number).unwrap_or(world.people.len());
        if contact.user_id.is_none() {
            let id = world.people.get(place).and_then(|old| old.contact.user_id.clone());
            contact.user_id = Some(id.unwrap_or_else(|| {
                self.new_user_id(u64::try_from(place).unwrap_or_default(), &contact.number)
            }));
        }
        if place == world.people.len() {
            world.places.extend(contact.keys().map(|key| (key, place)));
            world.people.push(State {
                contact,
                wrote: None,
                messages: Vec::new(),
                got_messages: Vec::new(),
                got: None,
                has_stopped: false,
                is_asked: false,
                fails_with: None,
            });
        } else {
            world.become_other(place, contact);
        }
        place
    }

    /// An id of a person for this business.
    pub(crate) fn new_user_id(&self, person: u64, number: &str) -> String {
        const FIRST: u64 = 13_491_208_655_302_741_918;
        let id = FIRST.wrapping_add(self.business.seed.wrapping_mul(1_000_003)).wrapping_add(person);
        format!("{}.{id}", country(number))
    }

    /// An id that nobody has had. The first ones are counted by the people.
    pub(crate) fn another_user_id(&self, world: &mut World, number: &str) -> String {
        world.ids += 1;
        self.new_user_id((1 << 32) + world.ids, number)
    }

    /// Sends a webhook about a person, or keeps it for the body that is being collected.
    pub(crate) fn publish(&self, world: &mut World, update: Update) {
        match &mut world.held {
            Some(held) => held.push(update),
            None => self.post(world, &[update], Packing::Values),
        }
    }

    /// Sends what was collected.
    pub(crate) fn release(&self, world: &mut World, packing: Packing) {
        let held = world.held.take().unwrap_or_default();
        if !held.is_empty() {
            self.post(world, &held, packing);
        }
    }

    /// Puts a webhook about people into the outbox.
    fn post(&self, world: &mut World, updates: &[Update], packing: Packing) {
        // The places tell the draws apart.
        const LATE: u64 = 1;
        let drawn = draw(self.business.seed, LATE, world.outbox.len() + 1);
        let due = self.clock.now().saturating_add(self.business.late.mul_f64(drawn));
        self.post_at(world, updates, packing, due);
    }

    /// Puts a webhook into the outbox for this time; twice if it is one of those.
    pub(crate) fn post_at(&self, world: &mut World, updates: &[Update], packing: Packing, due: Duration) {
        const TWICE: u64 = 2;
        let body: Arc<[u8]> = written(&pack(updates, packing, &self.business.address)).into();
        let labels: Vec<&str> = updates.iter().map(|update| update.label.as_str()).collect();
        let label = labels.join("; ");
        let number = world.outbox.len() + 1;
        let is_doubled = self.business.twice.as_ref();
        let is_doubled = is_doubled.is_some_and(|when| when.hits(self.business.seed, TWICE, number));
        for _ in 0..=usize::from(is_doubled) {
            world.outbox.put(Arc::clone(&body), &label, due);
        }
    }
}

impl World {
    /// The place of the person with this number, id or username.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        self.places.get(&key(id)).copied()
    }

    /// Changes who the person at this place is.
    pub(crate) fn become_other(&mut self, place: usize, contact: Contact) {
        let Some(person) = self.people.get_mut(place) else { return };
        for key in person.contact.keys() {
            self.places.remove(&key);
        }
        self.places.extend(contact.keys().map(|key| (key, place)));
        person.contact = contact;
    }

    /// What the business has sent to the person at this place, oldest first.
    pub(crate) fn sent_to(&self, place: usize) -> impl DoubleEndedIterator<Item = &Sent> {
        let places = self.people.get(place).map(|person| person.got_messages.as_slice()).unwrap_or_default();
        places.iter().filter_map(|place| self.sent.get(*place))
    }
}

//! An account: its keys, lists, profiles, memberships, consent and jobs.

use crate::access::Keys;
use crate::changes::Change;
use crate::check::given;
use crate::clock::Clock;
use crate::consent::{Channel, OptIn, State, Suppression};
use crate::events::Events;
use crate::imports::{Import, Work};
use crate::jobs::Job;
use crate::lateness::Lateness;
use crate::membership::Members;
use crate::patch;
use crate::profile::{IDENTIFIERS, Profile, merge};
use crate::profile_store::ProfileStore;
use crate::rates::Meter;
use crate::segments::Segment;
use crate::versions::Versions;
use indexmap::IndexMap;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;

/// One account.
#[derive(Debug, Default)]
pub struct Account {
    pub(crate) keys: Keys,
    pub(crate) lists: IndexMap<String, List>,
    pub(crate) profiles: ProfileStore,
    /// The position of each profile, by id and by each identifier.
    pub(crate) positions: HashMap<(&'static str, String), usize>,
    /// It applies to subscriptions without a list: with [`OptIn::Double`] a new person has to confirm first,
    /// and so is not created.
    pub(crate) opt_in: OptIn,
    pub(crate) imports: IndexMap<String, Import>,
    pub(crate) import_work: VecDeque<Work>,
    pub(crate) import_refusals: BTreeMap<String, String>,
    pub(crate) changes: VecDeque<Change>,
    requests: BTreeMap<&'static str, u64>,
    throttled: u64,
    /// What the keys used together, and what each installation of an app used.
    pub(crate) meters: HashMap<Option<u64>, Meter>,
    /// This and the delay are set when the account is served.
    pub(crate) clock: Clock,
    pub(crate) job_delay: Duration,
    pub(crate) events: Events,
    pub(crate) lateness: Lateness,
    pub(crate) versions: Versions,
    pub(crate) segments: IndexMap<String, Segment>,
    pub(crate) jobs: VecDeque<Job>,
    /// The channels that the account has not set up.
    pub(crate) missing_channels: BTreeSet<Channel>,
}

#[derive(Debug)]
pub(crate) struct List {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) created: String,
    pub(crate) opt_in: OptIn,
    pub(crate) members: Members,
}

impl Account {
    /// The key of [`Account::demo`].
    pub const DEMO_KEY: &str = "pk_demo_3f9c1b7a5e2d4860";

    /// All scopes that the operations need. The key of [`Account::demo`] has them.
    pub const SCOPES: &[&str] = &[
        "accounts:read",
        "data-privacy:write",
        "events:read",
        "events:write",
        "lists:read",
        "lists:write",
        "metrics:read",
        "profiles:read",
        "profiles:write",
        "segments:read",
        "subscriptions:write",
    ];

    /// An account with a key that has all scopes and three lists, one of them `WhatsApp Opt-Ins` (`Y6nRLr`),
    /// and two segments, one of them `Bought something` (`Tq5hBs`): people with the event `Placed Order`.
    #[must_use]
    pub fn demo() -> Self {
        let mut account = Self::default();
        account.add_key(Self::DEMO_KEY, Self::SCOPES);
        account.add_list("X7kQpz", "Newsletter");
        account.add_list("Y6nRLr", "WhatsApp Opt-Ins");
        account.add_list("UdR4mA", "VIP customers");
        account.add_segment_of("Tq5hBs", "Bought something", "Placed Order");
        account.add_segment_of("VnR8wE", "Visited the site", "Active on Site");
        account
    }

    /// Adds a private key that has these scopes, such as `profiles:read`.
    pub fn add_key(&mut self, key: &str, scopes: &[&str]) {
        self.keys.add(key, scopes);
    }

    /// Adds a list that people join at once.
    pub fn add_list(&mut self, id: &str, name: &str) {
        self.add_list_with(id, name, OptIn::Single);
    }

    /// Adds a list that people join in this way.
    pub fn add_list_with(&mut self, id: &str, name: &str, opt_in: OptIn) {
        let list = List {
            id: id.to_owned(),
            name: name.to_owned(),
            created: self.clock.timestamp(),
            opt_in,
            members: Members::default(),
        };
        self.lists.insert(id.to_owned(), list);
    }

    /// Starts the clock: the lists and segments are created at this moment.
    pub(crate) fn start(&mut self, clock: &Clock, job_delay: Duration) {
        self.clock = clock.clone();
        self.job_delay = job_delay;
        for list in self.lists.values_mut() {
            list.created = clock.timestamp();
        }
        for segment in self.segments.values_mut() {
            segment.created = clock.timestamp();
        }
    }

    /// Sets how people subscribe without a list. Default: [`OptIn::Double`].
    pub fn set_opt_in(&mut self, opt_in: OptIn) {
        self.opt_in = opt_in;
    }

    /// From now on the account is one that has not set a channel up: Klaviyo refuses every subscribe request
    /// that names it.
    pub fn lacks_channel(&mut self, channel: Channel) {
        self.missing_channels.insert(channel);
    }

    /// From now on Klaviyo fails to import the profile with this identifier (an email, a phone number or an
    /// external id), with this explanation among the import errors of the job.
    pub fn refuse_to_import(&mut self, identifier: &str, detail: &str) {
        self.import_refusals.insert(identifier.to_ascii_lowercase(), detail.to_owned());
    }

    /// Suppresses email to a profile, if there is one with this id.
    pub fn suppress(&mut self, id: &str, reason: Suppression) {
        let now = self.clock.timestamp();
        let Some(position) = self.position_of("id", id) else { return };
        self.touch(position);
        if let Some(profile) = self.profiles.get_mut(position) {
            profile.suppressions.push((reason, now));
        }
    }

    /// Confirms a double opt-in, as a person does with its link: unconfirmed consent becomes given, and the
    /// person joins the lists that waited.
    pub fn confirm(&mut self, id: &str) {
        let now = self.clock.timestamp();
        let waiting = self.position_of("id", id);
        let waiting = waiting.filter(|position| self.profile_at(*position).is_some_and(Profile::waits));
        let Some(position) = waiting else { return };
        self.touch(position);
        let Some(profile) = self.profiles.get_mut(position) else { return };
        for consent in profile.consents.values_mut().filter(|consent| consent.state == State::Unconfirmed) {
            consent.state = State::Subscribed;
            consent.confirmed = true;
            consent.since = Some(now.clone());
        }
        profile.suppressions.retain(|(reason, _)| !reason.is_lifted());
        for list in std::mem::take(&mut profile.unconfirmed) {
            self.join(&list, id);
        }
    }

    /// The ids of a list's members, sorted; empty if there is no such list.
    #[must_use]
    pub fn members(&self, list: &str) -> Vec<String> {
        let list = self.lists.get(list);
        let members = list.into_iter().flat_map(|list| list.members.iter());
        let mut members: Vec<String> = members.map(|(id, _)| id.to_owned()).collect();
        members.sort();
        members
    }

    /// The ids of a list's members, and when each joined, in that order; empty if there is no such list. Those
    /// that are late are among them.
    pub fn joined(&self, list: &str) -> impl Iterator<Item = (&str, &str)> {
        self.lists.get(list).into_iter().flat_map(|list| list.members.iter())
    }

    /// All profiles, in the order in which they were created.
    #[must_use]
    pub fn profiles(&self) -> &[Profile] {
        self.profiles.present()
    }

    /// The profile with this `id`, `email`, `phone_number` or `external_id`. An email is compared without
    /// regard to case.
    #[must_use]
    pub fn profile(&self, by: &str, value: &str) -> Option<&Profile> {
        self.position_of(by, value).and_then(|position| self.profiles.get(position))
    }

    /// The bulk imports, in the order of their requests.
    pub fn imports(&self) -> impl Iterator<Item = &Import> {
        self.imports.values()
    }

    /// The number of answered requests with a key of this account.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.values().sum()
    }

    /// The number of these requests for one operation, by Klaviyo's name, such as `create_profile`.
    #[must_use]
    pub fn requests_of(&self, operation: &str) -> u64 {
        self.requests.get(operation).copied().unwrap_or_default()
    }

    /// The number of requests that were answered 429 because of this account's rates. Those of a fault do not
    /// count.
    #[must_use]
    pub fn throttled(&self) -> u64 {
        self.throttled
    }

    pub(crate) fn throttle(&mut self) {
        self.throttled += 1;
    }

    /// The number of requests for each operation.
    pub(crate) fn requests_by_operation(&self) -> &BTreeMap<&'static str, u64> {
        &self.requests
    }

    pub(crate) fn count(&mut self, operation: &'static str) {
        *self.requests.entry(operation).or_default() += 1;
    }

    /// The position of a profile.
    pub(crate) fn position_of(&self, by: &str, value: &str) -> Option<usize> {
        let name = IDENTIFIERS.into_iter().chain(["id"]).find(|name| *name == by)?;
        self.positions.get(&(name, folded(name, value))).copied()
    }

    /// The profile at a position.
    pub(crate) fn profile_at(&self, position: usize) -> Option<&Profile> {
        self.profiles.get(position)
    }

    pub(crate) fn profile_at_mut(&mut self, position: usize) -> Option<&mut Profile> {
        self.profiles.get_mut(position)
    }

    /// The positions of the profiles that hold one of these identifiers, without repetition.
    pub(crate) fn holders(&self, attributes: &Map<String, Value>) -> Vec<usize> {
        let mut holders = Vec::new();
        for name in IDENTIFIERS {
            let holder = given(attributes, name).and_then(|value| self.position_of(name, value));
            holders.extend(holder.filter(|holder| !holders.contains(holder)));
        }
        holders
    }

    /// Adds a profile and returns its position.
    pub(crate) fn create(&mut self, attributes: Map<String, Value>) -> usize {
        let position = self.profiles.next_position();
        let profile = Profile::new(position, Map::new(), self.clock.timestamp());
        self.positions.insert(("id", profile.id.clone()), position);
        self.profiles.push(profile);
        self.write(position, attributes);
        position
    }

    /// Writes attributes: an omitted one stays, a null one is cleared, and an object is merged.
    pub(crate) fn write(&mut self, position: usize, attributes: Map<String, Value>) {
        self.touch(position);
        let Some(profile) = self.profiles.get_mut(position) else { return };
        for (name, value) in attributes {
            // They identify a visitor of a shop, which the simulator does not have.
            if ["_kx", "anonymous_id"].contains(&name.as_str()) {
                continue;
            }
            let identifier = IDENTIFIERS.into_iter().find(|identifier| *identifier == name);
            if let (Some(identifier), Some(old)) = (identifier, given(&profile.attributes, &name)) {
                self.positions.remove(&(identifier, folded(identifier, old)));
            }
            // Unproven: an empty identifier is none.
            let clears = value.is_null() || (identifier.is_some() && value.as_str() == Some(""));
            if clears {
                profile.attributes.shift_remove(&name);
                continue;
            }
            if let (Some(identifier), Some(new)) = (identifier, value.as_str()) {
                self.positions.insert((identifier, folded(identifier, new)), position);
            }
            merge(&mut profile.attributes, &name, value);
        }
    }

    /// Applies the `meta` of a resource to the properties.
    pub(crate) fn patch(&mut self, position: usize, resource: &Value) {
        if resource.get("meta").is_none() {
            return;
        }
        self.touch(position);
        let Some(profile) = self.profiles.get_mut(position) else { return };
        let properties = profile.attributes.entry("properties").or_insert_with(|| json!({}));
        if let Value::Object(properties) = properties {
            patch::apply(properties, resource);
        }
    }

    /// Adds a profile to a list. A member keeps its position.
    pub(crate) fn join(&mut self, list: &str, id: &str) {
        let now = self.clock.timestamp();
        let Some(members) = self.lists.get_mut(list).map(|list| &mut list.members) else { return };
        if members.join(id, now) {
            self.hide_membership(list, id);
        }
    }

    /// Runs the jobs that are due.
    pub(crate) fn settle(&mut self) {
        self.run_changes();
        self.run_imports();
        self.run_events();
        self.run_jobs();
        self.show_what_was_late();
    }
}

/// The form of a value in the index.
pub(crate) fn folded(name: &str, value: &str) -> String {
    if name == "email" { value.to_ascii_lowercase() } else { value.to_owned() }
}

//! The state of a simulator, and its faults, as JSON.

use crate::account::Account;
use crate::clock::timestamp;
use crate::consent::{Channel, State};
use crate::events::Event;
use crate::profile::Profile;
use crate::simulator::Simulator;
use serde_json::{Map, Value, json};

impl Simulator {
    /// The whole state, as `GET /_mock/state` shows it. Keys are masked. It waits for the guards of all
    /// accounts: a thread that has one waits forever.
    #[must_use]
    pub fn state(&self) -> Value {
        let accounts: Vec<Value> = self.accounts().map(|account| account_state(&account)).collect();
        json!({
            "requests": self.requests(),
            "faults": self.injector().document(),
            "accounts": accounts,
            "installations": self.authority().installed(),
            "refreshes": self.refreshes(),
        })
    }
}

fn account_state(account: &Account) -> Value {
    let keys: Vec<Value> = account
        .keys
        .all()
        .iter()
        .map(|(key, scopes)| json!({ "key": masked(key), "scopes": scopes }))
        .collect();
    let lists: Vec<Value> = account
        .lists
        .values()
        .map(|list| {
            let members: Vec<&str> = list.members.iter().map(|(id, _)| id).collect();
            let opt_in = list.opt_in.as_ref();
            json!({ "id": list.id, "name": list.name, "opt_in_process": opt_in, "members": members })
        })
        .collect();
    let segments: Vec<Value> = account
        .segments
        .values()
        .map(|segment| {
            let members: Vec<&str> = segment.members.iter().map(|(id, _)| id).collect();
            json!({ "id": segment.id, "name": segment.name, "members": members })
        })
        .collect();
    let profiles: Vec<Value> = account.profiles().iter().map(profile_state).collect();
    let imports: Vec<Value> = account
        .imports()
        .map(|import| {
            let errors: Vec<Value> =
                import.errors.iter().enumerate().map(|(n, error)| error.resource(n)).collect();
            json!({ "job": import.resource(), "errors": errors })
        })
        .collect();
    json!({
        "keys": keys,
        "lists": lists,
        "segments": segments,
        "profiles": profiles,
        "imports": imports,
        "pending_subscription_jobs": account.changes.len(),
        "events": account.events().map(|event| event_state(account, event)).collect::<Vec<_>>(),
        "pending_event_jobs": account.events.pending(),
        "pending_profile_jobs": account.jobs.len(),
        "requests": account.requests_by_operation(),
    })
}

fn profile_state(profile: &Profile) -> Value {
    let consents: Map<String, Value> = profile
        .consents
        .iter()
        .map(|((channel, message), consent)| {
            let state = match consent.state {
                State::Unconfirmed => "UNCONFIRMED",
                state => state.name(),
            };
            let name = match message.into_str() {
                "marketing" => channel.as_ref().to_owned(),
                message => format!("{}.{message}", channel.as_ref()),
            };
            (name, json!({ "state": state, "since": consent.since, "source": consent.source }))
        })
        .collect();
    let suppressions: Vec<&str> = profile.suppressions.iter().map(|(reason, _)| reason.as_ref()).collect();
    json!({
        "id": profile.id,
        "attributes": profile.attributes,
        "created": profile.created,
        "updated": profile.updated,
        "consent": consents,
        "can_receive_email": profile.suppressions.is_empty(),
        "subscribed_to_email": profile.consent(Channel::Email).is_given(),
        "suppressions": suppressions,
    })
}

fn event_state(account: &Account, event: &Event) -> Value {
    let metric = account.metrics().find(|metric| metric.id == event.metric).map(|metric| &metric.name);
    json!({
        "id": event.id,
        "metric": metric,
        "profile": event.profile,
        "datetime": timestamp(event.time),
        "properties": event.properties,
    })
}

/// The start and the end of a key: enough to tell it from others.
fn masked(key: &str) -> String {
    let start: String = key.chars().take(3).collect();
    let length = key.chars().count();
    let end: String = key.chars().skip(length.saturating_sub(4)).filter(|_| length >= 16).collect();
    format!("{start}…{end}")
}

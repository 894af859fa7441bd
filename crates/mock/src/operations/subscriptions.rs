//! Bulk subscriptions and unsubscriptions. The answer is 202 without a body; the effect comes later.

use super::no_list;
use crate::answer::{Answer, Refusal};
use crate::call::Call;
use crate::changes::{Change, Person};
use crate::check::{self, Result, given, member, object, row_pointer, rows};
use crate::clock;
use crate::consent::{Channel, Message, State};
use crate::revision::Revision;
use crate::shape::{self, Shape};
use http::StatusCode;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

const SUBSCRIBED_AT_ONCE: usize = 1_000;
const UNSUBSCRIBED_AT_ONCE: usize = 100;

/// A kind of request.
struct JobRequest {
    kind: &'static str,
    to: State,
    most: usize,
    revision: Revision,
    now: SystemTime,
    historical: bool,
    /// The channels that the account has not set up.
    missing_channels: BTreeSet<Channel>,
}

pub(crate) fn subscribe(call: &mut Call<'_>) -> Result<Answer> {
    let kind = "profile-subscription-bulk-create-job";
    accept(call, kind, State::Subscribed, SUBSCRIBED_AT_ONCE, &shape::SUBSCRIPTION)
}

pub(crate) fn unsubscribe(call: &mut Call<'_>) -> Result<Answer> {
    let kind = "profile-subscription-bulk-delete-job";
    accept(call, kind, State::Unsubscribed, UNSUBSCRIBED_AT_ONCE, &shape::UNSUBSCRIPTION)
}

fn accept(call: &mut Call<'_>, kind: &'static str, to: State, most: usize, shape: &Shape) -> Result<Answer> {
    let document = call.document()?;
    let mut request = JobRequest {
        kind,
        to,
        most,
        revision: call.revision,
        now: call.account.clock.date(),
        historical: false,
        missing_channels: call.account.missing_channels.clone(),
    };
    let accepted = call.account.clock.now();
    let change = request.read(&document, accepted)?;
    shape.check(&document, call.revision)?;
    // Unproven: the answer if there is no such list.
    if let Some(unknown) = change.list.as_ref().filter(|id| !call.account.lists.contains_key(*id)) {
        return Err(no_list(unknown).into());
    }
    call.account.changes.push_back(change);
    Ok(Answer::Nothing(StatusCode::ACCEPTED))
}

impl JobRequest {
    fn read(&mut self, document: &Value, accepted: Duration) -> Result<Change> {
        let data = member(document, "data", "/data")?;
        check::resource(data, self.kind, "/data")?;
        let attributes = object(data, "attributes", "/data")?;
        let historical = attributes.get("historical_import").and_then(Value::as_bool);
        self.historical = historical.unwrap_or_default();
        let source = attributes.get("custom_source").and_then(Value::as_str).map(str::to_owned);
        let rows = rows(member(data, "attributes", "/data")?, self.most)?;
        let people = rows.iter().enumerate().map(|(n, row)| self.person(row, &row_pointer(n)));
        let people = people.collect::<Result<_>>()?;
        let list = match data.pointer("/relationships/list/data") {
            None => None,
            Some(list) => {
                let pointer = "/data/relationships/list/data";
                check::resource(list, "list", pointer)?;
                let id = list.get("id").and_then(Value::as_str);
                let missing = || Refusal::invalid("'id' is a required property", pointer);
                Some(id.ok_or_else(missing)?.to_owned())
            }
        };
        Ok(Change { accepted, to: self.to, list, historical: self.historical, source, people })
    }

    fn person(&self, row: &Value, pointer: &str) -> Result<Person> {
        check::resource(row, "profile", pointer)?;
        let own = object(row, "attributes", pointer)?;
        let pointer = format!("{pointer}/attributes");
        let id = row.get("id").and_then(Value::as_str).map(str::to_owned);
        let mut attributes = own.clone();
        attributes.retain(|name, _| ["email", "phone_number"].contains(&name.as_str()));
        let known = ["email", "phone_number", "subscriptions", "age_gated_date_of_birth"];
        if let Some(name) = own.keys().find(|name| !known.contains(&name.as_str())) {
            let detail = format!("'{name}' is not a valid field for the resource 'profile'.");
            return Err(Refusal::invalid(&detail, &pointer).into());
        }
        check::attributes(&attributes, &pointer)?;
        check::phone_number(&attributes, &pointer)?;
        if id.is_none() {
            check::identified(&attributes, &pointer)?;
        }
        let subscriptions = object(row.get("attributes").unwrap_or(&Value::Null), "subscriptions", &pointer)?;
        let messages = self.messages(subscriptions, &format!("{pointer}/subscriptions"))?;
        for (channel, ..) in &messages {
            let needed = match channel {
                Channel::Email => "email",
                Channel::Sms | Channel::WhatsApp => "phone_number",
                Channel::Push => continue,
            };
            // Unproven: the text. A profile that is named by its id may have the identifier itself.
            if id.is_none() && given(&attributes, needed).is_none() {
                let detail = format!("'{needed}' is required for the channel '{}'", channel.as_ref());
                return Err(Refusal::invalid(&detail, &pointer).into());
            }
        }
        Ok(Person { id, attributes, messages })
    }

    /// Reads `{"email": {"marketing": {"consent": "SUBSCRIBED"}}}`.
    fn messages(
        &self,
        channels: &Map<String, Value>,
        pointer: &str,
    ) -> Result<Vec<(Channel, Message, Option<String>)>> {
        let refuse = |detail: String, pointer: &str| Err(Refusal::invalid(&detail, pointer).into());
        let mut messages = Vec::new();
        for (name, asked) in channels.iter().filter(|(_, asked)| !asked.is_null()) {
            let Some(channel) = Channel::known(self.revision).find(|channel| channel.as_ref() == name) else {
                let detail = format!("'{name}' is not a valid field for the resource 'subscriptions'.");
                return refuse(detail, pointer);
            };
            let pointer = format!("{pointer}/{name}");
            // Unproven: the text, and that withdrawing is accepted.
            if self.to == State::Subscribed && self.missing_channels.contains(&channel) {
                return refuse(format!("The channel '{name}' is not set up for this account."), &pointer);
            }
            let Some(asked) = asked.as_object() else {
                return refuse(format!("'{name}' must be an object"), &pointer);
            };
            for (name, consent) in asked.iter().filter(|(_, consent)| !consent.is_null()) {
                // The tokens of a device stand beside the consent to push.
                if channel == Channel::Push && ["tokens", "anonymous_id"].contains(&name.as_str()) {
                    continue;
                }
                let known = |message: &&Message| {
                    message.into_str() == name && message.can_become(self.to, self.revision)
                };
                let Some(message) = channel.messages().iter().find(known) else {
                    let detail = format!("'{name}' is not a valid field for the resource 'subscriptions'.");
                    return refuse(detail, &pointer);
                };
                let at = self.consent(*message, consent, &format!("{pointer}/{name}"))?;
                messages.push((channel, *message, at));
            }
        }
        if messages.is_empty() {
            return refuse("At least one subscription is required".to_owned(), pointer);
        }
        Ok(messages)
    }

    /// Checks one consent, and returns when it was given.
    fn consent(&self, message: Message, consent: &Value, pointer: &str) -> Result<Option<String>> {
        let refuse =
            |detail: &str, member: &str| Err(Refusal::invalid(detail, &format!("{pointer}/{member}")).into());
        if member(consent, "consent", pointer)?.as_str() != Some(self.to.name()) {
            return refuse(
                &format!("'{}' is the only consent that is allowed here", self.to.name()),
                "consent",
            );
        }
        let at = consent.get("consented_at").filter(|at| !at.is_null());
        if self.to == State::Unsubscribed && at.is_some() {
            return refuse("'consented_at' is not a valid field here", "consented_at");
        }
        match (at, self.historical) {
            (None, false) => Ok(None),
            // It never has a time.
            (None, true) if message == Message::OpenTracking => Ok(None),
            (None, true) => refuse("'consented_at' is required with 'historical_import'", "consented_at"),
            (Some(_), false) => refuse("'consented_at' needs 'historical_import'", "consented_at"),
            (Some(at), true) => match at.as_str().and_then(clock::parse) {
                None => refuse("'consented_at' must be a date and time", "consented_at"),
                Some(time) if time > self.now => refuse("'consented_at' must be in the past", "consented_at"),
                Some(time) => Ok(Some(clock::timestamp(time))),
            },
        }
    }
}

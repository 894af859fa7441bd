//! Whether the simulator takes the bodies that a document describes, and no others.
//!
//! What a schema says is not all that Klaviyo asks for: its prose has rules, which [`complete`] keeps to. And
//! the simulator does not simulate everything: [`NOT_SIMULATED`] has what it refuses, and why.

use crate::document::{Document, MediaType, Operation, date};
use crate::examples::{Example, Maker, each_place, faulty};
use crate::schema;
use anyhow::{Context, Result, anyhow, bail};
use jsonschema::Validator;
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use ureq::Agent;
use ureq::http;

/// A list of [`Account::demo`].
const LIST: &str = "Y6nRLr";

/// What is documented, and refused by the simulator all the same.
struct NotSimulated {
    operation: &'static str,
    place: &'static str,
    why: &'static str,
}

/// Why `patch_identifiers` is refused.
const IDENTIFIERS: &str = "the simulator does not know several identifiers of a kind, and refuses them rather than \
    do nothing";

const NOT_SIMULATED: &[NotSimulated] = &[
    NotSimulated { operation: "update_profile", place: "/data/meta/patch_identifiers", why: IDENTIFIERS },
    NotSimulated {
        operation: "create_or_update_profile",
        place: "/data/meta/patch_identifiers",
        why: IDENTIFIERS,
    },
    NotSimulated {
        operation: "bulk_import_profiles",
        place: "/data/attributes/profiles/data/0/meta/patch_identifiers",
        why: IDENTIFIERS,
    },
];

/// What came of the bodies of a document.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How many operations had bodies to try.
    pub(crate) operations: usize,
    /// How many documented bodies were accepted.
    pub(crate) accepted: usize,
    /// How many faulty ones were refused.
    pub(crate) refused: usize,
    /// Documented places that are refused, why, and how many bodies that concerned.
    pub(crate) not_simulated: Vec<(String, &'static str, usize)>,
    /// What should not have been.
    pub(crate) faults: Vec<String>,
}

/// Tries the bodies of a document. None if the simulator does not serve its revision.
pub(crate) fn bodies(document: &Document) -> Result<Option<Outcome>> {
    let mut simulator = Simulator::start(&document.revision)?;
    if !simulator.serves_it()? {
        return Ok(None);
    }
    let simulated: BTreeSet<&str> = klaviyo_mock::operations().collect();
    let mut outcome = Outcome::default();
    for operation in document.operations.iter().filter(|operation| simulated.contains(&*operation.name)) {
        let media_types = operation.body.iter().flat_map(|body| &body.media_types);
        for media_type in media_types {
            outcome.operations = outcome.operations.saturating_add(1);
            let trial = Trial { document, operation, media_type, simulator: &mut simulator };
            trial.run(&mut outcome).with_context(|| format!("in the bodies of {}", operation.name))?;
        }
    }
    Ok(Some(outcome))
}

/// The bodies of an operation on their way to the simulator.
struct Trial<'a> {
    document: &'a Document,
    operation: &'a Operation,
    media_type: &'a MediaType,
    simulator: &'a mut Simulator,
}

impl Trial<'_> {
    fn run(mut self, outcome: &mut Outcome) -> Result<()> {
        let missing: Vec<&NotSimulated> =
            NOT_SIMULATED.iter().filter(|missing| missing.operation == self.operation.name).collect();
        let places: Vec<&str> = missing.iter().map(|missing| missing.place).collect();
        let maker = self.simulator.maker(&self.document.value);
        let most = complete(maker.most_but(&self.media_type.schema, &places)?);
        let mut examples = maker.each(&self.media_type.schema)?;
        examples.push(Example { place: String::new(), body: most.clone() });

        let accepted = self.documented(examples, &missing, outcome)?;
        // The largest body has most places; the others are those of another kind of value.
        let others = accepted.into_iter().filter(|example| most.pointer(&example.place).is_none());
        self.faulty(each_place(&most).into_iter().chain(others), &self.members(&maker), outcome)
    }

    fn validator(&self) -> Result<&Validator> {
        self.media_type
            .validator
            .as_ref()
            .map_err(|why| anyhow!("this check does not understand the schema: {why}"))
    }

    /// Sends what is documented. What was accepted, in full.
    fn documented(
        &mut self,
        examples: Vec<Example>,
        missing: &[&NotSimulated],
        outcome: &mut Outcome,
    ) -> Result<Vec<Example>> {
        let mut accepted = Vec::new();
        let mut refused = vec![0_usize; missing.len()];
        for mut example in examples {
            example.body = complete(example.body);
            let faults = schema::faults(self.validator()?, &example.body);
            if !faults.is_empty() {
                bail!("a body that was made for {:?} is not one: {faults:?}", example.place);
            }
            let (status, answer) = self.simulator.send(self.operation, self.media_type, &example.body)?;
            // Null asks for nothing, and is refused nowhere.
            let asked = |place| example.body.pointer(place).is_some_and(|value| !value.is_null());
            let known = missing.iter().position(|m| is_within(&example.place, m.place) && asked(m.place));
            match (status, known.and_then(|known| refused.get_mut(known))) {
                (200..300, None) => {
                    outcome.accepted = outcome.accepted.saturating_add(1);
                    accepted.push(example);
                }
                (400, Some(count)) => *count = count.saturating_add(1),
                (_, known) => {
                    let but = if known.is_some() { ", though it is listed as not simulated" } else { "" };
                    outcome.faults.push(format!(
                        "{}, body {}: the simulator answers {status} to what is documented{but}: {} {answer}",
                        self.operation.name, example.place, example.body
                    ));
                }
            }
        }
        let refused = missing.iter().zip(refused).filter(|(_, count)| *count > 0);
        let place = |missing: &NotSimulated| format!("{} {}", self.operation.name, missing.place);
        outcome.not_simulated.extend(refused.map(|(missing, count)| (place(missing), missing.why, count)));
        Ok(accepted)
    }

    /// The members that any body of the document has, to be tried where they do not belong: one value of each
    /// kind.
    fn members(&self, maker: &Maker<'_>) -> Vec<(String, Value)> {
        let bodies = self.document.operations.iter().filter_map(|operation| operation.body.as_ref());
        let schemas = bodies.flat_map(|body| &body.media_types).map(|media_type| &media_type.schema);
        // A schema of which no example can be made has no part in this.
        let members = schemas.flat_map(|schema| maker.members(schema).unwrap_or_default());
        let mut seen = BTreeSet::new();
        members.filter(|(name, value)| seen.insert((name.clone(), kind(value)))).collect()
    }

    /// Sends what the schema refuses: each of these bodies with one thing wrong.
    fn faulty(
        &mut self,
        examples: impl Iterator<Item = Example>,
        more: &[(String, Value)],
        outcome: &mut Outcome,
    ) -> Result<()> {
        let mut tried = BTreeSet::new();
        for example in examples {
            for body in faulty(self.validator()?, &example, more) {
                if !tried.insert(body.to_string()) {
                    continue;
                }
                let (status, _) = self.simulator.send(self.operation, self.media_type, &body)?;
                if status == 400 {
                    outcome.refused = outcome.refused.saturating_add(1);
                    continue;
                }
                let why = schema::faults(self.validator()?, &body).into_iter();
                let why: Vec<String> = why.map(|(place, why)| format!("{place}: {why}")).collect();
                outcome.faults.push(format!(
                    "{}, body {}: the simulator answers {status} to what the schema refuses ({}): {body}",
                    self.operation.name,
                    example.place,
                    why.join("; ")
                ));
            }
        }
        Ok(())
    }
}

/// What JSON calls a value.
fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

/// Whether a place is another one, or in it.
fn is_within(place: &str, other: &str) -> bool {
    place.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds to a body what Klaviyo asks for in prose, unless it is there: identifiers, a channel to subscribe to,
/// and with `historical_import` the time of each consent, which go together.
fn complete(mut body: Value) -> Value {
    let kind = body.pointer("/data/type").and_then(Value::as_str).unwrap_or_default().to_owned();
    let Some(attributes) = body.pointer_mut("/data/attributes").and_then(Value::as_object_mut) else {
        return body;
    };
    if kind == "profile" {
        identify(attributes);
    }
    let historical = attributes.get("historical_import") == Some(&Value::Bool(true));
    let consent = if kind.contains("delete") { "UNSUBSCRIBED" } else { "SUBSCRIBED" };
    let mut dated = false;
    let rows = attributes.get_mut("profiles").and_then(|profiles| profiles.get_mut("data")?.as_array_mut());
    for row in rows.into_iter().flatten().filter_map(|row| row.get_mut("attributes")?.as_object_mut()) {
        identify(row);
        ask(row, consent);
        for consent in consents(row) {
            if historical {
                consent.entry("consented_at").or_insert_with(|| json!("2020-01-31T08:00:00+00:00"));
            }
            dated |= consent.get("consented_at").is_some_and(Value::is_string);
        }
    }
    if dated {
        attributes.insert("historical_import".to_owned(), Value::Bool(true));
    }
    body
}

fn identify(attributes: &mut Map<String, Value>) {
    attributes.entry("email").or_insert_with(|| json!("priya@example.com"));
    attributes.entry("phone_number").or_insert_with(|| json!("+919876543210"));
}

/// Asks for a consent, if nothing is asked for.
fn ask(attributes: &mut Map<String, Value>, consent: &str) {
    let channel = if attributes.get("email") == Some(&Value::Null) { "sms" } else { "email" };
    let Some(Value::Object(channels)) = attributes.get_mut("subscriptions") else { return };
    let asks =
        |channel: &Value| channel.as_object().is_some_and(|messages| messages.values().any(Value::is_object));
    if !channels.values().any(asks) {
        channels.insert(channel.to_owned(), json!({ "marketing": { "consent": consent } }));
    }
}

/// The consents of a row to marketing and the like. Tracking has no time.
fn consents(attributes: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let channels = attributes.get_mut("subscriptions").and_then(Value::as_object_mut).into_iter().flatten();
    let messages = channels.filter_map(|(_, channel)| channel.as_object_mut()).flatten();
    let consents = messages
        .filter(|(name, _)| *name != "open_tracking")
        .filter_map(|(_, message)| message.as_object_mut());
    consents.filter(|message| message.contains_key("consent"))
}

/// A simulator that has not seen any of the bodies yet.
struct Simulator {
    revision: String,
    agent: Agent,
    server: Server,
    /// The id of the one profile that there is.
    profile: String,
}

impl Simulator {
    fn start(revision: &str) -> Result<Self> {
        let agent: Agent =
            Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let (server, profile) = fresh(&agent)?;
        Ok(Self { revision: revision.to_owned(), agent, server, profile })
    }

    fn maker<'a>(&self, document: &'a Value) -> Maker<'a> {
        Maker { document, ids: [("profile", self.profile.clone()), ("list", LIST.to_owned())].into() }
    }

    /// Whether requests of the revision are answered, and in that revision.
    fn serves_it(&self) -> Result<bool> {
        let url = format!("{}/api/lists", self.server.url());
        let request =
            self.agent.get(url).header("authorization", authorization()).header("revision", &self.revision);
        let reply = request.call()?;
        let served = reply.headers().get("x-klaviyo-api-revision").and_then(|value| value.to_str().ok());
        Ok(reply.status().is_success() && served.and_then(date) == Some(&*self.revision))
    }

    /// Sends a body; the status and the body of the answer. What was accepted is forgotten.
    fn send(&mut self, operation: &Operation, media_type: &MediaType, body: &Value) -> Result<(u16, String)> {
        let id = if operation.path.starts_with("/api/profiles/") { &self.profile } else { LIST };
        let url = format!("{}{}", self.server.url(), operation.path.replace("{id}", id));
        let request = http::Request::builder()
            .method(operation.method.as_str())
            .uri(url)
            .header("authorization", authorization())
            .header("revision", &self.revision)
            .header("content-type", &media_type.name)
            .body(body.to_string())?;
        let mut reply = self.agent.run(request)?;
        let answer = reply.body_mut().read_to_string()?;
        let status = reply.status().as_u16();
        if status != 400 {
            (self.server, self.profile) = fresh(&self.agent)?;
        }
        Ok((status, answer))
    }
}

fn authorization() -> String {
    format!("Klaviyo-API-Key {}", Account::DEMO_KEY)
}

/// A server with three lists and a profile, and the id of that.
fn fresh(agent: &Agent) -> Result<(Server, String)> {
    let server = Server::start(Klaviyo::from(Account::demo()).rates(Rates::off()).stop_the_clock())?;
    let attributes = json!({ "email": "noah@example.com" });
    let request = agent
        .post(format!("{}/api/profiles", server.url()))
        .header("authorization", authorization())
        .header("revision", "2025-01-15")
        .header("content-type", "application/vnd.api+json");
    request.send(json!({ "data": { "type": "profile", "attributes": attributes } }).to_string())?;
    let id = server.account().profiles().first().map(|profile| profile.id.clone());
    Ok((server, id.context("the simulator did not create a profile")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(attributes: Value, kind: &str, more: Value) -> Value {
        let mut own = json!({ "profiles": { "data": [{ "type": "profile", "attributes": attributes }] } });
        own.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        complete(json!({ "data": { "type": kind, "attributes": own } }))
    }

    #[test]
    fn a_body_gets_what_prose_asks_for_and_keeps_what_it_has() {
        let profile = |attributes: Value| {
            let body = complete(json!({ "data": { "type": "profile", "attributes": attributes } }));
            body["data"]["attributes"].clone()
        };
        assert_eq!(
            profile(json!({})),
            json!({ "email": "priya@example.com", "phone_number": "+919876543210" })
        );
        assert_eq!(profile(json!({ "email": null }))["email"], Value::Null);
        assert_eq!(complete(json!({ "data": [] })), json!({ "data": [] }));
    }

    #[test]
    fn a_subscription_has_a_channel_and_consent_of_old_its_time() {
        let at = "/data/attributes/profiles/data/0/attributes/subscriptions";
        let create = "profile-subscription-bulk-create-job";
        let body = row(json!({ "subscriptions": {} }), create, json!({}));
        assert_eq!(body.pointer(at), Some(&json!({ "email": { "marketing": { "consent": "SUBSCRIBED" } } })));
        let body = row(json!({ "email": null, "subscriptions": { "push": null } }), create, json!({}));
        assert!(body.pointer(&format!("{at}/sms/marketing")).is_some());
        let body = row(json!({ "subscriptions": {} }), "profile-subscription-bulk-delete-job", json!({}));
        assert_eq!(body.pointer(&format!("{at}/email/marketing/consent")).unwrap(), "UNSUBSCRIBED");

        let body = row(json!({ "subscriptions": {} }), create, json!({ "historical_import": true }));
        assert!(body.pointer(&format!("{at}/email/marketing/consented_at")).is_some());
        let dated = json!({ "consent": "SUBSCRIBED", "consented_at": "2020-01-31T08:00:00Z" });
        let body = row(json!({ "subscriptions": { "sms": { "marketing": dated } } }), create, json!({}));
        assert_eq!(body.pointer("/data/attributes/historical_import"), Some(&json!(true)));
    }

    #[test]
    fn a_place_is_within_another_member_by_member() {
        assert!(is_within("/data/meta", "/data/meta"));
        assert!(is_within("/data/meta/unset", "/data/meta"));
        assert!(!is_within("/data/metadata", "/data/meta"));
    }

    #[test]
    fn what_is_not_simulated_names_operations_that_are() {
        for missing in NOT_SIMULATED {
            assert!(
                klaviyo_mock::operations().any(|name| name == missing.operation),
                "{}",
                missing.operation
            );
        }
    }
}

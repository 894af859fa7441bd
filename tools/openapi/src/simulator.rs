//! Checks that the simulator accepts the bodies that a document describes, and no others.
//!
//! Klaviyo's prose has rules beyond the schemas, which [`complete`] applies. The simulator does not simulate
//! everything: [`NOT_SIMULATED`] lists what it refuses, with the reasons.

use crate::document::{Document, MediaType, Operation, date};
use crate::events::{self, identify};
use crate::examples::{Example, ExampleGenerator, each_pointer, faulty};
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

/// Why the simulator refuses what is [`NOT_SIMULATED`].
pub(crate) const REASON: &str = "the simulator does not know several identifiers of a kind, and refuses them rather than \
    do nothing";

/// The documented parts of bodies that the simulator refuses: operation and pointer.
const NOT_SIMULATED: [(&str, &str); 5] = [
    ("update_profile", "/data/meta/patch_identifiers"),
    ("create_or_update_profile", "/data/meta/patch_identifiers"),
    ("bulk_import_profiles", "/data/attributes/profiles/data/0/meta/patch_identifiers"),
    ("create_event", "/data/attributes/profile/data/attributes/meta/patch_identifiers"),
    (
        "bulk_create_events",
        "/data/attributes/events-bulk-create/data/0/attributes/profile/data/meta/patch_identifiers",
    ),
];

/// The results for the bodies of a document.
#[derive(Debug, Default)]
pub(crate) struct SimulatorReport {
    /// The number of operations with bodies.
    pub(crate) operations: usize,
    /// The number of accepted documented bodies.
    pub(crate) accepted: usize,
    /// The number of refused faulty bodies.
    pub(crate) refused: usize,
    /// Documented parts that are refused: operation and pointer, and the number of bodies.
    pub(crate) not_simulated: Vec<(String, usize)>,
    /// The answers that differ from the document.
    pub(crate) problems: Vec<String>,
}

/// Sends the bodies of a document to the simulator; none if it does not serve the revision.
pub(crate) fn bodies(document: &Document) -> Result<Option<SimulatorReport>> {
    let mut simulator = Simulator::start(&document.revision)?;
    if !simulator.serves_it()? {
        return Ok(None);
    }
    let simulated: BTreeSet<&str> = klaviyo_mock::operations().collect();
    let mut report = SimulatorReport::default();
    for operation in document.operations.iter().filter(|operation| simulated.contains(&*operation.name)) {
        let media_types = operation.body.iter().flat_map(|body| &body.media_types);
        for media_type in media_types {
            report.operations = report.operations.saturating_add(1);
            let trial = Trial { document, operation, media_type, simulator: &mut simulator };
            trial.run(&mut report).with_context(|| format!("in the bodies of {}", operation.name))?;
        }
    }
    Ok(Some(report))
}

/// Sends the bodies of one operation to the simulator.
struct Trial<'a> {
    document: &'a Document,
    operation: &'a Operation,
    media_type: &'a MediaType,
    simulator: &'a mut Simulator,
}

impl Trial<'_> {
    fn run(mut self, report: &mut SimulatorReport) -> Result<()> {
        let missing = NOT_SIMULATED.into_iter().filter(|(operation, _)| *operation == self.operation.name);
        let missing: Vec<&str> = missing.map(|(_, pointer)| pointer).collect();
        let generator = self.simulator.generator(&self.document.value);
        let most = complete(generator.most_but(&self.media_type.schema, &missing)?);
        let mut examples = generator.each(&self.media_type.schema)?;
        examples.push(Example { pointer: String::new(), body: most.clone() });

        let accepted = self.documented(examples, &missing, report)?;
        // The largest body has most pointers; the other examples have another kind of value.
        let others = accepted.into_iter().filter(|example| most.pointer(&example.pointer).is_none());
        self.faulty(each_pointer(&most).into_iter().chain(others), &self.members(&generator), report)
    }

    fn validator(&self) -> Result<&Validator> {
        self.media_type
            .validator
            .as_ref()
            .map_err(|reason| anyhow!("this check does not understand the schema: {reason}"))
    }

    /// Sends documented bodies; returns the accepted ones as they were sent.
    fn documented(
        &mut self,
        examples: Vec<Example>,
        missing: &[&str],
        report: &mut SimulatorReport,
    ) -> Result<Vec<Example>> {
        let mut accepted = Vec::new();
        let mut refused = vec![0_usize; missing.len()];
        for mut example in examples {
            example.body = complete(example.body);
            let faults = schema::violations(self.validator()?, &example.body);
            if !faults.is_empty() {
                bail!("a body that was made for {:?} is not one: {faults:?}", example.pointer);
            }
            let (status, answer) = self.simulator.send(self.operation, self.media_type, &example.body)?;
            // Null requests nothing, so it is never refused.
            let asked = |pointer| example.body.pointer(pointer).is_some_and(|value| !value.is_null());
            let known = missing.iter().position(|own| is_within(&example.pointer, own) && asked(own));
            match (status, known.and_then(|known| refused.get_mut(known))) {
                (200..300, None) => {
                    report.accepted = report.accepted.saturating_add(1);
                    accepted.push(example);
                }
                (400, Some(count)) => *count = count.saturating_add(1),
                (_, known) => {
                    let but = if known.is_some() { ", though it is listed as not simulated" } else { "" };
                    report.problems.push(format!(
                        "{}, body {}: the simulator answers {status} to what is documented{but}: {} {answer}",
                        self.operation.name, example.pointer, example.body
                    ));
                }
            }
        }
        let refused = missing.iter().zip(refused).filter(|(_, count)| *count > 0);
        let refused = refused.map(|(pointer, count)| (format!("{} {pointer}", self.operation.name), count));
        report.not_simulated.extend(refused);
        Ok(accepted)
    }

    /// The members of all bodies of the document, to be tried where they do not belong, with one value of
    /// each kind.
    fn members(&self, generator: &ExampleGenerator<'_>) -> Vec<(String, Value)> {
        let bodies = self.document.operations.iter().filter_map(|operation| operation.body.as_ref());
        let schemas = bodies.flat_map(|body| &body.media_types).map(|media_type| &media_type.schema);
        // A schema without an example is skipped.
        let members = schemas.flat_map(|schema| generator.members(schema).unwrap_or_default());
        let mut seen = BTreeSet::new();
        members.filter(|(name, value)| seen.insert((name.clone(), kind(value)))).collect()
    }

    /// Sends faulty bodies: each of these bodies with one error.
    fn faulty(
        &mut self,
        examples: impl Iterator<Item = Example>,
        more: &[(String, Value)],
        report: &mut SimulatorReport,
    ) -> Result<()> {
        let mut tried = BTreeSet::new();
        for example in examples {
            for body in faulty(self.validator()?, &example, more) {
                if !tried.insert(body.to_string()) {
                    continue;
                }
                let (status, _) = self.simulator.send(self.operation, self.media_type, &body)?;
                if status == 400 {
                    report.refused = report.refused.saturating_add(1);
                    continue;
                }
                let reason = schema::violations(self.validator()?, &body).into_iter();
                let reason: Vec<String> =
                    reason.map(|(pointer, reason)| format!("{pointer}: {reason}")).collect();
                report.problems.push(format!(
                    "{}, body {}: the simulator answers {status} to what the schema refuses ({}): {body}",
                    self.operation.name,
                    example.pointer,
                    reason.join("; ")
                ));
            }
        }
        Ok(())
    }
}

/// The type of a JSON value.
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

/// Whether a pointer is equal to another or below it.
fn is_within(pointer: &str, other: &str) -> bool {
    pointer.strip_prefix(other).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Adds what Klaviyo's prose requires, unless it is there: identifiers, a channel to subscribe to, and,
/// together, `historical_import` and the time of each consent.
fn complete(mut body: Value) -> Value {
    let kind = body.pointer("/data/type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if kind.starts_with("event") {
        events::complete(&mut body);
        return body;
    }
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

/// Adds a consent, if there is none.
fn ask(attributes: &mut Map<String, Value>, consent: &str) {
    let channel = if attributes.get("email") == Some(&Value::Null) { "sms" } else { "email" };
    let Some(Value::Object(channels)) = attributes.get_mut("subscriptions") else { return };
    let asks =
        |channel: &Value| channel.as_object().is_some_and(|messages| messages.values().any(Value::is_object));
    if !channels.values().any(asks) {
        channels.insert(channel.to_owned(), json!({ "marketing": { "consent": consent } }));
    }
}

/// The consents of a row, except open tracking, which has no time.
fn consents(attributes: &mut Map<String, Value>) -> impl Iterator<Item = &mut Map<String, Value>> {
    let channels = attributes.get_mut("subscriptions").and_then(Value::as_object_mut).into_iter().flatten();
    let messages = channels.filter_map(|(_, channel)| channel.as_object_mut()).flatten();
    let consents = messages
        .filter(|(name, _)| *name != "open_tracking")
        .filter_map(|(_, message)| message.as_object_mut());
    consents.filter(|message| message.contains_key("consent"))
}

/// A simulator that is started anew after each accepted body.
struct Simulator {
    revision: String,
    agent: Agent,
    server: Server,
    /// The id of its one profile.
    profile: String,
}

impl Simulator {
    fn start(revision: &str) -> Result<Self> {
        let agent: Agent =
            Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let (server, profile) = fresh(&agent)?;
        Ok(Self { revision: revision.to_owned(), agent, server, profile })
    }

    fn generator<'a>(&self, document: &'a Value) -> ExampleGenerator<'a> {
        ExampleGenerator {
            document,
            ids: [("profile", self.profile.clone()), ("list", LIST.to_owned())].into(),
        }
    }

    /// Whether the simulator answers requests of the revision in that revision.
    fn serves_it(&self) -> Result<bool> {
        let url = format!("{}/api/lists", self.server.url());
        let request =
            self.agent.get(url).header("authorization", authorization()).header("revision", &self.revision);
        let reply = request.call()?;
        let served = reply.headers().get("x-klaviyo-api-revision").and_then(|value| value.to_str().ok());
        Ok(reply.status().is_success() && served.and_then(date) == Some(&*self.revision))
    }

    /// Sends a body; returns the status and the body of the answer. After an accepted body the simulator is
    /// started anew.
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

/// A server with three lists and one profile, and the id of the profile.
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
        for (operation, _) in NOT_SIMULATED {
            assert!(klaviyo_mock::operations().any(|name| name == operation), "{operation}");
        }
    }
}

//! A simulated account in which every collection has something, for the requests of a document.

use crate::document::{Document, Operation, date};
use crate::examples::{ExampleGenerator, Ids};
use anyhow::{Context, Result, bail};
use klaviyo_mock::{Account, Klaviyo, OptIn, Rates, Server, Suppression};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;
use ureq::Agent;
use ureq::http;

/// A list and a segment of [`Account::demo`].
const LIST: &str = "Y6nRLr";
const SEGMENT: &str = "Tq5hBs";
/// A revision that knows all that the account is filled with.
const FILLED_WITH: &str = "2026-07-15";
const JOB: Duration = Duration::from_secs(1);

/// A simulator that is started anew after each accepted body.
pub(crate) struct Simulated {
    revision: String,
    agent: Agent,
    server: Server,
    /// The ids of its two profiles.
    profiles: [String; 2],
    /// An id in each collection, by the path of the collection.
    members: BTreeMap<String, String>,
}

/// The answer of a simulator.
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Null if there is no body.
    pub(crate) body: Value,
}

impl Simulated {
    pub(crate) fn start(revision: &str) -> Result<Self> {
        let agent: Agent =
            Agent::config_builder().http_status_as_error(false).max_redirects(0).build().into();
        let (server, profiles) = filled(&agent)?;
        Ok(Self { revision: revision.to_owned(), agent, server, profiles, members: BTreeMap::new() })
    }

    /// Whether the simulator answers requests of the revision in that revision.
    pub(crate) fn serves_it(&self) -> Result<bool> {
        let url = format!("{}/api/lists", self.server.url());
        let request =
            self.agent.get(url).header("authorization", authorization()).header("revision", &self.revision);
        let reply = request.call()?;
        let served = reply.headers().get("x-klaviyo-api-revision").and_then(|value| value.to_str().ok());
        Ok(reply.status().is_success() && served.and_then(date) == Some(&*self.revision))
    }

    pub(crate) fn generator<'a>(&self, document: &'a Document) -> ExampleGenerator<'a> {
        ExampleGenerator { document: &document.value, ids: self.ids() }
    }

    /// An existing id for each type of resource.
    pub(crate) fn ids(&self) -> Ids {
        let [first, second] = &self.profiles;
        Ids::from([
            ("profile", first.clone()),
            // The destination of a merge: another profile than the source.
            ("profile-merge", second.clone()),
            ("list", LIST.to_owned()),
            ("segment", SEGMENT.to_owned()),
        ])
    }

    /// Sends a request, with a media type and a body if the operation has one. After an accepted body the
    /// simulator is started anew.
    pub(crate) fn send(
        &mut self,
        operation: &Operation,
        query: &str,
        body: Option<(&str, &Value)>,
    ) -> Result<Answer> {
        let path = self.path(&operation.path)?;
        let answer = self.request(&operation.method, &format!("{path}{query}"), body)?;
        if body.is_some() && answer.status != 400 {
            (self.server, self.profiles) = filled(&self.agent)?;
        }
        Ok(answer)
    }

    /// Follows a link of an answer.
    pub(crate) fn follow(&self, link: &str) -> Result<Answer> {
        let path = link.strip_prefix("https://a.klaviyo.com").context("the link leads elsewhere")?;
        self.request("GET", path, None)
    }

    fn request(&self, method: &str, path: &str, body: Option<(&str, &Value)>) -> Result<Answer> {
        let (agent, url) = (&self.agent, self.server.url());
        send(agent, &url, &self.revision, method, path, body)
    }

    /// A path with an id for its variable: the first of the collection before it.
    fn path(&mut self, template: &str) -> Result<String> {
        let Some((collection, rest)) = template.split_once("/{") else { return Ok(template.to_owned()) };
        let rest = rest.split_once('}').map_or("", |(_, rest)| rest);
        if !self.members.contains_key(collection) {
            let id = match collection {
                "/api/lists" => LIST.to_owned(),
                "/api/segments" => SEGMENT.to_owned(),
                _ => {
                    let all = self.request("GET", collection, None)?;
                    let id = all.body.pointer("/data/0/id").and_then(Value::as_str);
                    id.with_context(|| format!("there is nothing in {collection}"))?.to_owned()
                }
            };
            self.members.insert(collection.to_owned(), id);
        }
        let id = self.members.get(collection).map(String::as_str).unwrap_or_default();
        Ok(format!("{collection}/{id}{rest}"))
    }
}

fn authorization() -> String {
    format!("Klaviyo-API-Key {}", Account::DEMO_KEY)
}

fn send(
    agent: &Agent,
    server: &str,
    revision: &str,
    method: &str,
    path: &str,
    body: Option<(&str, &Value)>,
) -> Result<Answer> {
    let request = http::Request::builder()
        .method(method)
        .uri(format!("{server}{path}"))
        .header("authorization", authorization())
        .header("revision", revision);
    let mut reply = match body {
        Some((media_type, body)) => {
            agent.run(request.header("content-type", media_type).body(body.to_string())?)?
        }
        None => agent.run(request.body(())?)?,
    };
    let text = reply.body_mut().read_to_string()?;
    let body = if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? };
    Ok(Answer { status: reply.status().as_u16(), body })
}

/// A server with two profiles, and their ids. The first has all that a profile can have; it is on a list and
/// in a segment, and two imports were made, one of which failed.
fn filled(agent: &Agent) -> Result<(Server, [String; 2])> {
    let mut account = Account::demo();
    account.set_opt_in(OptIn::Single);
    account.refuse_to_import("refused@example.com", "It is refused.");
    let klaviyo = Klaviyo::from(account).rates(Rates::off()).stop_the_clock().job_delay(JOB);
    let server = Server::start(klaviyo)?;
    let post = |path: &str, data: Value| {
        let body = json!({ "data": data });
        let body = Some(("application/vnd.api+json", &body));
        let answer = send(agent, &server.url(), FILLED_WITH, "POST", path, body)?;
        if answer.status >= 300 {
            bail!("the simulator answers {} to POST {path}: {}", answer.status, answer.body);
        }
        Ok(answer.body)
    };
    let create = |attributes: Value| {
        let answer = post("/api/profiles", json!({ "type": "profile", "attributes": attributes }))?;
        let id = answer.pointer("/data/id").and_then(Value::as_str);
        id.map(str::to_owned).context("the simulator did not create a profile")
    };
    let first = create(json!({
        "email": "noah@example.com", "phone_number": "+12025550143", "external_id": "64",
        "first_name": "Noah", "last_name": "Lee", "organization": "Acme", "title": "Dr", "locale": "en-US",
        "image": "https://example.com/noah.png", "properties": { "shoe_size": 42 },
        "location": {
            "address1": "1 Main Street", "address2": "Flat 2", "city": "Boston", "region": "MA",
            "country": "US", "zip": "02110", "latitude": 42.36, "longitude": "-71.06",
            "timezone": "America/New_York", "ip": "203.0.113.7",
        },
    }))?;
    let second = create(json!({ "external_id": "65" }))?;
    let agreed = json!({ "consent": "SUBSCRIBED" });
    let both = json!({ "marketing": agreed, "transactional": agreed });
    let channels =
        json!({ "email": { "marketing": agreed, "open_tracking": agreed }, "sms": both, "whatsapp": both });
    let person =
        json!({ "email": "noah@example.com", "phone_number": "+12025550143", "subscriptions": channels });
    let subscribe = json!({
        "type": "profile-subscription-bulk-create-job",
        "attributes": { "profiles": { "data": [{ "type": "profile", "attributes": person }] } },
        "relationships": { "list": { "data": { "type": "list", "id": LIST } } },
    });
    post("/api/profile-subscription-bulk-create-jobs", subscribe)?;
    let refused = json!({ "type": "profile", "attributes": { "email": "refused@example.com" } });
    let import =
        json!({ "type": "profile-bulk-import-job", "attributes": { "profiles": { "data": [refused] } } });
    for _ in 0..2 {
        post("/api/profile-bulk-import-jobs", import.clone())?;
    }
    post(&format!("/api/lists/{LIST}/relationships/profiles"), json!([{ "type": "profile", "id": second }]))?;
    let event = json!({ "type": "event", "attributes": {
        "properties": { "items": ["shoe"] }, "value": 49.5, "value_currency": "EUR", "unique_id": "4711",
        "metric": { "data": { "type": "metric", "attributes": { "name": "Placed Order" } } },
        "profile": { "data": { "type": "profile", "attributes": { "email": "noah@example.com" } } },
    } });
    post("/api/events", event)?;
    server.advance(JOB);
    {
        let mut account = server.account();
        account.suppress(&first, Suppression::UserSuppressed);
        account.join_segment(SEGMENT, &first);
        account.join_segment(SEGMENT, &second);
    }
    Ok((server, [first, second]))
}

//! Checks that the simulator's answers to reading requests are those that a document describes.

use crate::check::{self, Request, Verdict};
use crate::document::Document;
use crate::schema::{self, violations};
use anyhow::{Context, Result, bail};
use klaviyo_mock::{Account, Klaviyo, Rates, Reply, Simulator};
use serde_json::{Value, json};
use std::time::Duration;
use ureq::http;

const ORIGIN: &str = "https://a.klaviyo.com";

/// What is read. `{profile}`, `{event}` and the like are ids of what the simulator has.
const READ: [&str; 19] = [
    "/api/accounts",
    "/api/lists",
    "/api/lists?fields[list]=name,created&filter=equals(name,'Newsletter')",
    "/api/lists/Y6nRLr?additional-fields[list]=profile_count",
    "/api/lists/Y6nRLr/profiles?page[size]=100",
    "/api/lists/Y6nRLr/relationships/profiles",
    "/api/profiles?additional-fields[profile]=subscriptions",
    "/api/profiles?filter=greater-than(updated,2020-01-01T00:00:00Z)&sort=updated&page[size]=1",
    "/api/profiles/{profile}?fields[profile]=email,last_event_date,updated",
    "/api/events",
    "/api/events?include=metric,profile&sort=-datetime&fields[event]=timestamp,datetime,event_properties",
    "/api/events?filter=equals(profile_id,'{profile}'),greater-or-equal(datetime,2020-01-01T00:00:00Z)&sort=datetime",
    "/api/events?filter=equals(metric_id,'{metric}'),less-than(timestamp,4102444800)&sort=timestamp",
    "/api/events/{event}?include=metric,profile",
    "/api/metrics?fields[metric]=name,integration",
    "/api/metrics",
    "/api/metrics/{metric}",
    "/api/profile-bulk-import-jobs",
    "/api/profile-bulk-import-jobs/{job}",
];

/// The results for the answers of a document.
#[derive(Debug, Default)]
pub(crate) struct AnswersReport {
    /// The number of answers that fit.
    pub(crate) right: usize,
    /// The requests and answers that differ from the document.
    pub(crate) problems: Vec<String>,
}

/// Sends requests of this revision to the simulator, and checks them and the answers.
pub(crate) fn report(document: &Document) -> Result<AnswersReport> {
    let simulator = simulator()?;
    let ids = ids(&simulator)?;
    let mut report = AnswersReport::default();
    for path in READ {
        let path = ids.iter().fold(path.to_owned(), |path, (name, id)| path.replace(name, id));
        let method = http::Method::GET;
        let headers = [("revision".to_owned(), document.revision.clone())].into();
        let url = format!("{ORIGIN}{path}");
        let request = Request { method: method.to_string(), url, headers, body: String::new() };
        let (Some(described), Verdict::Checked(_, wrong)) =
            (described(document, &path), check::request(document, &request))
        else {
            // The document does not have the operation, or says nothing about its answer.
            continue;
        };
        report.problems.extend(wrong.iter().map(|v| format!("GET {path}: {}: {}", v.location, v.reason)));
        let (status, mut answer) = send(&simulator, method, &path, &document.revision, None)?;
        if status != 200 {
            report.problems.push(format!("GET {path}: the simulator answers {status}: {answer}"));
            continue;
        }
        without_undocumented(path.split('?').next().unwrap_or_default(), &mut answer);
        let validator = schema::validator(&document.value, described)
            .with_context(|| format!("in the answer to GET {path}"))?;
        let found = violations(&validator, &answer);
        if found.is_empty() {
            report.right = report.right.saturating_add(1);
        }
        let problem = |(pointer, reason)| format!("GET {path}, answer {pointer}: {reason}");
        report.problems.extend(found.into_iter().map(problem));
    }
    Ok(report)
}

/// The schema of the answer to a request that succeeds.
fn described<'a>(document: &'a Document, path: &str) -> Option<&'a Value> {
    let operation = document.operation("GET", path.split('?').next()?)?;
    let pointer = operation.path.replace('~', "~0").replace('/', "~1");
    let content = document.value.pointer(&format!("/paths/{pointer}/get/responses/200/content"))?;
    content.as_object()?.values().find_map(|media_type| media_type.get("schema"))
}

/// Removes what Klaviyo writes though its documents do not say so: null for the link to a page that is not
/// there, and the links between the pages of members, for which the document of 2025-01-15 has a cursor only.
fn without_undocumented(path: &str, answer: &mut Value) {
    let members = path.ends_with("/relationships/profiles");
    if let Some(Value::Object(links)) = answer.get_mut("links").filter(|_| !members) {
        links.retain(|_, link| !link.is_null());
    } else if let Value::Object(answer) = answer {
        answer.remove("links");
    }
}

/// A simulator in which somebody is on a list and did something.
fn simulator() -> Result<Simulator> {
    let klaviyo = Klaviyo::from(Account::demo()).rates(Rates::off()).stop_the_clock();
    let simulator = Simulator::new(klaviyo);
    let attributes = json!({ "email": "priya@example.com", "properties": { "plan": "pro" } });
    let profile = json!({ "type": "profile", "attributes": attributes });
    let rows = json!({ "profiles": { "data": [profile] } });
    let list = json!({ "lists": { "data": [{ "type": "list", "id": "Y6nRLr" }] } });
    let import = json!({ "type": "profile-bulk-import-job", "attributes": rows, "relationships": list });
    let event = json!({ "type": "event", "attributes": {
        "properties": { "items": ["shoe"] }, "value": 49.5, "value_currency": "EUR", "unique_id": "4711",
        "metric": { "data": { "type": "metric", "attributes": { "name": "Placed Order" } } },
        "profile": { "data": profile },
    } });
    let noah = json!({ "type": "profile", "attributes": { "email": "noah@example.com" } });
    for (path, data) in
        [("/api/profile-bulk-import-jobs", import), ("/api/events", event), ("/api/profiles", noah)]
    {
        let body = json!({ "data": data });
        let (status, answer) = send(&simulator, http::Method::POST, path, "2025-01-15", Some(&body))?;
        if !(200..300).contains(&status) {
            bail!("the simulator answers {status} to POST {path}: {answer}");
        }
        simulator.advance(Duration::from_secs(60));
    }
    Ok(simulator)
}

/// The ids of what the simulator has, by their names in [`READ`].
fn ids(simulator: &Simulator) -> Result<[(&'static str, String); 4]> {
    let account = simulator.account();
    let event = account.events().next().context("the simulator has recorded no event")?;
    let job = account.imports().next().context("the simulator has no import")?;
    Ok([
        ("{event}", event.id.clone()),
        ("{metric}", event.metric.clone()),
        ("{profile}", event.profile.clone()),
        ("{job}", job.id.clone()),
    ])
}

/// The status and the document of the simulator's answer.
fn send(
    simulator: &Simulator,
    method: http::Method,
    path: &str,
    revision: &str,
    body: Option<&Value>,
) -> Result<(u16, Value)> {
    let request = http::Request::builder()
        .method(method)
        .uri(path.replace(' ', "%20"))
        .header("authorization", format!("Klaviyo-API-Key {}", Account::DEMO_KEY))
        .header("revision", revision)
        .header("content-type", "application/vnd.api+json")
        .body(body.map(Value::to_string).unwrap_or_default())?;
    match simulator.answer(request) {
        Reply::Answer(answer) => {
            let document = serde_json::from_slice(answer.body()).unwrap_or_default();
            Ok((answer.status().as_u16(), document))
        }
        broken => bail!("the simulator breaks a connection: {broken:?}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A document in which a list of metrics has items with these attributes.
    fn document(attributes: Value) -> Document {
        let item = json!({ "allOf": [
            { "type": "object", "required": ["attributes"], "properties": {
                "type": { "type": "string" }, "id": { "type": "string" }, "links": { "type": "object" },
                "attributes": { "type": "object", "properties": attributes },
            } },
            { "properties": { "relationships": { "type": "object" } } },
        ] });
        let answer = json!({ "type": "object", "properties": {
            "data": { "type": "array", "items": item }, "links": { "type": "object" },
        } });
        let responses = json!({ "200": { "content": { "application/json": { "schema": answer } } } });
        let parameters = json!([{ "name": "revision", "in": "header", "schema": { "type": "string" } }]);
        let operation =
            json!({ "operationId": "get_metrics", "parameters": parameters, "responses": responses });
        let document = json!({
            "openapi": "3.0.3", "info": { "version": "2025-01-15" },
            "paths": { "/api/metrics": { "get": operation } },
        });
        Document::parse("metrics.json", document).unwrap()
    }

    #[test]
    fn an_answer_has_what_the_document_describes_and_nothing_else() {
        let integration = json!({ "type": "object" });
        let text = json!({ "type": "string" });
        let known = json!({ "name": text, "created": text, "updated": text, "integration": integration });
        let found = |attributes| {
            let problems = report(&document(attributes)).unwrap().problems;
            problems
                .into_iter()
                .filter(|problem| problem.starts_with("GET /api/metrics, answer /data/0"))
                .count()
        };
        assert_eq!(found(known.clone()), 0);
        let mut other = known.clone();
        other["name"] = json!({ "type": "number" });
        assert_eq!(found(other), 1);
        let mut fewer = known;
        fewer.as_object_mut().unwrap().remove("updated");
        assert_eq!(found(fewer), 1);
    }
}

//! Any arguments: the requests say them, and nothing else; filters and URLs read back as they were meant.

use crate::Target;
use crate::oracle::identity::{is_one_of, strings};
use crate::oracle::request;
use crate::scenario::{Answer, Scenario};
use anyhow::{Result, ensure};
use host_test::native::Native;
use host_test::{Response, Sent, Subject, Upstream};
use http::Method;
use klaviyo_host::Endpoint;
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;

/// The target.
pub const TARGET: Target = Target {
    name: "request",
    about: "the requests of any arguments go to the function's endpoints and say nothing but the arguments",
    run,
    seeds,
    inputs: 3_000,
};

/// The id of everything in the account.
const ID: &str = "01GMTZY2TEKN4KFRP30JZ59KGB";
/// The most requests that are answered.
const MAX_REQUESTS: usize = 50;

/// A Klaviyo that knows nobody, or in which everybody is the same profile.
#[derive(Default)]
struct Klaviyo {
    knows: bool,
    sent: Vec<Sent>,
}

impl Upstream for Klaviyo {
    fn send(&mut self, request: Sent) -> Answer {
        let resource =
            json!({ "type": "profile", "id": ID, "attributes": { "name": "a name", "status": "complete" } });
        let (status, body) = match (request.method.as_str(), self.knows) {
            ("GET", _) if !request.url.contains('?') && request.url.contains(ID) => {
                (200, json!({ "data": resource }))
            }
            ("GET", true) => (200, json!({ "data": [resource] })),
            ("GET", false) => (200, json!({ "data": [] })),
            _ => (202, json!({ "data": resource })),
        };
        let status = if self.sent.len() < MAX_REQUESTS { status } else { 500 };
        self.sent.push(request);
        Ok(Response { status, headers: Vec::new(), body: body.to_string().into_bytes() })
    }
}

fn seeds() -> Result<Vec<Vec<u8>>> {
    let mut calls: Vec<_> = Scenario::seeds()?
        .iter()
        .filter_map(|seed| Some(seed.split(|byte| *byte == 0x1e).next()?.to_vec()))
        .collect();
    calls.sort();
    calls.dedup();
    Ok(calls)
}

fn run(input: &[u8]) -> Result<()> {
    let Some(Scenario { function, arguments, .. }) = Scenario::parse(input) else { return Ok(()) };
    let mut texts = BTreeSet::from([ID.to_owned()]);
    arguments.iter().for_each(|argument| strings(argument, &mut texts));
    for knows in [false, true] {
        let klaviyo = Arc::new(Mutex::new(Klaviyo { knows, ..Klaviyo::default() }));
        // Arguments that are not of the function's types are no call.
        let Ok(_) = Native.call(&function, &arguments, klaviyo.clone()) else { return Ok(()) };
        for sent in &klaviyo.lock().sent {
            judge(sent, &function, &arguments, &texts)?;
        }
    }
    Ok(())
}

fn judge(sent: &Sent, function: &str, arguments: &[Value], texts: &BTreeSet<String>) -> Result<()> {
    let parts = request::check(sent)?;
    if function == "api.call" {
        let asked = arguments.first().unwrap_or(&Value::Null);
        let path = asked.get("path").and_then(Value::as_str).unwrap_or_default();
        let pair = |pair: &Value| {
            let text = |name| Some(pair.get(name)?.as_str()?.to_owned());
            Some((text("name")?, text("value")?))
        };
        let query = asked.get("query").and_then(Value::as_array).into_iter().flatten();
        let query: Vec<_> = query.filter_map(pair).collect();
        ensure!(format!("/{}", parts.segments.join("/")) == path, "its path is not that of {asked}");
        ensure!(parts.query == query, "its query is not that of {asked}");
        return Ok(());
    }
    let method = Method::from_bytes(sent.method.as_bytes())?;
    let path =
        sent.url.strip_prefix(klaviyo_core::ORIGIN).unwrap_or_default().split('?').next().unwrap_or_default();
    let endpoint = Endpoint::of(&method, path);
    ensure!(
        Endpoint::of_the_contract().any(|own| own == endpoint),
        "{function} asked for {path}, which is no endpoint"
    );
    for value in parts.filtered()? {
        ensure!(is_one_of(&value, texts), "{function} asks for {value:?}, which is none of its arguments");
    }
    let is_word = |segment: &&String| segment.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'-');
    for id in parts.segments.iter().filter(|segment| !is_word(segment)) {
        ensure!(texts.contains(id), "the path of {function} has {id:?}, which is none of its arguments");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(function: &str, url: &str, arguments: Value) -> Result<()> {
        let mut texts = BTreeSet::new();
        strings(&arguments, &mut texts);
        let sent = Sent {
            method: "GET".to_owned(),
            url: format!("https://a.klaviyo.com{url}"),
            headers: Vec::new(),
            auth: "Klaviyo-API-Key".to_owned(),
            body: Vec::new(),
        };
        judge(&sent, function, arguments.as_array().unwrap(), &texts)
    }

    #[test]
    fn a_request_that_says_something_else_is_found() {
        let lookup = |url: &str| judged("contacts.lookup", url, json!([{ "email": " priya@example.com" }]));
        lookup("/api/profiles/?filter=equals%28email%2C%22priya%40example.com%22%29").unwrap();
        for url in [
            "/api/profiles/?filter=equals%28email%2C%22riya%40example.com%22%29",
            "/api/profiles/?filter=equals%28email%2C%22priya%40example.com%22",
            "/api/profiles/01X/",
            "/api/templates/",
            "/api/profiles/x/relationships/",
        ] {
            assert!(lookup(url).is_err(), "{url}");
        }
        let asked =
            json!([{ "method": "get", "path": "/api/a b/", "query": [{ "name": "c", "value": "d&e" }] }]);
        judged("api.call", "/api/a%20b/?c=d%26e", asked.clone()).unwrap();
        for url in ["/api/a%20b/?c=d&e=", "/api/a/b/?c=d%26e", "/api/a%20b/", "/api/a%20b?c=d%26e"] {
            assert!(judged("api.call", url, asked.clone()).is_err(), "{url}");
        }
    }
}

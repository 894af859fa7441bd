//! A client that shows everything: status, headers, body.

use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use serde_json::{Value, json};
use std::time::Duration;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

/// How long a job takes on a server of these tests; their clocks stand still.
pub(crate) const JOB: Duration = Duration::from_secs(10);

pub(crate) type Headers<'a> = [(&'a str, &'a str)];

/// A server whose clock stands still.
pub(crate) fn server(account: Account) -> Server {
    Server::start(stopped(account).rates(Rates::off())).unwrap()
}

pub(crate) fn stopped(account: Account) -> Klaviyo {
    Klaviyo::from(account).stop_the_clock().job_delay(JOB)
}

#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
    pub(crate) body: Value,
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    pub(crate) fn at(&self, pointer: &str) -> &Value {
        self.body.pointer(pointer).unwrap_or(&Value::Null)
    }

    pub(crate) fn text_at(&self, pointer: &str) -> &str {
        self.at(pointer).as_str().unwrap_or_default()
    }

    /// The status, and the code and the source of the error.
    pub(crate) fn error(&self) -> (u16, &str, &str) {
        let source = ["pointer", "parameter"].map(|kind| self.text_at(&format!("/errors/0/source/{kind}")));
        (self.status, self.text_at("/errors/0/code"), source[0].max(source[1]))
    }

    /// The ids of a collection.
    pub(crate) fn ids(&self) -> Vec<&str> {
        assert_eq!(self.status, 200, "{}", self.text);
        self.at("/data").as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect()
    }
}

/// A client with a key and a revision.
pub(crate) struct Client {
    agent: Agent,
    url: String,
    key: String,
    revision: &'static str,
}

impl Client {
    pub(crate) fn new(server: &Server) -> Self {
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).build();
        let key = Account::DEMO_KEY.to_owned();
        Self { agent: config.into(), url: server.url(), key, revision: "2025-01-15" }
    }

    pub(crate) fn key(mut self, key: &str) -> Self {
        key.clone_into(&mut self.key);
        self
    }

    pub(crate) fn revision(mut self, revision: &'static str) -> Self {
        self.revision = revision;
        self
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        self.send("GET", path, None).unwrap()
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, Some(&body.to_string())).unwrap()
    }

    pub(crate) fn send(&self, method: &str, path: &str, body: Option<&str>) -> Result<Reply, ureq::Error> {
        let authorization = format!("Klaviyo-API-Key {}", self.key);
        let headers = [
            ("authorization", authorization.as_str()),
            ("revision", self.revision),
            ("content-type", "application/vnd.api+json"),
        ];
        self.send_with(method, path, &headers, body)
    }

    /// Sends these headers and no others.
    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        headers: &Headers<'_>,
        body: Option<&str>,
    ) -> Result<Reply, ureq::Error> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut response = match body {
            Some(body) => self.agent.run(request.body(body.to_owned())?)?,
            None => self.agent.run(request.body(())?)?,
        };
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = String::from_utf8_lossy(&response.body_mut().read_to_vec()?).into_owned();
        let body = serde_json::from_str(&text).unwrap_or(Value::Null);
        Ok(Reply { status, headers, text, body })
    }

    /// The answers of all pages, in the order of the links.
    pub(crate) fn pages(&self, path: &str) -> Vec<Reply> {
        let mut pages = vec![self.get(path)];
        while let Some(next) = pages.last().unwrap().at("/links/next").as_str() {
            let page = self.get(next.strip_prefix("https://a.klaviyo.com").unwrap());
            pages.push(page);
        }
        pages
    }

    /// Reports an event, which is accepted.
    pub(crate) fn report(&self, metric: &str, person: Value, more: Value) {
        let reply = self.post("/api/events", &event(metric, person, more));
        assert_eq!((reply.status, reply.text.as_str()), (202, ""));
    }

    /// Creates a profile, and tells its id.
    pub(crate) fn create(&self, attributes: Value) -> String {
        let reply = self.post("/api/profiles/", &profile(attributes));
        assert_eq!(reply.status, 201, "{}", reply.text);
        reply.text_at("/data/id").to_owned()
    }
}

/// A body that holds a profile.
pub(crate) fn profile(attributes: Value) -> Value {
    json!({ "data": { "type": "profile", "attributes": attributes } })
}

/// Links to profiles.
pub(crate) fn members(ids: &[String]) -> Value {
    let data: Vec<Value> = ids.iter().map(|id| json!({ "type": "profile", "id": id })).collect();
    json!({ "data": data })
}

/// A body that reports an event, with these attributes beside the metric, the person and no properties.
pub(crate) fn event(metric: &str, person: Value, more: Value) -> Value {
    let mut attributes = json!({
        "properties": {},
        "metric": { "data": { "type": "metric", "attributes": { "name": metric } } },
        "profile": { "data": { "type": "profile", "attributes": person } },
    });
    attributes.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    json!({ "data": { "type": "event", "attributes": attributes } })
}

/// A body that reports many events: those of each person.
pub(crate) fn events(people: &[(Value, Vec<Value>)]) -> Value {
    let person = |(person, events): &(Value, Vec<Value>)| {
        json!({ "type": "event-bulk-create", "attributes": {
            "profile": { "data": { "type": "profile", "attributes": person } },
            "events": { "data": events },
        } })
    };
    let data: Vec<Value> = people.iter().map(person).collect();
    json!({ "data": {
        "type": "event-bulk-create-job", "attributes": { "events-bulk-create": { "data": data } },
    } })
}

/// One of many events.
pub(crate) fn one(metric: &str, more: Value) -> Value {
    let mut one = event(metric, Value::Null, more)["data"].take();
    one["attributes"].as_object_mut().unwrap().remove("profile");
    one
}

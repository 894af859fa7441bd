//! The simulator behind a simulated host, which adds the key and refuses forbidden requests.

use crate::contract::{Error, Header, Method, Request, Response};
use klaviyo_mock::{Account, Faults, Klaviyo, Reply, Simulator};
use std::time::Duration;

/// The only origin that requests may go to.
const ORIGIN: &str = "https://a.klaviyo.com";
/// The headers that every host has to refuse, by the contract.
const FORBIDDEN_HEADERS: [&str; 2] = ["authorization", "host"];
/// 2026-01-15T10:00:00Z: the time of a new simulator.
const START: u32 = 1_768_471_200;

/// A simulator behind a host.
pub(crate) struct Gateway {
    simulator: Simulator,
    key: String,
}

impl Gateway {
    /// A gateway to an account without profiles, at this number of seconds after 1970.
    pub(crate) fn new(now: u32) -> Self {
        let simulator = Simulator::new(Klaviyo::from(Account::demo()).stop_the_clock_at(now));
        Self { simulator, key: Account::DEMO_KEY.to_owned() }
    }

    pub(crate) fn advance(&self, milliseconds: u64) {
        self.simulator.advance(Duration::from_millis(milliseconds));
    }

    pub(crate) fn add_key(&self, key: &str, scopes: &[String]) {
        let scopes: Vec<&str> = scopes.iter().map(String::as_str).collect();
        self.simulator.account().add_key(key, &scopes);
    }

    pub(crate) fn use_key(&mut self, key: String) {
        self.key = key;
    }

    pub(crate) fn set_faults(&self, rules: &[String], seed: u64) -> Result<(), anyhow::Error> {
        let add = |faults: Faults, rule: &String| anyhow::Ok(faults.rule(rule.parse()?));
        self.simulator.set_faults(rules.iter().try_fold(Faults::seeded(seed), add)?);
        Ok(())
    }

    pub(crate) fn state(&self) -> String {
        self.simulator.state().to_string()
    }

    /// Sends a request with the current key.
    pub(crate) fn send(&self, request: Request) -> Result<Response, Error> {
        let Request { method, url, headers, auth, body, function: _ } = request;
        let path = url.strip_prefix(ORIGIN).filter(|path| path.starts_with('/'));
        let path = path.ok_or_else(|| {
            Error::Denied(format!("only {ORIGIN} may be asked; the simulator has no setting for others"))
        })?;
        if let Some(header) =
            headers.iter().find(|header| FORBIDDEN_HEADERS.contains(&&*header.name.to_ascii_lowercase()))
        {
            let reason = format!("the header {} is the host's to set; leave it out", header.name);
            return Err(Error::Denied(reason));
        }
        let method = match method {
            Method::Get => http::Method::GET,
            Method::Post => http::Method::POST,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        };
        let builder = http::Request::builder().method(method).uri(path);
        let builder =
            headers.iter().fold(builder, |builder, header| builder.header(&header.name, &header.value));
        let builder = builder.header("authorization", format!("{auth} {}", self.key));
        // The sentence names the wrong part and does not repeat it.
        let request =
            builder.body(body).map_err(|error| Error::Other(format!("it cannot be sent: {error}")))?;
        match self.simulator.answer(request) {
            Reply::Answer(answer) => Ok(response(&answer)),
            Reply::Reset => Err(Error::Connection("the connection was reset".to_owned())),
            Reply::Truncated(_) => {
                Err(Error::Connection("the connection closed in the middle of the answer".to_owned()))
            }
            Reply::NotHttp(_) => Err(Error::Connection("the answer is not HTTP".to_owned())),
        }
    }
}

impl Default for Gateway {
    fn default() -> Self {
        Self::new(START)
    }
}

fn response(answer: &http::Response<Vec<u8>>) -> Response {
    let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| Header {
        name: name.to_string(),
        value: String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    Response {
        status: answer.status().as_u16(),
        headers: answer.headers().iter().map(header).collect(),
        body: answer.body().clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn get(path: &str) -> Request {
        let header = |name: &str, value: &str| Header { name: name.to_owned(), value: value.to_owned() };
        Request {
            method: Method::Get,
            url: format!("{ORIGIN}{path}"),
            headers: vec![header("revision", "2025-01-15"), header("accept", "application/vnd.api+json")],
            auth: "Klaviyo-API-Key".to_owned(),
            body: Vec::new(),
            function: "contacts.lookup".to_owned(),
        }
    }

    fn create() -> Request {
        let mut request = get("/api/profiles/");
        request.method = Method::Post;
        request
            .headers
            .push(Header { name: "content-type".to_owned(), value: "application/json".to_owned() });
        request.body = br#"{"data":{"type":"profile","attributes":{"email":"a@example.com"}}}"#.to_vec();
        request
    }

    fn status(gateway: &Gateway, request: Request) -> u16 {
        gateway.send(request).unwrap().status
    }

    #[test]
    fn a_request_carries_the_key_in_use() {
        let mut gateway = Gateway::default();
        let answer = gateway.send(get("/api/lists/")).unwrap();
        assert_eq!(answer.status, 200);
        assert!(answer.headers.iter().any(|header| header.value == "application/vnd.api+json"));
        assert!(String::from_utf8(answer.body).unwrap().contains("Y6nRLr"));
        gateway.use_key("pk_reads_lists".to_owned());
        assert_eq!(status(&gateway, get("/api/lists/")), 401);
        gateway.add_key("pk_reads_lists", &["lists:read".to_owned()]);
        assert_eq!(status(&gateway, get("/api/lists/")), 200);
        assert_eq!(status(&gateway, create()), 403);
    }

    #[test]
    fn the_scheme_is_the_connectors() {
        let mut request = get("/api/lists/");
        request.auth = "Bearer".to_owned();
        assert_eq!(status(&Gateway::default(), request), 401);
    }

    #[test]
    fn what_a_host_must_refuse_is_refused() {
        let gateway = Gateway::default();
        for url in [
            "http://a.klaviyo.com/api/lists/",
            "https://a.klaviyo.com",
            "https://a.klaviyo.com.example.com/api/lists/",
            "https://a.klaviyo.com:8443/api/lists/",
            "https://a.klaviyo.com@example.com/api/lists/",
            "/api/lists/",
        ] {
            let request = Request { url: url.to_owned(), ..get("") };
            assert!(matches!(gateway.send(request), Err(Error::Denied(_))), "{url}");
        }
        for name in ["Authorization", "host"] {
            let mut request = get("/api/lists/");
            request.headers.push(Header { name: name.to_owned(), value: "x".to_owned() });
            assert!(matches!(gateway.send(request), Err(Error::Denied(_))), "{name}");
        }
        assert_eq!(gateway.simulator.requests(), 0);
    }

    #[test]
    fn what_is_no_request_is_not_sent() {
        let gateway = Gateway::default();
        for (name, value) in [("a b", "x"), ("x", "a\r\nb: c")] {
            let mut request = get("/api/lists/");
            request.headers.push(Header { name: name.to_owned(), value: value.to_owned() });
            assert!(matches!(gateway.send(request), Err(Error::Other(_))), "{name}");
        }
        assert!(matches!(gateway.send(get("/api/a b")), Err(Error::Other(_))));
        assert_eq!(gateway.simulator.requests(), 0);
    }

    #[test]
    fn a_broken_connection_is_a_failure_of_the_transport() {
        for (fault, profiles) in
            [("reset-before", 0), ("reset-after", 1), ("truncate", 1), ("garbage-line", 1)]
        {
            let gateway = Gateway::default();
            gateway.set_faults(&[format!("POST /api/profiles: #1 {fault}")], 0).unwrap();
            assert!(matches!(gateway.send(create()), Err(Error::Connection(_))), "{fault}");
            assert_eq!(gateway.simulator.account().profiles().len(), profiles, "{fault}");
        }
    }

    #[test]
    fn a_rule_that_cannot_be_read_changes_nothing() {
        let gateway = Gateway::default();
        gateway.set_faults(&["*: always status 503".to_owned()], 0).unwrap();
        let rules = ["*: always status 500", "*: always reset"].map(str::to_owned);
        assert!(gateway.set_faults(&rules, 0).is_err());
        assert_eq!(status(&gateway, get("/api/lists/")), 503);
    }

    #[test]
    fn rates_hold_until_the_clock_is_moved() {
        let gateway = Gateway::default();
        let passed = (0..80).filter(|_| status(&gateway, get("/api/lists/")) == 200).count();
        assert_eq!(passed, 75);
        gateway.advance(1000);
        assert_eq!(status(&gateway, get("/api/lists/")), 200);
    }

    #[test]
    fn the_state_shows_no_key() {
        let gateway = Gateway::new(0);
        status(&gateway, create());
        let state = gateway.state();
        assert!(state.contains("1970-01-01T00:00:00+00:00") && state.contains("a@example.com"));
        assert!(!state.contains(Account::DEMO_KEY));
    }
}

//! What functions send, as the corpus shows it, and what the host knows of their endpoints.

use anyhow::{Context, Result};
use klaviyo_corpus::Corpus;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Klaviyo, as fixtures have it.
const ORIGIN: &str = "https://a.klaviyo.com";

/// An endpoint of the host's table.
#[derive(Debug, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) method: String,
    path: String,
    pub(crate) burst: u32,
    pub(crate) steady: u32,
    pub(crate) daily: Option<u32>,
    pub(crate) repeatable: bool,
}

impl Endpoint {
    /// The method and the path.
    pub(crate) fn name(&self) -> String {
        format!("{} {}", self.method, self.path.replace("{}", "{id}"))
    }

    fn is(&self, method: &str, path: &str) -> bool {
        let path = path.strip_suffix('/').unwrap_or(path);
        let (own, given): (Vec<_>, Vec<_>) = (self.path.split('/').collect(), path.split('/').collect());
        let fits = |(own, given): (&&str, &&str)| if *own == "{}" { !given.is_empty() } else { own == given };
        self.method == method && own.len() == given.len() && own.iter().zip(&given).all(fits)
    }
}

/// What functions send.
pub(crate) struct Traffic {
    endpoints: Vec<Endpoint>,
    /// The indices of the endpoints of each function.
    used: BTreeMap<String, BTreeSet<usize>>,
    /// Requests of a function that are for no endpoint of the table.
    others: BTreeMap<String, BTreeSet<String>>,
    /// The fixtures in which a call succeeds, by their paths without `.json`.
    successes: BTreeMap<String, Success>,
}

/// A call that succeeds, as a fixture has it.
#[derive(Clone)]
pub(crate) struct Success {
    pub(crate) function: String,
    pub(crate) arguments: Vec<Value>,
    pub(crate) result: Value,
}

#[derive(Deserialize)]
struct Table {
    endpoints: Vec<Endpoint>,
}

#[derive(Deserialize)]
struct Fixture {
    call: Call,
    #[serde(default)]
    exchanges: Vec<Exchange>,
    returns: Returns,
}

#[derive(Deserialize)]
struct Call {
    function: String,
    #[serde(default)]
    arguments: Vec<Value>,
}

#[derive(Deserialize)]
struct Exchange {
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    method: String,
    url: String,
}

#[derive(Deserialize)]
struct Returns {
    /// Some, also for null.
    #[serde(default, deserialize_with = "given")]
    ok: Option<Value>,
}

fn given<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl Traffic {
    /// Reads the corpus, and the table of the host's endpoints in the form in which other languages have it.
    pub(crate) fn read(corpus: &Corpus, endpoints: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(endpoints)
            .with_context(|| format!("cannot read {}", endpoints.display()))?;
        let Table { endpoints } = serde_json::from_str(&text).context("the table of endpoints is none")?;
        let (used, others, successes) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        let mut traffic = Self { endpoints, used, others, successes };
        for case in corpus.at(&corpus.fixtures)? {
            let fixture = serde_json::from_str(&case.text()?);
            let fixture = fixture.with_context(|| format!("{} is no fixture", case.path.display()))?;
            let name = case.path.strip_prefix(&corpus.fixtures)?.with_extension("");
            traffic.add(name.to_string_lossy().replace('\\', "/"), fixture);
        }
        Ok(traffic)
    }

    fn add(&mut self, name: String, fixture: Fixture) {
        let Call { function, arguments } = fixture.call;
        for Request { method, url } in fixture.exchanges.into_iter().map(|exchange| exchange.request) {
            let path = url.strip_prefix(ORIGIN).unwrap_or(&url).split('?').next().unwrap_or_default();
            match self.endpoints.iter().position(|endpoint| endpoint.is(&method, path)) {
                Some(index) => drop(self.used.entry(function.clone()).or_default().insert(index)),
                None => {
                    let other = format!("{method} {path}");
                    self.others.entry(function.clone()).or_default().insert(other);
                }
            }
        }
        if let Some(result) = fixture.returns.ok {
            self.successes.insert(name, Success { function, arguments, result });
        }
    }

    /// The endpoints of a function.
    pub(crate) fn endpoints(&self, function: &str) -> Vec<&Endpoint> {
        let used = self.used.get(function).into_iter().flatten();
        used.filter_map(|index| self.endpoints.get(*index)).collect()
    }

    /// What a function sends beside.
    pub(crate) fn others(&self, function: &str) -> Vec<&str> {
        self.others.get(function).into_iter().flatten().map(String::as_str).collect()
    }

    /// A call that succeeds.
    pub(crate) fn success(&self, fixture: &str) -> Option<&Success> {
        self.successes.get(fixture)
    }
}

//! The fixture format: one call, and everything that crosses the `http` import meanwhile.

use crate::exact;
use anyhow::{Context, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use klaviyo_core::{Response, TransportError};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// One case.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fixture {
    /// What it shows, for the reader.
    pub name: String,
    /// The call.
    pub call: Call,
    /// The requests that are expected, in order, and their answers.
    #[serde(default)]
    pub exchanges: Vec<Exchange>,
    /// What the call returns.
    pub returns: Returns,
}

/// A function and its arguments.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Call {
    /// `interface.function`
    pub function: String,
    /// One JSON value each, by the contract's types.
    #[serde(default)]
    pub arguments: Vec<Value>,
}

/// One request and its answer.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// What must be sent.
    pub request: Request,
    /// What comes back.
    #[serde(deserialize_with = "answer")]
    pub response: Result<Response, TransportError>,
}

/// What a request must be like.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Equal.
    pub method: String,
    /// Equal after percent-decoding; a trailing slash of the path does not count, nor the order of the query.
    pub url: String,
    /// Each must be there with its value; more may be.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// The authorization scheme. Equal.
    pub auth: String,
    /// The body, compared as JSON.
    #[serde(default, deserialize_with = "present")]
    pub json: Option<Box<RawValue>>,
    /// The body, compared as text.
    pub body: Option<String>,
}

/// What comes back, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenAnswer {
    status: Option<u16>,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "present")]
    json: Option<Box<RawValue>>,
    text: Option<String>,
    base64: Option<String>,
    error: Option<TransportError>,
}

/// Reads an answer as the connector gets it.
fn answer<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Result<Response, TransportError>, D::Error> {
    WrittenAnswer::deserialize(deserializer)?.play().map_err(D::Error::custom)
}

/// Tells a null that is there from a member that is not.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::deserialize(deserializer).map(Some)
}

/// What the call returns.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Returns {
    /// The value, compared whole.
    Ok(Box<RawValue>),
    /// The value, compared in the fields that are listed, at every depth.
    OkIncludes(Box<RawValue>),
    /// The error, compared in the fields that are listed.
    Err(Box<RawValue>),
}

impl Fixture {
    /// Reads a fixture.
    ///
    /// # Errors
    /// When the text is not one.
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let format = "is not a fixture (CONTRIBUTING.md has the format)";
        let fixture: Self = serde_json::from_str(text).context(format)?;
        if fixture.exchanges.iter().any(|e| e.request.json.is_some() && e.request.body.is_some()) {
            bail!("{format}: a request has `json` or `body`, not both");
        }
        Ok(fixture)
    }
}

impl WrittenAnswer {
    fn play(self) -> anyhow::Result<Result<Response, TransportError>> {
        let bodies = [self.json.is_some(), self.text.is_some(), self.base64.is_some()];
        let bodies = bodies.into_iter().filter(|given| *given).count();
        let status = match (self.status, self.error) {
            (None, Some(failure)) if bodies == 0 && self.headers.is_empty() => return Ok(Err(failure)),
            (Some(status), None) if bodies <= 1 => status,
            _ => bail!(
                "a response has a `status` and at most one of `json`, `text` and `base64`, or an `error`"
            ),
        };
        let body = match (self.json, self.text, self.base64) {
            (Some(json), ..) => exact::compact(&json).into_bytes(),
            (_, Some(text), _) => text.into_bytes(),
            (.., Some(base64)) => BASE64.decode(base64).context("`base64` is not base64")?,
            _ => Vec::new(),
        };
        Ok(Ok(Response { status, headers: self.headers.into_iter().collect(), body }))
    }
}

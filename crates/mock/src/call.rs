//! One request of an operation: its path, query and body.

use crate::account::Account;
use crate::answer::Refusal;
use crate::check::Result;
use crate::digits;
use crate::revision::Revision;
use http::{HeaderMap, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use std::collections::BTreeSet;

/// A request that the key may make.
pub(crate) struct Call<'a> {
    pub(crate) account: &'a mut Account,
    /// The scopes of the key or the token.
    pub(crate) granted: BTreeSet<String>,
    pub(crate) revision: Revision,
    /// The path without the slash at its end.
    pub(crate) path: &'a str,
    /// The variable in the path; empty if there is none.
    pub(crate) id: String,
    pub(crate) query: Query,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) body: &'a [u8],
}

/// The parameters of a query, decoded.
#[derive(Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query as that of a form: a plus sign is a space.
    pub(crate) fn parse(query: &str) -> Self {
        let decoded = |text: &str| decoded(&text.replace('+', " "));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pairs = pairs.map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        Self(pairs.map(|(name, value)| (decoded(name), decoded(value))).collect())
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl Call<'_> {
    /// The body as JSON, if the headers say that it is.
    pub(crate) fn document(&self) -> Result<Value> {
        let media_type = self.headers.get("content-type").and_then(|value| value.to_str().ok());
        let media_type = media_type.and_then(|value| value.split(';').next()).unwrap_or_default().trim();
        if !["application/vnd.api+json", "application/json"].contains(&media_type) {
            let detail = format!("Unsupported media type '{media_type}' in request.");
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            let title = "Unsupported media type.";
            return Err(Refusal::new(status, "unsupported_media_type", title, &detail).into());
        }
        digits::read(self.body)
            .map_err(|error| Refusal::invalid(&format!("JSON parse error - {error}"), "/data").into())
    }

    /// Whether `additional-fields[kind]` names a field. It may name known fields only.
    pub(crate) fn wants(&self, kind: &str, field: &str, known: &[&str]) -> Result<bool> {
        let parameter = format!("additional-fields[{kind}]");
        let Some(fields) = self.query.get(&parameter) else { return Ok(false) };
        match fields.split(',').find(|field| !known.contains(field)) {
            Some(unknown) => {
                let detail = format!("'{unknown}' is not a valid additional field for the resource '{kind}'");
                Err(Refusal::invalid_parameter(&detail, &parameter).into())
            }
            None => Ok(fields.split(',').any(|own| own == field)),
        }
    }

    /// Removes the attributes that `fields[kind]` does not name. A name with dots keeps its first part.
    pub(crate) fn sparse(&self, kind: &str, mut resource: Value) -> Value {
        let fields = self.query.get(&format!("fields[{kind}]"));
        if let (Some(fields), Some(Value::Object(attributes))) = (fields, resource.get_mut("attributes")) {
            let wanted: Vec<&str> = fields
                .split(',')
                .map(|field| field.split_once('.').map_or(field, |(first, _)| first))
                .collect();
            attributes.retain(|name, _| wanted.contains(&name.as_str()));
        }
        resource
    }
}

/// Undoes percent-encoding.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

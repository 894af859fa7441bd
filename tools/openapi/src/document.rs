//! An OpenAPI document: its revision and operations.

use crate::schema::{self, violations};
use anyhow::{Context, Result, bail};
use jsonschema::Validator;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use std::path::Path;
use strum::{Display, EnumString};

const METHODS: [&str; 8] = ["delete", "get", "head", "options", "patch", "post", "put", "trace"];

/// A parsed document.
pub(crate) struct Document {
    /// The file's name.
    pub(crate) name: String,
    /// The revision of the API. In Klaviyo's documents it is the version.
    pub(crate) revision: String,
    /// The origins of its paths, such as `https://a.klaviyo.com`.
    pub(crate) servers: Vec<String>,
    pub(crate) operations: Vec<Operation>,
    /// The whole document, in which references are resolved.
    pub(crate) value: Value,
}

/// An operation: a method and a path.
pub(crate) struct Operation {
    /// Klaviyo's name for it.
    pub(crate) name: String,
    /// In upper case.
    pub(crate) method: String,
    /// The path without the slash at its end, with variables: `/api/lists/{id}`.
    pub(crate) path: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) body: Option<Body>,
    /// The schemas of its answers, by `200` or `4XX`; null if an answer has no body.
    pub(crate) answers: Vec<(String, Value)>,
}

/// A parameter of an operation.
pub(crate) struct Parameter {
    pub(crate) name: String,
    pub(crate) location: Location,
    pub(crate) required: bool,
    /// As in the document.
    pub(crate) schema: Value,
    pub(crate) description: String,
    values: Understood<(ParameterType, Validator)>,
}

/// A part of a document, or the reason why this check does not understand it. The reason matters only to
/// requests of that operation.
pub(crate) type Understood<T> = std::result::Result<T, String>;

/// The location of a parameter, as in its member `in`.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Display, EnumString)]
#[strum(serialize_all = "lowercase")]
pub(crate) enum Location {
    Path,
    Query,
    Header,
    Cookie,
}

/// The type of a parameter's text.
struct ParameterType {
    kind: String,
    /// For an array, the type of its items, and whether each item is a parameter of its own.
    items: Option<(String, bool)>,
}

/// The body of an operation.
pub(crate) struct Body {
    pub(crate) required: bool,
    pub(crate) media_types: Vec<MediaType>,
}

/// A media type of a body.
pub(crate) struct MediaType {
    pub(crate) name: String,
    /// The schema as in the document.
    pub(crate) schema: Value,
    pub(crate) validator: Understood<Validator>,
}

impl Document {
    /// Reads and parses a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let value = serde_json::from_str(&text).with_context(|| format!("{} is not JSON", path.display()))?;
        let what = || format!("{} is no OpenAPI document that this check understands", path.display());
        Self::parse(&name, value).with_context(what)
    }

    /// Parses a document.
    pub(crate) fn parse(name: &str, value: Value) -> Result<Self> {
        let version = value.get("openapi").and_then(Value::as_str).context("it has no `openapi` version")?;
        if !version.starts_with("3.0.") {
            bail!("it is OpenAPI {version}, not 3.0");
        }
        let revision = value.pointer("/info/version").and_then(Value::as_str).unwrap_or_default();
        let revision = date(revision).with_context(|| {
            format!("its `info.version` is {revision:?}, not a revision such as \"2025-01-15\"")
        })?;
        let servers = value.get("servers").and_then(Value::as_array).into_iter().flatten();
        let servers = servers.filter_map(|server| server.get("url")?.as_str());
        let servers = servers.map(|url| url.trim_end_matches('/').to_owned()).collect();
        let paths = value.get("paths").and_then(Value::as_object).context("it has no `paths`")?;
        let mut operations = Vec::new();
        for (path, item) in paths {
            let shared = item.get("parameters");
            for (method, operation) in item.as_object().into_iter().flatten() {
                if METHODS.contains(&method.as_str()) {
                    let operation = Operation::parse(&value, (method, path), shared, operation)
                        .with_context(|| format!("in {} {path}", method.to_uppercase()))?;
                    operations.push(operation);
                }
            }
        }
        if operations.is_empty() {
            bail!("it has no operations");
        }
        let revision = revision.to_owned();
        Ok(Self { name: name.to_owned(), revision, servers, operations, value })
    }

    /// The operation of a request, if the document has it. If several paths fit, the one with the fewest
    /// variables.
    pub(crate) fn operation(&self, method: &str, path: &str) -> Option<&Operation> {
        let fitting =
            self.operations.iter().filter(|o| o.method == method && variables(&o.path, path).is_some());
        fitting.min_by_key(|operation| operation.path.matches('{').count())
    }
}

/// The date of a revision: that of `2026-10-15.pre` is `2026-10-15`.
pub(crate) fn date(revision: &str) -> Option<&str> {
    let date = revision.split_once('.').map_or(revision, |(date, _suffix)| date);
    let fits = |(i, b): (usize, u8)| if matches!(i, 4 | 7) { b == b'-' } else { b.is_ascii_digit() };
    (date.len() == 10 && date.bytes().enumerate().all(fits)).then_some(date)
}

/// The variables of a path and their values, decoded, if the path fits.
pub(crate) fn variables<'a>(template: &'a str, path: &str) -> Option<Vec<(&'a str, String)>> {
    let path = path.strip_suffix('/').unwrap_or(path);
    let (mut wanted, mut given) = (template.split('/'), path.split('/'));
    let mut variables = Vec::new();
    loop {
        let (own, segment) = match (wanted.next(), given.next()) {
            (None, None) => return Some(variables),
            (Some(own), Some(segment)) => (own, decoded(segment)),
            _ => return None,
        };
        match own.strip_prefix('{').and_then(|own| own.strip_suffix('}')) {
            Some(name) if !segment.is_empty() => variables.push((name, segment)),
            None if own == segment => {}
            _ => return None,
        }
    }
}

/// Undoes percent-encoding.
pub(crate) fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

impl Operation {
    fn parse(
        document: &Value,
        (method, path): (&str, &str),
        shared: Option<&Value>,
        value: &Value,
    ) -> Result<Self> {
        let method = method.to_uppercase();
        let path = path.strip_suffix('/').unwrap_or(path).to_owned();
        let name = value.get("operationId").and_then(Value::as_str);
        let name = name.map_or_else(|| format!("{method} {path}"), str::to_owned);
        let mut parameters: Vec<Parameter> = Vec::new();
        // Parameters of the operation replace those of the path with the same name.
        for parameter in [value.get("parameters"), shared].into_iter().flatten() {
            for parameter in parameter.as_array().context("`parameters` is an array")? {
                let parameter = Parameter::parse(document, component(document, "parameters", parameter)?)?;
                if !parameters
                    .iter()
                    .any(|own| own.name == parameter.name && own.location == parameter.location)
                {
                    parameters.push(parameter);
                }
            }
        }
        let body = value.get("requestBody").map(|body| Body::parse(document, body)).transpose()?;
        let answers = value.get("responses").and_then(Value::as_object).into_iter().flatten();
        let answer = |(status, answer): (&String, &Value)| {
            let content = component(document, "responses", answer)?.get("content");
            let content = content.and_then(Value::as_object).and_then(|content| content.values().next());
            let schema = content.and_then(|content| content.get("schema")).cloned();
            Ok((status.clone(), schema.unwrap_or_default()))
        };
        let answers = answers.map(answer).collect::<Result<_>>()?;
        Ok(Self { name, method, path, parameters, body, answers })
    }

    /// The schema of an answer with this status; null if it has no body, none if there is no such answer.
    pub(crate) fn answer(&self, status: u16) -> Option<&Value> {
        let (exact, class) = (status.to_string(), format!("{}XX", status / 100));
        let find = |wanted: &str| self.answers.iter().find(|(own, _)| own == wanted);
        find(&exact).or_else(|| find(&class)).map(|(_, schema)| schema)
    }
}

impl Parameter {
    fn parse(document: &Value, value: &Value) -> Result<Self> {
        let name = value.get("name").and_then(Value::as_str).context("a parameter has no name")?;
        let location = value.get("in").and_then(Value::as_str).and_then(|place| place.parse().ok());
        let location =
            location.with_context(|| format!("it is not known where the parameter {name} stands"))?;
        let values = Self::values(document, value, location).map_err(|error| format!("{error:#}"));
        let required = value.get("required").and_then(Value::as_bool).unwrap_or_default();
        let schema = value.get("schema").cloned().unwrap_or_default();
        let description = value.get("description").and_then(Value::as_str).unwrap_or_default().to_owned();
        Ok(Self { name: name.to_owned(), location, required, schema, description, values })
    }

    fn values(document: &Value, value: &Value, location: Location) -> Result<(ParameterType, Validator)> {
        let schema = value.get("schema").context("it has no `schema`")?;
        let validator = schema::validator(document, schema)?;
        let schema = schema::resolved(document, schema)?;
        let kind = |schema: &Value| schema.get("type").and_then(Value::as_str).unwrap_or("string").to_owned();
        let items = match schema.get("items") {
            Some(items) if kind(schema) == "array" => {
                // In a query, items are parameters of their own by default.
                let explode =
                    value.get("explode").and_then(Value::as_bool).unwrap_or(location == Location::Query);
                Some((kind(schema::resolved(document, items)?), explode))
            }
            _ => None,
        };
        Ok((ParameterType { kind: kind(schema), items }, validator))
    }

    /// The violations in the values of a request for it, of which there is at least one.
    pub(crate) fn violations(&self, given: &[&str]) -> Vec<String> {
        let (parameter_type, validator) = match &self.values {
            Ok(understood) => understood,
            Err(reason) => return vec![format!("this check does not understand it: {reason}")],
        };
        let value = match (&parameter_type.items, given) {
            (Some((kind, true)), _) => given.iter().map(|item| typed(kind, item)).collect(),
            (Some((kind, false)), [list]) => list.split(',').map(|item| typed(kind, item)).collect(),
            (None, [text]) => typed(&parameter_type.kind, text),
            _ => return vec![format!("it is there {} times", given.len())],
        };
        let violation = |(location, reason): (String, String)| match location.strip_prefix('/') {
            Some(n) => format!("item {n}: {reason}"),
            None => reason,
        };
        violations(validator, &value).into_iter().map(violation).collect()
    }
}

/// Converts the text of a parameter to a value of this type. Other text stays text, which the schema refuses.
fn typed(kind: &str, text: &str) -> Value {
    let read = || serde_json::from_str::<Value>(text).ok();
    let value = match kind {
        "integer" | "number" => read().filter(Value::is_number),
        "boolean" => read().filter(Value::is_boolean),
        _ => None,
    };
    value.unwrap_or_else(|| text.into())
}

impl Body {
    fn parse(document: &Value, value: &Value) -> Result<Self> {
        let value = component(document, "requestBodies", value)?;
        let empty = Map::new();
        let content = value.get("content").and_then(Value::as_object).unwrap_or(&empty);
        let media_type = |(name, media): (&String, &Value)| {
            let schema = media.get("schema").cloned().unwrap_or_default();
            let validator = schema::validator(document, &schema).map_err(|error| format!("{error:#}"));
            MediaType { name: name.clone(), schema, validator }
        };
        let media_types = content.iter().map(media_type).collect();
        let required = value.get("required").and_then(Value::as_bool).unwrap_or_default();
        Ok(Self { required, media_types })
    }

    /// The media type with this `content-type`.
    pub(crate) fn media_type(&self, content_type: &str) -> Option<&MediaType> {
        let name = content_type.split(';').next().unwrap_or_default().trim();
        self.media_types.iter().find(|media| media.name.eq_ignore_ascii_case(name))
    }
}

/// A parameter or a body, or the component that it refers to.
fn component<'a>(document: &'a Value, kind: &str, value: &'a Value) -> Result<&'a Value> {
    let Some(reference) = value.get("$ref") else { return Ok(value) };
    let target = reference.as_str().and_then(|reference| {
        let name = reference.strip_prefix(&format!("#/components/{kind}/"))?;
        document.get("components")?.get(kind)?.get(name)
    });
    target.with_context(|| format!("{reference} is not there"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_revision_is_a_date() {
        assert_eq!(date("2026-10-15"), Some("2026-10-15"));
        assert_eq!(date("2026-10-15.pre"), Some("2026-10-15"));
        for other in ["", "1.0.0", "2026-10", "latest", "2026-10-15T", "２026-10-1"] {
            assert_eq!(date(other), None, "{other}");
        }
    }

    #[test]
    fn a_path_fits_segment_by_segment() {
        let id = |path| variables("/api/lists/{id}/profiles", path).map(|found| found[0].1.clone());
        assert_eq!(id("/api/lists/Y6nRLr/profiles"), Some("Y6nRLr".to_owned()));
        assert_eq!(id("/api/lists/a%2Fb%3F/profiles/"), Some("a/b?".to_owned()));
        assert_eq!(id("/%61pi/lists/a/profiles"), Some("a".to_owned()));
        for other in
            ["/api/lists/profiles", "/api/lists//profiles", "/api/lists/a/profiles/b", "/lists/a/profiles"]
        {
            assert_eq!(id(other), None, "{other}");
        }
    }

    #[test]
    fn the_path_with_the_fewest_variables_wins() {
        let document = json!({
            "openapi": "3.0.3", "info": { "version": "2025-01-15" },
            "paths": { "/shoes/{id}": { "get": {} }, "/shoes/all": { "get": { "operationId": "all" } } },
        });
        let document = Document::parse("shoes.json", document).unwrap();
        assert_eq!(document.operation("GET", "/shoes/all/").unwrap().name, "all");
        assert_eq!(document.operation("GET", "/shoes/one").unwrap().name, "GET /shoes/{id}");
        assert!(document.operation("PUT", "/shoes/all").is_none());
    }

    #[test]
    fn what_is_no_document_is_told() {
        for (document, why) in [
            (json!([]), "no `openapi` version"),
            (json!({ "openapi": "3.1.0" }), "OpenAPI 3.1.0, not 3.0"),
            (json!({ "openapi": "3.0.2", "info": { "version": "v2" } }), "`info.version` is \"v2\""),
            (json!({ "openapi": "3.0.2", "info": { "version": "2025-01-15" } }), "no `paths`"),
            (
                json!({ "openapi": "3.0.2", "info": { "version": "2025-01-15" }, "paths": {} }),
                "no operations",
            ),
        ] {
            let error = Document::parse("x.json", document).err().unwrap();
            assert!(error.to_string().contains(why), "{error}");
        }
    }
}

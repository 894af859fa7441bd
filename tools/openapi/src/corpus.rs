//! The requests of the fixture corpus.

use crate::check::Request;
use anyhow::{Context, Result, bail};
use klaviyo_corpus::{Case, Corpus};
use serde_json::Value;
use std::path::Path;

/// A request of a fixture.
pub(crate) struct FixtureRequest {
    /// The path of the fixture below the corpus folder.
    pub(crate) fixture: String,
    /// The number of the exchange, from 1.
    pub(crate) exchange: usize,
    pub(crate) request: Request,
}

/// The requests of all fixtures in a folder and its subfolders.
pub(crate) fn requests(folder: &Path) -> Result<Vec<FixtureRequest>> {
    let mut requests = Vec::new();
    for case in Corpus::default().at(folder)? {
        requests.extend(read(folder, &case).with_context(|| case.path.display().to_string())?);
    }
    if requests.is_empty() {
        bail!("there is no request in the fixtures of {}", folder.display());
    }
    Ok(requests)
}

fn read(folder: &Path, case: &Case) -> Result<Vec<FixtureRequest>> {
    let value: Value = serde_json::from_str(&case.text()?).context("it is not JSON")?;
    let fixture = case.path.strip_prefix(folder).unwrap_or(&case.path).display().to_string();
    let exchanges = value.get("exchanges").and_then(Value::as_array).into_iter().flatten();
    let request = |(n, exchange): (usize, &Value)| {
        let number = n.saturating_add(1);
        let request = exchange.get("request").and_then(request);
        let request =
            request.with_context(|| format!("exchange {number} has no request as CONTRIBUTING.md has it"))?;
        Ok(FixtureRequest { fixture: fixture.clone(), exchange: number, request })
    };
    exchanges.enumerate().map(request).collect()
}

fn request(value: &Value) -> Option<Request> {
    let text = |name: &str| value.get(name)?.as_str().map(str::to_owned);
    let headers = value.get("headers").and_then(Value::as_object).into_iter().flatten();
    let headers = headers.map(|(name, value)| Some((name.to_ascii_lowercase(), value.as_str()?.to_owned())));
    let body = value.get("json").map(Value::to_string).or_else(|| text("body"));
    Some(Request {
        method: text("method")?,
        url: text("url")?,
        headers: headers.collect::<Option<_>>()?,
        body: body.unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_body_is_json_or_text_or_absent() {
        let body = |mut more: Value| {
            let members = more.as_object_mut().unwrap();
            members.extend([("method".to_owned(), json!("POST")), ("url".to_owned(), json!("/"))]);
            request(&more).unwrap().body
        };
        assert_eq!(body(json!({ "json": { "a": 1 } })), r#"{"a":1}"#);
        assert_eq!(body(json!({ "json": null })), "null");
        assert_eq!(body(json!({ "body": " {" })), " {");
        assert_eq!(body(json!({})), "");
    }

    #[test]
    fn a_folder_is_read_whole_and_never_in_part() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        assert!(requests(folder.path()).is_err());
        std::fs::create_dir_all(folder.path().join("shoes/all")).unwrap();
        let exchange =
            json!({ "request": { "method": "GET", "url": "https://a/b", "headers": { "A": "b" } } });
        write("shoes/all/two.json", &json!({ "exchanges": [exchange, exchange] }).to_string());
        write("none.json", "{}");
        let found = requests(folder.path()).unwrap();
        let places: Vec<_> = found.iter().map(|found| (found.fixture.as_str(), found.exchange)).collect();
        assert_eq!(places, [("shoes/all/two.json", 1), ("shoes/all/two.json", 2)]);
        assert_eq!(found[0].request.headers["a"], "b");

        write("odd.json", r#"{"exchanges":[{"request":{"method":"GET"}}]}"#);
        let error = format!("{:#}", requests(folder.path()).err().unwrap());
        assert!(error.contains("odd.json: exchange 1 has no request"), "{error}");
        assert!(requests(&folder.path().join("gone")).is_err());
    }
}

//! What people write for an email and a phone number, in the component: it is cleaned, or refused with nothing sent.

use anyhow::{Context, Result};
use bytes::Bytes;
use host_test::component::{artifact, cache};
use host_test::suite::block_on;
use http::{Request, Response};
use klaviyo_host::types::{Code, Identifier};
use klaviyo_host::{Attempt, Bounds, Connector, Pace, Secret, Tenant, Transport};
use parking_lot::Mutex;
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Arc;
use url::Url;

/// A Klaviyo that knows nobody, and what it was asked.
#[derive(Clone, Default)]
struct Nobody(Arc<Mutex<Vec<String>>>);

impl Nobody {
    /// The filter of the only request since this was asked last, if there was one.
    fn filter(&self) -> Result<Option<String>> {
        let asked = std::mem::take(&mut *self.0.lock());
        let Some(url) = asked.first() else { return Ok(None) };
        anyhow::ensure!(asked.len() == 1, "{asked:?}");
        let url = Url::parse(url)?;
        let filter = url.query_pairs().find(|(name, _)| name == "filter");
        Ok(Some(filter.context("a filter")?.1.into_owned()))
    }
}

impl Transport for Nobody {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        self.0.lock().push(request.uri().to_string());
        Box::pin(async { Ok(Response::new(Bytes::from_static(br#"{"data":[]}"#))) })
    }
}

fn cases(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("cases").join(name)
}

fn stage() -> Result<(Nobody, Tenant)> {
    let nobody = Nobody::default();
    let connector = Connector::builder().transport(nobody.clone()).cache(cache()).load(artifact())?;
    let tenant = Tenant::builder(&connector, Secret::new("pk_test")?).pace(Pace::unlimited()).build();
    Ok((nobody, tenant))
}

#[test]
fn phone_numbers_come_out_right() -> Result<()> {
    let (nobody, tenant) = stage()?;
    let mut reader = csv::Reader::from_path(cases("phones.csv"))?;
    block_on(async {
        for record in reader.records() {
            let record = record?;
            let field = |index| record.get(index).unwrap_or_default();
            let (written, region, right) = (field(0), field(1), field(2));
            let result = tenant.lookup(&Identifier::PhoneNumber(written.to_owned())).await;
            let asked = nobody.filter()?;
            if right.starts_with('+') && region.is_empty() {
                result.with_context(|| written.to_owned())?;
                assert_eq!(asked, Some(format!("equals(phone_number,\"{right}\")")), "{written}");
            } else if let Err(error) = result {
                assert_eq!((error.code(), asked), (Code::InvalidInput, None), "{written}");
            } else {
                // Without its region it may be a number only if it is the same one, or one behind the prefix 00.
                let same = asked == Some(format!("equals(phone_number,\"{right}\")"));
                assert!(same || written.starts_with("00"), "{written}");
            }
        }
        Ok(())
    })
}

#[test]
fn emails_come_out_right() -> Result<()> {
    let (nobody, tenant) = stage()?;
    let text = std::fs::read_to_string(cases("emails.jsonl"))?;
    block_on(async {
        for line in text.lines() {
            let case: Value = serde_json::from_str(line)?;
            let field = |name| case.get(name).and_then(Value::as_str).unwrap_or_default();
            let (written, right) = (field("written"), field("right"));
            let result = tenant.lookup(&Identifier::Email(written.to_owned())).await;
            let asked = nobody.filter()?;
            if right.contains("refused") {
                let code = result.err().map(|error| error.code());
                assert_eq!((code, asked), (Some(Code::InvalidInput), None), "{written}");
            } else {
                result.with_context(|| written.to_owned())?;
                assert_eq!(
                    asked,
                    Some(format!("equals(email,\"{}\")", right.replace('"', "\\\""))),
                    "{written}"
                );
            }
        }
        Ok(())
    })
}

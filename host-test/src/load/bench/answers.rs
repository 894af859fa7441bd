//! Klaviyo's answers, from memory.

use crate::canary::KEY;
use crate::component::{artifact, built, cache};
use anyhow::Result;
use bytes::Bytes;
use http::{Request, Response};
use klaviyo_host::types::Identifier;
use klaviyo_host::{Attempt, Bounds, Connector, Limits, Pace, Secret, Tenant, Transport};
use serde_json::{Value, json};
use std::path::Path;

/// Answers each request by its address.
pub(super) struct FromMemory<F>(pub(super) F);

impl<F: Fn(&str) -> Bytes + Send + Sync + 'static> Transport for FromMemory<F> {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        let answer = (self.0)(&request.uri().to_string());
        Box::pin(std::future::ready(Ok(Response::new(answer))))
    }
}

/// A connector whose compiled component is kept.
pub(super) fn connector(file: &Path, limits: Limits, transport: impl Transport) -> Result<Connector> {
    let builder = Connector::builder().limits(limits).transport(transport).cache(cache());
    Ok(builder.load(built(file.to_owned())?)?)
}

/// The whole connector, with these answers, as one tenant at no pace.
pub(super) fn tenant(answers: impl Fn(&str) -> Bytes + Send + Sync + 'static) -> Result<Tenant> {
    one_tenant(&connector(&artifact(), Limits::default(), FromMemory(answers))?)
}

/// A tenant at no pace.
pub(super) fn one_tenant(connector: &Connector) -> Result<Tenant> {
    Ok(Tenant::builder(connector, Secret::new(KEY)?).pace(Pace::unlimited()).build())
}

pub(super) fn email(number: usize) -> String {
    format!("person{number:07}@example.com")
}

pub(super) fn somebody() -> Identifier {
    Identifier::Email(email(0))
}

/// A page of profiles, the first of them somebody.
pub(super) fn profiles(count: usize) -> Bytes {
    let profile = |number: usize| {
        json!({
            "type": "profile",
            "id": format!("01GMTZY2TEKN4KFRP3{number:08}"),
            "attributes": {
                "email": email(number),
                "first_name": "Priya",
                "last_name": "Sharma",
                "phone_number": "+919820000001",
                "created": "2026-01-15T10:00:00Z",
                "properties": { "plan": "pro", "orders": number },
            },
        })
    };
    body(&json!({ "data": (0..count).map(profile).collect::<Vec<_>>() }))
}

pub(super) fn body(document: &Value) -> Bytes {
    document.to_string().into()
}

//! Looks a profile up in a Klaviyo in memory, with the component that is named on the command line.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode};
use klaviyo_host::types::{Identifier, Profile};
use klaviyo_host::{Attempt, AttemptError, Bounds, Connector, Secret, Tenant, Transport};
use std::error::Error;

const URL: &str = "https://a.klaviyo.com/api/profiles/?filter=equals%28email%2C%22priya%40example.com%22%29";
const PROFILE: &str =
    r#"{"data":[{"type":"profile","id":"01X","attributes":{"email":"priya@example.com"}}]}"#;

/// A Klaviyo that knows one person, and fails for whatever is not that question.
struct InMemory;

impl Transport for InMemory {
    fn send(&self, request: Request<Bytes>, _: Bounds) -> Attempt<'_> {
        Box::pin(async move {
            let key = request.headers().get(AUTHORIZATION).and_then(|value| value.to_str().ok());
            if key != Some("Klaviyo-API-Key pk_outside_0123456789") {
                let mut refused = Response::new(Bytes::new());
                *refused.status_mut() = StatusCode::UNAUTHORIZED;
                return Ok(refused);
            }
            match request.uri().to_string().as_str() {
                URL => Ok(Response::new(PROFILE.into())),
                other => Err(AttemptError::Other(format!("{} {other} was not expected", request.method()))),
            }
        })
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let component = std::env::args().nth(1).ok_or("the one argument is the file of the component")?;
    let connector = Connector::builder().transport(InMemory).load(component)?;
    let tenant = Tenant::new(&connector, Secret::new("pk_outside_0123456789")?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;

    let email = "priya@example.com".to_owned();
    let answer = runtime.block_on(tenant.lookup(&Identifier::Email(email.clone())))?;
    match answer.value {
        Some(Profile { id, email: found, .. }) if id == "01X" && found.as_ref() == Some(&email) => {
            println!("outside the workspace: {email} is {id}, in {} request", answer.usage.requests);
            Ok(())
        }
        other => Err(format!("another answer was expected than {other:?}").into()),
    }
}

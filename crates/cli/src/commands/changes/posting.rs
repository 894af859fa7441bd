//! Sends changes to the endpoint of a platform, in place of printing them.

use crate::failure::{Failure, chain};
use crate::output;
use crate::service;
use clap::Args;
use klaviyo_host::types::Code;
use klaviyo_service::account::Account;
use klaviyo_service::feed::{
    Destination, Held, Malformed, Message, Refusal, Source, deliver, endpoint_address,
};
use klaviyo_service::secrets::{SecretKind, Secrets};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use url::Url;

/// Where the changes are sent.
#[derive(Args)]
pub(super) struct Posting {
    /// Send the changes to this endpoint, signed as in Standard Webhooks [variable for the secret: KLAVIYO_CHANGES_SECRET]
    #[arg(long, value_name = "URL", value_parser = address)]
    post: Option<Url>,
    /// Allow an endpoint without TLS (http://), or with an address that is not public
    #[arg(long, requires = "post")]
    private_endpoints: bool,
}

fn address(text: &str) -> Result<Url, String> {
    endpoint_address(text)
        .ok_or_else(|| "it is not an address such as https://platform.example/klaviyo".to_owned())
}

/// How often a run that does not follow waits for an endpoint that fails.
const WAITS: u32 = 3;

/// An endpoint that changes are posted to.
pub(super) struct Post {
    destination: Destination,
    is_following: bool,
    tells_consent: bool,
    refused: u32,
}

impl Posting {
    /// Opens the endpoint; none if there is none. `tells_consent`: the consent of changed profiles is sent too.
    pub(super) fn open(&self, is_following: bool, tells_consent: bool) -> Result<Option<Post>, Failure> {
        let destination = self.destination()?;
        Ok(destination.map(|destination| Post { destination, is_following, tells_consent, refused: 0 }))
    }

    /// The endpoint, with the secret to sign with; none if there is none.
    fn destination(&self) -> Result<Option<Destination>, Failure> {
        let Some(url) = &self.post else { return Ok(None) };
        let invalid = |sentence: &str| Failure::invalid(None, sentence);
        let secrets = Secrets::environment(&[SecretKind::ChangesSecret]);
        let secrets = secrets.map_err(|error| invalid(&chain(&error)))?;
        let keys = secrets.mac_keys(&Account::default(), SecretKind::ChangesSecret);
        let variable = SecretKind::ChangesSecret.variable();
        let keys = keys.ok_or_else(|| {
            invalid(&format!("there is no secret to sign with: set {variable}")).hint(format!(
                "export {variable}=\"$(klaviyo-connector secret)\" makes one; the endpoint needs it too"
            ))
        })?;
        let sender = Arc::new(service::sender(self.private_endpoints)?);
        let endpoint = sender.endpoint(url.clone(), keys).map_err(|error| invalid(&error.to_string()))?;
        Ok(Some(Destination::Endpoint(endpoint)))
    }
}

impl Post {
    pub(super) fn tells_consent(&self) -> bool {
        self.tells_consent
    }

    /// Sends the changes of a page, each with the consent that belongs to it, if there are any. Those that the endpoint
    /// refuses are printed. It fails when some are left.
    pub(super) async fn send(
        &mut self,
        source: &Source,
        items: &[Value],
        consents: &[Value],
    ) -> Result<(), Failure> {
        let messages = messages(source, items, consents);
        let messages = messages.map_err(|error| Failure::other(error.to_string()))?;
        let (waits, is_following) = (AtomicU32::new(0), self.is_following);
        let wait = |reason: String, pause: Duration| {
            let goes_on = is_following || waits.fetch_add(1, Ordering::Relaxed) < WAITS;
            if goes_on {
                output::warn(&format!(
                    "{reason}; sends again in {}",
                    humantime::format_duration(rounded(pause))
                ));
            }
            async move {
                if goes_on {
                    tokio::time::sleep(pause).await;
                }
                goes_on
            }
        };
        let refusals = deliver(&self.destination, messages, wait).await.map_err(|held| match held {
            Held::Failing(reason) => Failure::new(Code::Unavailable, reason)
                .hint("with --state the same command begins with these changes, and leaves none out"),
            Held::Gone => Failure::new(Code::Rejected, held.to_string()),
        })?;
        for refusal in refusals {
            self.refused += 1;
            let line = document(&refusal).to_string();
            if !output::print_lines([line.as_str()])? {
                return Err(Failure::other("a refused change could not be printed".to_owned()));
            }
        }
        Ok(())
    }

    /// Fails if the endpoint has refused a change.
    pub(super) fn end(&self) -> Result<(), Failure> {
        match self.refused {
            0 => Ok(()),
            count => {
                let changes = if count == 1 { "change" } else { "changes" };
                let sentence = format!("the endpoint refused {count} {changes} for good, as printed");
                Err(Failure::new(Code::Rejected, sentence))
            }
        }
    }
}

fn messages(source: &Source, items: &[Value], consents: &[Value]) -> Result<Vec<Message>, Malformed> {
    let mut messages = Vec::with_capacity(items.len() + consents.len());
    let mut consents = consents.iter();
    for item in items {
        messages.push(source.message(None, item)?);
        // There is none of a profile that was deleted since.
        if let Some(consent) = consents.next().filter(|consent| !consent.is_null()) {
            messages.push(Message::consent_changed(None, item, consent)?);
        }
    }
    Ok(messages)
}

/// A refused change, as it is printed.
fn document(refusal: &Refusal) -> Value {
    let Refusal { message, reason, attempts } = refusal;
    // JSON that is deeper, or has larger numbers, than most programs can read becomes a string.
    let body = serde_json::from_slice(&message.body)
        .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&message.body)));
    json!({ "id": message.id, "message": body, "error": reason, "attempts": attempts })
}

fn rounded(pause: Duration) -> Duration {
    Duration::from_secs(pause.as_secs().max(1))
}

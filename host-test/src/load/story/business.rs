//! The business of an account in WhatsApp: the messages that it sends by itself, beside the service's replies.

use crate::load::caller::client;
use crate::load::stage::{Stage, number_id};
use anyhow::{Result, bail};
use klaviyo_whatsapp_mock::Business;
use reqwest::Client;
use serde_json::{Value, json};

/// How often a message is sent: some requests to WhatsApp fail.
const TIMES: usize = 20;

/// Sends messages by the number of an account.
pub(super) struct Sender {
    client: Client,
    url: String,
}

impl Sender {
    pub(super) fn new(stage: &Stage, account: &str) -> Result<Self> {
        let url = format!("{}/v25.0/{}/messages", stage.whatsapp_url()?, number_id(account));
        Ok(Self { client: client()?, url })
    }

    /// Sends a template, as marketing is sent.
    pub(super) async fn offer(&self, number: &str) -> Result<()> {
        let template = json!({ "name": "offer", "language": { "code": "en" } });
        self.send(&json!({ "to": number, "type": "template", "template": template })).await
    }

    /// Writes to a person.
    pub(super) async fn write(&self, number: &str, text: &str) -> Result<()> {
        self.send(&json!({ "to": number, "type": "text", "text": { "body": text } })).await
    }

    /// Asks a person for the number.
    pub(super) async fn ask_for_number(&self, user_id: &str) -> Result<()> {
        const ASKS: &str = "request_contact_info";
        let body = json!({ "text": "Which number may we write to?" });
        let interactive = json!({ "type": ASKS, "body": body, "action": { "name": ASKS } });
        self.send(&json!({ "recipient": user_id, "type": "interactive", "interactive": interactive })).await
    }

    /// Sends a message until WhatsApp says that it has taken it, so perhaps more than once.
    async fn send(&self, message: &Value) -> Result<()> {
        let mut message = message.clone();
        if let Some(message) = message.as_object_mut() {
            message.insert("messaging_product".to_owned(), "whatsapp".into());
        }
        let body = message.to_string();
        let mut last = String::new();
        for _ in 0..TIMES {
            let request = self.client.post(&self.url).bearer_auth(Business::TOKEN);
            let request = request.header("content-type", "application/json").body(body.clone());
            match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => {
                    last = format!("{}: {}", answer.status(), answer.text().await.unwrap_or_default())
                }
                Err(error) => last = error.to_string(),
            }
        }
        bail!("a message was sent {TIMES} times in vain; the last time: {last}")
    }
}

//! The business of an account in WhatsApp: the messages that it sends by itself, beside the bot's.

use crate::load::stage::app_secret;
use anyhow::{Result, ensure};
use klaviyo_whatsapp_mock::{Business, Limits, Server};
use reqwest::Client;
use serde_json::{Value, json};

/// A business with an account's secrets, whose webhooks go to a door.
pub(super) fn business(account: &str, door: &str) -> Result<Business> {
    let business = Business::new().app_secret(&app_secret(account)).limits(Limits::off()).refuse_later();
    business.webhook(&format!("{door}/v1/whatsapp/{account}"))
}

/// Sends a template, as marketing is sent.
pub(super) async fn offer(client: &Client, whatsapp: &Server, number: &str) -> Result<()> {
    let template = json!({ "name": "offer", "language": { "code": "en" } });
    send(client, whatsapp, &json!({ "to": number, "type": "template", "template": template })).await
}

/// Writes to a person.
pub(super) async fn write(client: &Client, whatsapp: &Server, number: &str, text: &str) -> Result<()> {
    send(client, whatsapp, &json!({ "to": number, "type": "text", "text": { "body": text } })).await
}

/// Asks a person for the number.
pub(super) async fn ask_for_number(client: &Client, whatsapp: &Server, user_id: &str) -> Result<()> {
    const ASKS: &str = "request_contact_info";
    let body = json!({ "text": "Which number may we write to?" });
    let interactive = json!({ "type": ASKS, "body": body, "action": { "name": ASKS } });
    send(
        client,
        whatsapp,
        &json!({ "recipient": user_id, "type": "interactive", "interactive": interactive }),
    )
    .await
}

async fn send(client: &Client, whatsapp: &Server, message: &Value) -> Result<()> {
    let mut message = message.clone();
    if let Some(message) = message.as_object_mut() {
        message.insert("messaging_product".to_owned(), "whatsapp".into());
    }
    let url = format!("{}/v25.0/{}/messages", whatsapp.url(), Business::NUMBER_ID);
    let request = client.post(url).bearer_auth(Business::TOKEN).header("content-type", "application/json");
    let answer = request.body(message.to_string()).send().await?;
    let status = answer.status();
    ensure!(status.is_success(), "a message was answered {status}: {}", answer.text().await?);
    Ok(())
}

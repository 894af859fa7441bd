//! A platform that runs code of its tenants', who are shops: each shop's component is composed with the connector, and
//! runs with that shop's key. The code can call the connector, and there is nothing else that it could do.

use anyhow::{Context, Result};
use klaviyo_compose::Imports;
use klaviyo_host::{Connector, Egress, Limits, Secret, Tenant};
use serde_json::json;
use std::path::Path;

/// The function that a shop's code exports: see `code/wit`.
const ON_MESSAGE: &str = "shop:code/automation@0.1.0#on-message";

/// What a shop's code may import of the connector: what a bot needs to opt people in and to know them. It cannot take
/// consent back, import files or delete what Klaviyo knows of somebody.
const INTERFACES: [&str; 3] = ["contacts", "events", "lists"];

/// A shop: its code, composed with the connector, and its account.
pub struct Shop(Tenant);

impl Shop {
    /// Takes a shop's code in. Code that wants more than the connector is refused here, and the message names it.
    ///
    /// # Errors
    /// When the code is no component, imports anything but the connector's contacts, events and lists, or cannot be compiled.
    pub fn new(connector: &Path, code: &[u8], key: Secret, egress: Egress) -> Result<Self> {
        let connector = std::fs::read(connector)
            .with_context(|| format!("{}: `cargo xtask build` makes it", connector.display()))?;
        let composed = klaviyo_compose::with_tenant_code(&connector, code, &Imports::only(INTERFACES))?;
        // Two components, and the limits of one. A shop is not a platform: some calls at once are enough.
        let limits = Limits { components: 2, concurrent_calls: 16, ..Limits::default() };
        let connector = Connector::builder().limits(limits).egress(egress).from_bytes(&composed)?;
        Ok(Self(Tenant::new(&connector, key)))
    }

    /// Gives the shop's code a message, and returns what the bot answers.
    ///
    /// # Errors
    /// When the code traps, or runs into a limit.
    pub async fn on_message(&self, from: &str, name: &str, text: &str) -> Result<String> {
        let answer = self.0.call(ON_MESSAGE, &[json!(from), json!(name), json!(text)]).await?;
        Ok(answer.value.as_str().context("the code answered with something that is no text")?.to_owned())
    }
}

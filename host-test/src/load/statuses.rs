//! WhatsApp tells what became of each message, and Klaviyo has an event for each status.

use crate::load::stage::{Stage, key};
use anyhow::{Context, Result, bail, ensure};
use klaviyo_whatsapp_mock::{Fate, Webhook};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long events may take after the last request.
const JOBS: Duration = Duration::from_secs(30);

/// A message and its status.
type Status = (String, String);

/// Prints how many statuses and webhooks there are.
///
/// # Errors
/// When a webhook was not taken, or Klaviyo does not have one event for each status, and no more.
pub(super) async fn check(stage: &Stage) -> Result<()> {
    let (mut statuses, mut count, mut sent) = (0, 0, 0);
    for (account, whatsapp) in stage.accounts.iter().zip(&stage.whatsapp) {
        let webhooks = whatsapp.webhooks();
        let (told, times) = told(account, &webhooks)?;
        are_events(stage, account, &told).await?;
        statuses += told.len();
        count += webhooks.len();
        sent += times;
    }
    println!("  {statuses} statuses of messages are one event each; {count} webhooks, sent {sent} times");
    Ok(())
}

/// The statuses of messages of which WhatsApp has told, once each, and the most often that one webhook was sent.
fn told(account: &str, webhooks: &[Webhook]) -> Result<(BTreeSet<Status>, usize)> {
    let (mut all, mut sent) = (BTreeSet::new(), 0);
    for webhook in webhooks {
        ensure!(webhook.fate == Fate::Taken, "a webhook of {account} was {:?}", webhook.fate);
        sent += webhook.answers.len();
        let body = webhook.json();
        for value in items(&body, "entry").flat_map(|entry| items(entry, "changes")) {
            for status in value.get("value").into_iter().flat_map(|value| items(value, "statuses")) {
                let text = |name| status.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
                all.insert((text("id"), text("status")));
            }
        }
    }
    Ok((all, sent))
}

fn items<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// Fails unless Klaviyo has one event for each status.
async fn are_events(stage: &Stage, account: &str, told: &BTreeSet<Status>) -> Result<()> {
    let end = Instant::now() + JOBS;
    loop {
        let mut events: BTreeMap<Status, usize> = BTreeMap::new();
        {
            let klaviyo = stage.klaviyo.account_of(&key(account)).context("there is no account")?;
            for event in klaviyo.events() {
                let text = |name| event.properties.get(name).and_then(Value::as_str);
                let (message, status) = (text("message_id"), text("status"));
                let (message, status) =
                    message.zip(status).context("an event names no message or no status")?;
                *events.entry((message.to_owned(), status.to_owned())).or_default() += 1;
            }
        }
        let twice = events.values().filter(|times| **times > 1).count();
        let unknown = events.keys().filter(|status| !told.contains(*status)).count();
        ensure!(
            twice == 0 && unknown == 0,
            "{twice} statuses are events twice, and {unknown} events are of none"
        );
        match told.len() - events.len() {
            0 => return Ok(()),
            missing if Instant::now() > end => bail!("{missing} statuses of {account} are no events"),
            _ => sleep(Duration::from_millis(500)).await,
        }
    }
}

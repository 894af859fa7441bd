//! What Klaviyo must hold in the end.

use super::account::{ShopAccount, Somebody};
use super::model::Standing;
use crate::load::stage::{Stage, key};
use crate::load::{LIST, OTHER_LIST};
use anyhow::{Context, Result, bail, ensure};
use klaviyo_mock::{Account, Channel, Profile};
use klaviyo_whatsapp_mock::Fate;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long Klaviyo's jobs may take after the last request.
const JOBS: Duration = Duration::from_secs(30);

/// A message and its status.
type Status = (String, String);

/// Waits until everybody has what the last word gave or left, and fails if that does not come.
pub(super) async fn people(stage: &Stage, accounts: &[ShopAccount]) -> Result<()> {
    let end = Instant::now() + JOBS;
    loop {
        let mut wrong = Vec::new();
        for account in accounts {
            wrong.extend(wrong_people(stage, account)?);
        }
        match wrong.as_slice() {
            [] => return Ok(()),
            [..] if Instant::now() > end => {
                let some = wrong.iter().take(3).map(String::as_str).collect::<Vec<_>>().join("; ");
                bail!("{} people do not have what their last word says, such as {some}", wrong.len())
            }
            [..] => sleep(Duration::from_millis(500)).await,
        }
    }
}

fn wrong_people(stage: &Stage, account: &ShopAccount) -> Result<Vec<String>> {
    let klaviyo = stage.klaviyo.account_of(&key(&account.name)).context("there is no account")?;
    let [list, other] =
        [LIST, OTHER_LIST].map(|list| klaviyo.members(list).into_iter().collect::<HashSet<_>>());
    let wrong = account.people.iter().filter_map(|somebody| {
        let actual = actual(&klaviyo, somebody, &list, &other);
        let expected = somebody.standing();
        (actual != expected).then(|| {
            let (number, id) = (&somebody.number, &somebody.user_id);
            format!(
                "{number} ({id}) of {}: {actual:?} instead of {expected:?} by {:?}",
                account.name, somebody.said
            )
        })
    });
    Ok(wrong.collect())
}

/// What somebody has, by all profiles of the person: one by the number, and one by WhatsApp's id.
fn actual(
    klaviyo: &Account,
    somebody: &Somebody,
    list: &HashSet<String>,
    other: &HashSet<String>,
) -> Standing {
    let by_number = klaviyo.profile("phone_number", &format!("+{}", somebody.number));
    let by_id = klaviyo.profile("external_id", &somebody.user_id);
    let by_email = klaviyo.profile("email", &format!("{}@example.com", somebody.number));
    let profiles: Vec<&Profile> = [by_number, by_id, by_email].into_iter().flatten().collect();
    let any = |is: &dyn Fn(&Profile) -> bool| profiles.iter().any(|profile| is(profile));
    Standing {
        is_on_list: any(&|profile| list.contains(&profile.id)),
        is_on_other: any(&|profile| other.contains(&profile.id)),
        whatsapp: any(&|profile| profile.consent(Channel::WhatsApp).is_given()),
        sms: any(&|profile| profile.consent(Channel::Sms).is_given()),
    }
}

/// The statuses of messages of which WhatsApp has told, once each, and the most often that one webhook was sent.
pub(super) fn told(account: &ShopAccount) -> Result<(BTreeSet<Status>, usize)> {
    let (mut all, mut sent) = (BTreeSet::new(), 0);
    for webhook in account.whatsapp.webhooks() {
        ensure!(webhook.fate == Fate::Taken, "a webhook of {} was {:?}", account.name, webhook.fate);
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
pub(super) async fn events(stage: &Stage, account: &ShopAccount, told: &BTreeSet<Status>) -> Result<()> {
    let end = Instant::now() + JOBS;
    loop {
        let mut events: BTreeMap<Status, usize> = BTreeMap::new();
        {
            let klaviyo = stage.klaviyo.account_of(&key(&account.name)).context("there is no account")?;
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
            missing if Instant::now() > end => bail!("{missing} statuses of {} are no events", account.name),
            _ => sleep(Duration::from_millis(500)).await,
        }
    }
}

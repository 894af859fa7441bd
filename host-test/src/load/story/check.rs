//! What Klaviyo must hold in the end.

use super::account::{ShopAccount, Somebody};
use super::model::Standing;
use crate::load::stage::{Stage, key};
use crate::load::{LIST, OTHER_LIST};
use anyhow::{Context, Result, bail};
use klaviyo_mock::{Account, Channel, Profile};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use tokio::time::sleep;

/// How long Klaviyo's jobs may take after the last request.
const JOBS: Duration = Duration::from_secs(30);

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
    let by_email = klaviyo.profile("email", &somebody.email);
    let profiles: Vec<&Profile> = [by_number, by_id, by_email].into_iter().flatten().collect();
    let any = |is: &dyn Fn(&Profile) -> bool| profiles.iter().any(|profile| is(profile));
    Standing {
        is_on_list: any(&|profile| list.contains(&profile.id)),
        is_on_other: any(&|profile| other.contains(&profile.id)),
        whatsapp: any(&|profile| profile.consent(Channel::WhatsApp).is_given()),
        sms: any(&|profile| profile.consent(Channel::Sms).is_given()),
    }
}

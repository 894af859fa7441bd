//! What must be there in the end.

use super::opt_ins::{End, Kind, phone_number};
use super::traffic::Brought;
use crate::load::LIST;
use crate::load::answers::Answers;
use crate::load::caller::Callers;
use crate::load::stage::{Stage, key};
use anyhow::{Context, Result, bail, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use klaviyo_mock::{Channel, Profile};
use klaviyo_service::outcome::Outcome;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

/// Questions to the queue at once.
const AT_ONCE: usize = 128;

/// Fails unless every signed opt-in has the end that it must have, dead letters included.
pub(super) async fn ended(stage: &Stage, brought: &[Brought], both_ways: bool) -> Result<(usize, usize)> {
    let (mut done, mut dead) = (0, BTreeSet::new());
    for Brought { account, ids, .. } in brought {
        let outcomes = stream::iter(ids).map(|(number, id)| async move {
            let (key, sequence) = id.rsplit_once('.').context("not an id")?;
            let outcome = stage.queue.outcome(&key.parse()?, sequence.parse()?).await?;
            anyhow::Ok((*number, key, outcome.with_context(|| format!("{id} is lost"))?))
        });
        let outcomes: Vec<(usize, &str, Outcome)> = outcomes.buffered(AT_ONCE).try_collect().await?;
        for (number, key, outcome) in outcomes {
            match (Kind::of(number, both_ways).end(number), outcome) {
                (End::Member(_) | End::Left(_), Outcome::Done(receipt)) if receipt.list_id == LIST => {
                    done += 1;
                }
                // The opt-out was done first.
                (End::Left(_), Outcome::OptedOut(_)) => done += 1,
                (End::Dead(code), Outcome::Dead(reason)) if reason.code == code => {
                    dead.insert(key.to_owned());
                }
                (expected, outcome) => {
                    bail!("number {number} of {account} should end as {expected:?}, and did as {outcome:?}")
                }
            }
        }
    }
    let letters: BTreeSet<String> =
        stage.queue.dead(None).await?.iter().map(|letter| letter.key.to_string()).collect();
    ensure!(letters == dead, "{} opt-ins are dead, and there are {} letters", dead.len(), letters.len());
    Ok((done, dead.len()))
}

/// Fails unless a door reports the outcome of some of them.
pub(super) async fn asked(callers: &Callers, brought: &[Brought], both_ways: bool) -> Result<()> {
    for Brought { account, ids, .. } in brought {
        let (number, id) = ids.get(fastrand::usize(..ids.len())).context("there is none")?;
        let told = callers.ask(account, id).await?;
        let state = told.get("state").and_then(Value::as_str).unwrap_or_default();
        let is_right = match Kind::of(*number, both_ways).end(*number) {
            End::Member(_) => state == "done",
            End::Left(_) => ["done", "opted-out"].contains(&state),
            End::Dead(_) => state == "dead",
        };
        ensure!(is_right, "{id} is {told}");
    }
    Ok(())
}

/// Fails unless the lists have the accepted people who have not left, each once, and nobody else; and unless those of
/// them who wrote have consent to WhatsApp, and nobody else.
pub(super) fn members(stage: &Stage, each: usize, both_ways: bool) -> Result<()> {
    let (mut staying, mut left) = (BTreeSet::new(), BTreeSet::new());
    for number in 0..each {
        match Kind::of(number, both_ways).end(number) {
            End::Member(person) => drop(staying.insert(person)),
            // Whose opt-out was done first has a profile with the number alone, if any.
            End::Left(person) => left.extend([person, phone_number(number)]),
            End::Dead(_) => {}
        }
    }
    let writing = (0..each).filter(|number| Kind::of(*number, both_ways) == Kind::Writing);
    let consenting: BTreeSet<String> = writing.map(phone_number).collect();
    for name in &stage.accounts {
        let account = stage.klaviyo.account_of(&key(name)).context("there is no account")?;
        let profiles: BTreeMap<String, &Profile> =
            account.profiles().iter().map(|profile| (person(profile), profile)).collect();
        let on_list: Vec<String> =
            account.members(LIST).iter().filter_map(|id| account.profile("id", id)).map(person).collect();
        let there: BTreeSet<String> = on_list.iter().cloned().collect();
        ensure!(on_list.len() == there.len(), "somebody is on the list of {name} twice");
        let missing: Vec<&String> = staying.difference(&there).take(3).collect();
        let more: Vec<&String> = there.difference(&staying).take(3).collect();
        ensure!(
            missing.is_empty() && more.is_empty(),
            "on the list of {name} {missing:?} are missing, and {more:?} too many"
        );
        ensure!(account.profiles().len() == profiles.len(), "{name} has two profiles of somebody");
        for (person, profile) in profiles {
            ensure!(staying.contains(&person) || left.contains(&person), "{name} has a profile of {person}");
            let is_given = profile.consent(Channel::WhatsApp).is_given();
            let is_due = consenting.contains(&person);
            ensure!(is_given == is_due, "{person} of {name} has consent: {is_given} instead of {is_due}");
        }
    }
    Ok(())
}

/// The email of a person, or else the number.
fn person(profile: &Profile) -> String {
    let text = |name| profile.attributes.get(name).and_then(Value::as_str);
    text("email").or_else(|| text("phone_number")).unwrap_or_default().to_ascii_lowercase()
}

/// Prints how many messages by WhatsApp are answered, and fails if one is answered twice, or not although it must be.
pub(super) async fn answers(stage: &Stage, brought: &[Brought], killed: usize) -> Result<()> {
    let mut answers = Answers::default();
    for Brought { account, writers, .. } in brought {
        for writer in writers {
            answers.add(account, &writer.written(), &writer.person.messages(), 1)?;
        }
    }
    answers.tell(stage, killed).await
}

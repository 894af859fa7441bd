//! Calls of the contract for opt-outs and resumes, and what their failures mean for them.

use crate::moment::Moment;
use crate::opt_in::{Channel, in_callers_names};
use crate::opt_in_flow::{Failure, consent_result, find_list, reason_of};
use crate::opt_out::{OptOut, Resume};
use crate::outcome::{OptOutReceipt, Reason};
use crate::queue::Thing;
use klaviyo_host::types::{
    self, Code, ConsentOptions, Departure, Enrollment, Historical, Identifier, NewProfile, Subscription,
};
use klaviyo_host::{Disposition, Error, Tenant};
use std::collections::BTreeSet;

/// What an opt-out took from one person, by one identifier.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) profile_id: Option<String>,
    pub(crate) things: BTreeSet<Thing>,
    /// Why the person still has something.
    pub(crate) refused: Option<Failure>,
    pub(crate) warnings: Vec<String>,
}

/// Takes things from people. The results have the order of the identifiers.
pub(crate) async fn opt_out(
    tenant: &Tenant,
    people: &[Identifier],
    things: &BTreeSet<Thing>,
) -> Result<Vec<Result<Taken, Failure>>, Failure> {
    let (channels, lists) = apart(things);
    let channels: Vec<types::Channel> = channels.into_iter().map(Into::into).collect();
    let answer = tenant.opt_out(people, &channels, &lists).await.map_err(|error| not_revoked(&error))?;
    let types::Departures { outcomes, missing_lists, warnings, stopped } = answer.value;
    // What was taken before it stopped is told by the next attempt no more, so it has to be kept.
    let stopped = stopped.map(|error| unless_forbidden(Failure::by_connector(error)));
    let mut warnings: Vec<String> = warnings.iter().map(|warning| in_callers_names(warning)).collect();
    warnings.extend(missing_lists.iter().map(|list| format!("lists: the account has no list {list:?}")));
    let taken = |departure| match departure {
        Departure::Departed(departed) => Ok(taken(departed, &warnings)),
        Departure::Pending(departed) => Ok(Taken { refused: stopped.clone(), ..taken(departed, &warnings) }),
        Departure::Refused(reason) => Err(Failure::final_for(reason_of(&reason, REFUSED))),
    };
    Ok(outcomes.into_iter().map(taken).collect())
}

const REFUSED: &str = "the opt-out was refused";

fn taken(departed: types::Taken, warnings: &[String]) -> Taken {
    let mut taken =
        Taken { profile_id: departed.profile_id, warnings: warnings.to_vec(), ..Taken::default() };
    for types::Revocation { channel, was_subscribed, refused } in departed.consent {
        if let Some(reason) = refused {
            // Subscribed to a channel without an address for it: Klaviyo is still merging another profile into this one.
            let is_passing = was_subscribed && reason.code == Code::InvalidInput.as_str();
            let failure = Failure::final_for(reason_of(&reason, REFUSED));
            taken.refused.get_or_insert(match is_passing {
                true => Failure { disposition: Disposition::Retry, ..failure },
                false => failure,
            });
        } else if was_subscribed && let Ok(channel) = Channel::try_from(channel) {
            taken.things.insert(Thing::Channel(channel));
        }
    }
    for types::Removal { list, refused } in departed.lists {
        match refused {
            Some(reason) => {
                taken.refused.get_or_insert_with(|| Failure::final_for(reason_of(&reason, REFUSED)));
            }
            None => drop(taken.things.insert(Thing::List(list))),
        }
    }
    taken
}

/// The channels and the lists of things.
fn apart(things: &BTreeSet<Thing>) -> (Vec<Channel>, Vec<String>) {
    let (mut channels, mut lists) = (Vec::new(), Vec::new());
    for thing in things {
        match thing {
            Thing::Channel(channel) => channels.push(*channel),
            Thing::List(list) => lists.push(list.clone()),
        }
    }
    (channels, lists)
}

/// Opts one person out.
pub(crate) async fn opt_out_one(tenant: &Tenant, opt_out: &OptOut) -> Result<OptOutReceipt, Failure> {
    let mut receipt = OptOutReceipt { warnings: opt_out.warnings.clone(), ..OptOutReceipt::default() };
    let mut things: BTreeSet<Thing> = opt_out.opt_out.iter().copied().map(Thing::Channel).collect();
    for list in &opt_out.lists {
        match find_list(tenant, list).await {
            Ok(list) => drop(things.insert(Thing::List(list.id))),
            // The consent is taken all the same.
            Err(failure) if failure.disposition == Disposition::GiveUp => {
                receipt.warnings.push(failure.reason.message)
            }
            Err(failure) => return Err(failure),
        }
    }
    // One profile may have several of the identifiers.
    let mut all_taken = BTreeSet::new();
    for taken in self::opt_out(tenant, &opt_out.identifiers(), &things).await? {
        let Taken { profile_id, things, refused, warnings } = taken?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        receipt.profile_id = receipt.profile_id.or(profile_id);
        receipt.warnings.extend(warnings);
        all_taken.extend(things);
    }
    (receipt.consent, receipt.lists) = apart(&all_taken);
    Ok(receipt)
}

/// What a resume gave back to one person.
#[derive(Clone, Debug, Default)]
pub(crate) struct Returned {
    pub(crate) profile_id: Option<String>,
    pub(crate) things: BTreeSet<Thing>,
    pub(crate) warnings: Vec<String>,
}

/// Gives things back to people. The results have their order.
pub(crate) async fn resume(
    tenant: &Tenant,
    people: &[&Resume],
    things: &BTreeSet<Thing>,
) -> Result<Vec<Result<Returned, Failure>>, Failure> {
    let (channels, lists) = apart(things);
    let mut returned: Vec<Result<Returned, Failure>> =
        people.iter().map(|_| Ok(Returned { things: things.clone(), ..Returned::default() })).collect();
    let contact = |resume: &&Resume| NewProfile {
        phone_number: resume.phone_number.clone(),
        external_id: resume.external_id.clone().filter(|_| resume.phone_number.is_none()),
        ..NewProfile::default()
    };
    for list in lists {
        let contacts: Vec<NewProfile> = people.iter().map(contact).collect();
        let answer =
            tenant.opt_in_many(&contacts, &list, None).await.map_err(|error| Failure::from(&error))?;
        if let Some(stopped) = answer.value.stopped {
            return Err(Failure::by_connector(stopped));
        }
        for (one, outcome) in returned.iter_mut().zip(answer.value.outcomes) {
            match (outcome, one.as_mut()) {
                (Enrollment::Enrolled(receipt), Ok(one)) => one.profile_id = Some(receipt.profile_id),
                (Enrollment::Refused(reason), _) => {
                    *one = Err(Failure::final_for(reason_of(&reason, "the list was refused")));
                }
                _ => {}
            }
        }
    }
    if !channels.is_empty() {
        subscribe_again(tenant, people, &channels, &mut returned).await?;
    }
    Ok(returned)
}

/// Gives people their consent on these channels back.
async fn subscribe_again(
    tenant: &Tenant,
    people: &[&Resume],
    channels: &[Channel],
    returned: &mut [Result<Returned, Failure>],
) -> Result<(), Failure> {
    let identifiers: Vec<Identifier> =
        people.iter().filter_map(|resume| resume.identifiers().into_iter().next()).collect();
    let profiles = tenant.lookup_many(&identifiers).await.map_err(|error| Failure::from(&error))?.value;
    let (mut subscriptions, mut positions, now) = (Vec::new(), Vec::new(), Moment::now());
    for (position, ((resume, profile), one)) in
        people.iter().zip(profiles).zip(returned.iter_mut()).enumerate()
    {
        let Ok(given) = one else { continue };
        let Some(profile) = profile else {
            let message = "Klaviyo has no profile of the person who takes the opt-out back";
            let reason = Reason::new(Code::NotFound, message);
            *one = Err(Failure { disposition: Disposition::Retry, ..Failure::final_for(reason) });
            continue;
        };
        let phone_number = resume.phone_number.clone().or(profile.phone_number);
        if phone_number.is_none() {
            given.things.retain(|thing| !matches!(thing, Thing::Channel(_)));
            given
                .warnings
                .push("consent: the profile has no phone number any more, so none is given".to_owned());
            continue;
        }
        given.profile_id = Some(profile.id.clone());
        positions.push(position);
        subscriptions.push(Subscription {
            id: Some(profile.id),
            email: None,
            phone_number,
            channels: channels.iter().copied().map(Into::into).collect(),
            transactional: Vec::new(),
            consented_at: Some(resume.at.unwrap_or(now).min(now).to_string()),
            date_of_birth: None,
        });
    }
    if subscriptions.is_empty() {
        return Ok(());
    }
    // The person has confirmed before, and is not asked again.
    let historical_import = Some(Historical { now: now.to_string() });
    let options = ConsentOptions { custom_source: None, historical_import };
    let answer = tenant.grant_consent(&subscriptions, None, &options).await;
    let outcome = answer.map_err(|error| not_revoked(&error))?.value;
    let result = consent_result(outcome, "the consent was refused")?;
    for (n, position) in positions.into_iter().enumerate() {
        let Some(one) = returned.get_mut(position) else { continue };
        let refused = result.refused_channels.get(&n).and_then(|refused| refused.first());
        match (result.of(n), refused, one.as_mut()) {
            (Err(failure), ..) => *one = Err(failure),
            (Ok(_), Some((_, reason)), _) => {
                *one = Err(Failure::final_for(reason_of(reason, "the consent was refused")));
            }
            (Ok(warnings), None, Ok(one)) => one.warnings.extend(warnings),
            (Ok(_), None, Err(_)) => {}
        }
    }
    Ok(())
}

fn not_revoked(error: &Error) -> Failure {
    unless_forbidden(Failure::from(error))
}

/// A key that lacks the scope for consent can still opt people in, so it does not stop the account.
fn unless_forbidden(failure: Failure) -> Failure {
    if failure.reason.code == Code::Forbidden.as_str() {
        return Failure { disposition: Disposition::Retry, ..failure };
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use klaviyo_host::types::ContractError;

    #[test]
    fn a_key_without_the_scope_for_consent_does_not_stop_the_account() {
        for code in Code::ALL {
            let failure = Failure::by_connector(ContractError::new(code, "no"));
            let before = failure.disposition;
            let expected = if code == Code::Forbidden { Disposition::Retry } else { before };
            assert_eq!(unless_forbidden(failure).disposition, expected, "{code:?}");
        }
    }

    #[test]
    fn who_is_subscribed_without_an_address_is_tried_again() {
        let refused = |code: &str, was_subscribed| {
            let reason = types::Detail {
                code: code.to_owned(),
                title: String::new(),
                detail: "no".to_owned(),
                pointer: None,
            };
            let revocation = types::Revocation {
                channel: types::Channel::Whatsapp,
                was_subscribed,
                refused: Some(reason),
            };
            let departed = types::Taken { profile_id: None, consent: vec![revocation], lists: Vec::new() };
            taken(departed, &[]).refused.unwrap().disposition
        };
        assert_eq!(refused("invalid-input", true), Disposition::Retry);
        assert_eq!(refused("invalid-input", false), Disposition::GiveUp);
        assert_eq!(refused("invalid", true), Disposition::GiveUp);
    }
}

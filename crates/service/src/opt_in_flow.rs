//! One call of the contract for opt-ins or opt-outs, and what its failure means for them.

use crate::delivery_event::DeliveryEvent;
use crate::moment::Moment;
use crate::opt_in::{Channel, OptIn, in_callers_names};
use crate::opt_out::{OptOut, Resume};
use crate::outcome::{ErrorDetail, OptOutReceipt, Reason, Receipt};
use crate::queue::Thing;
use klaviyo_host::types::{
    self, Code, ConsentOptions, ConsentOutcome, ContractError, Departure, Detail, Enrollment, Historical,
    Identifier, NewProfile, Subscription,
};
use klaviyo_host::{Cause, Disposition, Error, Tenant, Usage};
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

/// Why an opt-in is not done, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    /// The reason, as callers see it.
    pub(crate) reason: Reason,
    pub(crate) disposition: Disposition,
    /// How long Klaviyo asks to wait. It counts with [`Disposition::RetryLater`] only.
    pub(crate) retry_after: Option<Duration>,
}

impl Failure {
    /// The failure that stopped a call which had done a part of its work.
    pub(crate) fn by_connector(stopped: ContractError) -> Self {
        Self::from(&Error { cause: Cause::Connector(Box::new(stopped)), usage: Usage::default() })
    }

    /// A failure that repeats itself with every attempt.
    pub(crate) fn final_for(reason: Reason) -> Self {
        Self { reason, disposition: Disposition::GiveUp, retry_after: None }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let reason = Reason::from(error);
        Self { reason, disposition: error.disposition(), retry_after: error.retry_after() }
    }
}

/// The id of the list with this id or name.
pub(crate) async fn list_id(tenant: &Tenant, list: &str) -> Result<String, Failure> {
    let found = tenant.find_list(list).await.map_err(|error| Failure::from(&error))?.value;
    found.map(|list| list.id).ok_or_else(|| {
        let message = format!(
            "the account has no list with the id or the name {list:?}; name one that it has, or create it"
        );
        Failure::final_for(Reason::new(Code::NotFound, message))
    })
}

/// Opts one person in.
pub(crate) async fn opt_in(tenant: &Tenant, opt_in: &OptIn) -> Result<Receipt, Failure> {
    let list = list_id(tenant, &opt_in.list).await?;
    opt_in_to_list(tenant, opt_in, &list).await
}

/// Opts one person in to the list with this id, and gives the consent that goes with it.
pub(crate) async fn opt_in_to_list(tenant: &Tenant, opt_in: &OptIn, list: &str) -> Result<Receipt, Failure> {
    let answer = tenant.opt_in(&opt_in.contact(), list, opt_in.permission().as_ref()).await;
    receipt(opt_in, answer.map_err(|error| Failure::from(&error))?.value)
}

/// The receipt of an opt-in that the connector has done; a failure if Klaviyo refused all of its consent.
pub(crate) fn receipt(opt_in: &OptIn, receipt: types::Receipt) -> Result<Receipt, Failure> {
    // The contract has them in the order of the permission.
    let refused = |(channel, permitted): (&Channel, &types::Permitted)| {
        permitted.refused.clone().map(|reason| (*channel, reason))
    };
    let refused: Vec<_> = opt_in.consent.iter().zip(&receipt.consent).filter_map(refused).collect();
    let done = Receipt {
        profile_id: Some(receipt.profile_id),
        profile_name: receipt.profile_name,
        list_id: receipt.list_id,
        created: Some(receipt.created),
        consent: Vec::new(),
        warnings: warnings(opt_in, receipt.warnings),
    };
    consenting(opt_in, done, &refused)
}

/// The receipt with the consent of the opt-in, and a warning about each channel of it that Klaviyo refused.
///
/// # Errors
/// Klaviyo refused all channels: nobody would look for that in a warning.
fn consenting(opt_in: &OptIn, mut done: Receipt, refused: &[(Channel, Detail)]) -> Result<Receipt, Failure> {
    let is_refused = |channel: &Channel| refused.iter().any(|(other, _)| other == channel);
    done.consent = opt_in.consent.iter().copied().filter(|channel| !is_refused(channel)).collect();
    match refused {
        [(_, reason), ..] if done.consent.is_empty() => {
            Err(Failure::final_for(reason_of(reason, "the consent was refused")))
        }
        _ => {
            let warning = |(channel, reason): &(Channel, Detail)| {
                format!("consent: it was refused for {channel}: {}", ErrorDetail::from(reason).detail)
            };
            done.warnings.extend(refused.iter().map(warning));
            Ok(done)
        }
    }
}

/// What came of granting or revoking consent.
pub(crate) struct ConsentResult {
    /// Warnings about all people of the call.
    warnings: Vec<String>,
    /// The positions of the people whom Klaviyo refused, each with the reason.
    refused: HashMap<usize, Reason>,
    /// The channels that it refused of the others, by their positions.
    refused_channels: HashMap<usize, Vec<(types::Channel, Detail)>>,
}

impl ConsentResult {
    /// The warnings for the person at a position, or why that person was refused.
    pub(crate) fn of(&self, position: usize) -> Result<Vec<String>, Failure> {
        match self.refused.get(&position) {
            Some(reason) => Err(Failure::final_for(reason.clone())),
            None => Ok(self.warnings.clone()),
        }
    }

    /// The receipt of a member of the list with the consent of the opt-in at a position, or why it was refused.
    pub(crate) fn receipt(
        &self,
        position: usize,
        opt_in: &OptIn,
        member: Receipt,
    ) -> Result<Receipt, Failure> {
        let warnings = [member.warnings, self.of(position)?].concat();
        let refused = self.refused_channels.get(&position).map(Vec::as_slice).unwrap_or_default();
        let reason = |channel: &Channel| {
            let (_, reason) = refused.iter().find(|(other, _)| *other == types::Channel::from(*channel))?;
            Some((*channel, reason.clone()))
        };
        let refused: Vec<_> = opt_in.consent.iter().filter_map(reason).collect();
        consenting(opt_in, Receipt { warnings, ..member }, &refused)
    }
}

/// Grants consent to up to 1,000 people in one request. Their opt-ins are to one list and have one source of
/// consent.
pub(crate) async fn grant(tenant: &Tenant, opt_ins: &[&OptIn], list: &str) -> Result<ConsentResult, Failure> {
    let subscriptions: Vec<Subscription> = opt_ins.iter().map(|opt_in| subscription(opt_in)).collect();
    let custom_source = opt_ins.first().and_then(|opt_in| opt_in.consent_source.clone());
    let options = ConsentOptions { custom_source, historical_import: None };
    let answer = tenant.grant_consent(&subscriptions, Some(list), &options).await;
    let outcome = answer.map_err(|error| Failure::from(&error))?.value;
    consent_result(outcome, "the consent was refused")
}

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
            taken.refused.get_or_insert_with(|| Failure::final_for(reason_of(&reason, REFUSED)));
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
    let mut receipt = OptOutReceipt::default();
    let mut things: BTreeSet<Thing> = opt_out.opt_out.iter().copied().map(Thing::Channel).collect();
    for list in &opt_out.lists {
        match list_id(tenant, list).await {
            Ok(id) => drop(things.insert(Thing::List(id))),
            // The consent is taken all the same.
            Err(failure) if failure.disposition == Disposition::GiveUp => {
                receipt.warnings.push(failure.reason.message)
            }
            Err(failure) => return Err(failure),
        }
    }
    for taken in self::opt_out(tenant, &opt_out.identifiers(), &things).await? {
        let Taken { profile_id, things, refused, warnings } = taken?;
        if let Some(refused) = refused {
            return Err(refused);
        }
        receipt.profile_id = receipt.profile_id.or(profile_id);
        receipt.warnings.extend(warnings);
        let (channels, lists) = apart(&things);
        receipt.consent.extend(channels);
        receipt.lists.extend(lists);
    }
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

/// Tracks events. Returns those that Klaviyo refused, by their positions.
pub(crate) async fn track(
    tenant: &Tenant,
    events: &[&DeliveryEvent],
) -> Result<HashMap<usize, Reason>, Failure> {
    let mut refused = HashMap::new();
    let (mut tracked, mut positions) = (Vec::with_capacity(events.len()), Vec::new());
    for (position, event) in events.iter().enumerate() {
        match event.event() {
            Some(event) => {
                tracked.push(event);
                positions.push(position);
            }
            None => {
                let reason = Reason::new(Code::InvalidInput, "the event names nobody");
                refused.insert(position, reason);
            }
        }
    }
    let answer = tenant.track_many(&tracked).await.map_err(|error| Failure::from(&error))?.value;
    if let Some(stopped) = answer.stopped {
        return Err(Failure::by_connector(stopped));
    }
    for refusal in answer.refused {
        if let Some(position) = positions.get(refusal.index as usize) {
            refused.insert(*position, reason_of(&refusal.reason, "the event was refused"));
        }
    }
    Ok(refused)
}

/// Brings the number that a person was asked for to the profile that is known by the external id. If another
/// profile has the number, that one takes the first one in.
pub(crate) async fn complete(tenant: &Tenant, opt_in: &OptIn) -> Result<(), Failure> {
    let (Some(number), Some(id)) = (&opt_in.phone_number, &opt_in.external_id) else { return Ok(()) };
    let people = [Identifier::ExternalId(id.clone()), Identifier::PhoneNumber(number.clone())];
    let found = tenant.lookup_many(&people).await.map_err(|error| Failure::from(&error))?.value;
    let [by_id, by_number] = <[Option<types::Profile>; 2]>::try_from(found).unwrap_or_default();
    let set = async |profile: &str, change: NewProfile| {
        match tenant.update(profile, &[types::Change::Set(change)]).await {
            Ok(_) => Ok(()),
            // Another profile has the identifier since, or still: the opt-in goes on with the one that it finds.
            Err(error) if error.code() == Code::Conflict => Ok(()),
            Err(error) => Err(Failure::from(&error)),
        }
    };
    let its_id = NewProfile { external_id: Some(id.clone()), ..NewProfile::default() };
    match (by_id, by_number) {
        (Some(one), Some(other)) if one.id != other.id => {
            match tenant.merge(&other.id, &one.id).await {
                Ok(_) => {}
                // It was merged before.
                Err(error) if error.code() == Code::NotFound => {}
                Err(error) => return Err(Failure::from(&error)),
            }
            if other.external_id.is_none() { set(&other.id, its_id).await } else { Ok(()) }
        }
        (Some(one), None) => {
            set(&one.id, NewProfile { phone_number: Some(number.clone()), ..NewProfile::default() }).await
        }
        (None, Some(other)) if other.external_id.is_none() => set(&other.id, its_id).await,
        _ => Ok(()),
    }
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

fn consent_result(outcome: ConsentOutcome, what: &str) -> Result<ConsentResult, Failure> {
    // The people before it were accepted, and can be sent again.
    if let Some(stopped) = outcome.stopped {
        return Err(Failure::by_connector(stopped));
    }
    let refused =
        outcome.refused.iter().map(|refusal| (refusal.index as usize, reason_of(&refusal.reason, what)));
    let warnings = outcome.warnings.iter().map(|warning| in_callers_names(warning));
    let mut refused_channels: HashMap<usize, Vec<_>> = HashMap::new();
    for refusal in outcome.refused_channels {
        refused_channels.entry(refusal.index as usize).or_default().push((refusal.channel, refusal.reason));
    }
    Ok(ConsentResult { warnings: warnings.collect(), refused: refused.collect(), refused_channels })
}

/// The warnings of an opt-in: its own about the values that were left out, then the connector's.
pub(crate) fn warnings(opt_in: &OptIn, of_connector: Vec<String>) -> Vec<String> {
    let of_connector = of_connector.iter().map(|warning| in_callers_names(warning));
    opt_in.warnings.iter().cloned().chain(of_connector).collect()
}

fn reason_of(reason: &Detail, what: &str) -> Reason {
    let detail = ErrorDetail::from(reason);
    let code = if detail.code == Code::InvalidInput.as_str() { Code::InvalidInput } else { Code::Rejected };
    let mut reason = Reason::new(code, format!("{what}: {}", detail.detail));
    reason.details.push(detail);
    reason
}

fn subscription(opt_in: &OptIn) -> Subscription {
    let contact = opt_in.contact();
    Subscription {
        id: None,
        email: contact.email,
        phone_number: contact.phone_number,
        channels: opt_in.consent.iter().copied().map(Into::into).collect(),
        transactional: Vec::new(),
        consented_at: None,
        date_of_birth: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(code: Code) -> Error {
        let error = ContractError { retry_after: Some(7), ..ContractError::new(code, "no") };
        Error { cause: Cause::Connector(Box::new(error)), usage: Usage::default() }
    }

    #[test]
    fn a_channel_that_is_refused_is_a_warning_and_all_channels_are_a_failure() {
        let opt_in: OptIn = serde_json::from_value(serde_json::json!({
            "account": "shop-1", "list": "Y6nRLr", "email": "p@example.com", "phone_number": "+919820000001",
            "consent": ["email", "whatsapp"],
        }))
        .unwrap();
        let reason = Detail {
            code: "invalid".to_owned(),
            title: String::new(),
            detail: "no".to_owned(),
            pointer: None,
        };
        let done = |refused: &[Channel]| {
            let refused: Vec<_> = refused.iter().map(|channel| (*channel, reason.clone())).collect();
            consenting(&opt_in, Receipt::default(), &refused)
        };
        assert_eq!(done(&[]).unwrap().consent, opt_in.consent);
        let partly = done(&[Channel::Email]).unwrap();
        assert_eq!((partly.consent.as_slice(), partly.warnings.len()), ([Channel::Whatsapp].as_slice(), 1));
        // The reply names the address of the consent that there is.
        assert_eq!(opt_in.address(&partly.consent), Some("+919820000001"));
        assert_eq!(opt_in.address(&[]), Some("p@example.com"));
        let failure = done(&opt_in.consent).unwrap_err();
        assert_eq!((failure.disposition, failure.reason.code.as_str()), (Disposition::GiveUp, "rejected"));
    }

    #[test]
    fn what_a_failure_calls_for_by_its_code() {
        use Disposition::{GiveUp, Retry, RetryLater, StopAccount};
        for code in Code::ALL {
            let expected = match code {
                Code::InvalidInput | Code::NotFound | Code::Conflict | Code::Rejected => GiveUp,
                Code::Unauthenticated | Code::Forbidden | Code::Retired | Code::Denied => StopAccount,
                Code::RateLimited | Code::Unavailable | Code::Blocked | Code::Timeout | Code::Connection => {
                    RetryLater
                }
                Code::TooLarge | Code::Malformed | Code::Other => Retry,
            };
            let failure = Failure::from(&error(code));
            assert_eq!(failure.disposition, expected, "{code:?}");
            assert_eq!(failure.retry_after, Some(Duration::from_secs(7)), "{code:?}");
            let revoking = if code == Code::Forbidden { Retry } else { expected };
            assert_eq!(not_revoked(&error(code)).disposition, revoking, "{code:?}");
        }
    }
}

//! One opt-in by itself: the connector's three steps, and the consent that goes with it.

use crate::intake::in_own_names;
use crate::opt_in::OptIn;
use crate::opt_out::OptOut;
use crate::outcome::{Reason, Receipt, Told};
use klaviyo_host::types::{Code, ConsentOptions, Outcome, Refusal, Subscription, Unsubscription};
use klaviyo_host::{Error, Tenant, Usage};
use std::time::Duration;

/// Why an opt-in is not done yet, and what that means for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What to tell.
    pub reason: Reason,
    /// What to do about it.
    pub remedy: Remedy,
}

/// What can be done about a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Waiting: Klaviyo is away, or asks for time. So it is for the account's other opt-ins; not before Klaviyo's
    /// `Retry-After` where it gave one.
    Wait(Option<Duration>),
    /// Trying again: what is unheard of may be gone the next time.
    Again,
    /// Another key, or another setting: no opt-in of the account can be done before.
    Account,
    /// Nothing: the same opt-in fails again.
    Never,
}

impl Failure {
    /// One that is not Klaviyo's, and does not go away.
    pub(crate) fn never(code: Code, message: impl Into<String>) -> Self {
        Self { reason: Reason::new(code, message), remedy: Remedy::Never }
    }
}

impl From<&Error> for Failure {
    fn from(error: &Error) -> Self {
        let remedy = match error.code() {
            Code::InvalidInput | Code::NotFound | Code::Conflict | Code::Rejected => Remedy::Never,
            Code::Unauthenticated | Code::Forbidden | Code::Retired | Code::Denied => Remedy::Account,
            Code::RateLimited | Code::Unavailable | Code::Blocked | Code::Timeout | Code::Connection => {
                Remedy::Wait(error.retry_after())
            }
            Code::TooLarge | Code::Malformed | Code::Other => Remedy::Again,
        };
        Self { reason: Reason::from(error), remedy }
    }
}

/// Adds what a call has used to what others have.
pub(crate) fn add(all: &mut Usage, usage: Usage) {
    all.requests = all.requests.saturating_add(usage.requests);
    all.attempts = all.attempts.saturating_add(usage.attempts);
    all.sent_bytes = all.sent_bytes.saturating_add(usage.sent_bytes);
    all.received_bytes = all.received_bytes.saturating_add(usage.received_bytes);
    all.waited = all.waited.saturating_add(usage.waited);
}

/// The id of a list that was named by its id or its name.
pub(crate) async fn list_id(tenant: &Tenant, list: &str, usage: &mut Usage) -> Result<String, Failure> {
    let answer = tenant.find_list(list).await;
    add(usage, answer.as_ref().map_or_else(|error| error.usage, |answer| answer.usage));
    match answer {
        Ok(answer) => answer.value.map(|list| list.id).ok_or_else(|| {
            let message = format!(
                "the account has no list with the id or the name {list:?}; name one that it has, or create it"
            );
            Failure::never(Code::NotFound, message)
        }),
        Err(error) => Err(Failure::from(&error)),
    }
}

/// Opts one person in.
pub(crate) async fn opt_in(tenant: &Tenant, opt_in: &OptIn, usage: &mut Usage) -> Result<Receipt, Failure> {
    let list = list_id(tenant, &opt_in.list, usage).await?;
    join(tenant, opt_in, &list, usage).await
}

/// Opts one person in to the list with this id.
pub(crate) async fn join(
    tenant: &Tenant,
    opt_in: &OptIn,
    list: &str,
    usage: &mut Usage,
) -> Result<Receipt, Failure> {
    let answer = tenant.opt_in(&opt_in.contact(), list).await;
    add(usage, answer.as_ref().map_or_else(|error| error.usage, |answer| answer.usage));
    let receipt = answer.map_err(|error| Failure::from(&error))?.value;
    let mut receipt = Receipt {
        profile_id: Some(receipt.profile_id),
        profile_name: receipt.profile_name,
        list_id: receipt.list_id,
        created: Some(receipt.created),
        warnings: warnings(opt_in, receipt.warnings),
    };
    if !opt_in.consent.is_empty() {
        let Granted { warnings, mut refused } = grant(tenant, &[opt_in], list, usage).await?;
        if let Some((_, reason)) = refused.pop() {
            return Err(Failure { reason, remedy: Remedy::Never });
        }
        receipt.warnings.extend(warnings);
    }
    Ok(receipt)
}

/// What came of giving consent, or of taking it back.
pub(crate) struct Granted {
    /// About all of them.
    pub(crate) warnings: Vec<String>,
    /// Who was refused, by position, and why.
    pub(crate) refused: Vec<(usize, Reason)>,
}

/// Gives consent for opt-ins to one list, all of one source: one request for up to 1,000 of them.
pub(crate) async fn grant(
    tenant: &Tenant,
    opt_ins: &[&OptIn],
    list: &str,
    usage: &mut Usage,
) -> Result<Granted, Failure> {
    let subscriptions: Vec<Subscription> = opt_ins.iter().map(|opt_in| subscription(opt_in)).collect();
    let custom_source = opt_ins.first().and_then(|opt_in| opt_in.consent_source.clone());
    let options = ConsentOptions { custom_source, historical_import: None };
    let answer = tenant.grant_consent(&subscriptions, Some(list), &options).await;
    add(usage, answer.as_ref().map_or_else(|error| error.usage, |answer| answer.usage));
    granted(answer.map_err(|error| Failure::from(&error))?.value, "the consent was refused")
}

/// Takes consent back: one request for up to 100 people.
pub(crate) async fn revoke(
    tenant: &Tenant,
    opt_outs: &[&OptOut],
    usage: &mut Usage,
) -> Result<Granted, Failure> {
    let people: Vec<Unsubscription> = opt_outs.iter().map(|opt_out| opt_out.unsubscription()).collect();
    // With a list who is not on it would be unsubscribed from everything.
    let answer = tenant.revoke_consent(&people, None).await;
    add(usage, answer.as_ref().map_or_else(|error| error.usage, |answer| answer.usage));
    let outcome = answer.map_err(|error| not_revoked(&error))?;
    granted(outcome.value, "the opt-out was refused")
}

fn not_revoked(error: &Error) -> Failure {
    match error.code() {
        // A key that may not change consent may still bring opt-ins, which are not to wait for another one.
        Code::Forbidden => Failure { remedy: Remedy::Again, ..Failure::from(error) },
        _ => Failure::from(error),
    }
}

fn granted(outcome: Outcome, what: &str) -> Result<Granted, Failure> {
    // Those before it were accepted, and can be sent again.
    if let Some(stopped) = outcome.stopped {
        let cause = klaviyo_host::Cause::Connector(Box::new(stopped));
        return Err(Failure::from(&Error { cause, usage: Usage::default() }));
    }
    let refused = outcome.refused.iter().map(|refusal| (refusal.index as usize, refused(refusal, what)));
    let warnings = outcome.warnings.iter().map(|warning| in_own_names(warning));
    Ok(Granted { warnings: warnings.collect(), refused: refused.collect() })
}

/// What is to be told of an opt-in: what was left out of it, and what the connector says.
pub(crate) fn warnings(opt_in: &OptIn, of_connector: Vec<String>) -> Vec<String> {
    let of_connector = of_connector.iter().map(|warning| in_own_names(warning));
    opt_in.warnings.iter().cloned().chain(of_connector).collect()
}

fn refused(refusal: &Refusal, what: &str) -> Reason {
    let told = Told::from(&refusal.reason);
    let code = if told.code == Code::InvalidInput.as_str() { Code::InvalidInput } else { Code::Rejected };
    let mut reason = Reason::new(code, format!("{what}: {}", told.detail));
    reason.details.push(told);
    reason
}

fn subscription(opt_in: &OptIn) -> Subscription {
    let contact = opt_in.contact();
    Subscription {
        id: None,
        email: contact.email,
        phone_number: contact.phone_number,
        channels: opt_in.consent.iter().copied().map(Into::into).collect(),
        consented_at: None,
        date_of_birth: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klaviyo_host::{Cause, types};

    fn error(code: Code) -> Error {
        let error = types::Error {
            code,
            message: "no".to_owned(),
            status: None,
            retry_after: Some(7),
            details: Vec::new(),
            duplicate: None,
            request_id: None,
            body: String::new(),
            done: 0,
        };
        Error { cause: Cause::Connector(Box::new(error)), usage: Usage::default() }
    }

    #[test]
    fn what_a_failure_calls_for_by_its_code() {
        let wait = Remedy::Wait(Some(Duration::from_secs(7)));
        for code in Code::ALL {
            let expected = match code {
                Code::InvalidInput | Code::NotFound | Code::Conflict | Code::Rejected => Remedy::Never,
                Code::Unauthenticated | Code::Forbidden | Code::Retired | Code::Denied => Remedy::Account,
                Code::RateLimited | Code::Unavailable | Code::Blocked | Code::Timeout | Code::Connection => {
                    wait
                }
                Code::TooLarge | Code::Malformed | Code::Other => Remedy::Again,
            };
            assert_eq!(Failure::from(&error(code)).remedy, expected, "{code:?}");
            let revoking = if code == Code::Forbidden { Remedy::Again } else { expected };
            assert_eq!(not_revoked(&error(code)).remedy, revoking, "{code:?}");
        }
    }
}

//! One call of the contract for opt-ins, and what its failure means for them.

use crate::opt_in::{Channel, OptIn, in_callers_names};
use crate::outcome::{self, ErrorDetail, Reason, Receipt};
use klaviyo_core::consent::waits_for_confirmation;
use klaviyo_host::types::{
    self, Audience, Code, ConsentOptions, ConsentOutcome, ContractError, Detail, Subscription,
};
use klaviyo_host::{Cause, Disposition, Error, Tenant, Usage};
use std::collections::HashMap;
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

/// The list with this id or name.
pub(crate) async fn find_list(tenant: &Tenant, list: &str) -> Result<Audience, Failure> {
    let found = tenant.find_list(list).await.map_err(|error| Failure::from(&error))?.value;
    found.ok_or_else(|| {
        let message = format!(
            "the account has no list with the id or the name {list:?}; name one that it has, or create it"
        );
        Failure::final_for(Reason::new(Code::NotFound, message))
    })
}

/// Opts one person in.
pub(crate) async fn opt_in(tenant: &Tenant, opt_in: &OptIn) -> Result<Receipt, Failure> {
    let list = find_list(tenant, &opt_in.list).await?;
    opt_in_to_list(tenant, opt_in, &list).await
}

/// Opts one person in to a list, and gives the consent that goes with it.
pub(crate) async fn opt_in_to_list(
    tenant: &Tenant,
    opt_in: &OptIn,
    list: &Audience,
) -> Result<Receipt, Failure> {
    let answer = tenant.opt_in(&opt_in.contact(), &list.id, opt_in.permission().as_ref()).await;
    receipt(opt_in, list, answer.map_err(|error| Failure::from(&error))?.value)
}

/// The receipt of an opt-in that the connector has done; a failure if Klaviyo refused all of its consent.
pub(crate) fn receipt(opt_in: &OptIn, list: &Audience, receipt: types::Receipt) -> Result<Receipt, Failure> {
    // The contract has them in the order of the permission.
    let refused = |(channel, permitted): (&Channel, &types::Permitted)| {
        permitted.refused.clone().map(|reason| (*channel, reason))
    };
    let refused: Vec<_> = opt_in.consent.iter().zip(&receipt.consent).filter_map(refused).collect();
    let unconfirmed = outcome::unconfirmed(list, &receipt.consent);
    let done = Receipt {
        profile_id: Some(receipt.profile_id),
        profile_name: receipt.profile_name,
        list_id: receipt.list_id,
        created: receipt.created,
        unconfirmed: unconfirmed.into_iter().filter_map(|channel| channel.try_into().ok()).collect(),
        warnings: warnings(opt_in, receipt.warnings),
        ..Receipt::default()
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
    done.unconfirmed.retain(|channel| !is_refused(channel));
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
    pub(crate) refused_channels: HashMap<usize, Vec<(types::Channel, Detail)>>,
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
        list: &Audience,
        member: Receipt,
    ) -> Result<Receipt, Failure> {
        let warnings = [member.warnings, self.of(position)?].concat();
        let refused = self.refused_channels.get(&position).map(Vec::as_slice).unwrap_or_default();
        let reason = |channel: &Channel| {
            let (_, reason) = refused.iter().find(|(other, _)| *other == types::Channel::from(*channel))?;
            Some((*channel, reason.clone()))
        };
        let refused: Vec<_> = opt_in.consent.iter().filter_map(reason).collect();
        // They had no profile before, so they had not consented.
        let waits = waits_for_confirmation(list.opt_in.as_deref(), None);
        let unconfirmed = if waits { opt_in.consent.clone() } else { Vec::new() };
        consenting(opt_in, Receipt { warnings, unconfirmed, ..member }, &refused)
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

pub(crate) fn consent_result(outcome: ConsentOutcome, what: &str) -> Result<ConsentResult, Failure> {
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

pub(crate) fn reason_of(reason: &Detail, what: &str) -> Reason {
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
        assert_eq!(opt_in.address(&partly.reached()), Some("+919820000001"));
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
        }
    }
}

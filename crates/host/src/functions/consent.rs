//! The functions of `consent`.

use super::call;
use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{ConsentOptions, ConsentOutcome, Consents, Identifier, Subscription, Unsubscription};

impl Tenant {
    /// Subscribes people to marketing. This lifts suppressions.
    ///
    /// # Errors
    /// See `consent.grant` in the contract. The answer lists the refused people and, if the call stopped
    /// early, the reason.
    pub async fn grant_consent(
        &self,
        subscriptions: &[Subscription],
        list: Option<&str>,
        options: &ConsentOptions,
    ) -> Result<Answer<ConsentOutcome>, Error> {
        let result = call!(self, "consent.grant", consent.call_grant(subscriptions, list, options));
        self.forget_missing(list, result, |outcome| outcome.stopped.as_ref())
    }

    /// Unsubscribes people from marketing.
    ///
    /// # Errors
    /// See `consent.revoke` in the contract. The answer lists the refused people and, if the call stopped
    /// early, the reason.
    pub async fn revoke_consent(
        &self,
        unsubscriptions: &[Unsubscription],
        list: Option<&str>,
    ) -> Result<Answer<ConsentOutcome>, Error> {
        let result = call!(self, "consent.revoke", consent.call_revoke(unsubscriptions, list));
        self.forget_missing(list, result, |outcome| outcome.stopped.as_ref())
    }

    /// A person's consent, channel by channel.
    ///
    /// # Errors
    /// See `consent.status` in the contract.
    pub async fn consents(&self, by: &Identifier) -> Result<Answer<Option<Consents>>, Error> {
        call!(self, "consent.status", consent.call_status(by))
    }
}

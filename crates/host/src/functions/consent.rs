//! The functions of `consent`.

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
        let result = self.invoke("consent.grant", (subscriptions, list, options)).await;
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
        let result = self.invoke("consent.revoke", (unsubscriptions, list)).await;
        self.forget_missing(list, result, |outcome| outcome.stopped.as_ref())
    }

    /// A person's consent, channel by channel.
    ///
    /// # Errors
    /// See `consent.status` in the contract.
    pub async fn consents(&self, by: &Identifier) -> Result<Answer<Option<Consents>>, Error> {
        self.invoke("consent.status", (by,)).await
    }
}

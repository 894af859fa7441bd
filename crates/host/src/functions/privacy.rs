//! The functions of `privacy`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{BatchResult, Identifier};

impl Tenant {
    /// Suppresses email addresses: they get no marketing email, whatever their consent.
    ///
    /// # Errors
    /// See `privacy.suppress` in the contract. The answer lists the refused addresses and, if the call stopped
    /// early, the reason.
    pub async fn suppress(&self, emails: &[String]) -> Result<Answer<BatchResult>, Error> {
        self.invoke("privacy.suppress", (emails,)).await
    }

    /// Lifts suppressions that a user of the account or [`Tenant::suppress`] made.
    ///
    /// # Errors
    /// See `privacy.unsuppress` in the contract. The answer is as that of [`Tenant::suppress`].
    pub async fn unsuppress(&self, emails: &[String]) -> Result<Answer<BatchResult>, Error> {
        self.invoke("privacy.unsuppress", (emails,)).await
    }

    /// Deletes the profiles with an identifier, and all that Klaviyo knows about them. This cannot be undone.
    ///
    /// # Errors
    /// See `privacy.delete` in the contract.
    pub async fn delete_profiles(&self, by: &Identifier) -> Result<Answer<()>, Error> {
        self.invoke("privacy.delete", (by,)).await
    }
}

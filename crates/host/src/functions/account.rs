//! The function of `account`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::AccountDetails;

impl Tenant {
    /// The account that the key belongs to.
    ///
    /// # Errors
    /// See `account.get` in the contract.
    pub async fn account_details(&self) -> Result<Answer<AccountDetails>, Error> {
        self.invoke("account.get", ()).await
    }
}

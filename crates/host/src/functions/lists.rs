//! The functions of `lists`.

use super::call;
use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::Audience;
use crate::usage::Usage;

impl Tenant {
    /// All lists of the account.
    ///
    /// # Errors
    /// See `lists.all` in the contract.
    pub async fn lists(&self) -> Result<Answer<Vec<Audience>>, Error> {
        call!(self, "lists.all", lists.call_all())
    }

    /// The list with this id or exact name. A list that was found is remembered for five minutes, so that a
    /// run of many contacts does not read all lists for each contact.
    ///
    /// # Errors
    /// See `lists.find` in the contract.
    pub async fn find_list(&self, name: &str) -> Result<Answer<Option<Audience>>, Error> {
        let (known, account) = self.account.lists.get(name);
        if let Some(list) = known {
            return Ok(Answer { value: Some(list), usage: Usage::default() });
        }
        let answer = call!(self, "lists.find", lists.call_find(name))?;
        if let Some(list) = &answer.value {
            self.account.lists.put(name, list, account);
        }
        Ok(answer)
    }
}

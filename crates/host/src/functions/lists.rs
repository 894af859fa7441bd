//! The functions of `lists`.

use crate::error::{Answer, Error};
use crate::tenant::Tenant;
use crate::types::{Audience, MemberPage};
use crate::usage::Usage;

impl Tenant {
    /// All lists of the account.
    ///
    /// # Errors
    /// See `lists.all` in the contract.
    pub async fn lists(&self) -> Result<Answer<Vec<Audience>>, Error> {
        self.invoke("lists.all", ()).await
    }

    /// The list with this id or exact name. A list that was found is remembered for five minutes, so that a
    /// run of many contacts does not look for the list once for each contact.
    ///
    /// # Errors
    /// See `lists.find` in the contract.
    pub async fn find_list(&self, name: &str) -> Result<Answer<Option<Audience>>, Error> {
        let (known, account) = self.account.lists.get(name);
        if let Some(list) = known {
            return Ok(Answer { value: Some(list), usage: Usage::default() });
        }
        let answer = self.invoke("lists.find", (name,)).await?;
        if let Some(list) = &answer.value {
            self.account.lists.put(name, list, account);
        }
        Ok(answer)
    }

    /// Creates a list. Names need not be unique: look with [`Tenant::find_list`] first.
    ///
    /// # Errors
    /// See `lists.create` in the contract.
    pub async fn create_list(&self, name: &str) -> Result<Answer<Audience>, Error> {
        let result = self.invoke("lists.create", (name,)).await;
        // After an error too: the list may exist. Then two lists have the name, which stands for neither.
        self.account.lists.forget_name(name);
        result
    }

    /// Takes profiles, by id, off a list, by id. Their consent stays.
    ///
    /// # Errors
    /// See `lists.remove` in the contract.
    pub async fn remove_from_list(&self, list: &str, profiles: &[String]) -> Result<Answer<u32>, Error> {
        let result = self.invoke("lists.remove", (list, profiles)).await;
        self.forget_missing(Some(list), result, |_| None)
    }

    /// A page of the members of a list, by id: the first, or the one that an earlier page's `next` stands for.
    ///
    /// # Errors
    /// See `lists.members` in the contract.
    pub async fn list_members(&self, list: &str, cursor: Option<&str>) -> Result<Answer<MemberPage>, Error> {
        let result = self.invoke("lists.members", (list, cursor)).await;
        self.forget_missing(Some(list), result, |_| None)
    }

    /// The lists that a profile, by its id, is on.
    ///
    /// # Errors
    /// See `lists.of-profile` in the contract.
    pub async fn lists_of_profile(&self, profile: &str) -> Result<Answer<Vec<Audience>>, Error> {
        self.invoke("lists.of-profile", (profile,)).await
    }
}

//! The lists that opt-ins name.

use crate::steps::{self, Failure};
use klaviyo_host::{Tenant, Usage};
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// How long a name is taken to mean the same list. Lists are renamed, seldom.
const FRESH: Duration = Duration::from_secs(5 * 60);

/// What has been found out about the lists of an account. Finding a list reads all of them.
#[derive(Default)]
pub(super) struct Lists(HashMap<String, (String, Instant)>);

impl Lists {
    /// The id of a list that was named by its id or its name.
    pub(super) async fn id(
        &mut self,
        tenant: &Tenant,
        list: &str,
        usage: &mut Usage,
    ) -> Result<String, Failure> {
        match self.0.get(list) {
            Some((id, since)) if since.elapsed() < FRESH => Ok(id.clone()),
            _ => {
                let id = steps::list_id(tenant, list, usage).await?;
                self.0.insert(list.to_owned(), (id.clone(), Instant::now()));
                Ok(id)
            }
        }
    }

    /// Something was not as it was found.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}

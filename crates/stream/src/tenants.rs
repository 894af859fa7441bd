//! A tenant for each account, with the key that the account has now.

use crate::account::Account;
use crate::secrets::{Kind, Secrets, Text};
use klaviyo_host::{Connector, Revision, Secret, Tenant};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// The tenants of a process. One is made when it is first asked for, and kept: it knows the account's pace.
pub struct Tenants {
    connector: Connector,
    revision: Option<Revision>,
    secrets: Arc<Secrets>,
    known: Mutex<HashMap<Account, (Tenant, Text)>>,
}

/// Why there is no tenant for an account.
#[derive(Debug, thiserror::Error)]
pub enum NoTenant {
    /// There is no key.
    #[error("account {0} has no key here; give it one in the file {0}.{file}", file = Kind::ApiKey.file())]
    NoKey(Account),
    /// The key cannot be one.
    #[error("account {0}: {1}")]
    Unfit(Account, klaviyo_host::SecretError),
}

impl Tenants {
    /// Tenants of this connector. `revision` is the oldest API revision to ask for.
    #[must_use]
    pub fn new(connector: Connector, revision: Option<Revision>, secrets: Arc<Secrets>) -> Self {
        Self { connector, revision, secrets, known: Mutex::default() }
    }

    /// The tenant of an account.
    ///
    /// # Errors
    /// When there is no key for it, or not one that can be sent.
    pub fn get(&self, account: &Account) -> Result<Tenant, NoTenant> {
        let key = self.secrets.get(account, Kind::ApiKey).ok_or_else(|| NoTenant::NoKey(account.clone()))?;
        let secret = Secret::new(&key).map_err(|error| NoTenant::Unfit(account.clone(), error))?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((tenant, used)) = known.get_mut(account) {
            if *used != key {
                tenant.set_key(secret);
                *used = key;
            }
            return Ok(tenant.clone());
        }
        let mut builder = Tenant::builder(&self.connector, secret).name(account.as_str());
        if let Some(revision) = &self.revision {
            builder = builder.revision(revision.clone());
        }
        let tenant = builder.build();
        known.insert(account.clone(), (tenant.clone(), key));
        Ok(tenant)
    }
}

//! A tenant for each account, with the key that the account has now.

use crate::account::Account;
use crate::secrets::{SecretKind, SecretText, Secrets};
use klaviyo_host::{Connector, Revision, Secret, Tenant};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The tenants of a process. One is made when it is first asked for, and kept: it knows the account's pace. When the
/// account's key is taken away, so is the tenant, the next time that any is asked for.
pub struct TenantCache {
    connector: Connector,
    revision: Option<Revision>,
    secrets: Arc<Secrets>,
    known: Mutex<Known>,
}

struct Known {
    tenants: HashMap<Account, (Tenant, SecretText)>,
    /// Of the secrets.
    changes: watch::Receiver<u64>,
}

impl Known {
    /// Forgets the accounts whose keys were taken away.
    fn forget_removed(&mut self, secrets: &Secrets) {
        if self.changes.has_changed().unwrap_or_default() {
            self.changes.mark_unchanged();
            let accounts = secrets.accounts(SecretKind::ApiKey);
            self.tenants.retain(|account, _| accounts.contains(account));
        }
    }
}

/// Why there is no tenant for an account.
#[derive(Debug, thiserror::Error)]
pub enum NoTenant {
    /// There is no key.
    #[error("account {0} has no key here; give it one in the file {0}.{file}", file = SecretKind::ApiKey.file())]
    NoKey(Account),
    /// The key cannot be one.
    #[error("account {0}: {1}")]
    Unfit(Account, klaviyo_host::SecretError),
}

impl TenantCache {
    /// TenantCache of this connector. `revision` is the oldest API revision to ask for.
    #[must_use]
    pub fn new(connector: Connector, revision: Option<Revision>, secrets: Arc<Secrets>) -> Self {
        let known = Known { tenants: HashMap::new(), changes: secrets.changes() };
        Self { connector, revision, secrets, known: Mutex::new(known) }
    }

    /// The tenant of an account.
    ///
    /// # Errors
    /// When there is no key for it, or not one that can be sent.
    pub fn get(&self, account: &Account) -> Result<Tenant, NoTenant> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.forget_removed(&self.secrets);
        let key =
            self.secrets.get(account, SecretKind::ApiKey).ok_or_else(|| NoTenant::NoKey(account.clone()))?;
        let secret = Secret::new(&key).map_err(|error| NoTenant::Unfit(account.clone(), error))?;
        if let Some((tenant, used)) = known.tenants.get_mut(account) {
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
        known.tenants.insert(account.clone(), (tenant.clone(), key));
        Ok(tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn built(path: &str) -> std::path::PathBuf {
        std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target").join(path)
    }

    #[test]
    fn a_key_that_is_taken_away_is_not_kept() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["shop-1", "shop-2"] {
            std::fs::write(folder.path().join(format!("{name}.api-key")), "pk_one").unwrap();
        }
        let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
        let connector =
            Connector::builder().cache(built("tmp")).load(built("component/klaviyo.wasm")).unwrap();
        let tenants = TenantCache::new(connector, None, Arc::clone(&secrets));
        let [one, other]: [Account; 2] = ["shop-1", "shop-2"].map(|name| name.parse().unwrap());
        assert!(tenants.get(&one).is_ok() && tenants.get(&other).is_ok());
        std::fs::remove_file(folder.path().join("shop-1.api-key")).unwrap();
        secrets.reload().unwrap();
        assert!(tenants.get(&other).is_ok());
        let known: Vec<Account> = tenants.known.lock().unwrap().tenants.keys().cloned().collect();
        assert_eq!(known, [other]);
        assert!(matches!(tenants.get(&one), Err(NoTenant::NoKey(_))));
    }
}

//! The tenants of a process, one for each account, with the keys that the accounts have now.

use crate::account::Account;
use crate::secrets::{SecretKind, SecretText, Secrets};
use klaviyo_host::{Connector, Revision, Secret, Tenant};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::watch;

/// The tenants of a process. Each is made when it is first asked for, and kept, because it knows the
/// account's pace. It goes when the account's key is taken away.
pub struct TenantCache {
    connector: Connector,
    revision: Option<Revision>,
    secrets: Arc<Secrets>,
    known: Mutex<Known>,
}

struct Known {
    /// Each with the text of its key.
    tenants: HashMap<Account, (Tenant, SecretText)>,
    /// Changes of the secrets.
    changes: watch::Receiver<u64>,
}

impl Known {
    /// Removes the tenants of accounts whose keys were taken away.
    fn remove_keyless(&mut self, secrets: &Secrets) {
        if self.changes.has_changed().unwrap_or_default() {
            self.changes.mark_unchanged();
            let accounts = secrets.accounts(SecretKind::ApiKey);
            self.tenants.retain(|account, _| accounts.contains(account));
        }
    }
}

/// An account has no key that can be used.
#[derive(Debug, thiserror::Error)]
#[error("account {0} has no key here; give it one in the file {0}.{file}", file = SecretKind::ApiKey.file())]
pub struct NoKey(Account);

impl TenantCache {
    /// Tenants of this connector. `revision` is the oldest API revision to ask for.
    #[must_use]
    pub fn new(connector: Connector, revision: Option<Revision>, secrets: Arc<Secrets>) -> Self {
        let known = Known { tenants: HashMap::new(), changes: secrets.changes() };
        Self { connector, revision, secrets, known: Mutex::new(known) }
    }

    /// The tenant of an account.
    ///
    /// # Errors
    /// When the account has no key.
    pub fn get(&self, account: &Account) -> Result<Tenant, NoKey> {
        let mut known = self.known.lock();
        known.remove_keyless(&self.secrets);
        let no_key = || NoKey(account.clone());
        let key = self.secrets.get(account, SecretKind::ApiKey).ok_or_else(no_key)?;
        // The secrets hold only keys that have passed this.
        let secret = Secret::new(&key).map_err(|_| no_key())?;
        if let Some((tenant, used)) = known.tenants.get_mut(account) {
            if *used != key {
                tenant.set_credentials(secret);
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
        let known: Vec<Account> = tenants.known.lock().tenants.keys().cloned().collect();
        assert_eq!(known, [other]);
        assert!(matches!(tenants.get(&one), Err(NoKey(_))));
    }
}

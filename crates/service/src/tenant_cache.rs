//! The tenants of a process, one for each account, with the keys that the accounts have now.

use crate::account::Account;
use crate::queue::{Queue, RateReport};
use crate::secrets::{Authentication, SecretKind, Secrets};
use futures_util::future::join_all;
use klaviyo_host::oauth::{FileTokenStore, Installation, MemoryTokenStore, OAuth};
use klaviyo_host::{Connector, Credentials, Revision, Secret, Tenant};
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
    /// None: tokens are kept beside the files of the installations.
    queue: Option<Arc<Queue>>,
    known: Mutex<Known>,
}

struct Known {
    tenants: HashMap<Account, KnownTenant>,
    /// Changes of the secrets.
    changes: watch::Receiver<u64>,
}

struct KnownTenant {
    tenant: Tenant,
    /// What its credentials were made of.
    authentication: Authentication,
}

impl Known {
    /// Removes the tenants of accounts whose keys were taken away.
    fn remove_keyless(&mut self, secrets: &Secrets) {
        if self.changes.has_changed().unwrap_or_default() {
            self.changes.mark_unchanged();
            let accounts = secrets.authenticated();
            self.tenants.retain(|account, _| accounts.contains(account));
        }
    }
}

/// An account has no key that can be used.
#[derive(Debug, thiserror::Error)]
#[error(
    "account {0} has no key here; give it one in the file {0}.{file}, or connect it with `klaviyo-connector connect \
     --account {0}`",
    file = SecretKind::ApiKey.file()
)]
pub struct NoKey(Account);

impl TenantCache {
    /// Tenants of this connector. `revision` is the oldest API revision to ask for.
    #[must_use]
    pub fn new(connector: Connector, revision: Option<Revision>, secrets: Arc<Secrets>) -> Self {
        let known = Known { tenants: HashMap::new(), changes: secrets.changes() };
        Self { connector, revision, secrets, queue: None, known: Mutex::new(known) }
    }

    /// Keeps OAuth's tokens in the queue, for all workers. Otherwise they are kept beside the file of the installation,
    /// for one machine.
    #[must_use]
    pub fn with_tokens_in(mut self, queue: Arc<Queue>) -> Self {
        self.queue = Some(queue);
        self
    }

    /// The tenant of an account.
    ///
    /// # Errors
    /// When the account has no key.
    pub fn get(&self, account: &Account) -> Result<Tenant, NoKey> {
        let mut known = self.known.lock();
        known.remove_keyless(&self.secrets);
        let no_key = || NoKey(account.clone());
        let authentication = self.secrets.authentication(account).ok_or_else(no_key)?;
        if let Some(known) = known.tenants.get(account)
            && known.authentication == authentication
        {
            return Ok(known.tenant.clone());
        }
        // The secrets hold only those that can be read.
        let credentials = self.credentials(account, &authentication).ok_or_else(no_key)?;
        let tenant = match known.tenants.get(account) {
            Some(known) => {
                known.tenant.set_credentials(credentials);
                known.tenant.clone()
            }
            None => {
                let builder = Tenant::builder(&self.connector, credentials).name(account.as_str());
                match &self.revision {
                    Some(revision) => builder.revision(revision.clone()).build(),
                    None => builder.build(),
                }
            }
        };
        let present = KnownTenant { tenant: tenant.clone(), authentication };
        known.tenants.insert(account.clone(), present);
        Ok(tenant)
    }

    /// How much of Klaviyo's rates the accounts used, of those that asked for something in the last minute.
    pub(crate) fn rates(&self) -> Vec<(Account, RateReport)> {
        let known = self.known.lock();
        let rate = |(account, known): (&Account, &KnownTenant)| {
            Some((account.clone(), known.tenant.busiest_minute()?.into()))
        };
        known.tenants.iter().filter_map(rate).collect()
    }

    fn credentials(
        &self,
        account: &Account,
        authentication: &Authentication,
    ) -> Option<Arc<dyn Credentials>> {
        if authentication.kind != SecretKind::Oauth {
            return Some(Arc::new(Secret::new(&authentication.text).ok()?));
        }
        let installation = Installation::from_json(&authentication.text).ok()?;
        let endpoint = self.connector.token_endpoint();
        let name = account.as_str();
        Some(Arc::new(match (&self.queue, self.secrets.file(account, SecretKind::Oauth)) {
            (Some(queue), _) => OAuth::new(endpoint, name, installation, queue.token_store(account)),
            (None, Some(file)) => OAuth::new(endpoint, name, installation, FileTokenStore::beside(&file)),
            // A process with a variable and no queue: nothing outlives it.
            (None, None) => OAuth::new(endpoint, name, installation, MemoryTokenStore::default()),
        }))
    }

    /// Waits until all new tokens are kept, before the process ends. It takes 20 seconds at most.
    pub async fn settled(&self) {
        let tenants: Vec<Tenant> =
            self.known.lock().tenants.values().map(|known| known.tenant.clone()).collect();
        join_all(tenants.iter().map(Tenant::settled)).await;
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

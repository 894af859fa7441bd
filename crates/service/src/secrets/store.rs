//! The secrets that are in use, and their changes.

use super::folder::{self, Logged, Values};
use super::kind::SecretKind;
use super::mac_keys::MacKeys;
use super::text::{InvalidSecret, SecretText};
use super::value::SecretValue;
use crate::account::Account;
use crate::whatsapp_settings::WhatsappSettings;
use parking_lot::{Mutex, RwLock};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, io};
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};

/// The secrets of all accounts, as they are now.
pub struct Secrets {
    folder: Option<PathBuf>,
    values: RwLock<Values>,
    /// Locked while the folder is read.
    pub(super) logged: Mutex<Logged>,
    changes: watch::Sender<u64>,
}

/// What authenticates an account at Klaviyo.
#[derive(Clone, PartialEq, Eq)]
pub struct Authentication {
    /// [`SecretKind::Oauth`] or [`SecretKind::ApiKey`].
    pub kind: SecretKind,
    /// The text of the secret.
    pub text: SecretText,
}

/// Why the secrets cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The folder cannot be read.
    #[error("cannot read the secrets in {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// The value of the variable is invalid.
    #[error("the variable {0} cannot be used: {1}")]
    Variable(String, InvalidSecret),
}

impl Secrets {
    /// How often a folder is read.
    pub const EVERY: Duration = Duration::from_secs(2);
    /// A reading that takes longer is logged.
    const SLOW: Duration = Duration::from_secs(10);

    /// The secrets of many accounts, from the files of a folder. It is read now, which takes as long as the
    /// file system does.
    ///
    /// # Errors
    /// When the folder cannot be read. A file that is invalid, or cannot be read, is logged and left out.
    pub fn folder(folder: impl Into<PathBuf>) -> Result<Self, SecretsError> {
        let folder = folder.into();
        let secrets = Self::new(Some(folder.clone()), Values::new());
        secrets.reload().map_err(|error| SecretsError::Folder(folder, error))?;
        Ok(secrets)
    }

    /// The secrets of these kinds of [`Account::DEFAULT`], from the environment. An empty variable counts as
    /// not set.
    ///
    /// # Errors
    /// When the value of a variable is invalid.
    pub fn environment(kinds: &[SecretKind]) -> Result<Self, SecretsError> {
        let mut values = Values::new();
        for kind in kinds {
            let invalid = |invalid| SecretsError::Variable(kind.variable(), invalid);
            let Some(text) = std::env::var_os(kind.variable()) else { continue };
            let text = text.into_string().map_err(|_| invalid(InvalidSecret::NotText))?;
            match SecretValue::parse(*kind, &SecretText::new(text)) {
                Ok(value) => drop(values.insert((Account::default(), *kind), value)),
                Err(InvalidSecret::Empty) => {}
                Err(error) => return Err(invalid(error)),
            }
        }
        Ok(Self::new(None, values))
    }

    fn new(folder: Option<PathBuf>, values: Values) -> Self {
        let changes = watch::Sender::new(0);
        Self { folder, values: RwLock::new(values), logged: Mutex::default(), changes }
    }

    /// The text of an account's secret, if it has one of this kind. A key of a MAC has no text: see
    /// [`Secrets::mac_keys`].
    #[must_use]
    pub fn get(&self, account: &Account, kind: SecretKind) -> Option<SecretText> {
        match self.value(account, kind)? {
            SecretValue::Text(text) => Some(text),
            SecretValue::Mac(_) | SecretValue::Whatsapp(_) => None,
        }
    }

    /// What authenticates the account at Klaviyo, if it has something: the installation of an app, or else the private
    /// key.
    #[must_use]
    pub fn authentication(&self, account: &Account) -> Option<Authentication> {
        let of = |kind| Some(Authentication { kind, text: self.get(account, kind)? });
        of(SecretKind::Oauth).or_else(|| of(SecretKind::ApiKey))
    }

    /// The accounts that have something to authenticate with at Klaviyo.
    #[must_use]
    pub fn authenticated(&self) -> BTreeSet<Account> {
        &self.accounts(SecretKind::Oauth) | &self.accounts(SecretKind::ApiKey)
    }

    /// The file of a secret, if there is a folder.
    #[must_use]
    pub fn file(&self, account: &Account, kind: SecretKind) -> Option<PathBuf> {
        self.folder.as_ref().map(|folder| folder.join(format!("{account}.{}", kind.file())))
    }

    /// The name of the place where a secret of an account belongs: a file, or a variable.
    #[must_use]
    pub fn place(&self, account: &Account, kind: SecretKind) -> String {
        match self.folder {
            Some(_) => format!("{account}.{}", kind.file()),
            None => kind.variable(),
        }
    }

    /// The keys with which an account's requests may be signed, or are signed, if it has some: for [`SecretKind::SigningSecret`],
    /// [`SecretKind::WhatsappAppSecret`], [`SecretKind::ChangesSecret`] and [`SecretKind::KlaviyoWebhookSecret`].
    #[must_use]
    pub fn mac_keys(&self, account: &Account, kind: SecretKind) -> Option<MacKeys> {
        match self.value(account, kind)? {
            SecretValue::Mac(keys) => Some(keys),
            SecretValue::Text(_) | SecretValue::Whatsapp(_) => None,
        }
    }

    /// What an account wants of its WhatsApp; the defaults if it has no [`SecretKind::WhatsappSettings`].
    #[must_use]
    pub fn whatsapp_settings(&self, account: &Account) -> Arc<WhatsappSettings> {
        match self.value(account, SecretKind::WhatsappSettings) {
            Some(SecretValue::Whatsapp(settings)) => settings,
            _ => Arc::default(),
        }
    }

    fn value(&self, account: &Account, kind: SecretKind) -> Option<SecretValue> {
        self.values.read().get(&(account.clone(), kind)).cloned()
    }

    /// The accounts that have a secret of this kind.
    #[must_use]
    pub fn accounts(&self, kind: SecretKind) -> BTreeSet<Account> {
        let values = self.values.read();
        values.keys().filter(|(_, of)| *of == kind).map(|(account, _)| account.clone()).collect()
    }

    /// Whether another account has the same secret.
    #[must_use]
    pub fn is_shared(&self, account: &Account, kind: SecretKind) -> bool {
        let values = self.values.read();
        let Some(own) = values.get(&(account.clone(), kind)) else { return false };
        values.iter().any(|((other, of), value)| *of == kind && other != account && value.shares(own))
    }

    /// A receiver that learns of each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Reads the folder again and again until it is dropped. A file system that hangs holds up nothing else.
    /// Secrets from the environment do not change.
    pub async fn keep_fresh(self: &Arc<Self>) {
        let Some(folder) = &self.folder else { return std::future::pending().await };
        loop {
            sleep(Self::EVERY).await;
            let secrets = Arc::clone(self);
            let mut reading = tokio::task::spawn_blocking(move || secrets.reload());
            let read = match timeout(Self::SLOW, &mut reading).await {
                Ok(read) => read,
                Err(_) => {
                    warn!(folder = %folder.display(), "the secrets take long to read; those read before are used");
                    reading.await
                }
            };
            match read {
                Ok(Ok(())) => {}
                // The known secrets stay in use: a folder can be gone for a moment while it is replaced.
                Ok(Err(error)) => {
                    warn!(folder = %folder.display(), %error, "cannot read the secrets; those read before are used");
                }
                Err(error) => error!(%error, "the reading of secrets ended in a defect; report it"),
            }
        }
    }

    /// Reads all files. It takes as long as the file system does.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn reload(&self) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let mut logged = self.logged.lock();
        let before = self.values.read().clone();
        let values = folder::read_folder(folder, &before, &mut logged)?;
        if values != before {
            let count = values.len();
            *self.values.write() = values;
            self.changes.send_modify(|version| *version = version.wrapping_add(1));
            info!(secrets = count, "secrets read");
        }
        Ok(())
    }
}

/// Leaves out the secrets.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("folder", &self.folder).finish_non_exhaustive()
    }
}

//! The secrets of the accounts: a file each, as Kubernetes mounts them, or the environment for a single account.

use crate::account::Account;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tracing::{info, warn};
use zeroize::Zeroizing;

/// What an account has. Each is in a file `<account>.<name>`, or for [`Account::DEFAULT`] in a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Klaviyo's private key: for workers, and for a front door without a queue.
    ApiKey,
    /// What callers sign opt-ins with: `whsec_` and base64.
    SigningSecret,
    /// What Meta signs the notifications of WhatsApp with.
    WhatsappAppSecret,
    /// What Meta shows when it asks whether a webhook is wanted.
    WhatsappVerifyToken,
    /// The list that people join by WhatsApp, by id or exact name. Not a secret, but it belongs to the account.
    WhatsappList,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::ApiKey,
        Self::SigningSecret,
        Self::WhatsappAppSecret,
        Self::WhatsappVerifyToken,
        Self::WhatsappList,
    ];

    /// The end of its file's name.
    #[must_use]
    pub const fn file(self) -> &'static str {
        match self {
            Self::ApiKey => "api-key",
            Self::SigningSecret => "signing-secret",
            Self::WhatsappAppSecret => "whatsapp-app-secret",
            Self::WhatsappVerifyToken => "whatsapp-verify-token",
            Self::WhatsappList => "whatsapp-list",
        }
    }

    /// Its variable.
    #[must_use]
    pub const fn variable(self) -> &'static str {
        match self {
            Self::ApiKey => "KLAVIYO_API_KEY",
            Self::SigningSecret => "KLAVIYO_SIGNING_SECRET",
            Self::WhatsappAppSecret => "KLAVIYO_WHATSAPP_APP_SECRET",
            Self::WhatsappVerifyToken => "KLAVIYO_WHATSAPP_VERIFY_TOKEN",
            Self::WhatsappList => "KLAVIYO_WHATSAPP_LIST",
        }
    }
}

/// A secret's text, without the white space around it. It is overwritten when it is dropped.
pub type Text = Zeroizing<String>;

/// The secrets of all accounts, as they are now.
pub struct Secrets {
    folder: Option<PathBuf>,
    held: RwLock<BTreeMap<(Account, Kind), Text>>,
    /// What the files were when they were last read.
    stamps: Mutex<BTreeMap<PathBuf, Option<Stamp>>>,
    changes: watch::Sender<u64>,
}

/// Enough of a file to see that it is another one: Kubernetes replaces files, and does not write to them.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    bytes: u64,
}

/// Why the secrets cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the secrets in {}", .0.display())]
pub struct SecretsError(PathBuf, #[source] io::Error);

impl Secrets {
    /// How often a folder is looked at.
    pub const EVERY: Duration = Duration::from_secs(2);
    /// More than any secret has.
    const LARGEST: u64 = 4096;

    /// The secrets of many accounts: the files of a folder.
    ///
    /// # Errors
    /// When the folder cannot be read. A file that cannot is told in the log, and passed over.
    pub fn folder(folder: impl Into<PathBuf>) -> Result<Self, SecretsError> {
        let secrets = Self::empty(Some(folder.into()));
        secrets.reload()?;
        Ok(secrets)
    }

    /// The secrets of [`Account::DEFAULT`], from the environment.
    #[must_use]
    pub fn environment() -> Self {
        let secrets = Self::empty(None);
        let account = Account::default();
        let held = Kind::ALL.into_iter().filter_map(|kind| {
            let text = Zeroizing::new(std::env::var(kind.variable()).ok()?);
            Some(((account.clone(), kind), trimmed(&text)?))
        });
        *secrets.held.write().unwrap_or_else(PoisonError::into_inner) = held.collect();
        secrets
    }

    fn empty(folder: Option<PathBuf>) -> Self {
        let changes = watch::Sender::new(0);
        Self { folder, held: RwLock::default(), stamps: Mutex::default(), changes }
    }

    /// One secret of an account, if it has it.
    #[must_use]
    pub fn get(&self, account: &Account, kind: Kind) -> Option<Text> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&(account.clone(), kind)).cloned()
    }

    /// The accounts that have such a secret.
    #[must_use]
    pub fn accounts(&self, kind: Kind) -> BTreeSet<Account> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys().filter(|(_, of)| *of == kind).map(|(account, _)| account.clone()).collect()
    }

    /// Tells of each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Looks for changes until it is dropped. Without a folder there is nothing that changes.
    pub async fn keep_fresh(&self) {
        loop {
            tokio::time::sleep(Self::EVERY).await;
            // What is known goes on to be used: a folder can be gone for a moment while it is replaced.
            if let Err(error) = self.reload() {
                warn!(error = %error.1, "{error}; the secrets that were read before are kept");
            }
        }
    }

    /// Reads what has changed.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn reload(&self) -> Result<(), SecretsError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |error| SecretsError(folder.clone(), error);
        let mut stamps = self.stamps.lock().unwrap_or_else(PoisonError::into_inner);
        let mut held = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut seen, mut changed) = (BTreeSet::new(), false);
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(name) = named(&path) else {
                if !stamps.contains_key(&path) && !is_hidden(&path) {
                    stamps.insert(path.clone(), None);
                    warn!(file = %path.display(), "not a secret's name, <account>.api-key for example; passed over");
                }
                continue;
            };
            seen.insert(name.clone());
            let stamp = stamp(&path);
            if stamps.get(&path) == Some(&stamp) {
                continue;
            }
            let text = read(&path).inspect_err(|error| {
                warn!(file = %path.display(), %error, "cannot read a secret");
            });
            // One that cannot be read now is tried again the next time.
            stamps.insert(path, if text.is_ok() { stamp } else { None });
            match text {
                Ok(Some(text)) if held.get(&name) != Some(&text) => {
                    held.insert(name, text);
                    changed = true;
                }
                Ok(None) => changed |= held.remove(&name).is_some(),
                Ok(Some(_)) | Err(_) => {}
            }
        }
        let before = held.len();
        held.retain(|name, _| seen.contains(name));
        stamps.retain(|path, _| named(path).is_none_or(|name| seen.contains(&name)));
        changed |= held.len() < before;
        if changed {
            let count = held.len();
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
            self.changes.send_modify(|version| *version = version.wrapping_add(1));
            info!(secrets = count, "secrets read");
        }
        Ok(())
    }
}

/// Whose secret a file is, and which.
fn named(path: &Path) -> Option<(Account, Kind)> {
    let (account, kind) = path.file_name()?.to_str()?.split_once('.')?;
    let kind = Kind::ALL.into_iter().find(|known| known.file() == kind)?;
    Some((account.parse().ok()?, kind))
}

/// Kubernetes keeps folders of its own beside the files.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = path.metadata().ok()?;
    Some(Stamp { modified: metadata.modified().ok()?, bytes: metadata.len() })
}

fn read(path: &Path) -> io::Result<Option<Text>> {
    let mut text = Zeroizing::new(String::with_capacity(Secrets::LARGEST as usize));
    std::fs::File::open(path)?.take(Secrets::LARGEST).read_to_string(&mut text)?;
    Ok(trimmed(&text))
}

/// None: there is nothing.
fn trimmed(text: &str) -> Option<Text> {
    let text = text.trim();
    (!text.is_empty()).then(|| Zeroizing::new(text.to_owned()))
}

/// Without the secrets.
impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Secrets").field("folder", &self.folder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> Account {
        name.parse().unwrap()
    }

    #[test]
    fn files_are_read_again_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("shop-1.api-key", "pk_one\n");
        write("shop-1.signing-secret", "whsec_AAAA");
        write("shop-2.api-key", "  \n");
        write("notes.txt", "not a secret");
        let secrets = Secrets::folder(folder.path()).unwrap();
        let changes = secrets.changes();
        let key = |name: &str| secrets.get(&account(name), Kind::ApiKey).map(|text| text.to_string());
        assert_eq!(key("shop-1").as_deref(), Some("pk_one"));
        assert_eq!(key("shop-2"), None);
        assert_eq!(secrets.accounts(Kind::ApiKey), [account("shop-1")].into());

        secrets.reload().unwrap();
        assert!(!changes.has_changed().unwrap());
        write("shop-1.api-key", "pk_another");
        write("shop-2.api-key", "pk_two");
        std::fs::remove_file(folder.path().join("shop-1.signing-secret")).unwrap();
        secrets.reload().unwrap();
        assert!(changes.has_changed().unwrap());
        assert_eq!(key("shop-1").as_deref(), Some("pk_another"));
        assert_eq!(key("shop-2").as_deref(), Some("pk_two"));
        assert_eq!(secrets.get(&account("shop-1"), Kind::SigningSecret), None);
    }

    /// Kubernetes mounts a link to a folder with the time in its name, and replaces the link.
    #[cfg(unix)]
    #[test]
    fn a_mounted_secret_is_read_through_its_links() {
        use std::os::unix::fs::symlink;
        let mount = tempfile::tempdir().unwrap();
        let place = |name: &str| mount.path().join(name);
        for (version, key) in [("..1", "pk_one"), ("..2", "pk_another")] {
            std::fs::create_dir(place(version)).unwrap();
            std::fs::write(place(version).join("shop-1.api-key"), key).unwrap();
        }
        symlink("..1", place("..data")).unwrap();
        symlink("..data/shop-1.api-key", place("shop-1.api-key")).unwrap();
        let secrets = Secrets::folder(mount.path()).unwrap();
        let key = || secrets.get(&account("shop-1"), Kind::ApiKey).map(|text| text.to_string());
        assert_eq!(key().as_deref(), Some("pk_one"));
        symlink("..2", place("..next")).unwrap();
        std::fs::rename(place("..next"), place("..data")).unwrap();
        secrets.reload().unwrap();
        assert_eq!(key().as_deref(), Some("pk_another"));
    }

    #[test]
    fn a_folder_that_is_gone_leaves_what_was_read() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop-1.api-key"), "pk_one").unwrap();
        let secrets = Secrets::folder(folder.path()).unwrap();
        folder.close().unwrap();
        assert!(secrets.reload().is_err());
        assert!(secrets.get(&account("shop-1"), Kind::ApiKey).is_some());
    }

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop-1.api-key"), "pk_canary").unwrap();
        assert!(!format!("{:?}", Secrets::folder(folder.path()).unwrap()).contains("pk_canary"));
    }
}

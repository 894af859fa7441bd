//! The secrets of the accounts: a file each, as Kubernetes mounts them, or the environment for a single account.
//!
//! A secret is checked when it is read. One that cannot work is told in the log, by the name of its file, and is none.

mod file;
mod value;

pub use value::{InvalidSecret, MacKey, SecretText};

#[cfg(test)]
pub(crate) use value::tests::mac_key;

use crate::account::Account;
use file::Unread;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tracing::{error, info, warn};
use value::Value;

/// What an account has. Each is in a file `<account>.<name>`, or for [`Account::DEFAULT`] in a variable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SecretKind {
    /// Klaviyo's private key: for workers, and for a front door without a queue.
    ApiKey,
    /// What callers sign opt-ins with: `whsec_` and the base64 of 24 to 64 bytes.
    SigningSecret,
    /// What Meta signs the notifications of WhatsApp with.
    WhatsappAppSecret,
    /// What Meta shows when it asks whether a webhook is wanted: 8 characters or more.
    WhatsappVerifyToken,
    /// The list that people join by WhatsApp, by id or exact name. Not a secret, but it belongs to the account.
    WhatsappList,
    /// The ids of the WhatsApp numbers that are the account's, with white space between them. Not secret either: Meta
    /// signs for an app, which can have the numbers of many accounts.
    WhatsappPhoneNumberId,
}

impl SecretKind {
    const ALL: [Self; 6] = [
        Self::ApiKey,
        Self::SigningSecret,
        Self::WhatsappAppSecret,
        Self::WhatsappVerifyToken,
        Self::WhatsappList,
        Self::WhatsappPhoneNumberId,
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
            Self::WhatsappPhoneNumberId => "whatsapp-phone-number-id",
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
            Self::WhatsappPhoneNumberId => "KLAVIYO_WHATSAPP_PHONE_NUMBER_ID",
        }
    }

    /// Whoever can read it can do harm.
    const fn is_secret(self) -> bool {
        !matches!(self, Self::WhatsappList | Self::WhatsappPhoneNumberId)
    }
}

/// Whose secret, and which.
type Name = (Account, SecretKind);

/// The secrets of all accounts, as they are now.
pub struct Secrets {
    folder: Option<PathBuf>,
    held: RwLock<BTreeMap<Name, Value>>,
    logged: Mutex<Logged>,
    changes: watch::Sender<u64>,
}

/// What the log already says about the files, so that it says it once.
#[derive(Default)]
struct Logged {
    /// What is wrong with which file.
    faults: BTreeMap<PathBuf, String>,
    /// Files that are no secret's, and secrets that everybody can read.
    remarks: BTreeSet<PathBuf>,
}

/// Why the secrets cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SecretsError {
    /// The folder cannot be read.
    #[error("cannot read the secrets in {}", .0.display())]
    Folder(PathBuf, #[source] io::Error),
    /// The variable has what cannot be the secret.
    #[error("the variable {0} cannot be used: {1}")]
    Variable(&'static str, InvalidSecret),
}

impl Secrets {
    /// How often a folder is read.
    pub const EVERY: Duration = Duration::from_secs(2);
    /// For how long a folder is read before the log says that it takes long.
    const SLOW: Duration = Duration::from_secs(10);

    /// The secrets of many accounts: the files of a folder. It is read here and now, which takes as long as the file
    /// system does.
    ///
    /// # Errors
    /// When the folder cannot be read. A file that cannot be read, or be a secret, is told in the log and left out.
    pub fn folder(folder: impl Into<PathBuf>) -> Result<Self, SecretsError> {
        let secrets = Self::empty(Some(folder.into()));
        secrets.reload()?;
        Ok(secrets)
    }

    /// The secrets of these kinds of [`Account::DEFAULT`], from the environment. A variable that is empty is not set.
    ///
    /// # Errors
    /// When a variable has what cannot be the secret.
    pub fn environment(kinds: &[SecretKind]) -> Result<Self, SecretsError> {
        let secrets = Self::empty(None);
        let mut held = BTreeMap::new();
        for kind in kinds {
            let unfit = |unfit| SecretsError::Variable(kind.variable(), unfit);
            let Some(text) = std::env::var_os(kind.variable()) else { continue };
            let text = text.into_string().map_err(|_| unfit(InvalidSecret::NotText))?;
            match Value::parse(*kind, &SecretText::new(text)) {
                Ok(value) => drop(held.insert((Account::default(), *kind), value)),
                Err(InvalidSecret::Empty) => {}
                Err(error) => return Err(unfit(error)),
            }
        }
        *secrets.held.write().unwrap_or_else(PoisonError::into_inner) = held;
        Ok(secrets)
    }

    fn empty(folder: Option<PathBuf>) -> Self {
        let changes = watch::Sender::new(0);
        Self { folder, held: RwLock::default(), logged: Mutex::default(), changes }
    }

    /// The text of an account's secret, if it has it. Those that are keys of a MAC have none: see [`Secrets::mac_key`].
    #[must_use]
    pub fn get(&self, account: &Account, kind: SecretKind) -> Option<SecretText> {
        match self.value(account, kind)? {
            Value::Text(text) => Some(text),
            Value::Mac(_) => None,
        }
    }

    /// The key that an account's requests are signed with, if it has it: for [`SecretKind::SigningSecret`] and
    /// [`SecretKind::WhatsappAppSecret`].
    #[must_use]
    pub fn mac_key(&self, account: &Account, kind: SecretKind) -> Option<MacKey> {
        match self.value(account, kind)? {
            Value::Mac(key) => Some(key),
            Value::Text(_) => None,
        }
    }

    fn value(&self, account: &Account, kind: SecretKind) -> Option<Value> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.get(&(account.clone(), kind)).cloned()
    }

    /// The accounts that have such a secret.
    #[must_use]
    pub fn accounts(&self, kind: SecretKind) -> BTreeSet<Account> {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        held.keys().filter(|(_, of)| *of == kind).map(|(account, _)| account.clone()).collect()
    }

    /// Whether another account has the same secret.
    #[must_use]
    pub fn is_shared(&self, account: &Account, kind: SecretKind) -> bool {
        let held = self.held.read().unwrap_or_else(PoisonError::into_inner);
        let Some(own) = held.get(&(account.clone(), kind)) else { return false };
        held.iter().any(|((other, of), value)| *of == kind && other != account && value == own)
    }

    /// Tells of each change.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Reads the folder again and again until it is dropped. A file system that hangs holds up nothing but this. Without a
    /// folder there is nothing that changes.
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
                // What is known goes on to be used: a folder can be gone for a moment while it is replaced.
                Ok(Err(SecretsError::Folder(folder, error))) => {
                    warn!(folder = %folder.display(), %error, "cannot read the secrets; those read before are used");
                }
                Ok(Err(error)) => warn!(%error, "cannot read the secrets; those read before are used"),
                Err(error) => error!(%error, "the reading of secrets ended in a defect; report it"),
            }
        }
    }

    /// Reads all files. It takes as long as the file system does.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn reload(&self) -> Result<(), SecretsError> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let failed = |error| SecretsError::Folder(folder.clone(), error);
        let mut logged = self.logged.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.held.read().unwrap_or_else(PoisonError::into_inner).clone();
        let (mut held, mut faults, mut remarks) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            let Some(name) = named(&path) else {
                if !is_hidden(&path) {
                    if !logged.remarks.contains(&path) {
                        warn!(file = %path.display(), "not a secret's name, <account>.api-key for example; passed over");
                    }
                    remarks.insert(path);
                }
                continue;
            };
            let value = file::read(&path).and_then(|contents| {
                if contents.is_exposed && name.1.is_secret() {
                    if !logged.remarks.contains(&path) {
                        warn!(file = %path.display(), "everybody on this machine can read this secret; chmod 600 changes it");
                    }
                    remarks.insert(path.clone());
                }
                Value::parse(name.1, &contents.text).map_err(Unread::Invalid)
            });
            let fault = match value {
                Ok(value) => {
                    held.insert(name, value);
                    continue;
                }
                // It may be readable again the next time.
                Err(Unread::Io(error)) => {
                    let before = before.get(&name).map(|value| held.insert(name, value.clone()));
                    let used = if before.is_some() { "; the one that was read before is used" } else { "" };
                    format!("cannot be read{used}: {error}")
                }
                Err(Unread::Invalid(unfit)) => format!("is not used: {unfit}"),
            };
            faults.insert(path, fault);
        }
        close_unsure_webhooks(&mut held, faults.keys());
        for account in of_any_number(&held) {
            let path = folder.join(format!("{account}.{}", SecretKind::WhatsappPhoneNumberId.file()));
            if !logged.remarks.contains(&path) {
                warn!(file = %path.display(), "without this file the notifications of all numbers of the app are the account's");
            }
            remarks.insert(path);
        }
        for (file, fault) in &faults {
            if logged.faults.get(file) != Some(fault) {
                error!(file = %file.display(), "this secret {fault}");
            }
        }
        *logged = Logged { faults, remarks };
        if held != before {
            let count = held.len();
            *self.held.write().unwrap_or_else(PoisonError::into_inner) = held;
            self.changes.send_modify(|version| *version = version.wrapping_add(1));
            info!(secrets = count, "secrets read");
        }
        Ok(())
    }
}

/// An account whose numbers cannot be logged gets no notifications: they would be taken for any number.
fn close_unsure_webhooks<'a>(held: &mut BTreeMap<Name, Value>, faulty: impl Iterator<Item = &'a PathBuf>) {
    for (account, kind) in faulty.filter_map(|file| named(file)) {
        if kind == SecretKind::WhatsappPhoneNumberId && !held.contains_key(&(account.clone(), kind)) {
            held.remove(&(account, SecretKind::WhatsappAppSecret));
        }
    }
}

/// The accounts with a webhook of which it is not said whose numbers are theirs.
fn of_any_number(held: &BTreeMap<Name, Value>) -> impl Iterator<Item = &Account> {
    let apps =
        held.keys().filter(|(_, kind)| *kind == SecretKind::WhatsappAppSecret).map(|(account, _)| account);
    apps.filter(|account| !held.contains_key(&((*account).clone(), SecretKind::WhatsappPhoneNumberId)))
}

/// Whose secret a file is, and which.
fn named(path: &Path) -> Option<Name> {
    let (account, kind) = path.file_name()?.to_str()?.split_once('.')?;
    let kind = SecretKind::ALL.into_iter().find(|known| known.file() == kind)?;
    Some((account.parse().ok()?, kind))
}

/// Kubernetes keeps folders of its own beside the files.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
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

    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

    fn account(name: &str) -> Account {
        name.parse().unwrap()
    }

    #[test]
    fn files_are_read_again_when_they_change() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("shop-1.api-key", "pk_one\n");
        write("shop-1.signing-secret", SECRET);
        write("shop-2.api-key", "  \n");
        write("notes.txt", "not a secret");
        let secrets = Secrets::folder(folder.path()).unwrap();
        let changes = secrets.changes();
        let key = |name: &str| secrets.get(&account(name), SecretKind::ApiKey).map(|text| text.to_string());
        assert_eq!(key("shop-1").as_deref(), Some("pk_one"));
        assert_eq!(key("shop-2"), None);
        assert_eq!(secrets.accounts(SecretKind::ApiKey), [account("shop-1")].into());

        secrets.reload().unwrap();
        assert!(!changes.has_changed().unwrap());
        write("shop-1.api-key", "pk_another");
        write("shop-2.api-key", "pk_two");
        assert!(secrets.mac_key(&account("shop-1"), SecretKind::SigningSecret).is_some());
        std::fs::remove_file(folder.path().join("shop-1.signing-secret")).unwrap();
        secrets.reload().unwrap();
        assert!(changes.has_changed().unwrap());
        assert_eq!(key("shop-1").as_deref(), Some("pk_another"));
        assert_eq!(key("shop-2").as_deref(), Some("pk_two"));
        assert_eq!(secrets.mac_key(&account("shop-1"), SecretKind::SigningSecret), None);
    }

    /// Stores with fixed times, and archives that are unpacked with theirs, replace a file by one of the same length.
    #[test]
    fn a_secret_of_the_same_length_and_time_is_another_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("shop-1.api-key");
        let write = |text: &str| {
            std::fs::write(&path, text).unwrap();
            let file = std::fs::File::options().write(true).open(&path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1)).unwrap();
        };
        write("pk_one");
        let secrets = Secrets::folder(folder.path()).unwrap();
        write("pk_two");
        secrets.reload().unwrap();
        assert_eq!(secrets.get(&account("shop-1"), SecretKind::ApiKey).unwrap().as_str(), "pk_two");
    }

    #[test]
    fn one_that_cannot_work_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("shop-1.signing-secret", "whsec_");
        write("shop-2.signing-secret", "hunter2");
        write("shop-3.signing-secret", SECRET);
        std::fs::create_dir(folder.path().join("shop-4.signing-secret")).unwrap();
        let secrets = Secrets::folder(folder.path()).unwrap();
        assert_eq!(secrets.accounts(SecretKind::SigningSecret), [account("shop-3")].into());
        write("shop-1.signing-secret", SECRET);
        write("shop-3.signing-secret", "whsec_AAAA");
        secrets.reload().unwrap();
        assert_eq!(secrets.accounts(SecretKind::SigningSecret), [account("shop-1")].into());
        assert!(!secrets.is_shared(&account("shop-1"), SecretKind::SigningSecret));
        write("shop-3.signing-secret", SECRET);
        secrets.reload().unwrap();
        assert!(secrets.is_shared(&account("shop-1"), SecretKind::SigningSecret));
    }

    #[test]
    fn numbers_that_cannot_be_told_close_the_webhook() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("shop-1.whatsapp-app-secret", "0123456789abcdef0123456789abcdef");
        let secrets = Secrets::folder(folder.path()).unwrap();
        let is_open = || secrets.mac_key(&account("shop-1"), SecretKind::WhatsappAppSecret).is_some();
        assert!(is_open());
        for (ids, open) in [("+1 555 078 3881", false), ("106540352242922", true), ("", false)] {
            write("shop-1.whatsapp-phone-number-id", ids);
            secrets.reload().unwrap();
            assert_eq!(is_open(), open, "{ids}");
        }
    }

    /// Here it is another reader that holds the reading up.
    #[test]
    fn a_reading_that_does_not_end_holds_nobody_up() {
        let folder = tempfile::tempdir().unwrap();
        let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let held = secrets.logged.lock().unwrap();
        runtime.block_on(async {
            tokio::select! {
                () = secrets.keep_fresh() => {}
                () = sleep(Secrets::EVERY + Duration::from_secs(1)) => {}
            }
        });
        drop(held);
    }

    /// What is in the folder holds nobody up.
    #[cfg(unix)]
    #[tokio::test]
    async fn a_fifo_among_them_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop-1.api-key"), "pk_one").unwrap();
        let fifo = folder.path().join("shop-2.api-key");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let secrets = Arc::new(Secrets::folder(folder.path()).unwrap());
        assert_eq!(secrets.accounts(SecretKind::ApiKey), [account("shop-1")].into());
        std::fs::write(folder.path().join("shop-1.api-key"), "pk_another").unwrap();
        let mut changes = secrets.changes();
        tokio::select! {
            changed = changes.changed() => changed.unwrap(),
            () = secrets.keep_fresh() => {}
        }
        assert_eq!(secrets.get(&account("shop-1"), SecretKind::ApiKey).unwrap().as_str(), "pk_another");
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
        let key = || secrets.get(&account("shop-1"), SecretKind::ApiKey).map(|text| text.to_string());
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
        assert!(secrets.get(&account("shop-1"), SecretKind::ApiKey).is_some());
    }

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("shop-1.api-key"), "pk_canary").unwrap();
        assert!(!format!("{:?}", Secrets::folder(folder.path()).unwrap()).contains("pk_canary"));
    }
}

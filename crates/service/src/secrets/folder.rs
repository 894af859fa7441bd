//! Reading a folder of secrets, whatever kind of file each is, and logging each problem in it once.

use super::kind::SecretKind;
use super::text::InvalidSecret;
use super::value::SecretValue;
use crate::account::Account;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use tracing::{error, warn};
use zeroize::Zeroizing;

/// The values of the secrets, by account and kind.
pub(super) type Values = BTreeMap<(Account, SecretKind), SecretValue>;

/// The problems that the log has already.
#[derive(Default)]
pub(super) struct Logged {
    /// Files that could not be used, each with the problem.
    faults: BTreeMap<PathBuf, String>,
    /// Files with a name that no secret has, and secrets that everybody can read.
    remarks: BTreeSet<PathBuf>,
}

/// Reads all files of a folder. A file that cannot be read now keeps the value that it had `before`.
pub(super) fn read_folder(folder: &Path, before: &Values, logged: &mut Logged) -> io::Result<Values> {
    let (mut values, mut now) = (Values::new(), Logged::default());
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Some(name) = parse_name(&path) else {
            if !is_hidden(&path) {
                if !logged.remarks.contains(&path) {
                    warn!(file = %path.display(), "not a secret's name, <account>.api-key for example; passed over");
                }
                now.remarks.insert(path);
            }
            continue;
        };
        let value = read_file(&path, name.1.largest()).and_then(|contents| {
            if contents.is_exposed && name.1.is_secret() {
                if !logged.remarks.contains(&path) {
                    warn!(file = %path.display(), "everybody on this machine can read this secret; chmod 600 changes it");
                }
                now.remarks.insert(path.clone());
            }
            SecretValue::parse(name.1, &contents.text).map_err(Unread::Invalid)
        });
        let fault = match value {
            Ok(value) => {
                values.insert(name, value);
                continue;
            }
            Err(Unread::Io(error)) => {
                let before = before.get(&name).map(|value| values.insert(name, value.clone()));
                let used = if before.is_some() { "; the one that was read before is used" } else { "" };
                format!("cannot be read{used}: {error}")
            }
            Err(Unread::Invalid(invalid)) => format!("is not used: {invalid}"),
        };
        now.faults.insert(path, fault);
    }
    close_unsure_webhooks(&mut values, now.faults.keys());
    for account in of_any_number(&values) {
        let path = folder.join(format!("{account}.{}", SecretKind::WhatsappPhoneNumberId.file()));
        if !logged.remarks.contains(&path) {
            warn!(file = %path.display(), "without this file the notifications of all numbers of the app are the account's");
        }
        now.remarks.insert(path);
    }
    for (file, fault) in &now.faults {
        if logged.faults.get(file) != Some(fault) {
            let is_secret = parse_name(file).is_none_or(|(_, kind)| kind.is_secret());
            let what = if is_secret { "this secret" } else { "this file of settings" };
            error!(file = %file.display(), "{what} {fault}");
        }
    }
    *logged = now;
    Ok(values)
}

/// Takes the app secret from an account whose phone number ids or settings are invalid. Otherwise it would get
/// the notifications of every number of the app, or pass over the words that it means to have.
fn close_unsure_webhooks<'a>(values: &mut Values, faulty: impl Iterator<Item = &'a PathBuf>) {
    for (account, kind) in faulty.filter_map(|file| parse_name(file)) {
        let closes = matches!(kind, SecretKind::WhatsappPhoneNumberId | SecretKind::WhatsappSettings);
        if closes && !values.contains_key(&(account.clone(), kind)) {
            values.remove(&(account, SecretKind::WhatsappAppSecret));
        }
    }
}

/// The accounts with a webhook and without phone number ids.
fn of_any_number(values: &Values) -> impl Iterator<Item = &Account> {
    let apps = values.keys().filter(|(_, kind)| *kind == SecretKind::WhatsappAppSecret);
    apps.map(|(account, _)| account)
        .filter(|account| !values.contains_key(&((*account).clone(), SecretKind::WhatsappPhoneNumberId)))
}

/// The account and the kind of secret that a file's name says.
fn parse_name(path: &Path) -> Option<(Account, SecretKind)> {
    let (account, kind) = path.file_name()?.to_str()?.split_once('.')?;
    Some((account.parse().ok()?, kind.parse().ok()?))
}

/// Kubernetes keeps folders of its own beside the files.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

/// A file that was read.
pub(super) struct Contents {
    pub(super) text: Zeroizing<String>,
    /// Whether everybody on this machine can read the file.
    pub(super) is_exposed: bool,
}

/// Why a file was not read.
#[derive(Debug)]
pub(super) enum Unread {
    /// The system has refused, perhaps for a moment only.
    Io(io::Error),
    /// The file cannot be a secret.
    Invalid(InvalidSecret),
}

impl From<io::Error> for Unread {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// Reads a regular file of at most `largest` bytes, through links. It does not wait for a writer, as reading a FIFO does, but as
/// long as the file system does.
pub(super) fn read_file(path: &Path, largest: u64) -> Result<Contents, Unread> {
    let file = open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Unread::Invalid(InvalidSecret::NotAFile));
    }
    // The size is not in the metadata of every file: files of the kernel have 0.
    let mut bytes = Zeroizing::new(Vec::with_capacity(largest as usize + 1));
    file.take(largest + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > largest {
        return Err(Unread::Invalid(InvalidSecret::Large(largest)));
    }
    let text = std::str::from_utf8(&bytes).map_err(|_| Unread::Invalid(InvalidSecret::NotText))?;
    Ok(Contents { text: Zeroizing::new(text.to_owned()), is_exposed: is_exposed(&metadata) })
}

#[cfg(unix)]
fn open(path: &Path) -> io::Result<File> {
    use rustix::fs::OFlags;
    use std::os::unix::fs::OpenOptionsExt;
    // With these flags a FIFO without a writer opens at once, and a terminal does not become the process's
    // own.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let flags = i32::try_from(flags.bits()).map_err(io::Error::other)?;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

#[cfg(not(unix))]
fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

#[cfg(unix)]
fn is_exposed(metadata: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    // The group's permissions are the operator's choice: Kubernetes gives a pod its secrets by the pod's
    // group.
    metadata.permissions().mode() & 0o004 != 0
}

#[cfg(not(unix))]
fn is_exposed(_: &std::fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGEST: u64 = 4096;

    #[test]
    fn only_small_regular_files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, vec![b'x'; 4096]).unwrap();
        assert_eq!(read_file(&path, LARGEST).unwrap().text.len(), 4096);
        std::fs::write(&path, vec![b'x'; 4097]).unwrap();
        assert!(matches!(read_file(&path, LARGEST), Err(Unread::Invalid(InvalidSecret::Large(4096)))));
        std::fs::write(&path, b"\xff").unwrap();
        assert!(matches!(read_file(&path, LARGEST), Err(Unread::Invalid(InvalidSecret::NotText))));
        assert!(matches!(read_file(&folder.path().join("none"), LARGEST), Err(Unread::Io(_))));
        #[cfg(unix)]
        {
            assert!(matches!(
                read_file(folder.path(), LARGEST),
                Err(Unread::Invalid(InvalidSecret::NotAFile))
            ));
            assert!(matches!(
                read_file(Path::new("/dev/zero"), LARGEST),
                Err(Unread::Invalid(InvalidSecret::NotAFile))
            ));
        }
    }

    #[cfg(unix)]
    #[test]
    fn nobody_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        assert!(matches!(read_file(&fifo, LARGEST), Err(Unread::Invalid(InvalidSecret::NotAFile))));
    }

    #[cfg(unix)]
    #[test]
    fn what_everybody_can_read_is_told_from_what_a_group_can() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        let file = tempfile::NamedTempFile::new().unwrap();
        for (mode, expected) in [(0o600, false), (0o440, false), (0o644, true), (0o604, true)] {
            std::fs::set_permissions(file.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(read_file(file.path(), LARGEST).unwrap().is_exposed, expected, "{mode:o}");
        }
    }
}

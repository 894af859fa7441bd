//! Reading a folder of secrets, and logging each problem in it once.

use super::file::{self, Unread};
use super::kind::SecretKind;
use super::value::SecretValue;
use crate::account::Account;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use tracing::{error, warn};

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
        let value = file::read_file(&path).and_then(|contents| {
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
            error!(file = %file.display(), "this secret {fault}");
        }
    }
    *logged = now;
    Ok(values)
}

/// Takes the app secret from an account whose phone number ids are invalid. Otherwise it would get the
/// notifications of every number of the app.
fn close_unsure_webhooks<'a>(values: &mut Values, faulty: impl Iterator<Item = &'a PathBuf>) {
    for (account, kind) in faulty.filter_map(|file| parse_name(file)) {
        if kind == SecretKind::WhatsappPhoneNumberId && !values.contains_key(&(account.clone(), kind)) {
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
    let kind = SecretKind::ALL.into_iter().find(|known| known.file() == kind)?;
    Some((account.parse().ok()?, kind))
}

/// Kubernetes keeps folders of its own beside the files.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}

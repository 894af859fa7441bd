//! What authenticates the account of a command: a private key, or the installation of an app.

use crate::account::Account;
use crate::key::{self, Key, KeyError};
use klaviyo_host::oauth::{FileTokenStore, Installation, OAuth};
use klaviyo_host::{Connector, Credentials};
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

const CONNECT: &str = "`klaviyo-connector connect` writes one";

/// What authenticates an account.
pub(crate) enum Credential {
    Key(Key),
    Installed(Installed),
}

/// An installation, and the file that it was read from.
pub(crate) struct Installed {
    installation: Installation,
    file: PathBuf,
    /// Others on this machine may read the file or change it.
    is_open: bool,
}

impl Credential {
    /// Reads the installation if the account names its file, or else the key.
    pub(crate) fn read(account: &Account) -> Result<Self, KeyError> {
        let Some(file) = &account.oauth_file else { return key::read_key(account).map(Self::Key) };
        let wrong = |reason: String| {
            let found = format!("cannot read what `connect` wrote from {}: {reason}", source(account));
            KeyError { found, fix: CONNECT, missing: false }
        };
        let (text, is_open) = key::contents(file).map_err(|error| wrong(error.to_string()))?;
        let text = Zeroizing::new(text);
        let installation = Installation::from_json(&text).map_err(|error| wrong(error.to_string()))?;
        Ok(Self::Installed(Installed { installation, file: file.clone(), is_open }))
    }

    /// What is wrong with the file that it was read from, and what to do about it.
    pub(crate) fn exposure(&self) -> Option<(String, String)> {
        match self {
            Self::Key(key) => key.exposure(),
            Self::Installed(Installed { file, is_open, .. }) => is_open.then(|| key::exposure(file)),
        }
    }

    /// The credentials for calls. New tokens are kept beside the file of the installation.
    pub(crate) fn credentials(self, connector: &Connector) -> Arc<dyn Credentials> {
        match self {
            Self::Key(key) => Arc::new(key.secret),
            Self::Installed(Installed { installation, file, .. }) => {
                let store = FileTokenStore::beside(&file);
                let account = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                Arc::new(OAuth::new(connector.token_endpoint(), &account, installation, store))
            }
        }
    }
}

/// What it is, for a sentence.
pub(crate) fn kind(account: &Account) -> &'static str {
    if account.oauth_file.is_some() { "installation of the app" } else { "key" }
}

/// Where it comes from, for a sentence.
pub(crate) fn source(account: &Account) -> String {
    match &account.oauth_file {
        Some(file) => format!("the file {}", file.display()),
        None => key::source(account),
    }
}

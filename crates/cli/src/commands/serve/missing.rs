//! What the secrets lack, told before anybody asks the door for it.

use super::CALLERS;
use crate::failure::Failure;
use klaviyo_service::account::Account;
use klaviyo_service::secrets::{SecretKind, Secrets};
use std::collections::BTreeSet;
use tracing::{error, warn};

/// Why the secrets of the environment serve nobody.
pub(super) fn unserved(has_key: bool) -> Failure {
    let missing = match has_key {
        false => "there is no KLAVIYO_API_KEY, and without --nats the door does opt-ins itself",
        true => {
            "nobody could sign a request: there is no KLAVIYO_SIGNING_SECRET and no KLAVIYO_WHATSAPP_APP_SECRET"
        }
    };
    let failure =
        Failure::invalid(None, missing).hint("--secrets names a folder with the secrets of many accounts");
    match has_key {
        false => failure,
        true => failure
            .hint("your own callers sign: export KLAVIYO_SIGNING_SECRET=\"$(klaviyo-connector secret)\"")
            .hint("WhatsApp signs: KLAVIYO_WHATSAPP_APP_SECRET is the secret of the app at Meta"),
    }
}

/// Says what each account of the folder lacks to be served.
pub(super) fn tell_what_accounts_lack(secrets: &Secrets, has_queue: bool) {
    let kinds = CALLERS.into_iter().chain([SecretKind::ApiKey, SecretKind::Oauth]);
    let accounts: BTreeSet<Account> = kinds.flat_map(|kind| secrets.accounts(kind)).collect();
    if accounts.is_empty() {
        error!(
            "no account is served: the folder has no secret that can be used, ACCOUNT.signing-secret for example; it is \
             read again when it changes"
        );
    }
    for account in &accounts {
        let place = |kind| secrets.place(account, kind);
        let mut lacks = Vec::new();
        if [SecretKind::SigningSecret, SecretKind::WhatsappAppSecret]
            .iter()
            .all(|kind| secrets.mac_keys(account, *kind).is_none())
        {
            let (own, app) = (place(SecretKind::SigningSecret), place(SecretKind::WhatsappAppSecret));
            lacks.push(format!("{own} (or {app}), by which callers sign"));
        }
        if !has_queue && secrets.authentication(account).is_none() {
            let (key, oauth) = (place(SecretKind::ApiKey), place(SecretKind::Oauth));
            lacks.push(format!("{key} (or {oauth}), for Klaviyo"));
        }
        let lacks = lacks.join(", and ");
        error!(%account, "not served: there is no usable {lacks}; the folder is read again when it changes");
    }
}

/// Says what a webhook of WhatsApp needs, and is not in the environment.
pub(super) fn tell_what_whatsapp_lacks(secrets: &Secrets, has_queue: bool) {
    let account = Account::default();
    if secrets.mac_keys(&account, SecretKind::WhatsappAppSecret).is_none() {
        return;
    }
    let lacks = |kind| secrets.get(&account, kind).is_none();
    if lacks(SecretKind::WhatsappVerifyToken) {
        warn!(
            "KLAVIYO_WHATSAPP_VERIFY_TOKEN is not set: whoever asks whether the webhook is wanted is answered 403"
        );
    }
    if lacks(SecretKind::WhatsappList) {
        warn!("KLAVIYO_WHATSAPP_LIST is not set: opt-ins by WhatsApp are answered 503, and come again later");
    }
    // With a queue, the worker replies.
    if !has_queue {
        for kind in [SecretKind::WhatsappToken, SecretKind::WhatsappPhoneNumberId]
            .into_iter()
            .filter(|kind| lacks(*kind))
        {
            warn!("{} is not set: people who write by WhatsApp get no replies", kind.variable());
        }
    }
}

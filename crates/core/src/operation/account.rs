//! The account.

use super::profiles::first;
use super::{Operation, REVISION, get};
use crate::diagnosis::Advice;
use crate::{AccountDetails, ORIGIN, jsonapi};
use alloc::{borrow::ToOwned, format};

/// Get accounts: the one that the key belongs to.
pub(crate) fn get_account() -> Operation<AccountDetails> {
    const READ: &Advice = &Advice::read(&["accounts:read"]);
    get(format!("{ORIGIN}/api/accounts/"), REVISION, READ, |_, document| {
        first(document, jsonapi::account)?.ok_or_else(|| "it has no account".to_owned())
    })
}

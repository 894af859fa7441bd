//! The account that the key belongs to.

use crate::operation::account::get_account;
use crate::{AccountDetails, Error, Http};
use alloc::boxed::Box;

/// Reads the account.
///
/// # Errors
/// Those of Klaviyo and of the transport.
pub fn get(http: &mut dyn Http) -> Result<AccountDetails, Box<Error>> {
    get_account().send(http)
}

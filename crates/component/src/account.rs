//! The interface `account`.

use crate::abi::{function, record};
use klaviyo_core::{AccountDetails, account};

function!("account", "get", (), |http| account::get(http));

record!(Lower, details: AccountDetails {
    id, organization, sender_name, sender_email, website, industry, timezone, currency, locale, test,
});

//! The interface `account`.

use crate::Connector;
use crate::contract::account::{Details, Guest};
use crate::convert::record;
use crate::http::Import;
use crate::types::{Answer, answer};
use klaviyo_core as klaviyo;
use klaviyo_core::account;

impl Guest for Connector {
    fn get() -> Answer<Details> {
        answer(account::get(&mut Import("account.get")))
    }
}

record!(klaviyo::AccountDetails => Details {
    id, organization, sender_name, sender_email, website, industry, timezone, currency, locale, test,
});

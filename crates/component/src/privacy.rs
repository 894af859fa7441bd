//! The interface `privacy`.

use crate::Connector;
use crate::contract::privacy::{BatchResult, Guest, Identifier};
use crate::convert::Convert;
use crate::http::Import;
use crate::types::{Answer, answer};
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core::privacy;

impl Guest for Connector {
    fn suppress(emails: Vec<String>) -> Answer<BatchResult> {
        answer(privacy::suppress(&mut Import("privacy.suppress"), &emails))
    }

    fn unsuppress(emails: Vec<String>) -> Answer<BatchResult> {
        answer(privacy::unsuppress(&mut Import("privacy.unsuppress"), &emails))
    }

    fn delete(by: Identifier) -> Answer<()> {
        answer(privacy::delete(&mut Import("privacy.delete"), &by.convert()))
    }
}

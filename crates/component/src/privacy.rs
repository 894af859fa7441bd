//! The interface `privacy`.

use crate::abi::function;
use alloc::string::String;
use alloc::vec::Vec;
use klaviyo_core::{Identifier, privacy};

function!("privacy", "suppress", (a, b), |http, emails: Vec<String>| privacy::suppress(http, &emails));
function!("privacy", "unsuppress", (a, b), |http, emails: Vec<String>| privacy::unsuppress(http, &emails));
function!("privacy", "delete", (a, b, c), |http, by: Identifier| privacy::delete(http, &by));

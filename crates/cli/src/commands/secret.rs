//! `klaviyo-connector secret`: a new signing secret.

use crate::done::{Done, View};
use crate::failure::Failure;
use klaviyo_service::secrets::MacKey;
use serde_json::json;

pub(crate) const HELP: &str = "\
The secret is \"whsec_\" and the base64 of 32 random bytes, as https://www.standardwebhooks.com has it.
Each account has its own, which its callers have too:
  export KLAVIYO_SIGNING_SECRET=\"$(klaviyo-connector secret)\"               for the account \"default\"
  (umask 077; klaviyo-connector secret > secrets/shop-1.signing-secret)      for the account \"shop-1\"";

pub(crate) fn run() -> Result<Done, Failure> {
    let key = MacKey::generate()
        .map_err(|error| Failure::other(format!("the system has no random numbers to give: {error}")))?;
    Ok(Done::new(json!(key.to_signing_secret().as_str()), View::Line))
}

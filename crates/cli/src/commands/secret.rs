//! `klaviyo-connector secret`: a new signing secret.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::Output;
use clap::Args;
use klaviyo_service::secrets::MacKey;
use serde_json::json;

const HELP: &str = "\
The secret is \"whsec_\" and the base64 of 32 random bytes, as https://www.standardwebhooks.com
defines it. Each account has its own secret, which its callers have too:
  for the account \"default\":   export KLAVIYO_SIGNING_SECRET=\"$(klaviyo-connector secret)\"
  for the account \"shop-1\":    (umask 077; klaviyo-connector secret > secrets/shop-1.signing-secret)

With --json, VALUE is the signing secret.";

/// Print a new secret to sign opt-ins with, for `serve`; it is kept nowhere
#[derive(Args)]
#[command(after_long_help = HELP)]
pub(crate) struct NewSecret {}

impl NewSecret {
    pub(crate) fn run(&self, _: &Context) -> Result<Output, Failure> {
        let key = MacKey::generate()
            .map_err(|error| Failure::other(format!("the system has no random numbers to give: {error}")))?;
        let secret = key.to_signing_secret();
        Ok(Output::new(json!(secret.as_str()), format!("{}\n", secret.as_str())))
    }
}

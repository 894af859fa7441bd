//! The connector in a Rust program: one opt-in, for the account of the key in `KLAVIYO_API_KEY`.

use anyhow::Context;
use klaviyo_host::types::NewProfile;
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use std::env::VarError;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let egress = match std::env::var("KLAVIYO_ENDPOINT") {
        Ok(simulator) => {
            Egress::endpoint(&simulator).context("KLAVIYO_ENDPOINT: unset it for Klaviyo itself")?
        }
        Err(VarError::NotPresent) => Egress::default(),
        Err(error) => return Err(error).context("KLAVIYO_ENDPOINT"),
    };
    let connector = Connector::builder().egress(egress).load("target/component/klaviyo.wasm")?;
    let tenant = Tenant::new(&connector, Secret::from_env("KLAVIYO_API_KEY")?);

    let contact = NewProfile {
        email: Some("priya@example.com".to_owned()),
        phone_number: Some("+91 98200 00001".to_owned()),
        first_name: Some("Priya".to_owned()),
        ..NewProfile::default()
    };
    match tenant.opt_in(&contact, "Y6nRLr", None).await {
        Ok(receipt) => println!("{} is on the list", receipt.value.profile_id),
        Err(error) => anyhow::bail!("{}: {error}", error.code().as_str()),
    }
    Ok(())
}

//! Embedding the connector, as the README shows it. Run it with `cargo run -p host-test --example embed`, after
//! `cargo xtask build`; with a simulator for Klaviyo, so that it needs no account.

use klaviyo_host::types::NewProfile;
use klaviyo_host::{Connector, Egress, Secret, Tenant};
use klaviyo_mock::{Account, Server};

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let server = Server::start(Account::demo())?;
    let connector = Connector::builder()
        .egress(Egress::endpoint(&server.url())?)
        .load("target/component/klaviyo.wasm")?;
    let tenant = Tenant::new(&connector, Secret::new(Account::DEMO_KEY)?);

    let contact = NewProfile {
        email: Some("priya@example.com".to_owned()),
        phone_number: Some("+91 98200 00001".to_owned()),
        first_name: Some("Priya".to_owned()),
        ..NewProfile::default()
    };
    match tenant.opt_in(&contact, "Y6nRLr").await {
        Ok(receipt) => println!("{} is on the list", receipt.value.profile_id),
        Err(error) => println!("{}: {error}", error.code().as_str()),
    }
    Ok(())
}

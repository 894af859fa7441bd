//! Three messages to a shop, for the account of the key in `KLAVIYO_API_KEY`. Another component's file may be given.

use anyhow::{Context, Result};
use klaviyo_example_tenant::Shop;
use klaviyo_host::{Egress, Secret};
use std::env::VarError;
use std::path::Path;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let code = std::env::args().nth(1).unwrap_or_else(|| "target/component/tenant.wasm".to_owned());
    let code =
        std::fs::read(&code).with_context(|| format!("{code}: `cargo xtask build` makes the example's"))?;
    let egress = match std::env::var("KLAVIYO_ENDPOINT") {
        Ok(simulator) => {
            Egress::endpoint(&simulator).context("KLAVIYO_ENDPOINT: unset it for Klaviyo itself")?
        }
        Err(VarError::NotPresent) => Egress::default(),
        Err(error) => return Err(error).context("KLAVIYO_ENDPOINT"),
    };
    let key = Secret::from_env("KLAVIYO_API_KEY")?;
    let shop = Shop::new(Path::new("target/component/klaviyo.wasm"), &code, key, egress)?;

    for text in ["Hello", "SUBSCRIBE", "Hello"] {
        println!("Priya: {text}");
        println!("Bot:   {}", shop.on_message("+919820000001", "Priya", text).await?);
    }
    Ok(())
}

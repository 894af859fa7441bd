//! A shop's code beside the connector: what it answers, and what it cannot do.

mod isolation;
mod replies;

use anyhow::{Context, Result};
use klaviyo_example_tenant::Shop;
use klaviyo_host::{Egress, Secret};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use std::path::{Path, PathBuf};
use std::time::Duration;

const OTHER_KEY: &str = "pk_other_0123456789abcdef";

fn component(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/component").join(name)
}

fn code() -> Result<Vec<u8>> {
    std::fs::read(component("tenant.wasm")).context("`cargo xtask build` makes the component")
}

fn shop(code: &[u8], key: &str, url: &str) -> Result<Shop> {
    Shop::new(&component("klaviyo.wasm"), code, Secret::new(key)?, Egress::endpoint(url)?)
}

fn block_on<T>(future: impl Future<Output = T>) -> Result<T> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(future))
}

/// Two accounts on one server.
fn klaviyo() -> Result<Server> {
    let mut other = Account::default();
    other.add_key(OTHER_KEY, Account::SCOPES);
    other.add_list("Y6nRLr", "WhatsApp");
    Server::start(Klaviyo::from(Account::demo()).account(other).rates(Rates::off()).job_delay(Duration::ZERO))
}

//! How soon opt-ins are done again after a kill.

use crate::load::LIST;
use crate::load::caller::Callers;
use crate::load::stage::Stage;
use anyhow::{Context, Result, bail};
use serde_json::Value;
use std::time::Instant;

/// How long it takes until opt-ins are done again when the worker of an account was killed, and when NATS
/// was.
pub(super) async fn recovery(stage: &mut Stage, callers: &Callers) -> Result<()> {
    let account = stage.accounts.first().context("there is no account")?.clone();
    let list = serde_json::json!({ "account": account, "list": LIST });
    let opt_in = async |name: &str| {
        let mut opt_in = list.clone();
        if let Some(opt_in) = opt_in.as_object_mut() {
            opt_in.insert("email".to_owned(), format!("{name}@example.com").into());
        }
        let ids = callers.bring(&account, name, &[opt_in]).await?;
        callers.until_done(&account, ids.first().context("no id")?).await
    };
    opt_in("before").await?;
    let owner = owner(stage, &account).await?;
    drop(stage.workers.swap_remove(owner));
    let killed = Instant::now();
    opt_in("after-a-worker").await?;
    let worker = killed.elapsed();
    stage.add_worker()?;
    stage.nats.restart()?;
    let back = Instant::now();
    opt_in("after-nats").await?;
    println!(
        "  an opt-in is done {:.1} s after its worker was killed, and {:.1} s after NATS was restarted",
        worker.as_secs_f64(),
        back.elapsed().as_secs_f64()
    );
    Ok(())
}

/// The worker that has an account.
async fn owner(stage: &Stage, account: &str) -> Result<usize> {
    for (number, worker) in stage.workers.iter().enumerate() {
        let document = reqwest::get(format!("{}/readyz", worker.url)).await?.bytes().await?;
        let document: Value = serde_json::from_slice(&document)?;
        if document.pointer(&format!("/accounts/{account}")).is_some() {
            return Ok(number);
        }
    }
    bail!("nobody has {account}")
}

//! One lookup whose answer is in memory: natively, in a fresh sandbox, and in an instance that is used again.

use super::answers::{self, FromMemory, connector, email, one_tenant, somebody};
use super::clock::{Timer, each, in_turns};
use super::reused::Reused;
use super::row::Row;
use crate::component::{artifact, opt_in};
use anyhow::{Result, ensure};
use bytes::Bytes;
use klaviyo_core::{Http, Identifier, Request, Response, TransportError};
use klaviyo_host::{Limits, Tenant};
use tokio::runtime::Runtime;

/// How many turns, of how many calls, compare two components.
const TURNS: usize = 40;
const CALLS: u32 = 500;

pub(super) fn rows() -> Result<Vec<Row>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let answer = answers::profiles(1);
    let of = |file: &std::path::Path| {
        let answer = answer.clone();
        one_tenant(&connector(file, Limits::default(), FromMemory(move |_: &str| answer.clone()))?)
    };
    let (whole, part) = (of(&artifact())?, of(&opt_in())?);
    let mut native = Fixed(answer.clone());
    let mut reused = Reused::load(&artifact(), answer.clone())?;

    let mut timer = Timer::new()?;
    let natively = timer.median("native", || {
        let by = Identifier::Email(email(0));
        let found = klaviyo_core::contacts::lookup(&mut native, &by);
        ensure!(found.is_ok_and(|profile| profile.is_some()), "the lookup found nobody");
        Ok(())
    })?;
    let fresh = timer.median("fresh", || lookup(&runtime, &whole))?;
    let again = timer.median("reused", || reused.lookup())?;
    let twice = in_turns(
        TURNS,
        || each(CALLS, || lookup(&runtime, &whole)),
        || each(CALLS, || lookup(&runtime, &part)),
    )?;
    Ok(vec![
        Row::new("lookup, the same core code run natively", natively, "µs"),
        Row::new("lookup in a fresh sandbox: instantiate, call, JSON, tear down", fresh, "µs")
            .at_most(15.0)
            .note(format!("{:.1} × native", fresh / natively)),
        Row::new("… of the whole contract, beside a part with half of the functions", twice.2, "×")
            .at_most(1.05),
        Row::new("lookup in a reused instance, beside native", again / natively, "×")
            .at_most(2.0)
            .note(format!("{again:.1} µs")),
        Row::new("linear memory of one instance at rest", reused.memory_at_rest() as f64 / 1024.0, "KiB")
            .at_most(192.0),
    ])
}

fn lookup(runtime: &Runtime, tenant: &Tenant) -> Result<()> {
    ensure!(runtime.block_on(tenant.lookup(&somebody()))?.value.is_some(), "the lookup found nobody");
    Ok(())
}

/// The same answer to everything.
struct Fixed(Bytes);

impl Http for Fixed {
    fn send(&mut self, _: Request) -> Result<Response, TransportError> {
        Ok(Response { status: 200, headers: Vec::new(), body: self.0.to_vec() })
    }
}

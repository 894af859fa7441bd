//! The workers: each takes the accounts that are assigned to it, and works on every one of them.
//!
//! Live workers write heartbeats, and each computes from them which worker an account is assigned to. Only
//! the lease of an account gives the right to work on it, so two workers may compute differently for a
//! moment.

mod account_worker;
mod accounts;
mod backlog;
mod batch;
mod budget;
mod changes;
mod context;
mod gate;
mod in_flight;
mod lane_worker;
mod metrics;
mod plan;
mod replies;
mod settle;
mod status;

pub use accounts::Worker;

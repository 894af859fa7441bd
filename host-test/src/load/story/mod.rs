//! Both ways, with a WhatsApp and a Klaviyo on this machine and doors and workers between them: people opt in, are
//! written to, opt out and come back, and in the end the last word of each of them stands in both.

mod account;
mod business;
mod check;
mod crowd;
mod model;
mod one;
mod wish;

use anyhow::{Result, ensure};

/// How many people, and what chance draws.
#[derive(Clone, Debug, clap::Args)]
pub struct StorySize {
    /// What people do, the faults, and who is killed are drawn by this
    #[arg(long, default_value_t = 1, requires = "people")]
    pub seed: u64,
    /// Let so many people live at once, with faults and kills, and check what is left in the end. Without it, the
    /// story of one person is told
    #[arg(long)]
    pub people: Option<usize>,
}

/// Tells the story of one person; or lets many live, and prints what happened.
///
/// # Errors
/// When WhatsApp, Klaviyo and the last word of a person do not agree in the end.
pub fn run(size: &StorySize) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let Some(people) = size.people else { return runtime.block_on(one::tell()) };
    ensure!(people >= crowd::ACCOUNTS, "it needs at least {} people, one in each account", crowd::ACCOUNTS);
    runtime.block_on(crowd::run(people, size.seed))
}

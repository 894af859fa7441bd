//! `klaviyo-connector mcp`: the actions of the component as tools of the Model Context Protocol.

mod mask;
mod server;
mod tools;

use crate::account::Account;
use crate::component;
use crate::context::Context;
use crate::credential::Credential;
use crate::failure::Failure;
use crate::output::Output;
use crate::{interrupt, runtime, session};
use clap::Args;
use klaviyo_host::Limits;
use klaviyo_host::actions::Actions;
use mask::Masks;
use rmcp::ServiceExt;
use server::Server;
use std::sync::Arc;
use tools::Allowed;

/// How many tools of a client run at once: the account has half of the places.
const CALLS: u32 = 32;

/// Offer the actions as tools of the Model Context Protocol, on standard input and output
#[derive(Args)]
#[command(after_help = "\
A client, such as an assistant or an editor, starts this program and speaks with it:

  {\"mcpServers\": {\"klaviyo\": {\"command\": \"klaviyo-connector\", \"args\": [\"mcp\"],
    \"env\": {\"KLAVIYO_API_KEY\": \"pk_…\"}}}}

A tool is an action of `klaviyo-connector actions`, with underscores: contacts_opt_in. Tools that
write are not there without --write or --dry-run. With --dry-run a tool reads, and stops before its
first request that writes; its answer is that request. api.call is never a tool.

With --mask the client sees <email 1> instead of an address, and may write <email 1> where a tool
takes one: the program knows what it stands for until it ends.

Each call runs in the sandbox, at the account's rates. An error is that of the contract, as JSON.")]
pub(crate) struct Mcp {
    /// Tools that write, too
    #[arg(long)]
    write: bool,
    /// Tools that write, too, but none of their requests that do
    #[arg(long, conflicts_with = "write")]
    dry_run: bool,
    /// Only these actions, such as contacts.lookup, or all of a group, such as lists
    #[arg(long, value_name = "ACTION,…", value_delimiter = ',')]
    only: Vec<String>,
    /// Hide personal data from the client
    #[arg(long)]
    mask: bool,
}

impl Mcp {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let account = context.account()?;
        runtime::on_this_thread(self.serve(&account))
    }

    async fn serve(&self, account: &Account) -> Result<Output, Failure> {
        if self.mask {
            is_maskable(account)?;
        }
        let actions = Actions::of_component(&component::bytes(account)?)?;
        let allowed = Allowed { writes: self.write || self.dry_run, is_dry: self.dry_run, only: &self.only };
        let tools = tools::of(&actions, &allowed)?;
        let credential = Credential::read(account)?;
        let limits = Limits { concurrent_calls: CALLS, ..Limits::default() };
        let tenant = session::tools(account, credential, limits, tools.access(), !self.write)?;
        let masks = self.mask.then(|| Masks::new(actions));
        let server = Server {
            tenant: tenant.clone(),
            tools: Arc::new(tools),
            masks: masks.map(Arc::new),
            is_dry: self.dry_run,
            account: account.clone(),
        };
        let interrupt = interrupt::listen()?;
        let failed =
            |error: &dyn std::fmt::Display| Failure::other(format!("the client cannot be served: {error}"));
        let serving = async {
            let running =
                server.serve(rmcp::transport::io::stdio_pipes()).await.map_err(|error| failed(&error))?;
            running.waiting().await.map_err(|error| failed(&error))
        };
        let ended = tokio::select! {
            ended = serving => ended.map(|_| Output::printed()),
            () = interrupt.asked() => Ok(Output::printed()),
        };
        tenant.settled().await;
        ended
    }
}

/// Whether somebody can be hidden from the client.
fn is_maskable(account: &Account) -> Result<(), Failure> {
    let reason = if account.verbose {
        "--mask: --verbose shows on standard error what is hidden from the client; leave it out"
    } else if account.component.is_some() && account.component_key.is_none() {
        "--mask: the component says itself what is personal; name the key that signs it with --component-key, or leave \
         --component out"
    } else {
        return Ok(());
    };
    Err(Failure::invalid(None, reason))
}

//! `klaviyo-connector status`: a page that shows an operator how the service does.

use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::service::{LogArgs, NatsArgs};
use crate::text::TITLE;
use crate::{interrupt, runtime, service};
use clap::Args;
use klaviyo_service::overview::{Overview, routes};
use klaviyo_service::queue::Role;
use serde_json::json;
use std::net::SocketAddr;
use std::sync::Arc;

const HELP: &str = "\
The page has all accounts with their state, what waits in each lane and since when, and the dead
letters, which it tries again or gives up after a confirmation. People's addresses are masked until
one dead letter is opened. It needs what `klaviyo-connector dead` needs: a user of NATS who may read
dead letters and decide about them, an operator. Without --nats and NATS_URL the queue is at
nats://127.0.0.1:4222.

Nobody signs in at the page: whoever reaches --listen may decide. Keep it on the loopback interface,
and reach it by `ssh -L 8083:127.0.0.1:8083` or by a proxy that asks for a password and names it by
its address. The page answers to IP addresses and to localhost, and to no other name.

A worker shows the same page at its --listen without the dead letters, which it may not read.

With --json, VALUE is {url}. It is printed before the page is served.";

/// Show how the service does, as a page for a browser, until Ctrl-C
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct Status {
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    log: LogArgs,
    /// The address of the page, which nobody but operators should reach; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8083", value_parser = service::address)]
    listen: SocketAddr,
}

impl Status {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let account = context.account()?;
        runtime::on_this_thread(self.show(account.json, account.verbose))
    }

    async fn show(&self, json: bool, verbose: bool) -> Result<Output, Failure> {
        service::start_log(&self.log, verbose, None);
        let interrupt = interrupt::listen()?;
        let nats = service::nats(&self.nats, Role::Operator).unwrap_or_default();
        let queue = service::queue(&nats).await?;
        let (listener, url) = service::listen(self.listen, "--listen", service::health())?;
        service::end_at_once(&interrupt);
        let text = format!("How the service does: {TITLE}{url}/{TITLE:#} (Ctrl-C stops it)\n");
        output::announce(json, json!({ "url": url }), &text);
        listener.serve(routes(Arc::new(Overview::to_decide(queue))), interrupt.asked()).await;
        Ok(Output::printed())
    }
}

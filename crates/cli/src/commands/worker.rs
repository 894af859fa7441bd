//! `klaviyo-connector worker`: takes opt-ins from the queue and does them in Klaviyo.

use crate::account::Account;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::service::{CloudArgs, LogArgs, NatsArgs, SecretsArgs};
use crate::text::TITLE;
use crate::traces::{Traces, TracesArgs};
use crate::{interrupt, runtime, service};
use clap::Args;
use klaviyo_host::Limits;
use klaviyo_service::metrics::{self, ApiMetrics};
use klaviyo_service::overview::{self, Overview};
use klaviyo_service::queue::{Nats, Role};
use klaviyo_service::secrets::SecretKind;
use klaviyo_service::{ops, worker};
use serde_json::json;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

const HELP: &str = "\
One worker at a time works on an account, by a lease of ten seconds that it renews. So the
account's rates are kept, however many workers there are. Accounts spread over the workers, and
move when workers come and go. Without --nats and NATS_URL the queue is at nats://127.0.0.1:4222.

An opt-in that waits alone takes the three steps of `klaviyo-connector opt-in`. Many opt-ins are
looked up, created or imported, and added to their list together, in as few requests as possible.

While Klaviyo limits the rate or is not available, opt-ins wait and are tried again. An opt-in
that Klaviyo will never take, or that failed too often, becomes a dead letter: see
`klaviyo-connector dead`. If Klaviyo refuses the key, or the key lacks a scope, its account
pauses, and the log and /readyz say so; another key resumes it.

Changes: an account with the file ACCOUNT.changes has what changed in Klaviyo sent to its platform,
each change as a request by Standard Webhooks, or to a subject of NATS that a stream has:
  {\"url\": \"https://platform.example/klaviyo\" or \"subject\": \"platform.shop-1\",
   \"profiles\": true, \"consent\": true, \"lists\": [\"Y6nRLr\"],
   \"since\": \"2026-11-01T00:00:00Z\", \"every_seconds\": 60}
Each change is sent at least once, in order for each person. While the endpoint fails, its changes
wait. One that it refuses five times with a 4xx is a dead letter: `klaviyo-connector dead changes`.
While changes-secret is replaced it may have two lines, the newer first: each change then has a
signature by either.

Replies: with a whatsapp-token and the phone number id, the worker answers people who wrote by
WhatsApp, once, as soon as it is known what became of their message. A reply that may have been
sent is not sent again. If WhatsApp refuses the token, replies wait for another one, a day at
most, and opt-ins go on. The texts are in ACCOUNT.whatsapp-settings, as docs/whatsapp.md says.

Secrets are files in the folder of --secrets, which are read again when they change, or variables:
  ACCOUNT.api-key         KLAVIYO_API_KEY         Klaviyo's private key
  ACCOUNT.oauth           KLAVIYO_OAUTH           an app instead: `klaviyo-connector connect`
                                                  writes it
  ACCOUNT.changes         KLAVIYO_CHANGES         where its changes go, as above
  ACCOUNT.changes-secret  KLAVIYO_CHANGES_SECRET  what they are signed with, for a url:
                                                  `klaviyo-connector secret` makes one
  ACCOUNT.whatsapp-token            KLAVIYO_WHATSAPP_TOKEN            what replies are sent with
  ACCOUNT.whatsapp-phone-number-id  KLAVIYO_WHATSAPP_PHONE_NUMBER_ID  the number that sends them
  ACCOUNT.whatsapp-settings         KLAVIYO_WHATSAPP_SETTINGS         their texts, as JSON

A worker that is killed loses nothing: another one goes on with its opt-ins after 15 seconds.
Ctrl-C and SIGTERM end a worker in order.

With --json, VALUE is {url, accounts}. It is printed before the worker works.";

/// Do the opt-ins that wait on NATS JetStream, at the rates of each account, until Ctrl-C
#[derive(Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Worker {
    #[command(flatten)]
    nats: NatsArgs,
    #[command(flatten)]
    secrets: SecretsArgs,
    #[command(flatten)]
    log: LogArgs,
    #[command(flatten)]
    traces: TracesArgs,
    /// The address of /healthz, /readyz, /metrics and of a page for people, /; port 0 is any free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8081", value_parser = service::address)]
    listen: SocketAddr,
    #[command(flatten)]
    cloud: CloudArgs,
    /// How often an opt-in is tried before it becomes a dead letter
    #[arg(long, value_name = "NUMBER", default_value = "25", value_parser = service::count)]
    attempts: NonZeroU32,
    /// Send changes also to endpoints without TLS (http://), and to addresses that are not public
    #[arg(long)]
    private_endpoints: bool,
}

/// The kinds of secrets that a worker needs.
const KINDS: [SecretKind; 7] = [
    SecretKind::ApiKey,
    SecretKind::Oauth,
    SecretKind::Changes,
    SecretKind::ChangesSecret,
    SecretKind::WhatsappToken,
    SecretKind::WhatsappPhoneNumberId,
    SecretKind::WhatsappSettings,
];

/// How long a call may take, and how long it may wait for Klaviyo's rates: some make hundreds of requests.
const TIME: Duration = Duration::from_secs(180);
/// How many accounts are worked on at the same moment. Others wait for their turn.
const CALLS: u32 = 64;

impl Worker {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let account = context.account()?;
        runtime::on_all_cores(self.work(&account))
    }

    async fn work(&self, account: &Account) -> Result<Output, Failure> {
        // Held until the end: the last traces go to the collector then.
        let traces = Traces::begin(&self.traces, "klaviyo-worker")?;
        service::start_log(&self.log, account.verbose, traces.as_ref());
        let interrupt = interrupt::listen()?;
        let secrets = tokio::select! {
            secrets = service::secrets(&self.secrets, &KINDS) => secrets?,
            () = interrupt.asked() => return Ok(Output::printed()),
        };
        let accounts = secrets.authenticated();
        if self.secrets.folder.is_none() && accounts.is_empty() {
            return Err(Failure::invalid(
                None,
                "there is no key: neither --secrets nor KLAVIYO_API_KEY nor KLAVIYO_OAUTH",
            )
            .hint("--secrets names a folder with files such as shop-1.api-key"));
        }
        let limits = Limits { time: TIME, wait: TIME, concurrent_calls: CALLS, ..Limits::default() };
        let mut registry = metrics::registry();
        let tenants = service::tenants(account, &self.log, limits, &secrets, ApiMetrics::new(&mut registry))?;
        let nats = service::nats(&self.nats, Role::Worker)
            .unwrap_or_else(|| Nats { role: Role::Worker, ..Nats::default() });
        let queue = service::queue(&nats).await?;
        let tenants = tenants.with_tokens_in(Arc::clone(&queue));
        let overview = Arc::new(Overview::to_look(Arc::clone(&queue)));
        let (listener, url) = service::listen(self.listen, "--listen", service::health())?;
        service::end_at_once(&interrupt);
        let cloud = service::cloud(&self.cloud)?;
        let sender = service::sender(self.private_endpoints)?;
        let worker = worker::Worker::new(
            queue,
            Arc::clone(&secrets),
            tenants,
            self.attempts,
            sender,
            cloud,
            &mut registry,
        );
        let router = ops::router(worker.health(), Arc::new(registry)).merge(overview::routes(overview));
        let text = format!(
            "A worker is up (accounts with a key: {}); how it does: {TITLE}{url}/readyz{TITLE:#} (Ctrl-C stops it)\n",
            accounts.len()
        );
        output::announce(account.json, json!({ "url": url, "accounts": accounts }), &text);
        let worked = worker.run(interrupt.asked());
        tokio::select! {
            () = worked => {}
            // It answers until the work has ended.
            () = listener.serve(router, std::future::pending()) => {}
            () = secrets.keep_fresh() => {}
        }
        Ok(Output::printed())
    }
}

//! What `serve`, `worker`, `dead` and `forget` share: their options, the log, secrets, tenants, the queue, and sockets.

use crate::account::Account;
use crate::component;
use crate::exchange::Observer;
use crate::failure::{Failure, INTERRUPTED, chain};
use crate::session;
use crate::traces::Traces;
use crate::verbose::{LoggedExchanges, Verbose};
use clap::{Args, ValueEnum};
use klaviyo_host::Limits;
use klaviyo_service::feed::Sender;
use klaviyo_service::metrics::ApiMetrics;
use klaviyo_service::ops::{Listener, ListenerSettings};
use klaviyo_service::queue::{Nats, OPT_INS_BYTES, Queue, QueueError, Role};
use klaviyo_service::reply::{Cloud, CloudError};
use klaviyo_service::secrets::{SecretKind, Secrets};
use klaviyo_service::tenant_cache::TenantCache;
use klaviyo_sync::Interrupt;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::exit;
use std::sync::Arc;
use tracing::{Level, warn};
use tracing_subscriber::Registry;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

// Flattened structs have no documentation: clap would take it for that of the command.
#[derive(Args)]
pub(crate) struct SecretsArgs {
    /// A folder with a file for each secret of each account, such as shop-1.api-key; without it, variables have the
    /// secrets of the account `default`
    #[arg(long = "secrets", value_name = "FOLDER")]
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Args)]
pub(crate) struct NatsArgs {
    /// The NATS server that has the queue, such as nats://127.0.0.1:4222, with JetStream on. tls://USER:PASSWORD@HOST
    /// requires TLS; with nats:// the server decides [variable: NATS_URL]
    #[arg(long, global = true, value_name = "URL")]
    nats: Option<String>,
    /// A file with the credentials for NATS [variable: NATS_CREDS]
    #[arg(long, global = true, value_name = "FILE")]
    nats_creds: Option<PathBuf>,
    /// A file with the certificates (PEM) that the certificate of NATS is checked with; without it, those of the system
    /// [variable: NATS_CA]
    #[arg(long, global = true, value_name = "FILE")]
    nats_ca: Option<PathBuf>,
    /// How much of JetStream's store the waiting opt-ins may take, which counts when their stream is made; the store
    /// needs as much again for outcomes and the rest
    #[arg(long, global = true, value_name = "BYTES", default_value_t = OPT_INS_BYTES)]
    queue_bytes: u64,
}

#[derive(Args)]
pub(crate) struct CloudArgs {
    /// Send replies by WhatsApp to another Cloud API than Meta's, such as that of `klaviyo-connector whatsapp`: https://, or
    /// http:// on this machine
    #[arg(long, value_name = "URL")]
    whatsapp_endpoint: Option<String>,
}

#[derive(Args)]
pub(crate) struct LogArgs {
    /// The form of the log, which has a line for each event: text for people, json for programs
    #[arg(long = "log", value_name = "FORM", default_value = "text")]
    form: LogForm,
}

impl LogArgs {
    /// Shows exchanges with Klaviyo in the form of the log.
    fn exchanges(&self) -> Arc<dyn Observer> {
        match self.form {
            LogForm::Text => Arc::new(Verbose),
            LogForm::Json => Arc::new(LoggedExchanges),
        }
    }
}

/// The form of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum LogForm {
    Text,
    Json,
}

/// Open files that are not connections of the door: the output, secrets, NATS, and connections to /metrics.
const OTHER_FILES: usize = 128;

/// Begins to log, one line an event, on standard error. `verbose` adds what the service does about each event.
pub(crate) fn start_log(log: &LogArgs, verbose: bool, traces: Option<&Traces>) {
    let level = if verbose { Level::DEBUG } else { Level::INFO };
    let targets = Targets::new().with_default(Level::WARN).with_target("klaviyo_service", level);
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match log.form {
        LogForm::Text => lines.with_target(false).boxed(),
        // Fields of the event stand beside its message, where programs that read logs look for them; `span` has the
        // request that a door works on.
        LogForm::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    // Fails only if there is a log already, which then goes on.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .with(traces.map(Traces::layer))
        .try_init();
}

/// The secrets in the folder. Without a folder, the secrets of these kinds in the environment.
pub(crate) async fn secrets(options: &SecretsArgs, kinds: &[SecretKind]) -> Result<Arc<Secrets>, Failure> {
    let Some(folder) = options.folder.clone() else {
        let secrets = Secrets::environment(kinds);
        return secrets.map(Arc::new).map_err(|error| Failure::invalid(None, &chain(&error)));
    };
    // On a thread of its own: a signal is heard while a file system hangs.
    let read = tokio::task::spawn_blocking(move || Secrets::folder(folder)).await;
    let read =
        read.map_err(|error| Failure::other(format!("the secrets cannot be read: {error}; report it")))?;
    read.map(Arc::new).map_err(|error| {
        Failure::invalid(None, &chain(&error))
            .hint("--secrets names a folder with files such as shop-1.api-key")
    })
}

/// The tenants of all accounts. They share one connector.
pub(crate) fn tenants(
    account: &Account,
    log: &LogArgs,
    limits: Limits,
    secrets: &Arc<Secrets>,
    metrics: Arc<ApiMetrics>,
) -> Result<TenantCache, Failure> {
    let transport = session::transport_shown_by(account, &limits, log.exchanges())?;
    let connector = component::load(account, session::egress(account), limits, transport, Some(metrics))?;
    Ok(TenantCache::new(connector, account.revision.clone(), Arc::clone(secrets)))
}

/// The sender of changes.
pub(crate) fn sender(is_private_allowed: bool) -> Result<Sender, Failure> {
    Sender::new(is_private_allowed).map_err(|error| Failure::other(chain(&error)))
}

/// WhatsApp's Cloud API, or what stands for it.
pub(crate) fn cloud(options: &CloudArgs) -> Result<Cloud, Failure> {
    Cloud::new(options.whatsapp_endpoint.as_deref()).map_err(|error| {
        let sentence = chain(&error);
        match error {
            CloudError::Transport(_) => Failure::other(sentence),
            CloudError::Origin(_) | CloudError::Unencrypted => {
                Failure::invalid(None, &sentence).hint("--whatsapp-endpoint names it")
            }
        }
    })
}

/// Where the queue is. None: neither an option nor a variable says so.
pub(crate) fn nats(options: &NatsArgs, role: Role) -> Option<Nats> {
    let variable = |name: &str| std::env::var_os(name).filter(|value: &OsString| !value.is_empty());
    let url = options.nats.clone().or_else(|| variable("NATS_URL")?.into_string().ok())?;
    let file = |given: &Option<PathBuf>, name| given.clone().or_else(|| variable(name).map(PathBuf::from));
    let (credentials, ca) = (file(&options.nats_creds, "NATS_CREDS"), file(&options.nats_ca, "NATS_CA"));
    Some(Nats { url, credentials, ca, role, opt_ins_bytes: options.queue_bytes })
}

/// Connects to the queue.
pub(crate) async fn queue(nats: &Nats) -> Result<Arc<Queue>, Failure> {
    let queue = Queue::connect(nats).await.map_err(|error| {
        if matches!(error, QueueError::Address) {
            return Failure::invalid(None, &chain(&error)).hint("--nats or NATS_URL names it");
        }
        Failure::new(klaviyo_host::types::Code::Connection, chain(&error))
            .hint("`nats-server -js` starts one on this machine")
    })?;
    Ok(Arc::new(queue))
}

/// Reads an address to listen at.
pub(crate) fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write an address and a port, such as 127.0.0.1:8080".to_owned())
}

/// Reads how many there may be of something.
pub(crate) fn count(text: &str) -> Result<NonZeroU32, String> {
    text.parse().map_err(|_| format!("write a whole number from 1 to {}", u32::MAX))
}

/// Listens at the address that an option gave, and says where that is.
pub(crate) fn listen(
    address: SocketAddr,
    option: &str,
    settings: ListenerSettings,
) -> Result<(Listener, String), Failure> {
    let failed = |error| Failure::other(format!("cannot listen on {address}: {error}"));
    let hint = format!("{option} chooses another address, and port 0 any free one");
    let listener = Listener::bind(address, settings).map_err(|error| failed(error).hint(&hint))?;
    let url = format!("http://{}", listener.address().map_err(failed)?);
    Ok((listener, url))
}

/// How many connections a door has that works on so many requests at once. There are always some without a request,
/// which can be closed for new ones.
pub(crate) fn door(concurrency: NonZeroU32) -> ListenerSettings {
    let places = concurrency.get() as usize;
    let wanted = ListenerSettings::default().connections.max(4 * places);
    // A connection is an open file, and so is one to Klaviyo, which each request may have.
    let others = OTHER_FILES + places;
    let connections = open_files(wanted + others).saturating_sub(others).clamp(1, wanted);
    if connections < wanted {
        warn!(connections, wanted, "the limit on open files allows few connections; raise it (ulimit -n)");
    }
    ListenerSettings { connections, ..ListenerSettings::default() }
}

/// Raises the limit on open files to what is wanted, or as far as the system allows. Returns the limit.
#[cfg(unix)]
fn open_files(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let wanted = wanted as u64;
    let most = current.map_or(wanted, |current| {
        let raised = maximum.map_or(wanted, |maximum| maximum.min(wanted)).max(current);
        let set = setrlimit(Resource::Nofile, Rlimit { current: Some(raised), maximum });
        if set.is_ok() { raised } else { current }
    });
    usize::try_from(most).unwrap_or(usize::MAX)
}

/// Elsewhere there is no such limit.
#[cfg(not(unix))]
fn open_files(wanted: usize) -> usize {
    wanted
}

/// How many connections /healthz, /readyz and /metrics have: few clients ask for them.
pub(crate) fn health() -> ListenerSettings {
    ListenerSettings { connections: 64, ..ListenerSettings::default() }
}

/// Ends the process at the second Ctrl-C or SIGTERM, without waiting for an orderly end.
pub(crate) fn end_at_once(interrupt: &Interrupt) {
    let interrupt = interrupt.clone();
    tokio::spawn(async move {
        interrupt.repeated().await;
        exit(INTERRUPTED.into());
    });
}

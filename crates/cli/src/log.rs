//! The log of `serve` and `worker`: one line an event, on standard error.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Begins to log. `verbose` adds what the service does about each event.
pub(crate) fn start(verbose: bool) {
    let level = if verbose { Level::DEBUG } else { Level::INFO };
    let targets = Targets::new().with_default(Level::WARN).with_target("klaviyo_service", level);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // Fails only if there is a log already, which then goes on.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}

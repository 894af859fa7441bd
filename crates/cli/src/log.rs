//! What services tell while they run: one line each, on standard error.

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// Logs from now on: what happens, and with `verbose` also what is done about it.
pub(crate) fn start(verbose: bool) {
    let level = if verbose { Level::DEBUG } else { Level::INFO };
    let targets = Targets::new().with_default(Level::WARN).with_target("klaviyo_service", level);
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).with_target(false);
    // One that is there already goes on.
    let _ = tracing_subscriber::registry().with(lines).with(targets).try_init();
}

//! Looks for the key in logs and in results, where it must never be.

use anyhow::{Result, bail};
use parking_lot::Mutex;
use std::io::Write;
use std::sync::Arc;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// What every key of the test host begins with.
pub const KEY: &str = "pk_canary_5d1f7b0c2e";

/// Everything that this process logs from now on, at the finest level, of all crates.
#[derive(Clone, Debug, Default)]
pub struct KeyWatch(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    lines: usize,
    leaks: Vec<String>,
}

impl KeyWatch {
    /// Begins to watch. It can be done once in a process.
    ///
    /// # Errors
    /// When something else takes the logs already.
    pub fn begin() -> Result<Self> {
        // The compiler has a lot to say, and never sees a key.
        let compiler = ["cranelift", "regalloc2", "wasmtime_internal", "wasmtime_environ"];
        let targets = Targets::new().with_default(LevelFilter::TRACE);
        Self::take(
            compiler.iter().fold(targets, |targets, name| targets.with_target(*name, LevelFilter::OFF)),
        )
    }

    /// Begins to watch the levels that a host logs in production, and all levels of `klaviyo-host`. For
    /// suites that log too much at the finest level.
    ///
    /// # Errors
    /// When something else takes the logs already.
    pub fn begin_quietly() -> Result<Self> {
        let targets = Targets::new().with_default(LevelFilter::INFO);
        Self::take(targets.with_target("klaviyo_host", LevelFilter::TRACE))
    }

    fn take(targets: Targets) -> Result<Self> {
        let watch = Self::default();
        let lines = tracing_subscriber::fmt::layer()
            .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
            .with_ansi(false)
            .with_writer(watch.clone());
        tracing_subscriber::registry().with(targets).with(lines).try_init()?;
        Ok(watch)
    }

    /// The number of lines so far.
    ///
    /// # Errors
    /// When the key was in one.
    pub fn end(&self) -> Result<usize> {
        let seen = self.0.lock();
        match seen.leaks.first() {
            None => Ok(seen.lines),
            Some(line) => bail!("the key was logged: {line}"),
        }
    }
}

/// Fails when the key is in a text.
///
/// # Errors
/// When the text has the key.
pub fn check(text: &str) -> Result<()> {
    if text.contains(KEY) {
        bail!("the key came out of the host: {text}");
    }
    Ok(())
}

impl MakeWriter<'_> for KeyWatch {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Write for KeyWatch {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut seen = self.0.lock();
        seen.lines += 1;
        let line = String::from_utf8_lossy(bytes);
        if line.contains(KEY) {
            seen.leaks.push(line.into_owned());
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

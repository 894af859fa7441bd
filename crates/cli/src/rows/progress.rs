//! What a run says while it goes on, on standard error: a bar on a terminal, now and then a line elsewhere.

use crate::output;
use crate::text::clean;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle};
use klaviyo_sync::{Notice, Progress, Reporter, RowOutcome};
use std::io::IsTerminal;
use std::time::{Duration, Instant};

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(10);
/// How many rows with a reason are named at the end.
const NAMED: usize = 10;

/// Standard error during a run.
pub(crate) struct Terminal {
    /// On a terminal.
    bar: Option<ProgressBar>,
    /// Bytes of the input, if known.
    length: Option<u64>,
    since: Instant,
    shown: Instant,
    /// Rows and bytes that had ended before this run.
    before: Option<(u64, u64)>,
    /// The first rows of this run that are not done, and the first that are done and have a reason.
    not_done: Vec<String>,
    warned: Vec<String>,
}

impl Terminal {
    pub(crate) fn new(length: Option<u64>) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::stderr());
            let style = match length {
                Some(_) => ProgressStyle::with_template("{bar:28} {percent:>3} %  {msg}"),
                None => ProgressStyle::with_template("{spinner} {msg}"),
            };
            // The templates are the ones above.
            if let Ok(style) = style {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(250));
            bar
        });
        let now = Instant::now();
        Self { bar, length, since: now, shown: now, before: None, not_done: Vec::new(), warned: Vec::new() }
    }

    /// Says something that is not to be missed.
    pub(crate) fn say(&self, text: &str) {
        let line = format!("{}\n", clean(text));
        match &self.bar {
            Some(bar) => bar.suspend(|| output::eprint(&line)),
            None => output::eprint(&line),
        }
    }

    /// The first rows that have a reason.
    pub(crate) fn first_reasons(&mut self) -> Vec<String> {
        let mut reasons = std::mem::take(&mut self.not_done);
        reasons.append(&mut self.warned);
        reasons
    }
}

impl Reporter for Terminal {
    fn row(&mut self, line: u64, outcome: &RowOutcome) {
        let reason = outcome.reason();
        let named =
            if matches!(outcome, RowOutcome::Done(_)) { &mut self.warned } else { &mut self.not_done };
        if !reason.reason.is_empty() && named.len() < NAMED {
            named.push(format!("line {line}: {}: {reason}", outcome.as_ref()));
        }
    }

    fn notice(&mut self, notice: &Notice) {
        self.say(&notice.to_string());
    }

    fn progress(&mut self, progress: &Progress) {
        let Progress { read, counts, bytes, jobs } = *progress;
        let (rows_before, bytes_before) = *self.before.get_or_insert((counts.rows(), bytes));
        let seconds = self.since.elapsed().as_secs_f64().max(0.001);
        let rate = (counts.rows() - rows_before) as f64 / seconds;
        let mut text = format!(
            "{} read, {} done, {} refused, {} failed, {rate:.0}/s",
            HumanCount(read),
            HumanCount(counts.done),
            HumanCount(counts.refused),
            HumanCount(counts.failed)
        );
        if jobs > 0 {
            text.push_str(&format!(", {jobs} {} at Klaviyo", if jobs == 1 { "job" } else { "jobs" }));
        }
        let speed = bytes.saturating_sub(bytes_before) as f64 / seconds;
        if let Some(length) = self.length
            && speed > 0.0
        {
            let left = Duration::from_secs_f64((length.saturating_sub(bytes) as f64 / speed).min(1e9));
            text.push_str(&format!(", {} left", HumanDuration(left)));
        }
        if let Some(bar) = &self.bar {
            bar.set_position(bytes);
            bar.set_message(text);
        } else if self.shown.elapsed() >= EVERY {
            self.shown = Instant::now();
            output::eprint(&format!("{text}\n"));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

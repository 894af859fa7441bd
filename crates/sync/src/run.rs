//! One run of a sync: opens the state, and sends what earlier runs have left.

use crate::batch::batches::Batches;
use crate::batch::routing::Routing;
use crate::contact::Contact;
use crate::decode::form::Form;
use crate::engine::Engine;
use crate::engine::caller::Caller;
use crate::error::Error;
use crate::input::OpenInput;
use crate::input::rows::Rows;
use crate::interrupt::{Interrupt, blocking};
use crate::outcome::Counts;
use crate::report::Report;
use crate::reporter::Reporter;
use crate::settings::Settings;
use crate::state::journal::Journal;
use crate::state::resume::resume_options;
use crate::state::saved::SavedState;
use crate::state::steps::{Begun, Line};
use jiff::Timestamp;
use klaviyo_host::Tenant;

/// One run of a sync, the first or one that goes on. Its input can be read, and its state belongs to its
/// settings. The state stays locked as long as this exists.
pub struct SyncRun {
    rows: Rows<Box<Contact>>,
    form: Form,
    settings: Settings,
    journal: Journal,
    saved: SavedState,
}

/// The result of a sync that reached its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Summary {
    /// How many rows have ended, and how, in all runs.
    pub counts: Counts,
    /// How many of them ended in this run.
    pub ended_now: u64,
    /// Whether an earlier run had ended the sync, so that nothing was done.
    pub was_complete: bool,
}

impl SyncRun {
    /// Opens the state, and compares the settings with those that it was begun with.
    ///
    /// # Errors
    /// [`InvalidInput`](klaviyo_host::types::Code::InvalidInput) for a file that is no state, or the state of
    /// another sync; [`Conflict`](klaviyo_host::types::Code::Conflict) while another sync has it.
    pub fn open(input: OpenInput, settings: Settings) -> Result<Self, Error> {
        let form = input.form.clone();
        let (journal, saved) = Journal::open(settings.state.as_deref())?;
        let options = resume_options(&settings, &form);
        if let Some(difference) = saved.begun.as_ref().and_then(|begun| begun.difference(&options)) {
            let state = settings.state.as_deref().unwrap_or(std::path::Path::new("")).display();
            return Err(Error::invalid(format!(
                "the state {state} is of another sync: {difference}; repeat it as it was begun, or begin anew with \
                 another --state"
            )));
        }
        Ok(Self { rows: input.rows, form, settings, journal, saved })
    }

    /// Sends all rows, and waits until Klaviyo has ended them.
    ///
    /// `tenant` is the account, over a connector with [`Settings::limits`] at least.
    ///
    /// `find_list` turns the list of the settings into its id. It is called until it works or will not, and not
    /// at all when the state knows the id.
    ///
    /// # Errors
    /// Why the sync did not begin, or stopped. With a state, the same sync goes on from there.
    pub async fn run(
        self,
        tenant: Tenant,
        find_list: impl AsyncFn(&str) -> Result<String, Error>,
        interrupt: Interrupt,
        reporter: &mut dyn Reporter,
    ) -> Result<Summary, Error> {
        let Self { rows, form, settings, mut journal, saved } = self;
        let caller = Caller { tenant, interrupt: interrupt.clone(), patience: settings.patience };
        let begun = match saved.begun.clone() {
            Some(begun) => begun,
            None => {
                let list = match &settings.list {
                    Some(name) => Some(caller.repeat(|| find_list(name)).await?),
                    None => None,
                };
                let begun = Begun::new(resume_options(&settings, &form), list, now());
                journal.write(&Line::Begun(begun.clone()))?;
                begun
            }
        };
        let routing = Routing::new(&settings, begun.list, &begun.at);
        let mut batches = Batches::new(rows, routing, &saved);
        let before = saved.counts;
        if saved.complete {
            let end = saved.finished.as_ref().map_or(0, |last| last.end);
            let compare = async {
                batches.skip(end).await?;
                batches.expect_end().await
            };
            interrupt.unless_asked(compare).await?;
            return Ok(Summary { counts: before, ended_now: 0, was_complete: true });
        }
        let length = saved.finished.as_ref().map(|last| last.report);
        let is_resumed = saved.begun.is_some() && (length.is_some() || !saved.planned.is_empty());
        let path = settings.report;
        let report = blocking(move || Report::open(path.as_deref(), length, before));
        let report = interrupt.unless_asked(report).await?;
        let mut engine = Engine::new(caller, batches, journal, report, saved, reporter);
        if is_resumed {
            engine.tell_resumed();
        }
        match engine.run().await {
            Ok(counts) => {
                Ok(Summary { counts, ended_now: counts.rows() - before.rows(), was_complete: false })
            }
            Err(error) => Err(engine.stop(error).await),
        }
    }
}

/// The current time in RFC 3339, to the second.
pub(crate) fn now() -> String {
    Timestamp::from_second(Timestamp::now().as_second()).unwrap_or_default().to_string()
}

//! Sync a file of contacts with Klaviyo: rows in, outcomes out.
//!
//! [`Settings`] say what to do, and a [`Source`] has the rows. [`Input::new`] checks both, [`Input::open`]
//! reads the header, [`SyncRun::open`] opens the state, and [`SyncRun::run`] sends. [`dry_run`] shows the
//! requests of a sync and sends none. A [`Reporter`] hears of each row, an [`Interrupter`] stops a sync, and
//! with [`Settings::state`] the same sync goes on afterwards.
//!
//! [`track`] does the same with a file of events: [`EventSettings`], [`EventInput`], and no state, since a repeated
//! event does no harm.
//!
//! The caller supplies the account as a [`Tenant`](klaviyo_host::Tenant). The library opens no connection and
//! prints nothing. `tests/sync.rs` is an example.

mod batch;
mod cell;
mod columns;
mod contact;
mod decode;
mod dry_run;
mod engine;
mod error;
mod events;
pub mod files;
mod input;
mod interrupt;
mod outcome;
mod report;
mod reporter;
mod run;
mod settings;
mod state;

pub use columns::consent::{CHANNELS, Channel, ConsentColumn, channel};
pub use columns::dates::{DateFormat, Zone};
pub use columns::field::{ColumnMapping, UnknownColumns};
pub use contact::phone;
pub use decode::encoding::encoding;
pub use decode::form::{Form, Format, separator};
pub use dry_run::recording::{DryAccount, RecordingTransport, UnsentRequest};
pub use dry_run::{Plan, dry_run};
pub use error::{Error, Stopped};
pub use events::field::EventColumn;
pub use events::tracking::track;
pub use events::{EventInput, EventSettings, OpenEvents};
pub use input::source::Source;
pub use input::{Input, OpenInput};
pub use interrupt::{Interrupt, Interrupter};
pub use outcome::{Counts, Reason, RowOutcome};
pub use reporter::{Notice, Progress, Reporter};
pub use run::{Summary, SyncRun};
pub use settings::{BATCH, Settings};

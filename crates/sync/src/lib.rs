//! Sync a file of contacts with Klaviyo: rows in, outcomes out.
//!
//! [`Settings`] say what to do, and a [`Source`] has the rows. [`Input::new`] checks both, [`Input::open`]
//! reads the header, [`SyncRun::open`] opens the state, and [`SyncRun::run`] sends. [`dry_run`] shows the
//! requests of a sync and sends none. A [`Reporter`] hears of each row, an [`Interrupter`] stops a sync, and
//! with [`Settings::state`] the same sync goes on afterwards.
//!
//! The caller supplies the account as a [`Tenant`](klaviyo_host::Tenant). The library opens no connection and
//! prints nothing. `tests/sync.rs` is an example.

mod array;
mod backoff;
mod batch;
mod batches;
mod caller;
mod cell;
mod column_names;
mod columns;
mod consent;
mod contact;
mod csv_row;
mod dates;
mod detect;
mod draft;
mod dry_run;
mod encoding;
mod engine;
mod error;
mod field;
pub mod files;
mod form;
mod frame;
mod frames;
mod grants;
mod headings;
mod identities;
mod input;
mod interrupt;
mod jobs;
mod journal;
mod json_object;
mod judge;
mod lookahead;
mod mapping;
mod notation;
mod object;
mod one_by_one;
mod outcome;
mod parser;
pub mod phone;
mod record;
mod recording;
mod report;
mod reporter;
mod resolver;
mod resume;
mod routing;
mod rows;
mod run;
mod saved;
mod settings;
mod settle;
mod source;
mod steps;
mod submit;
mod verdict;
mod words;

pub use backoff::Backoff;
pub use consent::{CHANNELS, ConsentColumn, channel};
pub use dates::{DateFormat, Zone};
pub use dry_run::{Plan, dry_run};
pub use encoding::encoding;
pub use error::{Error, Stopped};
pub use field::{ColumnMapping, UnknownColumns};
pub use form::{Form, Format, separator};
pub use input::{Input, OpenInput};
pub use interrupt::{Interrupt, Interrupter};
pub use outcome::{Counts, Reason, RowOutcome};
pub use recording::{DryAccount, RecordingTransport, UnsentRequest};
pub use reporter::{Notice, Progress, Reporter};
pub use run::{Accounts, Summary, SyncRun};
pub use settings::{BATCH, Settings};
pub use source::Source;

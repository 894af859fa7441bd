//! The values of the contract, as `wit/` documents them: a file for each interface.
//!
//! Their serde form is the contract's JSON: records with kebab-case names, variants as `{"case": payload}`,
//! options as the value or null. What is read may leave out a field that is an option or a list (`serde(default)`).

mod account;
mod api;
mod batch;
mod bulk;
mod changes;
mod channel;
mod consent;
mod contacts;
mod events;
mod lists;
mod members;
mod profile;
mod segments;

pub use account::AccountDetails;
pub use api::{ApiRequest, ApiResponse, Parameter};
pub use batch::BatchResult;
pub use bulk::{ImportFailure, Job, JobStatus, Submission, Submitted};
pub use changes::{ChangePage, Position, Start};
pub use channel::Channel;
pub use consent::{
    ChannelConsent, ChannelRefusal, ConsentOptions, ConsentOutcome, Consents, Historical, Subscription,
    Suppression, Unsubscription,
};
pub use contacts::{
    Change, Creation, Departure, Departures, Enrollment, Enrollments, Permission, Permitted, Receipt,
    Removal, Revocation, Taken, Upserted,
};
pub use events::{Event, Metric, NewEvent, Period, Timeline};
pub use lists::Audience;
pub use members::{Group, Member, MemberPage};
pub use profile::{Identifier, Location, NewProfile, Profile};
pub use segments::Segment;

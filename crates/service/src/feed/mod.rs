//! The feed of changes: what changed in Klaviyo, sent to the platform that the account belongs to.
//!
//! A change is a [`Message`], and goes to an [`Endpoint`] as a request by Standard Webhooks, or to a subject of NATS.
//! [`deliver`] keeps the order of each person's messages, and lets nothing go by an endpoint that fails. Where the
//! reading goes on is kept after all messages of a page were taken, or became dead letters. So each message arrives at
//! least once; its id is the same each time.

mod consents;
mod delivery;
mod destination;
mod duty;
mod endpoint;
mod kept;
mod message;
mod reading;
pub(crate) mod settings;
mod source;
mod status;
mod verdict;

pub use consents::consents;
pub use delivery::{Held, Refusal, deliver};
pub use destination::Destination;
pub(crate) use duty::{Feed, Keeper};
pub use endpoint::{Endpoint, EndpointError, Sender};
pub use message::{Malformed, Message};
pub use settings::{FeedSettings, FeedSettingsError, endpoint_address};
pub use source::{Page, Source};
pub(crate) use status::FeedStatus;
pub use verdict::Verdict;

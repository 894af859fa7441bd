//! The values of the contract, as `wit/` documents them.

use crate::bindings::exports::klaviyo::connector;

pub use connector::account::Details as AccountDetails;
pub use connector::api::{
    Method as ApiMethod, Parameter as ApiParameter, Request as ApiRequest, Response as ApiResponse,
};
pub use connector::bulk::{Failure as ImportFailure, Job, JobStatus, Submission, Submitted};
pub use connector::changes::{EventPage, Group, JoinedPage, Position, ProfilePage, Start};
pub use connector::consent::{
    ChannelConsent, ChannelRefusal, Consents, Historical, Options as ConsentOptions,
    Outcome as ConsentOutcome, Subscription, Suppression, Unsubscription,
};
pub use connector::contacts::{
    Change, Creation, Departure, Departures, Enrollment, Enrollments, Permission, Permitted, Receipt,
    Removal, Revocation, Taken, Upserted,
};
pub use connector::events::{Metric, NewEvent, Period, Timeline};
pub use connector::lists::Audience;
pub use connector::segments::Segment;
pub use connector::types::{
    BatchResult, Channel, Code, Detail, Error as ContractError, Event, Identifier, Location, Member,
    MemberPage, NewProfile, Profile, Refusal,
};

// Generated without it, since not every type has a default.
#[allow(clippy::derivable_impls)]
impl Default for NewProfile {
    fn default() -> Self {
        Self {
            email: None,
            phone_number: None,
            external_id: None,
            first_name: None,
            last_name: None,
            organization: None,
            title: None,
            locale: None,
            image: None,
            location: None,
            properties: None,
        }
    }
}

#[allow(clippy::derivable_impls)]
impl Default for Location {
    fn default() -> Self {
        Self {
            address1: None,
            address2: None,
            city: None,
            region: None,
            country: None,
            zip: None,
            latitude: None,
            longitude: None,
            timezone: None,
            ip: None,
        }
    }
}

impl ContractError {
    /// An error with a message and nothing else, for failures that did not get to the connector.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            status: None,
            retry_after: None,
            details: Vec::new(),
            duplicate: None,
            request_id: None,
            body: String::new(),
            done: 0,
        }
    }
}

impl Code {
    /// All codes.
    pub const ALL: [Self; 16] = [
        Self::InvalidInput,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::Conflict,
        Self::Rejected,
        Self::RateLimited,
        Self::Retired,
        Self::Unavailable,
        Self::Blocked,
        Self::Denied,
        Self::Timeout,
        Self::Connection,
        Self::TooLarge,
        Self::Malformed,
        Self::Other,
    ];

    /// The code as the contract writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidInput => "invalid-input",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden => "forbidden",
            Self::NotFound => "not-found",
            Self::Conflict => "conflict",
            Self::Rejected => "rejected",
            Self::RateLimited => "rate-limited",
            Self::Retired => "retired",
            Self::Unavailable => "unavailable",
            Self::Blocked => "blocked",
            Self::Denied => "denied",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::TooLarge => "too-large",
            Self::Malformed => "malformed",
            Self::Other => "other",
        }
    }
}

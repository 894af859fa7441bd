//! Converts the contract's values to the core's and back, field by field.

use crate::bindings::exports::klaviyo::connector::{bulk, consent, contacts, lists, types};
use crate::bindings::klaviyo::connector::http;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::vec::Vec;
use klaviyo_core as klaviyo;

/// Converts the items of a list.
pub(crate) fn each<T: Into<U>, U>(items: Vec<T>) -> Vec<U> {
    items.into_iter().map(Into::into).collect()
}

impl From<klaviyo::Request> for http::Request {
    fn from(request: klaviyo::Request) -> Self {
        let header = |h: klaviyo::Header| http::Header { name: h.name.to_owned(), value: h.value.to_owned() };
        Self {
            method: match request.method {
                klaviyo::Method::Get => http::Method::Get,
                klaviyo::Method::Post => http::Method::Post,
            },
            url: request.url,
            headers: request.headers.into_iter().map(header).collect(),
            auth: request.auth.to_owned(),
            body: request.body,
        }
    }
}

impl From<http::Response> for klaviyo::Response {
    fn from(response: http::Response) -> Self {
        Self {
            status: response.status,
            headers: response.headers.into_iter().map(|h| (h.name, h.value)).collect(),
            body: response.body,
        }
    }
}

impl From<http::Error> for klaviyo::TransportError {
    fn from(error: http::Error) -> Self {
        match error {
            http::Error::Denied(reason) => Self::Denied(reason),
            http::Error::Timeout(reason) => Self::Timeout(reason),
            http::Error::Connection(reason) => Self::Connection(reason),
            http::Error::TooLarge(reason) => Self::TooLarge(reason),
            http::Error::Other(reason) => Self::Other(reason),
        }
    }
}

impl From<types::Identifier> for klaviyo::Identifier {
    fn from(identifier: types::Identifier) -> Self {
        match identifier {
            types::Identifier::Email(value) => Self::Email(value),
            types::Identifier::PhoneNumber(value) => Self::PhoneNumber(value),
            types::Identifier::ExternalId(value) => Self::ExternalId(value),
            types::Identifier::Id(value) => Self::Id(value),
        }
    }
}

impl From<types::NewProfile> for klaviyo::NewProfile {
    fn from(profile: types::NewProfile) -> Self {
        Self {
            email: profile.email,
            phone_number: profile.phone_number,
            external_id: profile.external_id,
            first_name: profile.first_name,
            last_name: profile.last_name,
            properties: profile.properties,
        }
    }
}

impl From<klaviyo::Profile> for types::Profile {
    fn from(profile: klaviyo::Profile) -> Self {
        Self {
            id: profile.id,
            email: profile.email,
            phone_number: profile.phone_number,
            external_id: profile.external_id,
            first_name: profile.first_name,
            last_name: profile.last_name,
            created: profile.created,
            updated: profile.updated,
            properties: profile.properties,
            warnings: profile.warnings,
        }
    }
}

impl From<klaviyo::Creation> for contacts::Creation {
    fn from(creation: klaviyo::Creation) -> Self {
        match creation {
            klaviyo::Creation::Created(profile) => Self::Created(profile.into()),
            klaviyo::Creation::Existing(id) => Self::Existing(id),
        }
    }
}

impl From<klaviyo::Upserted> for contacts::Upserted {
    fn from(upserted: klaviyo::Upserted) -> Self {
        Self { profile: upserted.profile.into(), created: upserted.created }
    }
}

impl From<klaviyo::Receipt> for contacts::Receipt {
    fn from(receipt: klaviyo::Receipt) -> Self {
        Self {
            profile_id: receipt.profile_id,
            profile_name: receipt.profile_name,
            list_id: receipt.list_id,
            created: receipt.created,
            warnings: receipt.warnings,
        }
    }
}

impl From<klaviyo::Audience> for lists::Audience {
    fn from(list: klaviyo::Audience) -> Self {
        Self {
            id: list.id,
            name: list.name,
            created: list.created,
            updated: list.updated,
            opt_in: list.opt_in,
        }
    }
}

impl From<Box<klaviyo::Error>> for types::Error {
    #[inline(never)]
    fn from(error: Box<klaviyo::Error>) -> Self {
        Self {
            code: error.code.into(),
            message: error.message,
            status: error.status,
            retry_after: error.retry_after,
            details: each(error.details),
            duplicate: error.duplicate,
            request_id: error.request_id,
            body: error.body,
            done: error.done,
        }
    }
}

impl From<klaviyo::Code> for types::Code {
    fn from(code: klaviyo::Code) -> Self {
        match code {
            klaviyo::Code::InvalidInput => Self::InvalidInput,
            klaviyo::Code::Unauthenticated => Self::Unauthenticated,
            klaviyo::Code::Forbidden => Self::Forbidden,
            klaviyo::Code::NotFound => Self::NotFound,
            klaviyo::Code::Conflict => Self::Conflict,
            klaviyo::Code::Rejected => Self::Rejected,
            klaviyo::Code::RateLimited => Self::RateLimited,
            klaviyo::Code::Retired => Self::Retired,
            klaviyo::Code::Unavailable => Self::Unavailable,
            klaviyo::Code::Blocked => Self::Blocked,
            klaviyo::Code::Denied => Self::Denied,
            klaviyo::Code::Timeout => Self::Timeout,
            klaviyo::Code::Connection => Self::Connection,
            klaviyo::Code::TooLarge => Self::TooLarge,
            klaviyo::Code::Malformed => Self::Malformed,
            klaviyo::Code::Other => Self::Other,
        }
    }
}

impl From<klaviyo::Detail> for types::Detail {
    fn from(detail: klaviyo::Detail) -> Self {
        Self { code: detail.code, title: detail.title, detail: detail.detail, pointer: detail.pointer }
    }
}

impl From<klaviyo::Refusal> for types::Refusal {
    fn from(refusal: klaviyo::Refusal) -> Self {
        Self { index: refusal.index, reason: refusal.reason.into() }
    }
}

impl From<consent::Channel> for klaviyo::Channel {
    fn from(channel: consent::Channel) -> Self {
        match channel {
            consent::Channel::Email => Self::Email,
            consent::Channel::Sms => Self::Sms,
            consent::Channel::Whatsapp => Self::Whatsapp,
            consent::Channel::Push => Self::Push,
        }
    }
}

impl From<klaviyo::Channel> for consent::Channel {
    fn from(channel: klaviyo::Channel) -> Self {
        match channel {
            klaviyo::Channel::Email => Self::Email,
            klaviyo::Channel::Sms => Self::Sms,
            klaviyo::Channel::Whatsapp => Self::Whatsapp,
            klaviyo::Channel::Push => Self::Push,
        }
    }
}

impl From<consent::Subscription> for klaviyo::Subscription {
    fn from(subscription: consent::Subscription) -> Self {
        Self {
            id: subscription.id,
            email: subscription.email,
            phone_number: subscription.phone_number,
            channels: each(subscription.channels),
            consented_at: subscription.consented_at,
            date_of_birth: subscription.date_of_birth,
        }
    }
}

impl From<consent::Options> for klaviyo::ConsentOptions {
    fn from(options: consent::Options) -> Self {
        let historical = |historical: consent::Historical| klaviyo::Historical { now: historical.now };
        Self {
            custom_source: options.custom_source,
            historical_import: options.historical_import.map(historical),
        }
    }
}

impl From<consent::Unsubscription> for klaviyo::Unsubscription {
    fn from(unsubscription: consent::Unsubscription) -> Self {
        Self {
            email: unsubscription.email,
            phone_number: unsubscription.phone_number,
            channels: each(unsubscription.channels),
        }
    }
}

impl From<klaviyo::ConsentOutcome> for consent::Outcome {
    fn from(outcome: klaviyo::ConsentOutcome) -> Self {
        Self {
            accepted: outcome.accepted,
            refused: each(outcome.refused),
            warnings: outcome.warnings,
            stopped: outcome.stopped.map(Into::into),
        }
    }
}

impl From<klaviyo::Consents> for consent::Consents {
    fn from(consents: klaviyo::Consents) -> Self {
        Self { profile_id: consents.profile_id, channels: each(consents.channels) }
    }
}

impl From<klaviyo::ChannelConsent> for consent::ChannelConsent {
    fn from(consent: klaviyo::ChannelConsent) -> Self {
        Self {
            channel: consent.channel.into(),
            state: consent.state,
            can_receive: consent.can_receive,
            consented_at: consent.consented_at,
            updated: consent.updated,
            method: consent.method,
            custom_source: consent.custom_source,
            suppressions: each(consent.suppressions),
        }
    }
}

impl From<klaviyo::Suppression> for consent::Suppression {
    fn from(suppression: klaviyo::Suppression) -> Self {
        Self { reason: suppression.reason, since: suppression.since, list: suppression.list }
    }
}

impl From<klaviyo::Submission> for bulk::Submission {
    fn from(submission: klaviyo::Submission) -> Self {
        Self {
            jobs: each(submission.jobs),
            refused: each(submission.refused),
            warnings: submission.warnings,
            stopped: submission.stopped.map(Into::into),
        }
    }
}

impl From<klaviyo::Submitted> for bulk::Submitted {
    fn from(submitted: klaviyo::Submitted) -> Self {
        Self { job: submitted.job, rows: submitted.rows }
    }
}

impl From<klaviyo::JobStatus> for bulk::JobStatus {
    fn from(status: klaviyo::JobStatus) -> Self {
        match status {
            klaviyo::JobStatus::Queued => Self::Queued,
            klaviyo::JobStatus::Processing => Self::Processing,
            klaviyo::JobStatus::Complete => Self::Complete,
            klaviyo::JobStatus::Cancelled => Self::Cancelled,
            klaviyo::JobStatus::Other(word) => Self::Other(word),
        }
    }
}

impl From<klaviyo::Job> for bulk::Job {
    fn from(job: klaviyo::Job) -> Self {
        Self {
            id: job.id,
            status: job.status.into(),
            total: job.total,
            completed: job.completed,
            failed: job.failed,
            created: job.created,
            started: job.started,
            finished: job.finished,
            expires: job.expires,
        }
    }
}

impl From<klaviyo::ImportFailure> for bulk::Failure {
    fn from(failure: klaviyo::ImportFailure) -> Self {
        Self { row: failure.row, reason: failure.reason.into(), payload: failure.payload }
    }
}

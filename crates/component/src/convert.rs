//! The contract's values to the core's and back, field by field.

use crate::bindings::exports::klaviyo::connector::{contacts, lists, types};
use crate::bindings::klaviyo::connector::http;
use klaviyo_core as core;

impl From<core::Request> for http::Request {
    fn from(request: core::Request) -> Self {
        let header = |h: core::Header| http::Header { name: h.name.to_owned(), value: h.value.to_owned() };
        Self {
            method: match request.method {
                core::Method::Get => http::Method::Get,
                core::Method::Post => http::Method::Post,
            },
            url: request.url,
            headers: request.headers.into_iter().map(header).collect(),
            auth: request.auth.to_owned(),
            body: request.body,
        }
    }
}

impl From<http::Response> for core::Response {
    fn from(response: http::Response) -> Self {
        Self {
            status: response.status,
            headers: response.headers.into_iter().map(|h| (h.name, h.value)).collect(),
            body: response.body,
        }
    }
}

impl From<http::Error> for core::TransportError {
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

impl From<types::Identifier> for core::Identifier {
    fn from(identifier: types::Identifier) -> Self {
        match identifier {
            types::Identifier::Email(value) => Self::Email(value),
            types::Identifier::PhoneNumber(value) => Self::PhoneNumber(value),
            types::Identifier::ExternalId(value) => Self::ExternalId(value),
            types::Identifier::Id(value) => Self::Id(value),
        }
    }
}

impl From<types::NewProfile> for core::NewProfile {
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

impl From<core::Profile> for types::Profile {
    fn from(profile: core::Profile) -> Self {
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

impl From<core::Creation> for contacts::Creation {
    fn from(creation: core::Creation) -> Self {
        match creation {
            core::Creation::Created(profile) => Self::Created(profile.into()),
            core::Creation::Existing(id) => Self::Existing(id),
        }
    }
}

impl From<core::Upserted> for contacts::Upserted {
    fn from(upserted: core::Upserted) -> Self {
        Self { profile: upserted.profile.into(), created: upserted.created }
    }
}

impl From<core::Receipt> for contacts::Receipt {
    fn from(receipt: core::Receipt) -> Self {
        Self {
            profile_id: receipt.profile_id,
            profile_name: receipt.profile_name,
            list_id: receipt.list_id,
            created: receipt.created,
            warnings: receipt.warnings,
        }
    }
}

impl From<core::Audience> for lists::Audience {
    fn from(list: core::Audience) -> Self {
        Self {
            id: list.id,
            name: list.name,
            created: list.created,
            updated: list.updated,
            opt_in: list.opt_in,
        }
    }
}

impl From<Box<core::Error>> for types::Error {
    #[inline(never)]
    fn from(error: Box<core::Error>) -> Self {
        let detail = |d: core::Detail| types::Detail {
            code: d.code,
            title: d.title,
            detail: d.detail,
            pointer: d.pointer,
        };
        Self {
            code: error.code.into(),
            message: error.message,
            status: error.status,
            retry_after: error.retry_after,
            details: error.details.into_iter().map(detail).collect(),
            duplicate: error.duplicate,
            request_id: error.request_id,
            body: error.body,
            done: error.done,
        }
    }
}

impl From<core::Code> for types::Code {
    fn from(code: core::Code) -> Self {
        match code {
            core::Code::InvalidInput => Self::InvalidInput,
            core::Code::Unauthenticated => Self::Unauthenticated,
            core::Code::Forbidden => Self::Forbidden,
            core::Code::NotFound => Self::NotFound,
            core::Code::Conflict => Self::Conflict,
            core::Code::Rejected => Self::Rejected,
            core::Code::RateLimited => Self::RateLimited,
            core::Code::Retired => Self::Retired,
            core::Code::Unavailable => Self::Unavailable,
            core::Code::Blocked => Self::Blocked,
            core::Code::Denied => Self::Denied,
            core::Code::Timeout => Self::Timeout,
            core::Code::Connection => Self::Connection,
            core::Code::TooLarge => Self::TooLarge,
            core::Code::Malformed => Self::Malformed,
            core::Code::Other => Self::Other,
        }
    }
}

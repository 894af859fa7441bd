//! The contract's values to the core's and back, field by field.

use crate::bindings::exports::klaviyo::connector::{contacts, lists, types};
use crate::bindings::klaviyo::connector::http;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use klaviyo_core as klaviyo;

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
        let detail = |d: klaviyo::Detail| types::Detail {
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

//! The interface `http`, the component's only import.

use crate::bindings::klaviyo::connector::http;
use alloc::borrow::ToOwned;
use klaviyo_core::{Http, Method, Request, Response, TransportError};

/// Sends the requests of one function of the contract, which it names, such as `contacts.opt-in`.
pub(crate) struct Import(pub(crate) &'static str);

impl Http for Import {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        let Request { method, url, headers, auth, body } = request;
        let headers = headers.into_iter();
        let request = http::Request {
            method: match method {
                Method::Get => http::Method::Get,
                Method::Post => http::Method::Post,
                Method::Patch => http::Method::Patch,
                Method::Delete => http::Method::Delete,
            },
            url,
            headers: headers
                .map(|header| http::Header { name: header.name.to_owned(), value: header.value.into_owned() })
                .collect(),
            auth: auth.to_owned(),
            body,
            function: self.0.to_owned(),
        };
        match http::send(&request) {
            Ok(http::Response { status, headers, body }) => {
                let headers = headers.into_iter().map(|header| (header.name, header.value)).collect();
                Ok(Response { status, headers, body })
            }
            Err(error) => Err(match error {
                http::Error::Denied(reason) => TransportError::Denied(reason),
                http::Error::Timeout(reason) => TransportError::Timeout(reason),
                http::Error::Connection(reason) => TransportError::Connection(reason),
                http::Error::TooLarge(reason) => TransportError::TooLarge(reason),
                http::Error::Other(reason) => TransportError::Other(reason),
            }),
        }
    }
}

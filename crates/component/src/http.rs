//! The interface `http`, the component's only import.

use crate::bindings::klaviyo::connector::http;
use crate::convert::{Convert, Differs, each, record, variant};
use alloc::string::String;
use klaviyo_core as klaviyo;
use klaviyo_core::{Http, Request, Response, TransportError};

/// Sends the requests of one function of the contract, which it names, such as `contacts.opt-in`.
pub(crate) struct Import(pub(crate) &'static str);

impl Http for Import {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        let Request { method, url, headers, auth, body } = request;
        let request = http::Request {
            method: method.convert(),
            url,
            headers: each(headers),
            auth: auth.convert(),
            body,
            function: self.0.convert(),
        };
        http::send(&request).map(Convert::convert).map_err(Convert::convert)
    }
}

variant!(klaviyo::Method => http::Method { Get, Post, Patch, Delete });
record!(klaviyo::Header => http::Header { name, value });
record!(http::Response => klaviyo::Response { status, headers, body });
variant!(http::Error => klaviyo::TransportError {
    Denied(reason), Timeout(reason), Connection(reason), TooLarge(reason), Other(reason),
});

impl Differs for http::Header {}

impl Convert<(String, String)> for http::Header {
    fn convert(self) -> (String, String) {
        (self.name, self.value)
    }
}

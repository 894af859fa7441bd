//! The interface `http`, the component's only import.

use crate::bindings::klaviyo::connector::http;
use crate::convert::{Convert, Differs, record, variant};
use alloc::string::String;
use klaviyo_core as klaviyo;
use klaviyo_core::{Http, Request, Response, TransportError};

/// Sends the core's requests over the import.
pub(crate) struct Import;

impl Http for Import {
    fn send(&mut self, request: Request) -> Result<Response, TransportError> {
        http::send(&request.convert()).map(Convert::convert).map_err(Convert::convert)
    }
}

record!(klaviyo::Request => http::Request { method, url, headers, auth, body });
variant!(klaviyo::Method => http::Method { Get, Post });
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

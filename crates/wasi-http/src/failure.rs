//! Translates the failures of `wasi:http` into the contract's.

use crate::bindings::exports::klaviyo::connector::http::Error;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use wasip2::http::types::ErrorCode;

/// The most characters of a runtime's own sentence.
const REASON: usize = 300;

/// Matches every code by name, so that a new one does not compile until it has a translation.
pub(crate) fn error(code: ErrorCode) -> Error {
    use ErrorCode as E;
    match code {
        E::HttpRequestDenied => Error::Denied("the runtime's policy does not allow the request".to_owned()),
        E::DestinationIpProhibited => Error::Denied(
            "the runtime's policy does not allow the address that the host's name stands for".to_owned(),
        ),
        E::DnsTimeout | E::ConnectionTimeout => {
            Error::Timeout("no connection in the runtime's time".to_owned())
        }
        E::ConnectionReadTimeout | E::ConnectionWriteTimeout | E::HttpResponseTimeout => {
            Error::Timeout("no complete answer in the runtime's time".to_owned())
        }
        E::DnsError(_) | E::DestinationNotFound => {
            Error::Connection("the host's name is not known".to_owned())
        }
        E::DestinationUnavailable | E::DestinationIpUnroutable | E::ConnectionRefused => {
            Error::Connection("the connection was refused, or there is no way to the host".to_owned())
        }
        E::ConnectionTerminated | E::HttpResponseIncomplete => {
            Error::Connection("the connection broke off".to_owned())
        }
        E::ConnectionLimitReached => {
            Error::Connection("the runtime has as many connections as it allows; repeat later".to_owned())
        }
        E::TlsProtocolError | E::TlsAlertReceived(_) => {
            Error::Connection("TLS could not be agreed on".to_owned())
        }
        E::TlsCertificateError => Error::Connection("the host's certificate is not trusted".to_owned()),
        E::HttpProtocolError => Error::Connection("what came is not HTTP, or it broke off".to_owned()),
        E::HttpRequestBodySize(_)
        | E::HttpRequestUriTooLong
        | E::HttpRequestHeaderSectionSize(_)
        | E::HttpRequestHeaderSize(_)
        | E::HttpRequestTrailerSectionSize(_)
        | E::HttpRequestTrailerSize(_) => {
            Error::TooLarge("the request is larger than the runtime allows".to_owned())
        }
        E::HttpResponseHeaderSectionSize(_)
        | E::HttpResponseHeaderSize(_)
        | E::HttpResponseBodySize(_)
        | E::HttpResponseTrailerSectionSize(_)
        | E::HttpResponseTrailerSize(_) => {
            Error::TooLarge("the answer is larger than the runtime allows".to_owned())
        }
        E::HttpRequestLengthRequired | E::HttpRequestMethodInvalid | E::HttpRequestUriInvalid => {
            Error::Other("the runtime does not take the request as HTTP".to_owned())
        }
        E::HttpResponseTransferCoding(_) | E::HttpResponseContentCoding(_) => {
            Error::Other("the answer has a coding that the runtime does not know".to_owned())
        }
        E::HttpUpgradeFailed | E::LoopDetected | E::ConfigurationError | E::InternalError(None) => {
            Error::Other("the runtime's HTTP client failed".to_owned())
        }
        E::InternalError(Some(reason)) => {
            let reason: String = reason.chars().take(REASON).collect();
            Error::Other(format!("the runtime's HTTP client failed: {reason}"))
        }
    }
}

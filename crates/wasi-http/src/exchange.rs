//! One request over `wasi:http`, from its first byte to the last one of its answer.

use crate::bindings::exports::klaviyo::connector::http::{Error, Header, Method, Request, Response};
use crate::environment::Endpoint;
use crate::failure;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use wasip2::clocks::monotonic_clock;
use wasip2::http::outgoing_handler;
use wasip2::http::types::{self as wasi, Fields, OutgoingBody, OutgoingRequest};
use wasip2::io::poll::{Pollable, poll};
use wasip2::io::streams::{InputStream, OutputStream, StreamError};

const SECOND: u64 = 1_000_000_000;
/// Nanoseconds until the last byte of the answer. Runtimes have timeouts of ten minutes or none, and
/// interpret those of `request-options` in different ways.
const TIME: u64 = 20 * SECOND;
/// The most bytes of an answer's headers.
const HEADER_BYTES: usize = 16 << 10;
/// The most bytes of an answer's body.
const RESPONSE_BYTES: usize = 10 << 20;
/// The most bytes of a body that one call reads.
const READ: u64 = 64 << 10;

/// Sends a request and reads the whole answer. Redirects are answers.
pub(crate) fn send(
    request: &Request,
    endpoint: &Endpoint,
    target: &str,
    fields: &[(String, Vec<u8>)],
) -> Result<Response, Error> {
    let deadline = monotonic_clock::subscribe_duration(TIME);
    let (outgoing, body) = outgoing(request, endpoint, target, fields)?;
    let answer = outgoing_handler::handle(outgoing, None).map_err(failure::error)?;
    // Kept until the answer has been read: dropping an unfinished body closes the connection.
    let _unfinished = match body {
        Some(body) => write(body, &request.body, &answer.subscribe(), &deadline)?,
        None => None,
    };
    let answer = loop {
        match answer.get() {
            Some(Ok(answer)) => break answer.map_err(failure::error)?,
            Some(Err(())) => return Err(broken("an answer that was taken already")),
            None => wait(&answer.subscribe(), &deadline)?,
        }
    };
    let status = answer.status();
    let headers = headers(&answer.headers().entries())?;
    let body = answer.consume().map_err(|()| broken("no body"))?;
    let stream = body.stream().map_err(|()| broken("no stream"))?;
    let body = read(&stream, &deadline)?;
    Ok(Response { status, headers, body })
}

/// The request, and the stream for its body if it has one.
fn outgoing(
    request: &Request,
    endpoint: &Endpoint,
    target: &str,
    fields: &[(String, Vec<u8>)],
) -> Result<(OutgoingRequest, Option<OutgoingBody>), Error> {
    let refused = |what: &str| Error::Denied(format!("the runtime does not take the request's {what}"));
    let fields = Fields::from_list(fields).map_err(|_| refused("headers"))?;
    let outgoing = OutgoingRequest::new(fields);
    let method = match request.method {
        Method::Get => wasi::Method::Get,
        Method::Post => wasi::Method::Post,
        Method::Patch => wasi::Method::Patch,
        Method::Delete => wasi::Method::Delete,
    };
    outgoing.set_method(&method).map_err(|()| refused("method"))?;
    outgoing.set_scheme(Some(&endpoint.scheme)).map_err(|()| refused("scheme"))?;
    outgoing.set_authority(Some(&endpoint.authority)).map_err(|()| refused("authority"))?;
    outgoing.set_path_with_query(Some(target)).map_err(|()| refused("path"))?;
    let body = outgoing.body().map_err(|()| broken("no body"))?;
    if request.body.is_empty() {
        OutgoingBody::finish(body, None).map_err(failure::error)?;
        return Ok((outgoing, None));
    }
    Ok((outgoing, Some(body)))
}

/// A body of which the server has not taken everything. The fields are in this order because the stream must
/// be dropped before the body.
struct Unfinished {
    _stream: OutputStream,
    _body: OutgoingBody,
}

/// Writes a body as fast as the server takes it. A server that answers before its end does not want the rest.
fn write(
    body: OutgoingBody,
    mut bytes: &[u8],
    answered: &Pollable,
    deadline: &Pollable,
) -> Result<Option<Unfinished>, Error> {
    let stream = body.write().map_err(|()| broken("no stream"))?;
    while !bytes.is_empty() {
        // The cause of the failure comes with the answer.
        let Ok(room) = stream.check_write() else {
            return Ok(Some(Unfinished { _stream: stream, _body: body }));
        };
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        match bytes.split_at_checked(room.min(bytes.len())) {
            Some((now, later)) if !now.is_empty() => {
                if stream.write(now).is_err() {
                    return Ok(Some(Unfinished { _stream: stream, _body: body }));
                }
                bytes = later;
            }
            _ if answered.ready() => return Ok(Some(Unfinished { _stream: stream, _body: body })),
            _ => wait_for(&[&stream.subscribe(), answered], deadline)?,
        }
    }
    // `finish` traps while the stream exists.
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
    Ok(None)
}

fn headers(entries: &[(String, Vec<u8>)]) -> Result<Vec<Header>, Error> {
    if entries.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>() > HEADER_BYTES {
        return Err(Error::TooLarge(format!("the answer's headers have more than {HEADER_BYTES} bytes")));
    }
    let coded = |(name, value): &(String, Vec<u8>)| {
        name.eq_ignore_ascii_case("content-encoding") && !value.eq_ignore_ascii_case(b"identity")
    };
    if entries.iter().any(coded) {
        return Err(Error::Other("the answer is compressed, which was not asked for".to_owned()));
    }
    let header = |(name, value): &(String, Vec<u8>)| Header {
        name: name.clone(),
        value: String::from_utf8_lossy(value).into_owned(),
    };
    Ok(entries.iter().map(header).collect())
}

fn read(stream: &InputStream, deadline: &Pollable) -> Result<Vec<u8>, Error> {
    let mut body = Vec::new();
    loop {
        match stream.read(READ) {
            Ok(bytes) if bytes.is_empty() => wait(&stream.subscribe(), deadline)?,
            Ok(bytes) => body.extend_from_slice(&bytes),
            Err(StreamError::Closed) => return Ok(body),
            Err(StreamError::LastOperationFailed(error)) => {
                let unknown =
                    || Error::Connection("the connection broke off in the middle of the answer".to_owned());
                return Err(wasi::http_error_code(&error).map_or_else(unknown, failure::error));
            }
        }
        if body.len() > RESPONSE_BYTES {
            return Err(Error::TooLarge(format!("the answer has more than {RESPONSE_BYTES} bytes")));
        }
    }
}

fn wait(event: &Pollable, deadline: &Pollable) -> Result<(), Error> {
    wait_for(&[event], deadline)
}

/// Waits for one of the events, until the deadline.
fn wait_for(events: &[&Pollable], deadline: &Pollable) -> Result<(), Error> {
    let all: Vec<&Pollable> = events.iter().copied().chain([deadline]).collect();
    let ready = poll(&all);
    if ready.iter().all(|index| *index as usize == events.len()) {
        return Err(Error::Timeout(format!("no complete answer within {} s", TIME / SECOND)));
    }
    Ok(())
}

/// The failure of a runtime that does not keep to `wasi:http`.
fn broken(what: &str) -> Error {
    Error::Other(format!("the runtime's wasi:http does not work as it should: {what}"))
}

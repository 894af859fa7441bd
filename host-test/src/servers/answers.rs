//! Answers that are too large, or not the answer.

use super::lookup::{answer, failed, lookup, nobody, succeeded};
use super::server::{Reply, Server};
use anyhow::{Result, ensure};
use klaviyo_host::types::Code;

pub(super) fn announced() -> Result<()> {
    let server = Server::start(|_| Reply::bytes("HTTP/1.1 200 OK\r\ncontent-length: 99999999999\r\n\r\n{"))?;
    failed(lookup(&server.url())?, Code::TooLarge, 1)
}

pub(super) fn large_headers(bytes: usize) -> Result<()> {
    let text = answer("200 OK", &format!("x-filler: {}\r\n", "x".repeat(bytes)), r#"{"data":[]}"#);
    let server = Server::start(move |_| Reply::bytes(&text))?;
    failed(lookup(&server.url())?, Code::TooLarge, 1)
}

pub(super) fn many_headers() -> Result<()> {
    let text = answer("200 OK", &"x-filler: x\r\n".repeat(5_000), r#"{"data":[]}"#);
    let server = Server::start(move |_| Reply::bytes(&text))?;
    failed(lookup(&server.url())?, Code::TooLarge, 1)
}

pub(super) fn long_body() -> Result<()> {
    let server = Server::start(|_| {
        Reply::bytes("HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\n{\"data\":[]}, and more")
    })?;
    succeeded(lookup(&server.url())?, 1)
}

pub(super) fn informational() -> Result<()> {
    let text =
        format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n{}", nobody());
    let server = Server::start(move |_| Reply::bytes(&text))?;
    succeeded(lookup(&server.url())?, 1)
}

pub(super) fn gzip() -> Result<()> {
    let server = Server::start(|request| {
        let asked = String::from_utf8_lossy(&request.bytes).to_ascii_lowercase().contains("accept-encoding");
        Reply::bytes(&answer(
            if asked { "500 Asked" } else { "200 OK" },
            "content-encoding: gzip\r\n",
            "bomb",
        ))
    })?;
    failed(lookup(&server.url())?, Code::Other, 1)
}

pub(super) fn redirect() -> Result<()> {
    let target = Server::start(|_| Reply::Close)?;
    let text = answer("302 Found", &format!("location: {}/api/profiles/\r\n", target.url()), "");
    let server = Server::start(move |_| Reply::bytes(&text))?;
    failed(lookup(&server.url())?, Code::Other, 1)?;
    ensure!(target.requests() == 0, "it was followed");
    Ok(())
}

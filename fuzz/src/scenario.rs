//! A call and the answers to its requests, as text: what a fixture has, in a form that survives being changed.
//!
//! The first line has the function and its arguments. Each answer follows behind a byte 0x1e: its status, its headers,
//! an empty line and its body; or `!` and the kind of a failure.

use anyhow::{Context, Result};
use host_test::fixture::{Exchange, Fixture};
use host_test::{Response, Sent, TransportError, Upstream};
use serde_json::Value;
use std::collections::VecDeque;

/// What begins an answer.
const SEPARATOR: u8 = 0x1e;
/// The most requests of one call, which is what a host allows by default.
pub const MAX_REQUESTS: usize = 1_100;

/// The result of one request.
pub type Answer = Result<Response, TransportError>;

/// A call and the answers to its requests.
#[derive(Debug)]
pub struct Scenario {
    /// `interface.function`
    pub function: String,
    /// The arguments, by the contract's types if they are right.
    pub arguments: Vec<Value>,
    /// The answers, in order. The last one is given again and again.
    pub answers: Vec<Answer>,
}

impl Scenario {
    /// Reads a scenario; none if its first line is none.
    #[must_use]
    pub fn parse(input: &[u8]) -> Option<Self> {
        let mut parts = input.split(|byte| *byte == SEPARATOR);
        let call = std::str::from_utf8(parts.next()?).ok()?;
        let (function, arguments) = call.trim_ascii().split_once(' ')?;
        Some(Self {
            function: function.to_owned(),
            arguments: serde_json::from_str(arguments).ok()?,
            answers: parts.map(answer).collect(),
        })
    }

    /// All fixtures as scenarios.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn seeds() -> Result<Vec<Vec<u8>>> {
        crate::seeds::fixtures()?.iter().map(|text| written(&Fixture::parse(text)?)).collect()
    }
}

fn answer(text: &[u8]) -> Answer {
    if let [b'!', kind @ ..] = text {
        let reason = "of the fuzzer".to_owned();
        return Err(match kind.trim_ascii() {
            b"denied" => TransportError::Denied(reason),
            b"timeout" => TransportError::Timeout(reason),
            b"connection" => TransportError::Connection(reason),
            b"too-large" => TransportError::TooLarge(reason),
            _ => TransportError::Other(reason),
        });
    }
    let end = text.windows(2).position(|end| end == b"\n\n");
    let (head, body) = end.and_then(|end| text.split_at_checked(end)).unwrap_or((text, b"\n\n"));
    let head = String::from_utf8_lossy(head);
    let mut lines = head.split('\n');
    let status = lines.next().and_then(|status| status.trim().parse().ok()).unwrap_or(200);
    let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
    let body = body.strip_prefix(b"\n\n").unwrap_or(body).to_vec();
    Ok(Response { status, headers: lines.filter_map(header).collect(), body })
}

/// A fixture as a scenario.
fn written(fixture: &Fixture) -> Result<Vec<u8>> {
    let arguments = serde_json::to_string(&fixture.call.arguments).context("arguments are JSON")?;
    let mut text = format!("{} {arguments}", fixture.call.function).into_bytes();
    for Exchange { response, .. } in &fixture.exchanges {
        text.push(SEPARATOR);
        match response {
            Ok(Response { status, headers, body }) => {
                text.extend_from_slice(format!("{status}\n").as_bytes());
                for (name, value) in headers {
                    text.extend_from_slice(format!("{name}: {value}\n").as_bytes());
                }
                text.push(b'\n');
                text.extend_from_slice(body);
            }
            Err(error) => text.extend_from_slice(match error {
                TransportError::Denied(_) => b"!denied",
                TransportError::Timeout(_) => b"!timeout",
                TransportError::Connection(_) => b"!connection",
                TransportError::TooLarge(_) => b"!too-large",
                TransportError::Other(_) => b"!other",
            }),
        }
    }
    Ok(text)
}

/// Gives the answers of a scenario, and remembers the requests.
#[derive(Default)]
pub struct Answers {
    left: VecDeque<Answer>,
    last: Option<Answer>,
    /// The requests, in order.
    pub sent: Vec<Sent>,
    /// Bytes of the bodies of all answers that were given.
    pub served: usize,
}

impl Answers {
    /// These answers.
    #[must_use]
    pub fn new(answers: &[Answer]) -> Self {
        Self { left: answers.iter().cloned().collect(), ..Self::default() }
    }
}

impl Upstream for Answers {
    fn send(&mut self, request: Sent) -> Answer {
        self.sent.push(request);
        if self.sent.len() > MAX_REQUESTS {
            return Err(TransportError::Denied("there were more requests than a host allows".to_owned()));
        }
        self.last = self.left.pop_front().or_else(|| self.last.take());
        let nothing = || Err(TransportError::Connection("there is no answer".to_owned()));
        let answer = self.last.clone().unwrap_or_else(nothing);
        self.served += answer.as_ref().map_or(0, |response| response.body.len());
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fixture_is_the_same_as_a_scenario() {
        let mut answers = 0;
        for text in crate::seeds::fixtures().unwrap() {
            let fixture = Fixture::parse(&text).unwrap();
            let scenario = Scenario::parse(&written(&fixture).unwrap()).unwrap();
            assert_eq!(scenario.function, fixture.call.function);
            assert_eq!(scenario.arguments, fixture.call.arguments);
            for (read, exchange) in scenario.answers.iter().zip(&fixture.exchanges) {
                answers += 1;
                let whole = |answer: &Answer| answer.clone().map_err(|_| ());
                assert_eq!(whole(read), whole(&exchange.response), "{}", fixture.name);
            }
            assert_eq!(scenario.answers.len(), fixture.exchanges.len());
        }
        assert!(answers > 1_000, "{answers}");
    }

    #[test]
    fn the_last_answer_is_given_again_up_to_the_most_requests() {
        let scenario = Scenario::parse(b"lists.all []\x1e404\n\x1e200\na: b\n\nbody").unwrap();
        let mut answers = Answers::new(&scenario.answers);
        let sent = || Sent {
            method: String::new(),
            url: String::new(),
            headers: vec![],
            auth: String::new(),
            body: vec![],
        };
        assert_eq!(answers.send(sent()).unwrap().status, 404);
        for _ in 1..MAX_REQUESTS {
            assert_eq!(answers.send(sent()).unwrap().body, b"body");
        }
        assert!(answers.send(sent()).is_err());
        assert_eq!(answers.served, 4 * (MAX_REQUESTS - 1));
    }
}

//! A fixture's side of the conversation: it expects each request and gives the answer, and accepts no other.

use crate::fixture::Exchange;
use crate::{Response, Sent, TransportError, Upstream, compare};
use std::collections::VecDeque;

/// Plays the exchanges of a fixture, in order.
pub struct Script {
    left: VecDeque<Exchange>,
    played: usize,
    differences: Vec<String>,
}

impl Script {
    /// A script of these exchanges.
    #[must_use]
    pub fn new(exchanges: Vec<Exchange>) -> Self {
        Self { left: exchanges.into(), played: 0, differences: Vec::new() }
    }

    /// What was not as expected, requests that never came included.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let never_sent = |e: &Exchange| format!("never sent: {} {}", e.request.method, e.request.url);
        self.differences.iter().cloned().chain(self.left.iter().map(never_sent)).collect()
    }
}

impl Upstream for Script {
    fn send(&mut self, request: Sent) -> Result<Response, TransportError> {
        let Some(exchange) = self.left.pop_front() else {
            self.differences.push(format!("not expected: {} {}", request.method, request.url));
            return Err(TransportError::Other("the fixture expects no further request".to_owned()));
        };
        let place = format!("request {}", self.played);
        self.played += 1;
        let differences = compare::request(&exchange.request, &request);
        self.differences.extend(differences.into_iter().map(|d| format!("{place} {d}")));
        exchange.response
    }
}

//! A fixture's side of the conversation: it expects each request and gives the answer, and accepts no other.

use crate::fixture::Exchange;
use crate::{Response, Sent, TransportError, Upstream, compare};
use std::collections::VecDeque;

/// Plays the exchanges of a fixture, in order.
pub struct Script {
    left: VecDeque<Exchange>,
    sent: Vec<Sent>,
    differences: Vec<String>,
}

impl Script {
    /// A script of these exchanges.
    #[must_use]
    pub fn new(exchanges: Vec<Exchange>) -> Self {
        Self { left: exchanges.into(), sent: Vec::new(), differences: Vec::new() }
    }

    /// The differences, requests that never came included, and the requests that came, in order.
    #[must_use]
    pub fn end(&mut self) -> (Vec<String>, Vec<Sent>) {
        let never_sent = |e: Exchange| format!("never sent: {} {}", e.request.method, e.request.url);
        self.differences.extend(self.left.drain(..).map(never_sent));
        (std::mem::take(&mut self.differences), std::mem::take(&mut self.sent))
    }
}

impl Upstream for Script {
    fn send(&mut self, request: Sent) -> Result<Response, TransportError> {
        let Some(exchange) = self.left.pop_front() else {
            self.differences.push(format!("not expected: {} {}", request.method, request.url));
            self.sent.push(request);
            return Err(TransportError::Other("the fixture expects no further request".to_owned()));
        };
        let number = self.sent.len();
        let differences = compare::request(&exchange.request, &request);
        self.differences.extend(differences.into_iter().map(|d| format!("request {number} {d}")));
        self.sent.push(request);
        exchange.response
    }
}

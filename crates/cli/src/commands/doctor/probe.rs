//! What the doctor asks the account: calls that change nothing, and what came back of each.

use crate::account::Account;
use crate::exchange::{End, Sent, Watch};
use crate::failure::Failure;
use crate::key::Key;
use crate::session::Session;
use klaviyo_host::{Limits, Usage};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

/// An email address that the connector lets through and that Klaviyo must refuse.
const NOT_AN_EMAIL: &str = "not..an,(address@,invalid";
/// A list and a profile that cannot exist: Klaviyo's ids have other characters.
const NO_LIST: &str = "no-such-list";
const NO_PROFILE: &str = "no-such-profile";
/// An address that nobody has: the name is reserved.
const NOBODY: &str = "klaviyo-doctor@nobody.invalid";

/// One call, and the exchange that it made.
pub(crate) struct Probe {
    pub(crate) result: Result<Value, Failure>,
    pub(crate) seen: Option<Seen>,
}

/// What crossed the wire, and when.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) sent: Sent,
    pub(crate) end: End,
    pub(crate) at: SystemTime,
}

/// The account, asked by one call after the other.
pub(crate) struct Probes {
    session: Session,
    recorder: Arc<Recorder>,
}

impl Probes {
    pub(crate) fn open(account: &Account, key: Key) -> Result<Self, Failure> {
        let recorder = Arc::new(Recorder::default());
        // What is there now counts: a second attempt would hide it, and one page of the lists is enough.
        let limits = Limits { concurrent_calls: 1, attempts: 1, requests: 1, ..Limits::default() };
        let session = Session::with(account, key, limits, Some(recorder.clone()))?;
        Ok(Self { session, recorder })
    }

    pub(crate) fn usage(&self) -> Usage {
        self.session.usage()
    }

    /// Reads the first page of the lists.
    pub(crate) async fn lists(&mut self) -> Probe {
        self.ask("lists.all", &[]).await
    }

    /// Looks nobody up.
    pub(crate) async fn lookup(&mut self) -> Probe {
        self.ask("contacts.lookup", &[json!({ "email": NOBODY })]).await
    }

    /// Asks for a profile that Klaviyo must refuse.
    pub(crate) async fn create(&mut self) -> Probe {
        self.ask("contacts.create", &[json!({ "email": NOT_AN_EMAIL })]).await
    }

    /// Adds nobody to no list.
    pub(crate) async fn subscribe(&mut self) -> Probe {
        self.ask("contacts.subscribe", &[json!(NO_LIST), json!([NO_PROFILE])]).await
    }

    async fn ask(&mut self, function: &str, arguments: &[Value]) -> Probe {
        self.recorder.state().seen = None;
        let result = self.session.call(function, arguments).await;
        Probe { result, seen: self.recorder.state().seen.take() }
    }
}

/// Keeps the last exchange.
#[derive(Default)]
struct Recorder(Mutex<State>);

#[derive(Default)]
struct State {
    sent: Option<Sent>,
    seen: Option<Seen>,
}

impl Recorder {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Recorder {
    fn sent(&self, sent: &Sent) {
        self.state().sent = Some(sent.clone());
    }

    fn ended(&self, end: &End, _: Duration) {
        let mut state = self.state();
        if let Some(sent) = state.sent.take() {
            state.seen = Some(Seen { sent, end: end.clone(), at: SystemTime::now() });
        }
    }
}

//! The calls of the doctor, which change nothing, and the exchange that each of them made.

use crate::account::Account;
use crate::credential::Credential;
use crate::exchange::{ExchangeResult, Observer, SentRequest};
use crate::failure::Failure;
use crate::session;
use klaviyo_host::types::{
    AccountDetails, Audience, Creation, Identifier, Metric, NewProfile, Period, Profile, Segment, Timeline,
};
use klaviyo_host::{Answer, Error, Limits, Meter, Tenant};
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// An email address that the connector sends and Klaviyo must refuse.
const NOT_AN_EMAIL: &str = "not..an,(address@,invalid";
/// A list and a profile that cannot exist: Klaviyo's ids have other characters.
const NO_LIST: &str = "no-such-list";
const NO_PROFILE: &str = "no-such-profile";
/// An address that nobody can have: the domain is reserved.
const NOBODY: &str = "klaviyo-doctor@nobody.invalid";

/// What a call returned, and its exchange.
pub(super) struct Probe<T> {
    pub(super) result: Result<T, Failure>,
    pub(super) exchange: Option<Exchange>,
}

/// A request and what came of it.
#[derive(Clone, Debug)]
pub(super) struct Exchange {
    pub(super) request: SentRequest,
    pub(super) result: ExchangeResult,
    /// When it ended.
    pub(super) at: SystemTime,
}

/// Makes the calls, one after the other.
pub(super) struct Probes {
    tenant: Tenant,
    recorder: Arc<Recorder>,
}

impl Probes {
    pub(super) fn open(account: &Account, credential: Credential, meter: &Meter) -> Result<Self, Failure> {
        let recorder = Arc::new(Recorder::default());
        // One attempt: a second one would hide what happened to the first. One request: a page of the lists is enough.
        let limits = Limits { concurrent_calls: 1, attempts: 1, requests: 1, ..Limits::default() };
        let tenant =
            session::open(account, credential, limits, Some(recorder.clone()))?.metered(meter.clone());
        Ok(Self { tenant, recorder })
    }

    /// Ends: new tokens are kept.
    pub(super) async fn settled(&self) {
        self.tenant.settled().await;
    }

    /// Reads the first page of the lists.
    pub(super) async fn lists(&self) -> Probe<Vec<Audience>> {
        self.ask(self.tenant.lists()).await
    }

    /// Looks up a person who does not exist.
    pub(super) async fn lookup(&self) -> Probe<Option<Profile>> {
        self.ask(self.tenant.lookup(&Identifier::Email(NOBODY.to_owned()))).await
    }

    /// Creates a profile that Klaviyo must refuse.
    pub(super) async fn create(&self) -> Probe<Creation> {
        let profile = NewProfile { email: Some(NOT_AN_EMAIL.to_owned()), ..NewProfile::default() };
        self.ask(self.tenant.create(&profile)).await
    }

    /// Adds a profile that does not exist to a list that does not exist.
    pub(super) async fn subscribe(&self) -> Probe<u32> {
        self.ask(self.tenant.subscribe(NO_LIST, &[NO_PROFILE.to_owned()])).await
    }

    /// Reads the first page of the segments.
    pub(super) async fn segments(&self) -> Probe<Vec<Segment>> {
        self.ask(self.tenant.segments()).await
    }

    /// Reads the first page of the metrics.
    pub(super) async fn metrics(&self) -> Probe<Vec<Metric>> {
        self.ask(self.tenant.metrics()).await
    }

    /// Reads the events of a profile that does not exist.
    pub(super) async fn events(&self) -> Probe<Option<Timeline>> {
        let period = Period { since: None, until: None, limit: Some(1) };
        self.ask(self.tenant.history(&Identifier::Id(NO_PROFILE.to_owned()), &period)).await
    }

    /// Reads the account.
    pub(super) async fn account(&self) -> Probe<AccountDetails> {
        self.ask(self.tenant.account_details()).await
    }

    async fn ask<T>(&self, call: impl Future<Output = Result<Answer<T>, Error>>) -> Probe<T> {
        *self.recorder.0.lock() = None;
        let result = call.await.map(|answer| answer.value).map_err(Failure::from);
        Probe { result, exchange: self.recorder.0.lock().take() }
    }
}

/// Keeps the last exchange.
#[derive(Default)]
struct Recorder(Mutex<Option<Exchange>>);

impl Observer for Recorder {
    fn ended(&self, request: &SentRequest, result: &ExchangeResult, _: Duration) {
        let (request, result) = (request.clone(), result.clone());
        *self.0.lock() = Some(Exchange { request, result, at: SystemTime::now() });
    }
}

//! The feed of one account, for as long as this worker has the account.

use super::delivery::{Held, pauses};
use super::destination::Destination;
use super::endpoint::Sender;
use super::reading::{Reading, Stop};
use super::settings::{FeedSettings, Target};
use super::source::Source;
use super::status::FeedStatus;
use crate::account::Account;
use crate::outcome::Reason;
use crate::queue::Queue;
use crate::secrets::{Authentication, MacKeys, SecretKind, SecretText, Secrets};
use crate::tenant_cache::TenantCache;
use futures_util::stream::BoxStream;
use futures_util::{FutureExt, StreamExt};
use klaviyo_host::types::Code;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};
use tracing::{debug, error, info, warn};

/// The least time between two readings, however often Klaviyo's webhooks ask for one.
const LEAST: Duration = Duration::from_secs(5);
/// How long after a webhook the reading begins: others come with it, and Klaviyo shows a change a moment later.
const SETTLE: Duration = Duration::from_secs(1);
/// The longest pause after a failure of Klaviyo or the queue.
const LONGEST_WAIT: Duration = Duration::from_secs(10 * 60);

/// The feed of one account.
pub(crate) struct Feed<'a> {
    pub(crate) queue: &'a Arc<Queue>,
    pub(crate) account: &'a Account,
    pub(crate) secrets: &'a Secrets,
    pub(crate) tenants: &'a TenantCache,
    pub(crate) sender: &'a Arc<Sender>,
    pub(crate) status: &'a FeedStatus,
}

/// The owner of a feed: the worker's work on the account.
pub(crate) trait Keeper {
    /// Whether opt-ins of the account are under way. They go first.
    fn is_busy(&self) -> bool;
}

/// The settings and secrets with which a feed works. It begins anew when they change.
#[derive(PartialEq)]
struct Setup {
    settings: Option<SecretText>,
    secret: Option<MacKeys>,
    authentication: Option<Authentication>,
}

impl Feed<'_> {
    /// Tells changes, without end, whenever the account has settings for it. What is under way when this is dropped is told
    /// again by the next owner.
    pub(crate) async fn run(&self, keeper: &impl Keeper) {
        loop {
            let setup = self.setup();
            tokio::select! {
                () = self.tell(&setup, keeper) => {}
                () = self.changed(&setup) => debug!(account = %self.account, "the settings of the changes are new"),
            }
        }
    }

    fn setup(&self) -> Setup {
        Setup {
            settings: self.secrets.get(self.account, SecretKind::Changes),
            secret: self.secrets.mac_keys(self.account, SecretKind::ChangesSecret),
            authentication: self.secrets.authentication(self.account),
        }
    }

    /// Returns when the account has another setup.
    async fn changed(&self, setup: &Setup) {
        let mut changes = self.secrets.changes();
        while self.setup() == *setup {
            if changes.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// Tells changes with one setup, without end.
    async fn tell(&self, setup: &Setup, keeper: &impl Keeper) {
        let account = self.account;
        let Some(settings) = &setup.settings else {
            self.status.has_no_more(account);
            return std::future::pending().await;
        };
        let destination = settings
            .parse::<FeedSettings>()
            .map_err(|error| error.to_string())
            .and_then(|settings| Ok((self.destination(&settings, setup)?, settings)));
        let (destination, settings) = match destination {
            Ok(found) => found,
            Err(message) => return self.stop(Reason::new(Code::InvalidInput, message)).await,
        };
        let mut wakes = None;
        let (mut pauses, mut is_failing) = (pauses(), false);
        loop {
            let begun = Instant::now();
            if wakes.is_none() {
                wakes = self.queue.changes_wakes(account).await.ok();
            }
            let wait = match self.round(&settings, &destination, keeper).await {
                Ok(()) => {
                    self.status.telling(account);
                    if std::mem::take(&mut is_failing) {
                        info!(%account, "changes are told again");
                    }
                    pauses = self::pauses();
                    settings.every
                }
                Err(Stop::Gone) => return self.stop(Reason::new(Code::Denied, Held::Gone.to_string())).await,
                Err(Stop::Later(reason, least) | Stop::Account(reason, least)) => {
                    is_failing = true;
                    let pause = pauses.next().unwrap_or(LONGEST_WAIT).max(least).min(LONGEST_WAIT);
                    let (code, message) = (&reason.code, &reason.message);
                    warn!(%account, code, seconds = pause.as_secs(), reason = message, "changes wait");
                    self.status.waiting(account, reason, pause);
                    sleep(pause).await;
                    continue;
                }
            };
            tokio::select! {
                () = sleep(wait) => {}
                () = woken(&mut wakes) => {
                    sleep_until((begun + LEAST).max(Instant::now() + SETTLE)).await;
                    drain(&mut wakes);
                }
            }
        }
    }

    /// Waits for another setup, without end.
    async fn stop(&self, reason: Reason) {
        let account = self.account;
        error!(
            %account, code = reason.code, reason = reason.message,
            "no changes are told until {account}.{} or {account}.{} changes; none is lost",
            SecretKind::Changes.file(), SecretKind::ChangesSecret.file(),
        );
        self.status.stopped(account, reason);
        std::future::pending().await
    }

    fn destination(&self, settings: &FeedSettings, setup: &Setup) -> Result<Destination, String> {
        match &settings.target {
            Target::Subject(subject) => Ok(Destination::Subject(Arc::clone(self.queue), subject.clone())),
            Target::Url(url) => {
                let secret = setup.secret.clone().ok_or_else(|| {
                    let file = SecretKind::ChangesSecret.file();
                    let account = self.account;
                    format!(
                        "{account}.{file} is missing or cannot be used, and changes are signed with it; \
                         `klaviyo-connector secret` makes one"
                    )
                })?;
                let endpoint =
                    self.sender.endpoint(url.clone(), secret).map_err(|error| error.to_string())?;
                Ok(Destination::Endpoint(endpoint))
            }
        }
    }

    /// Reads all sources once. A source that fails by itself does not hold the others up.
    async fn round(
        &self,
        settings: &FeedSettings,
        destination: &Destination,
        keeper: &impl Keeper,
    ) -> Result<(), Stop> {
        let tenant = self.tenants.get(self.account);
        let tenant = tenant.map_err(|error| {
            Stop::Account(Reason::new(Code::Unauthenticated, error.to_string()), Duration::ZERO)
        })?;
        let reading = Reading {
            queue: self.queue,
            account: self.account,
            status: self.status,
            settings,
            destination,
            tenant,
            is_busy: || keeper.is_busy(),
        };
        // They are older than what is read.
        reading.retry().await?;
        let profiles = (settings.profiles || settings.consent).then_some(Source::Profiles);
        let lists = settings.lists.iter().cloned().map(Source::List);
        let mut failed = None;
        for source in profiles.into_iter().chain(lists) {
            match reading.read(&source).await {
                Ok(()) => {}
                Err(Stop::Later(reason, least)) => failed = failed.or(Some(Stop::Later(reason, least))),
                Err(stop) => {
                    failed = Some(stop);
                    break;
                }
            }
        }
        failed.map_or(Ok(()), Err)
    }
}

/// Returns when Klaviyo's webhook or an operator asks for a reading.
async fn woken(wakes: &mut Option<BoxStream<'static, ()>>) {
    if let Some(subscriber) = wakes {
        if subscriber.next().await.is_some() {
            return;
        }
        // The subscription has ended, and the next reading makes another one.
        *wakes = None;
    }
    std::future::pending().await
}

/// Takes the wakes that have come meanwhile.
fn drain(wakes: &mut Option<BoxStream<'static, ()>>) {
    while let Some(Some(Some(_))) = wakes.as_mut().map(|wakes| wakes.next().now_or_never()) {}
}

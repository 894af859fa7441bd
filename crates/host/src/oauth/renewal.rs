//! Getting tokens: those that another process has kept, or new ones from Klaviyo, by one process at a time.

use super::endpoint::{GrantError, TokenEndpoint};
use super::installation::{Client, Installation};
use super::record::{Freshness, Record, Tokens};
use super::seal::Sealer;
use super::store::{StoredTokens, TokenStore, TokenStoreError};
use crate::credentials::CredentialsError;
use crate::secret::Secret;
use ring::rand::{SecureRandom, SystemRandom};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use tracing::{debug, error, info, warn};

/// How long a refresher is waited for that does not come to an end: longer than the token endpoint may take. Measured
/// here, so that the clocks of two machines need not agree.
const ABANDONED: Duration = Duration::from_secs(20);
/// How often to look whether the refresher has come to an end.
const LOOK: Duration = Duration::from_millis(200);
/// The longest pause between two attempts to keep new tokens.
const LONGEST: Duration = Duration::from_secs(10);

/// Gets the tokens of one account.
pub(super) struct Renewal {
    endpoint: TokenEndpoint,
    account: String,
    installation: Installation,
    digest: String,
    store: Arc<dyn TokenStore>,
}

/// Tokens that can be used.
pub(super) struct Renewed {
    pub(super) tokens: Tokens,
    /// What could not be kept.
    pub(super) unkept: Option<Unkept>,
}

/// New tokens that the store does not have yet.
pub(super) struct Unkept {
    record: Record,
    version: u64,
    tokens: Tokens,
    /// The refresh token that they were given for.
    given_for: Arc<Secret>,
}

/// What the store has.
struct Known {
    /// None: nothing.
    version: Option<u64>,
    record: Record,
    tokens: Option<Tokens>,
    /// The record is of a newer installation than this process has.
    is_newer: bool,
}

impl Renewal {
    pub(super) fn new(
        endpoint: TokenEndpoint,
        account: &str,
        installation: Installation,
        store: Arc<dyn TokenStore>,
    ) -> Self {
        let digest = installation.digest();
        Self { endpoint: endpoint.of(account), account: account.to_owned(), installation, digest, store }
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn client(&self) -> &Client {
        &self.installation.client
    }

    /// Gets tokens other than the refused one.
    pub(super) async fn renew(&self, refused: Option<&Secret>) -> Result<Renewed, CredentialsError> {
        let sealer =
            Sealer::new(self.client()).map_err(|_| unavailable("there is no key to seal tokens with"))?;
        let is_refused = |token: &Secret| refused.is_some_and(|refused| refused.expose() == token.expose());
        let mut busy: Option<(Option<u64>, Instant)> = None;
        let mut ended: Option<Arc<Secret>> = None;
        loop {
            let Known { version, mut record, tokens, is_newer } = self.known(&sealer).await?;
            if let Some(tokens) = &tokens
                && tokens.freshness() == Freshness::Fresh
                && !is_refused(&tokens.access)
            {
                debug!(account = self.account, "another process has renewed the tokens");
                return Ok(Renewed { tokens: tokens.clone(), unkept: None });
            }
            if record.refresher.is_some() {
                let since = match busy {
                    Some((known, since)) if known == version => since,
                    _ => Instant::now(),
                };
                busy = Some((version, since));
                if since.elapsed() < ABANDONED {
                    sleep(LOOK).await;
                    continue;
                }
                warn!(account = self.account, "who renewed the tokens came to no end; this process does it");
            }
            let token = match &tokens {
                Some(tokens) => Arc::clone(&tokens.refresh),
                None if is_newer => return Err(self.superseded()),
                None => Arc::clone(&self.installation.refresh_token),
            };
            if ended.as_ref().is_some_and(|ended| ended.expose() == token.expose()) {
                return Err(self.ended());
            }
            // Written before Klaviyo is asked: a store that cannot be written to is found before anything changes.
            record.refresher = Some(random()?);
            let Some(version) = self.replace(version, &record).await.map_err(unwritable)? else { continue };
            match self.endpoint.refresh(self.client(), &token).await {
                Ok(grant) => {
                    info!(
                        account = self.account,
                        seconds = grant.lifetime.as_secs(),
                        "the access token is renewed"
                    );
                    let tokens = Tokens::new(grant, &token);
                    let unkept = Unkept { record, version, tokens: tokens.clone(), given_for: token };
                    let unkept = match self.keep(&sealer, &unkept).await {
                        Ok(()) => None,
                        Err(error) => {
                            self.warn_unkept(&error);
                            Some(unkept)
                        }
                    };
                    return Ok(Renewed { tokens, unkept });
                }
                Err(error) => {
                    record.refresher = None;
                    // If that fails, others wait until this one counts as dead.
                    if let Err(error) = self.replace(Some(version), &record).await {
                        warn!(account = self.account, %error, "others cannot be told that the renewal has ended");
                    }
                    match error {
                        // Perhaps another process has kept a newer one meanwhile.
                        GrantError::Invalid => ended = Some(token),
                        GrantError::Client => return Err(self.unknown_client()),
                        GrantError::Unavailable { reason, retry_after } => {
                            return Err(CredentialsError::Unavailable { reason, retry_after });
                        }
                        GrantError::Attempt(error) => return Err(error.into()),
                    }
                }
            }
        }
    }

    /// Keeps new tokens, however long that takes.
    pub(super) async fn keep_on(&self, unkept: Unkept) {
        let mut pause = Duration::from_millis(500);
        loop {
            sleep(pause).await;
            pause = (pause * 2).min(LONGEST);
            let Ok(sealer) = Sealer::new(self.client()) else { continue };
            match self.keep(&sealer, &unkept).await {
                Ok(()) => {
                    info!(account = self.account, "the new tokens are kept");
                    return;
                }
                Err(error) => self.warn_unkept(&error),
            }
        }
    }

    /// Keeps new tokens, unless somebody has kept newer ones.
    async fn keep(&self, sealer: &Sealer, unkept: &Unkept) -> Result<(), TokenStoreError> {
        let Unkept { record, tokens, given_for, .. } = unkept;
        let mut version = Some(unkept.version);
        loop {
            let next = record.with(tokens, sealer, &self.account);
            let next = next.map_err(|_| TokenStoreError::new("the tokens cannot be sealed"))?;
            if self.replace(version, &next).await?.is_some() {
                return Ok(());
            }
            // Another process took this one for dead, or it was written though the answer was lost.
            let known = self.known(sealer).await.map_err(TokenStoreError::new)?;
            let present = known.tokens.as_ref().map_or(&self.installation.refresh_token, |own| &own.refresh);
            if known.record.installation != record.installation || present.expose() != given_for.expose() {
                return Ok(());
            }
            // Without rotation both are good, and the one that is there is as new.
            let has_own = tokens.refresh.expose() == given_for.expose();
            if has_own && known.tokens.is_some_and(|own| own.freshness() == Freshness::Fresh) {
                return Ok(());
            }
            version = known.version;
        }
    }

    /// What the store has, seen from this installation.
    async fn known(&self, sealer: &Sealer) -> Result<Known, CredentialsError> {
        let unreadable =
            |reason: &str| unavailable(&format!("the tokens of the account cannot be read: {reason}"));
        let stored = self.store.load().await.map_err(|error| unreadable(&error.sentence()))?;
        let Some(StoredTokens { version, contents }) = stored else {
            let record = Record::succeeding(None, &self.digest);
            return Ok(Known { version: None, record, tokens: None, is_newer: false });
        };
        let version = Some(version);
        let record: Record = match serde_json::from_slice(&contents) {
            Ok(record) => record,
            Err(error) => {
                return Err(unreadable(&format!("they are not as this version writes them ({error})")));
            }
        };
        let is_newer = record.supersedes(&self.digest);
        if record.installation != self.digest && !is_newer {
            info!(
                account = self.account,
                "the account was connected anew; the tokens of before are replaced"
            );
            let record = Record::succeeding(Some(&record), &self.digest);
            return Ok(Known { version, record, tokens: None, is_newer: false });
        }
        let tokens = match record.tokens(sealer, &self.account) {
            Ok(tokens) => tokens,
            Err(_) if is_newer => None,
            Err(_) => return Err(unreadable("they were sealed for another account, or were changed")),
        };
        Ok(Known { version, record, tokens, is_newer })
    }

    async fn replace(&self, version: Option<u64>, record: &Record) -> Result<Option<u64>, TokenStoreError> {
        let contents = serde_json::to_vec(record).map_err(TokenStoreError::new)?;
        self.store.replace(version, contents).await
    }

    fn warn_unkept(&self, error: &TokenStoreError) {
        error!(
            account = self.account,
            error = error.sentence(),
            "the new tokens cannot be kept; if this process ends before they are, connect the account anew"
        );
    }

    fn connect(&self) -> String {
        format!("`klaviyo-connector connect --account {}`", self.account)
    }

    fn ended(&self) -> CredentialsError {
        let reason = format!("the app's access has ended: connect the account anew with {}", self.connect());
        CredentialsError::Refused { code: "invalid_grant", reason }
    }

    fn unknown_client(&self) -> CredentialsError {
        let reason = format!(
            "the client id or the client secret is not that of an app: correct them, or connect the account anew with {}",
            self.connect()
        );
        CredentialsError::Refused { code: "invalid_client", reason }
    }

    /// Klaviyo does not accept the access tokens that it gives.
    pub(super) fn unaccepted(&self) -> CredentialsError {
        let reason = format!(
            "a new access token is refused too: see that the account has the app, or connect the account anew with {}",
            self.connect()
        );
        CredentialsError::Refused { code: "invalid_token", reason }
    }

    fn superseded(&self) -> CredentialsError {
        unavailable(
            "the account was connected anew, and this process still has what it was connected with before",
        )
    }
}

fn unavailable(reason: &str) -> CredentialsError {
    CredentialsError::Unavailable { reason: reason.to_owned(), retry_after: None }
}

fn unwritable(error: TokenStoreError) -> CredentialsError {
    unavailable(&format!(
        "the tokens of the account cannot be written, so none are asked for: {}",
        error.sentence()
    ))
}

/// Tells a refresher from all others.
fn random() -> Result<String, CredentialsError> {
    let mut bytes = [0; 16];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.map_err(|_| unavailable("the system has no random numbers to give"))?;
    Ok(hex::encode(bytes))
}

//! The credentials of an account that has installed an app.

use super::endpoint::TokenEndpoint;
use super::installation::Installation;
use super::record::{Freshness, Tokens};
use super::renewal::Renewal;
use super::store::TokenStore;
use crate::credentials::{Authorization, Authorizing, Credentials, CredentialsError, Settling};
use crate::secret::Secret;
use parking_lot::Mutex;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, OwnedMutexGuard};
use tokio::time::Instant;
use tracing::warn;

/// How long a refusal is answered again without asking Klaviyo.
const REFUSAL: Duration = Duration::from_secs(15);
/// How long to wait after a renewal failed while the token is still good.
const PAUSE: Duration = Duration::from_secs(10);
/// How often a 401 may lead to a new token: more often, the token is not the reason.
const BETWEEN_401: Duration = Duration::from_secs(60);

/// The credentials of one account by OAuth: see [the module](super). Cloning it is cheap, and the clones are one.
///
/// Its futures need tokio. A renewal goes on when the call that asked for it has no time left.
#[derive(Clone)]
pub struct OAuth(Arc<Shared>);

struct Shared {
    renewal: Renewal,
    state: Mutex<State>,
    /// Locked while tokens are renewed, and until they are kept.
    renewing: Arc<AsyncMutex<()>>,
}

#[derive(Default)]
struct State {
    tokens: Option<Tokens>,
    /// The access token that Klaviyo has answered 401 to.
    refused: Option<Arc<Secret>>,
    /// When a 401 led to a renewal.
    renewed_after_401: Option<Instant>,
    /// What Klaviyo has refused, until then.
    refusal: Option<(Instant, CredentialsError)>,
    /// Not before then is a token renewed that is still good.
    pause: Option<Instant>,
}

impl State {
    fn freshness(&self) -> Freshness {
        let is_refused = |tokens: &Tokens| {
            self.refused.as_ref().is_some_and(|refused| refused.expose() == tokens.access.expose())
        };
        self.tokens.as_ref().filter(|tokens| !is_refused(tokens)).map_or(Freshness::Ended, Tokens::freshness)
    }
}

impl OAuth {
    /// The credentials of an account. `account` is its name: the tokens that are kept can be opened for it alone, and
    /// sentences repeat it.
    #[must_use]
    pub fn new(
        endpoint: TokenEndpoint,
        account: &str,
        installation: Installation,
        store: impl TokenStore,
    ) -> Self {
        let renewal = Renewal::new(endpoint, account, installation, Arc::new(store));
        Self(Arc::new(Shared { renewal, state: Mutex::default(), renewing: Arc::default() }))
    }
}

impl Shared {
    /// The authorization by the token that there is now.
    fn present(&self) -> Option<Authorization> {
        let state = self.state.lock();
        let tokens = state.tokens.as_ref().filter(|_| state.freshness() != Freshness::Ended)?;
        let others = vec![Arc::clone(&tokens.refresh), Arc::clone(&self.renewal.client().secret)];
        Some(Authorization::bearer(Arc::clone(&tokens.access), others))
    }

    async fn authorize(self: &Arc<Self>) -> Result<Authorization, CredentialsError> {
        let freshness = self.state.lock().freshness();
        match freshness {
            Freshness::Fresh => {}
            Freshness::Stale => self.renew_meanwhile(),
            Freshness::Ended => {
                let shared = Arc::clone(self);
                // A call that ends takes no renewal with it: the new refresh token would be lost.
                let renewed = tokio::spawn(async move {
                    let guard = Arc::clone(&shared.renewing).lock_owned().await;
                    shared.renew(guard).await
                });
                renewed.await.unwrap_or_else(|error| {
                    let reason = format!("the renewal of the tokens ended in a defect ({error}); report it");
                    Err(CredentialsError::Unavailable { reason, retry_after: None })
                })?;
            }
        }
        self.present().ok_or_else(|| CredentialsError::Unavailable {
            reason:
                "Klaviyo gave an access token that ends at once; see whether this machine's clock is right"
                    .to_owned(),
            retry_after: None,
        })
    }

    /// Renews tokens that are still good while requests go on with them.
    fn renew_meanwhile(self: &Arc<Self>) {
        let is_paused = self.state.lock().pause.is_some_and(|until| Instant::now() < until);
        let guard = Arc::clone(&self.renewing).try_lock_owned();
        let (false, Ok(guard)) = (is_paused, guard) else { return };
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            if let Err(error) = shared.renew(guard).await {
                let account = shared.renewal.account();
                warn!(account, %error, "the tokens cannot be renewed yet; the access token is good until it ends");
                shared.state.lock().pause = Some(Instant::now() + PAUSE);
            }
        });
    }

    async fn renew(self: &Arc<Self>, guard: OwnedMutexGuard<()>) -> Result<(), CredentialsError> {
        let refused = {
            let state = self.state.lock();
            // Another one was waited for, and has done it.
            if state.freshness() == Freshness::Fresh {
                return Ok(());
            }
            if let Some((until, error)) = &state.refusal
                && Instant::now() < *until
            {
                return Err(error.clone());
            }
            state.refused.clone()
        };
        let renewed = self.renewal.renew(refused.as_deref()).await;
        let mut state = self.state.lock();
        match renewed {
            Ok(renewed) => {
                state.refusal = None;
                state.tokens = Some(renewed.tokens);
                if let Some(unkept) = renewed.unkept {
                    let shared = Arc::clone(self);
                    tokio::spawn(async move {
                        shared.renewal.keep_on(unkept).await;
                        drop(guard);
                    });
                }
                Ok(())
            }
            Err(error) => {
                if let CredentialsError::Refused { .. } = error {
                    state.refusal = Some((Instant::now() + REFUSAL, error.clone()));
                }
                Err(error)
            }
        }
    }
}

impl Credentials for OAuth {
    fn authorize(&self) -> Authorizing<'_> {
        Box::pin(self.0.authorize())
    }

    fn refused(&self, authorization: &Authorization) -> bool {
        let mut state = self.0.state.lock();
        let refused = authorization.secret();
        let is_present =
            state.tokens.as_ref().is_some_and(|tokens| tokens.access.expose() == refused.expose());
        if !is_present {
            return true;
        }
        let now = Instant::now();
        if state.renewed_after_401.is_some_and(|then| now.duration_since(then) < BETWEEN_401) {
            return false;
        }
        state.renewed_after_401 = Some(now);
        state.refused = Some(Arc::clone(refused));
        true
    }

    fn refusal(&self) -> Option<CredentialsError> {
        Some(self.0.renewal.unaccepted())
    }

    /// Waits until no renewal is under way and all tokens are kept: a refresh token that arrives later is lost.
    fn settled(&self) -> Settling<'_> {
        Box::pin(async { drop(self.0.renewing.lock().await) })
    }
}

impl fmt::Debug for OAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuth").field("account", &self.0.renewal.account()).finish_non_exhaustive()
    }
}

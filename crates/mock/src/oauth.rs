//! Apps, and the accounts that have installed them: Klaviyo's OAuth.

pub(crate) mod endpoint;
mod pkce;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// How long a code can be exchanged.
const CODE: Duration = Duration::from_secs(5 * 60);
/// How long an access token is valid.
const ACCESS: Duration = Duration::from_secs(60 * 60);
/// How long a refresh token that nobody uses is valid.
const UNUSED: Duration = Duration::from_secs(90 * 24 * 60 * 60);

/// An app that accounts can install.
#[derive(Clone, Debug)]
pub struct App {
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) redirect: String,
}

impl App {
    /// The client id of [`App::demo`].
    pub const DEMO_CLIENT_ID: &str = "demo-app-5b1f0c7e";
    /// The client secret of [`App::demo`].
    pub const DEMO_CLIENT_SECRET: &str = "demo-app-secret-9d2e4a6f8b0c";

    /// An app with these credentials. People come back to `redirect` when they have installed it. On the loopback
    /// interface its port does not count (RFC 8252; unproven for Klaviyo).
    #[must_use]
    pub fn new(client_id: &str, client_secret: &str, redirect: &str) -> Self {
        let [client_id, client_secret, redirect] = [client_id, client_secret, redirect].map(str::to_owned);
        Self { client_id, client_secret, redirect }
    }

    /// An app whose people come back to `http://127.0.0.1/callback`, at any port.
    #[must_use]
    pub fn demo() -> Self {
        Self::new(Self::DEMO_CLIENT_ID, Self::DEMO_CLIENT_SECRET, "http://127.0.0.1/callback")
    }
}

/// What an access token opens.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    /// The position of the account.
    pub(crate) account: usize,
    /// The number of the installation. Each has a quota of its own.
    pub(crate) installation: u64,
    pub(crate) scopes: BTreeSet<String>,
}

/// An app in an account, from its installation on.
#[derive(Debug)]
struct Installation {
    client_id: String,
    opened: Opened,
    /// The one refresh token, and when it was used last.
    refresh: (String, Duration),
    /// The access tokens, and when each ends.
    access: BTreeMap<String, Duration>,
}

/// A code that waits to be exchanged.
#[derive(Debug)]
struct Code {
    client_id: String,
    redirect: String,
    challenge: String,
    account: usize,
    scopes: BTreeSet<String>,
    until: Duration,
}

/// The tokens that a grant gives.
#[derive(Debug)]
pub(crate) struct Tokens {
    pub(crate) access: String,
    pub(crate) refresh: String,
    pub(crate) seconds: u64,
    pub(crate) scopes: String,
}

/// The authorization server.
#[derive(Debug)]
pub(crate) struct Authority {
    pub(crate) apps: Vec<App>,
    /// Whether each refresh gives a new refresh token, and ends the old one.
    pub(crate) rotates: bool,
    pub(crate) lifetime: Duration,
    codes: BTreeMap<String, Code>,
    installations: Vec<Installation>,
    /// How many codes and tokens were given out.
    issued: u64,
    refreshes: u64,
}

impl Default for Authority {
    fn default() -> Self {
        Self {
            apps: Vec::new(),
            rotates: false,
            lifetime: ACCESS,
            codes: BTreeMap::new(),
            installations: Vec::new(),
            issued: 0,
            refreshes: 0,
        }
    }
}

impl Authority {
    /// A text that was never given out. It is no secret: the simulator has no random numbers.
    fn text(&mut self, kind: &str) -> String {
        self.issued += 1;
        format!("{kind}_{:024x}", self.issued.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    /// Installs an app: the one that was there before ends. Returns the refresh token.
    pub(crate) fn install(
        &mut self,
        client_id: &str,
        account: usize,
        scopes: BTreeSet<String>,
        now: Duration,
    ) -> String {
        // Unproven: that a second installation ends the first one.
        self.installations.retain(|own| own.client_id != client_id || own.opened.account != account);
        let refresh = self.text("refresh");
        let opened = Opened { account, installation: self.issued, scopes };
        self.installations.push(Installation {
            client_id: client_id.to_owned(),
            opened,
            refresh: (refresh.clone(), now),
            access: BTreeMap::new(),
        });
        refresh
    }

    /// Takes an app out of all accounts.
    pub(crate) fn uninstall(&mut self, client_id: &str) {
        self.installations.retain(|installation| installation.client_id != client_id);
    }

    /// What an access token opens now.
    pub(crate) fn opened(&self, token: &str, now: Duration) -> Option<&Opened> {
        let holder =
            self.installations.iter().find(|own| own.access.get(token).is_some_and(|until| now < *until));
        holder.map(|installation| &installation.opened)
    }

    /// How many refreshes succeeded.
    pub(crate) fn refreshes(&self) -> u64 {
        self.refreshes
    }

    /// How many installations there are.
    pub(crate) fn installed(&self) -> usize {
        self.installations.len()
    }

    fn authorize(&mut self, code: Code) -> String {
        let text = self.text("code");
        self.codes.insert(text.clone(), code);
        text
    }

    /// Exchanges a code. It is gone then, whether it was right or not.
    fn exchange(
        &mut self,
        client_id: &str,
        code: &str,
        redirect: &str,
        verifier: &str,
        now: Duration,
    ) -> Option<Tokens> {
        let code = self.codes.remove(code)?;
        let fits = code.client_id == client_id
            && code.redirect == redirect
            && now < code.until
            && code.challenge == pkce::challenge(verifier);
        if !fits {
            return None;
        }
        let refresh = self.install(client_id, code.account, code.scopes, now);
        self.tokens(client_id, &refresh, now)
    }

    fn refresh(&mut self, client_id: &str, refresh: &str, now: Duration) -> Option<Tokens> {
        let rotates = self.rotates;
        let next = self.text("refresh");
        let own = self.holder(client_id, refresh, now)?;
        if rotates {
            own.refresh.0.clone_from(&next);
        }
        let refresh = own.refresh.0.clone();
        let tokens = self.tokens(client_id, &refresh, now)?;
        self.refreshes += 1;
        Some(tokens)
    }

    /// Gives out an access token.
    fn tokens(&mut self, client_id: &str, refresh: &str, now: Duration) -> Option<Tokens> {
        let (access, lifetime) = (self.text("access"), self.lifetime);
        let own = self.holder(client_id, refresh, now)?;
        own.refresh.1 = now;
        own.access.retain(|_, until| now < *until);
        own.access.insert(access.clone(), now.saturating_add(lifetime));
        let scopes = own.opened.scopes.iter().cloned().collect::<Vec<_>>().join(" ");
        let refresh = own.refresh.0.clone();
        Some(Tokens { access, refresh, seconds: lifetime.as_secs(), scopes })
    }

    fn holder(&mut self, client_id: &str, refresh: &str, now: Duration) -> Option<&mut Installation> {
        self.installations.iter_mut().find(|own| {
            let (token, used) = &own.refresh;
            own.client_id == client_id && token == refresh && now.saturating_sub(*used) < UNUSED
        })
    }

    fn revoke(&mut self, client_id: &str, token: &str) {
        // Unproven: whether a revoked access token takes its refresh token along. Here it does not.
        for own in self.installations.iter_mut().filter(|own| own.client_id == client_id) {
            own.access.remove(token);
        }
        self.installations.retain(|own| own.client_id != client_id || own.refresh.0 != token);
    }
}

//! What a store keeps about one account: the newest tokens, who refreshes them, and of which installation they are.

use super::endpoint::Grant;
use super::seal::{SealError, Sealer};
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zeroize::{Zeroize, Zeroizing};

/// How many installations are remembered that were replaced.
const SUPERSEDED: usize = 32;
/// The longest time before its end that an access token is renewed.
const MARGIN: Duration = Duration::from_secs(5 * 60);
/// An access token that ends sooner may end on its way.
const LAST: Duration = Duration::from_secs(5);

/// The record of an account.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Record {
    /// The digest of the installation.
    pub(super) installation: String,
    /// Digests of installations that it has replaced: a process that still has one of them must not take this for old.
    #[serde(default)]
    superseded: Vec<String>,
    /// Who refreshes now; another text each time.
    #[serde(default)]
    pub(super) refresher: Option<String>,
    /// The tokens; none: there was no refresh yet.
    #[serde(default)]
    sealed: Option<String>,
}

/// An access token, and the refresh token for the next one.
#[derive(Clone, Debug)]
pub(super) struct Tokens {
    pub(super) access: Arc<Secret>,
    pub(super) refresh: Arc<Secret>,
    ends: SystemTime,
    margin: Duration,
}

/// How good an access token is now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freshness {
    Fresh,
    /// It ends soon.
    Stale,
    /// It has ended, or has no time left.
    Ended,
}

/// The tokens as they are sealed.
#[derive(Serialize, Deserialize)]
struct Plain {
    access: String,
    refresh: String,
    /// Milliseconds since 1970.
    ends: u64,
    /// Milliseconds.
    margin: u64,
}

impl Drop for Plain {
    fn drop(&mut self) {
        self.access.zeroize();
        self.refresh.zeroize();
    }
}

impl Record {
    /// The record of an installation that replaces another one.
    pub(super) fn succeeding(before: Option<&Self>, installation: &str) -> Self {
        let mut superseded = before.map(|before| before.superseded.clone()).unwrap_or_default();
        superseded.extend(before.map(|before| before.installation.clone()));
        superseded.drain(..superseded.len().saturating_sub(SUPERSEDED));
        Self { installation: installation.to_owned(), superseded, ..Self::default() }
    }

    /// Whether this installation was replaced by that of the record.
    pub(super) fn supersedes(&self, installation: &str) -> bool {
        self.superseded.iter().any(|own| own == installation)
    }

    /// The tokens, for the account that they were sealed for.
    pub(super) fn tokens(&self, sealer: &Sealer, account: &str) -> Result<Option<Tokens>, SealError> {
        let Some(sealed) = &self.sealed else { return Ok(None) };
        let plain = sealer.open(&self.place(account), sealed)?;
        let plain: Plain = serde_json::from_str(&plain).map_err(|_| SealError)?;
        let secret = |text: &str| Secret::new(text).map(Arc::new).map_err(|_| SealError);
        let ends = UNIX_EPOCH.checked_add(Duration::from_millis(plain.ends)).ok_or(SealError)?;
        let margin = Duration::from_millis(plain.margin);
        Ok(Some(Tokens { access: secret(&plain.access)?, refresh: secret(&plain.refresh)?, ends, margin }))
    }

    /// The same record with these tokens, and without a refresher.
    pub(super) fn with(&self, tokens: &Tokens, sealer: &Sealer, account: &str) -> Result<Self, SealError> {
        let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let plain = Plain {
            access: tokens.access.expose().to_owned(),
            refresh: tokens.refresh.expose().to_owned(),
            ends: milliseconds(tokens.ends.duration_since(UNIX_EPOCH).unwrap_or_default()),
            margin: milliseconds(tokens.margin),
        };
        let plain = Zeroizing::new(serde_json::to_string(&plain).map_err(|_| SealError)?);
        let sealed = Some(sealer.seal(&self.place(account), &plain)?);
        Ok(Self { refresher: None, sealed, ..self.clone() })
    }

    fn place(&self, account: &str) -> String {
        format!("{account}\n{}", self.installation)
    }
}

impl Tokens {
    /// The tokens of a grant that was given now for a refresh token.
    pub(super) fn new(grant: Grant, refresh: &Arc<Secret>) -> Self {
        let ends = SystemTime::now().checked_add(grant.lifetime).unwrap_or(UNIX_EPOCH);
        Self {
            access: grant.access_token,
            refresh: grant.refresh_token.unwrap_or_else(|| Arc::clone(refresh)),
            ends,
            margin: MARGIN.min(grant.lifetime / 4),
        }
    }

    pub(super) fn freshness(&self) -> Freshness {
        match self.ends.duration_since(SystemTime::now()).unwrap_or_default() {
            left if left > self.margin.max(LAST) => Freshness::Fresh,
            left if left > LAST => Freshness::Stale,
            _ => Freshness::Ended,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::installation::Client;
    use super::*;

    fn tokens(seconds: u64) -> Tokens {
        let secret = |text| Arc::new(Secret::new(text).unwrap());
        let grant = Grant {
            access_token: secret("access-1234"),
            refresh_token: None,
            lifetime: Duration::from_secs(seconds),
        };
        Tokens::new(grant, &secret("refresh-1234"))
    }

    #[test]
    fn a_record_keeps_its_tokens_sealed() {
        let sealer = Sealer::new(&Client::new("app", "secret-1234").unwrap()).unwrap();
        let record = Record::succeeding(None, "one").with(&tokens(3600), &sealer, "shop-1").unwrap();
        let text = serde_json::to_string(&record).unwrap();
        assert!(!text.contains("1234"), "{text}");
        let record: Record = serde_json::from_str(&text).unwrap();
        let kept = record.tokens(&sealer, "shop-1").unwrap().unwrap();
        assert_eq!((kept.access.expose(), kept.refresh.expose()), ("access-1234", "refresh-1234"));
        assert_eq!(kept.freshness(), Freshness::Fresh);
        assert!(record.tokens(&sealer, "shop-2").is_err());
        assert!(Record { installation: "two".to_owned(), ..record }.tokens(&sealer, "shop-1").is_err());
    }

    #[test]
    fn a_replaced_installation_stays_replaced() {
        let one = Record::succeeding(None, "one");
        let two = Record::succeeding(Some(&one), "two");
        assert!(two.supersedes("one") && !two.supersedes("two") && !one.supersedes("two"));
        let many = (0..100).fold(two, |record, n| Record::succeeding(Some(&record), &n.to_string()));
        assert!(many.supersedes("98") && !many.supersedes("one"));
    }

    #[test]
    fn a_token_is_renewed_before_it_ends() {
        for (seconds, expected) in
            [(3600, Freshness::Fresh), (60, Freshness::Fresh), (6, Freshness::Fresh), (4, Freshness::Ended)]
        {
            assert_eq!(tokens(seconds).freshness(), expected, "{seconds}");
        }
        let soon = Tokens { ends: SystemTime::now() + Duration::from_secs(100), ..tokens(3600) };
        assert_eq!(soon.freshness(), Freshness::Stale);
    }
}

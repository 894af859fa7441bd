//! `klaviyo-connector doctor`: what is right and wrong with the account's settings, and what to fix.
//!
//! The probes are calls that change nothing, and a missing scope shows as 403 before Klaviyo looks at what the call
//! is about.

mod headers;
mod probe;

use crate::account::{Account, Endpoint};
use crate::done::{Done, View};
use crate::exchange::End;
use crate::failure::Failure;
use crate::key::{self, Key};
use crate::session::{IN_CLEAR, USE_HTTPS};
use klaviyo_host::Usage;
use klaviyo_host::types::Code;
use probe::{Probe, Probes, Seen};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub(crate) const GOOD: &str = "good";
pub(crate) const WARNING: &str = "warning";
pub(crate) const BAD: &str = "bad";
const UNKNOWN: &str = "unknown";

const KEY: &str = "key";
const ENDPOINT: &str = "endpoint";
const AUTHENTICATION: &str = "authentication";
const LISTS_READ: &str = "lists:read";
const PROFILES_READ: &str = "profiles:read";
const PROFILES_WRITE: &str = "profiles:write";
const LISTS_WRITE: &str = "lists:write";
const SUBSCRIPTIONS_WRITE: &str = "subscriptions:write";
/// What is looked at, in this order.
const ALL: [&str; 11] = [
    KEY,
    ENDPOINT,
    AUTHENTICATION,
    LISTS_READ,
    PROFILES_READ,
    PROFILES_WRITE,
    LISTS_WRITE,
    SUBSCRIPTIONS_WRITE,
    headers::REVISION,
    headers::CLOCK,
    headers::RATES,
];

const NEW_KEY: &str = "the scopes of a key cannot be changed: in Klaviyo, under Settings > API keys, delete it and create a \
     private key with profiles:read, profiles:write, lists:read and lists:write";

/// One thing that was looked at.
#[derive(Debug)]
pub(crate) struct Check {
    name: &'static str,
    /// [`GOOD`], [`WARNING`], [`BAD`] or `unknown`.
    pub(crate) state: &'static str,
    found: String,
    fix: Option<String>,
    /// What decides about the exit code when it is bad.
    code: Code,
}

impl Check {
    pub(crate) fn good(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, state: GOOD, found: found.into(), fix: None, code: Code::Other }
    }

    pub(crate) fn warning(name: &'static str, found: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { state: WARNING, fix: Some(fix.into()), ..Self::good(name, found) }
    }

    pub(crate) fn bad(
        name: &'static str,
        code: Code,
        found: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { state: BAD, fix: Some(fix.into()), code, ..Self::good(name, found) }
    }

    pub(crate) fn unknown(name: &'static str, found: impl Into<String>) -> Self {
        Self { state: UNKNOWN, ..Self::good(name, found) }
    }
}

/// Looks at everything, as far as that is possible.
pub(crate) async fn run(account: &Account) -> (Result<Done, Failure>, Usage) {
    let source = key::source(account);
    let key = match key::read(account) {
        Ok(key) => key,
        Err(unfit) => {
            let check = Check::bad(KEY, Code::InvalidInput, unfit.found, unfit.fix);
            return (Ok(done(vec![check])), Usage::default());
        }
    };
    let shape = shape(&key, &source);
    let mut probes = match Probes::open(account, key) {
        Ok(probes) => probes,
        Err(failure) => return (Err(failure), Usage::default()),
    };
    let mut checks = vec![shape];
    look(account, &mut probes, &mut checks).await;
    (Ok(done(checks)), probes.usage())
}

async fn look(account: &Account, probes: &mut Probes, checks: &mut Vec<Check>) {
    let lists = probes.lists().await;
    let outcome = Outcome::of(&lists);
    checks.push(endpoint(account, &outcome, &lists));
    if let Some(seen) = lists.seen.as_ref().filter(|seen| matches!(seen.end, End::Answer { .. })) {
        checks.extend([revision(&outcome, seen), headers::clock(seen), headers::rates(seen)]);
    }
    if !matches!(outcome, Outcome::Works | Outcome::Failed(Code::Forbidden, _)) {
        if let Outcome::Failed(Code::Unauthenticated, _) = outcome {
            checks.push(Check::bad(
                AUTHENTICATION,
                Code::Unauthenticated,
                "401: Klaviyo does not know the key",
                "copy the private key again, all of it and nothing else (it is shown only once: create a new one if \
                 you no longer have it), and see that it is of the account that you mean",
            ));
        }
        return;
    }
    checks.push(Check::good(AUTHENTICATION, "Klaviyo knows the key"));
    checks.push(scope(LISTS_READ, &outcome));
    checks.push(scope(PROFILES_READ, &Outcome::of(&probes.lookup().await)));
    let create = probes.create().await;
    let profiles = created(&create).unwrap_or_else(|| scope(PROFILES_WRITE, &Outcome::of(&create)));
    let subscribe = Outcome::of(&probes.subscribe().await);
    checks.push(members(&subscribe, profiles.state == BAD));
    checks.push(profiles);
}

/// What a probe came to, as far as the account is concerned.
enum Outcome {
    Works,
    Failed(Code, String),
}

impl Outcome {
    fn of(probe: &Probe) -> Self {
        let failure = match &probe.result {
            Ok(_) => return Self::Works,
            Err(failure) => &failure.error,
        };
        match (failure.code, probe.seen.as_ref().map(|seen| &seen.end)) {
            // The next page was not asked for.
            (Code::Denied, Some(End::Answer { status: 200, .. })) => Self::Works,
            (code, _) => Self::Failed(code, failure.message.clone()),
        }
    }
}

fn shape(key: &Key, source: &str) -> Check {
    if !key.looks_private {
        let found = format!("{source}: it does not begin with pk_, as private keys do");
        return Check::warning(
            KEY,
            found,
            "see that it is a private key, from Settings > API keys in Klaviyo",
        );
    }
    let found = format!("{source}, and it looks like a private key");
    match key.exposure() {
        None => Check::good(KEY, found),
        Some((exposed, fix)) => Check::warning(KEY, format!("{found}; but {exposed}"), fix),
    }
}

fn endpoint(account: &Account, outcome: &Outcome, probe: &Probe) -> Check {
    let place = account.endpoint.as_ref().map_or("https://a.klaviyo.com", |endpoint| endpoint.url.as_str());
    let bad =
        |code: &Code, found: &str, fix: &str| Check::bad(ENDPOINT, *code, format!("{place}: {found}"), fix);
    match outcome {
        Outcome::Failed(code @ (Code::Connection | Code::Timeout), message) => {
            let reason = match probe.seen.as_ref().map(|seen| &seen.end) {
                Some(End::Nothing(reason)) => reason,
                _ => message,
            };
            let fix = match account.endpoint {
                Some(_) => "see that it runs there, and that --endpoint or KLAVIYO_ENDPOINT is what you mean",
                None => {
                    "see that this machine may connect to a.klaviyo.com on port 443: names (DNS), firewall, \
                     certificates"
                }
            };
            bad(code, reason, fix)
        }
        Outcome::Failed(code @ Code::Unavailable, message) => {
            bad(code, message, "repeat later; Klaviyo tells of outages at status.klaviyo.com")
        }
        Outcome::Failed(code @ Code::Denied, message) => bad(code, message, "see what the name resolves to"),
        // What is about the key, the revision or the rates has a check of its own.
        Outcome::Works
        | Outcome::Failed(Code::Forbidden | Code::Unauthenticated | Code::Retired | Code::RateLimited, _) => {
            if account.endpoint.as_ref().is_some_and(Endpoint::is_in_clear) {
                return Check::warning(ENDPOINT, format!("{place}: {IN_CLEAR}"), USE_HTTPS);
            }
            Check::good(ENDPOINT, place)
        }
        Outcome::Failed(code, message) => {
            bad(code, message, "see what answers there, with --verbose: a proxy, or another server")
        }
    }
}

fn scope(name: &'static str, outcome: &Outcome) -> Check {
    match outcome {
        // Klaviyo has looked at what the call is about, and refuses that.
        Outcome::Works | Outcome::Failed(Code::Rejected | Code::NotFound | Code::Conflict, _) => {
            Check::good(name, "the key has it")
        }
        Outcome::Failed(Code::Forbidden, _) => {
            Check::bad(name, Code::Forbidden, "403: the key lacks it", NEW_KEY)
        }
        // What could not be looked at is not all right.
        Outcome::Failed(code, message) => {
            Check::bad(name, *code, format!("could not be looked at: {message}"), "repeat when that is over")
        }
    }
}

/// What should not happen: Klaviyo has taken an address that is none.
fn created(probe: &Probe) -> Option<Check> {
    let id = probe.result.as_ref().ok()?.pointer("/created/id")?.as_str()?;
    let found =
        format!("the key has it; but Klaviyo took an address that is none, and created the profile {id}");
    Some(Check::warning(PROFILES_WRITE, found, "delete that profile in Klaviyo"))
}

fn members(outcome: &Outcome, profiles_missing: bool) -> Check {
    match outcome {
        Outcome::Failed(Code::Forbidden, _) if profiles_missing => Check::unknown(
            LISTS_WRITE,
            "not known: adding to a list needs profiles:write too, which the key lacks",
        ),
        outcome => scope(LISTS_WRITE, outcome),
    }
}

fn revision(outcome: &Outcome, seen: &Seen) -> Check {
    match outcome {
        Outcome::Failed(Code::Retired, message) => Check::bad(
            headers::REVISION,
            Code::Retired,
            message,
            "ask for a newer one, such as --revision 2026-07-15; without --revision, update this program",
        ),
        _ => headers::revision(seen),
    }
}

/// All checks, in their order; those that were not made are not known.
fn done(made: Vec<Check>) -> Done {
    let unmade = |name| match name {
        SUBSCRIPTIONS_WRITE => {
            Check::unknown(name, "not looked at: it cannot be without a change, and only consent needs it")
        }
        name => Check::unknown(name, "not looked at, because of the above"),
    };
    let mut made: BTreeMap<&str, Check> = made.into_iter().map(|check| (check.name, check)).collect();
    let checks: Vec<Check> =
        ALL.iter().map(|name| made.remove(name).unwrap_or_else(|| unmade(name))).collect();
    let first = checks.iter().find(|check| check.state == BAD).map(|check| check.code);
    let check = |check: &Check| json!({ "check": check.name, "state": check.state, "found": check.found, "fix": check.fix });
    let checks: Vec<Value> = checks.iter().map(check).collect();
    let value = json!({ "healthy": first.is_none(), "checks": checks });
    Done { amiss: first, ..Done::new(value, View::Checks) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_thing_that_is_wrong_decides_about_the_exit_code() {
        let fine = || Check::good(KEY, "");
        let bad = |name, code| Check::bad(name, code, "", "");
        let ill = done(vec![bad(headers::REVISION, Code::Retired), bad(LISTS_READ, Code::Forbidden), fine()]);
        assert_eq!(ill.amiss, Some(Code::Forbidden));
        assert_eq!(ill.value.get("healthy"), Some(&json!(false)));
        let well = done(vec![fine(), Check::warning(headers::CLOCK, "", "")]);
        assert_eq!(well.amiss, None);
        assert_eq!(well.value["checks"].as_array().map(Vec::len), Some(ALL.len()));
    }

    #[test]
    fn lists_write_is_not_known_without_profiles_write() {
        let forbidden = || Outcome::Failed(Code::Forbidden, String::new());
        assert_eq!(members(&forbidden(), false).state, BAD);
        assert_eq!(members(&forbidden(), true).state, UNKNOWN);
        assert_eq!(members(&Outcome::Failed(Code::NotFound, String::new()), true).state, GOOD);
    }
}

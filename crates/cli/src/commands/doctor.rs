//! `klaviyo-connector doctor`: checks of the account's settings, and what to fix.
//!
//! It makes calls that change nothing. A missing scope shows all the same: Klaviyo answers 403 before it looks at the
//! arguments.

mod check;
mod headers;
mod probe;
mod scopes;

use crate::account::{Account, Endpoint};
use crate::context::Context;
use crate::credential::{self, Credential};
use crate::exchange::ExchangeResult;
use crate::failure::{Failure, exit_code};
use crate::key::KeyError;
use crate::output::Output;
use crate::runtime;
use crate::session::{IN_CLEAR, USE_HTTPS};
use check::{BAD, Check};
use clap::Args;
use klaviyo_host::types::{Code, Creation, Profile};
use probe::{Exchange, Probe, Probes};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const KEY: &str = "key";
const ENDPOINT: &str = "endpoint";
const AUTHENTICATION: &str = "authentication";
const LISTS_READ: &str = "lists:read";
const PROFILES_READ: &str = "profiles:read";
const PROFILES_WRITE: &str = "profiles:write";
const LISTS_WRITE: &str = "lists:write";
/// The scopes that the connector has a use for.
pub(crate) const SCOPES: [&str; 11] = [
    LISTS_READ,
    PROFILES_READ,
    PROFILES_WRITE,
    LISTS_WRITE,
    scopes::SUBSCRIPTIONS_WRITE,
    scopes::SEGMENTS_READ,
    scopes::METRICS_READ,
    scopes::EVENTS_READ,
    scopes::EVENTS_WRITE,
    scopes::ACCOUNTS_READ,
    scopes::DATA_PRIVACY_WRITE,
];
/// The names of all checks, in the order in which they are shown.
const ALL: [&str; 17] = [
    KEY,
    ENDPOINT,
    AUTHENTICATION,
    LISTS_READ,
    PROFILES_READ,
    PROFILES_WRITE,
    LISTS_WRITE,
    scopes::SUBSCRIPTIONS_WRITE,
    scopes::SEGMENTS_READ,
    scopes::METRICS_READ,
    scopes::EVENTS_READ,
    scopes::EVENTS_WRITE,
    scopes::ACCOUNTS_READ,
    scopes::DATA_PRIVACY_WRITE,
    headers::REVISION,
    headers::CLOCK,
    headers::RATES,
];

const NEW_KEY: &str = "the scopes of a key cannot be changed: in Klaviyo, under Settings > API keys, delete it and create a \
     private key with profiles:read, profiles:write, lists:read and lists:write";

/// Check the key, its scopes, the revision, the clock and the rates, and say what to fix; changes nothing
#[derive(Args)]
#[command(after_help = "\
With --json, VALUE is {healthy, checks: [{check, state, found, fix}, …]}; a state is good, warning,
bad, missing (opt-ins do not need it) or unknown.")]
pub(crate) struct Doctor {}

impl Doctor {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let account = context.account()?;
        let source = credential::source(&account);
        let credential = match Credential::read(&account) {
            Ok(credential) => credential,
            Err(KeyError { found, fix, .. }) => {
                return Ok(output(vec![Check::bad(KEY, Code::InvalidInput, found, fix)]));
            }
        };
        runtime::on_this_thread(async {
            let mut checks = vec![shape(&credential, &source)];
            let probes = Probes::open(&account, credential, &context.meter)?;
            look(&account, &probes, &mut checks).await;
            probes.settled().await;
            Ok(output(checks))
        })
    }
}

/// Makes the checks that need Klaviyo, as far as its answers allow.
async fn look(account: &Account, probes: &Probes, checks: &mut Vec<Check>) {
    let lists = probes.lists().await;
    let outcome = Outcome::of(&lists);
    checks.push(endpoint(account, &outcome, &lists));
    if let Some(exchange) = &lists.exchange
        && let ExchangeResult::Answer { .. } = exchange.result
    {
        checks.extend([revision(&outcome, exchange), headers::clock(exchange), headers::rates(exchange)]);
    }
    if !matches!(outcome, Outcome::Works | Outcome::Failed(Code::Forbidden, _)) {
        if let (Outcome::Failed(Code::Unauthenticated, message), Some(_)) = (&outcome, &account.oauth_file) {
            let fix = "connect the account anew with `klaviyo-connector connect`";
            checks.push(Check::bad(AUTHENTICATION, Code::Unauthenticated, message, fix));
        } else if let Outcome::Failed(Code::Unauthenticated, _) = outcome {
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
    let by = if account.oauth_file.is_some() { "the access token, by OAuth" } else { "the private key" };
    checks.push(Check::good(AUTHENTICATION, format!("Klaviyo knows {by}")));
    checks.push(scope(LISTS_READ, &outcome));
    checks.push(scope(PROFILES_READ, &Outcome::of(&probes.lookup().await)));
    let create = probes.create().await;
    let profiles = created(&create).unwrap_or_else(|| scope(PROFILES_WRITE, &Outcome::of(&create)));
    let subscribe = Outcome::of(&probes.subscribe().await);
    checks.push(members(&subscribe, profiles.state == BAD));
    checks.push(profiles);
    checks.extend(scopes::look(probes).await);
}

/// What a probe says about the account.
enum Outcome {
    Works,
    Failed(Code, String),
}

impl Outcome {
    fn of<T>(probe: &Probe<T>) -> Self {
        let failure = match &probe.result {
            Ok(_) => return Self::Works,
            Err(failure) => &failure.error,
        };
        match (failure.code, probe.exchange.as_ref().map(|exchange| &exchange.result)) {
            // The limit of one request denied the next page.
            (Code::Denied, Some(ExchangeResult::Answer { status: 200, .. })) => Self::Works,
            (code, _) => Self::Failed(code, failure.message.clone()),
        }
    }
}

fn shape(credential: &Credential, source: &str) -> Check {
    let looks_private = match credential {
        Credential::Key(key) => key.looks_private,
        Credential::Installed(_) => true,
    };
    if !looks_private {
        let found = format!("{source}: it does not begin with pk_, as private keys do");
        return Check::warning(
            KEY,
            found,
            "see that it is a private key, from Settings > API keys in Klaviyo",
        );
    }
    let found = match credential {
        Credential::Key(_) => format!("{source}, and it looks like a private key"),
        Credential::Installed(_) => {
            format!("{source}, which `connect` wrote: OAuth instead of a private key")
        }
    };
    match credential.exposure() {
        None => Check::good(KEY, found),
        Some((exposed, fix)) => Check::warning(KEY, format!("{found}; but {exposed}"), fix),
    }
}

fn endpoint<T>(account: &Account, outcome: &Outcome, probe: &Probe<T>) -> Check {
    let place = account.endpoint.as_ref().map_or("https://a.klaviyo.com", |endpoint| endpoint.url.as_str());
    let bad =
        |code: &Code, found: &str, fix: &str| Check::bad(ENDPOINT, *code, format!("{place}: {found}"), fix);
    match outcome {
        Outcome::Failed(code @ (Code::Connection | Code::Timeout), message) => {
            let reason = match probe.exchange.as_ref().map(|exchange| &exchange.result) {
                Some(ExchangeResult::NoAnswer(reason)) => reason,
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
        // The key, the revision and the rates have checks of their own.
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
        // Klaviyo has looked at the arguments, and so the scope is there.
        Outcome::Works | Outcome::Failed(Code::Rejected | Code::NotFound | Code::Conflict, _) => {
            Check::good(name, "the key has it")
        }
        Outcome::Failed(Code::Forbidden, _) => {
            Check::bad(name, Code::Forbidden, "403: the key lacks it", NEW_KEY)
        }
        Outcome::Failed(code, message) => {
            Check::bad(name, *code, format!("could not be looked at: {message}"), "repeat when that is over")
        }
    }
}

/// Klaviyo has taken an email address that is none, which it should not.
fn created(probe: &Probe<Creation>) -> Option<Check> {
    let Ok(Creation::Created(Profile { id, .. })) = &probe.result else { return None };
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

fn revision(outcome: &Outcome, exchange: &Exchange) -> Check {
    match outcome {
        Outcome::Failed(Code::Retired, message) => Check::bad(
            headers::REVISION,
            Code::Retired,
            message,
            "ask for a newer one, such as --revision 2026-07-15; without --revision, update this program",
        ),
        _ => headers::revision(exchange),
    }
}

/// All checks, in their order. Those that were not made are unknown.
fn output(made: Vec<Check>) -> Output {
    let unmade = |name| {
        let found = scopes::unseen(name).unwrap_or("not looked at, because of the above");
        Check::unknown(name, found)
    };
    let mut made: BTreeMap<&str, Check> = made.into_iter().map(|check| (check.name, check)).collect();
    let checks: Vec<Check> =
        ALL.iter().map(|name| made.remove(name).unwrap_or_else(|| unmade(name))).collect();
    let worst = checks.iter().find(|check| check.state == BAD).map(|check| check.code);
    let documents: Vec<Value> = checks.iter().map(Check::json).collect();
    let value = json!({ "healthy": worst.is_none(), "checks": documents });
    Output::new(value, check::text(&checks)).with_exit_code(worst.map_or(0, exit_code))
}

#[cfg(test)]
mod tests {
    use super::check::{GOOD, UNKNOWN};
    use super::*;

    #[test]
    fn the_first_thing_that_is_wrong_decides_about_the_exit_code() {
        let fine = || Check::good(KEY, "");
        let bad = |name, code| Check::bad(name, code, "", "");
        let ill =
            output(vec![bad(headers::REVISION, Code::Retired), bad(LISTS_READ, Code::Forbidden), fine()]);
        assert_eq!(ill.exit_code, exit_code(Code::Forbidden));
        assert_eq!(ill.value.get("healthy"), Some(&json!(false)));
        let well = output(vec![fine(), Check::warning(headers::CLOCK, "", "")]);
        assert_eq!(well.exit_code, 0);
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

//! The feed of an account's changes, beside what waits in its lanes and under the same lease.

use super::context::WorkerContext;
use super::in_flight::InFlight;
use crate::account::Account;
use crate::feed::{Feed, Keeper};
use crate::queue::Lane;
use crate::secrets::SecretKind;
use std::collections::BTreeSet;

/// The accounts that have a feed and a key here.
pub(super) fn accounts(context: &WorkerContext, keyed: &BTreeSet<Account>) -> BTreeSet<Account> {
    &context.secrets.accounts(SecretKind::Changes) & keyed
}

/// Works on the account's lanes, and tells its changes, until it has neither messages that wait nor a feed. `lanes`
/// works on the lanes until nothing waits, or the account is to be given up.
pub(super) async fn beside<F: Future<Output = ()>>(
    context: &WorkerContext,
    account: &Account,
    in_flight: &[(Lane, InFlight)],
    lanes: impl Fn() -> F,
) {
    let feed = Feed {
        queue: &context.queue,
        account,
        secrets: &context.secrets,
        tenants: &context.tenants,
        sender: &context.sender,
        status: &context.feeds,
    };
    let keeper = Owner { in_flight };
    let lanes = async {
        loop {
            lanes().await;
            if !rest(context, account).await {
                return;
            }
        }
    };
    tokio::select! {
        biased;
        () = feed.run(&keeper) => {}
        () = lanes => {}
    }
}

/// Waits for messages of an account without any. False: it has no feed either, or is to be given up.
async fn rest(context: &WorkerContext, account: &Account) -> bool {
    let (mut waiting, mut assignments) = (context.waiting.subscribe(), context.assignment.subscribe());
    let mut secrets = context.secrets.changes();
    while context.secrets.get(account, SecretKind::Changes).is_some() && context.is_mine(account) {
        tokio::select! {
            biased;
            () = context.shutdown() => return false,
            _ = waiting.wait_for(|accounts| accounts.contains_key(account)) => return true,
            _ = assignments.changed() => {}
            _ = secrets.changed() => {}
        }
    }
    false
}

/// The work on the account, for its feed.
struct Owner<'a> {
    in_flight: &'a [(Lane, InFlight)],
}

impl Keeper for Owner<'_> {
    fn is_busy(&self) -> bool {
        // Delivery events can wait as well as changes can, and replies take none of Klaviyo's requests.
        let counts = |lane: Lane| matches!(lane, Lane::OptOuts | Lane::OptIns);
        self.in_flight.iter().any(|(lane, in_flight)| counts(*lane) && !in_flight.is_empty())
    }
}

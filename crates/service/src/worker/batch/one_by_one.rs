//! Opt-ins that are brought to Klaviyo each by itself: the three steps of `contacts.opt-in`.

use super::attempt::{Batch, Stop};
use super::item::Item;
use crate::opt_in_flow::{self, Failure};
use klaviyo_host::Disposition;
use klaviyo_host::types::Code;

impl Batch<'_> {
    /// Does and settles opt-ins one after the other.
    pub(super) async fn one_by_one(&self, items: Vec<Item>, list: &str) -> Result<(), Stop> {
        for item in items {
            let result = opt_in_flow::opt_in_to_list(self.tenant, &item.request, list).await;
            self.end(vec![(item, result.map_err(unless_list_is_gone))]).await?;
        }
        Ok(())
    }
}

/// The list existed when it was found, and the tenant forgets it with this failure. Another list may have its
/// name at the next attempt, so not-found is no reason to give up here.
fn unless_list_is_gone(failure: Failure) -> Failure {
    if failure.reason.code == Code::NotFound.as_str() {
        return failure.overridden(Disposition::Retry);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::outcome::Reason;

    #[test]
    fn a_list_that_is_gone_is_looked_for_again() {
        for code in Code::ALL {
            let failure = Failure {
                reason: Reason::new(code, "no"),
                disposition: code.disposition(),
                retry_after: None,
            };
            let expected = if code == Code::NotFound { Disposition::Retry } else { code.disposition() };
            assert_eq!(unless_list_is_gone(failure).disposition, expected, "{code:?}");
        }
    }
}

//! Opt-outs of callers who sign them: a platform learns of them by a form, or by its support.

use super::reply::Rejection;
use super::signed::SignedRequest;
use super::state::Door;
use crate::account::Account;
use crate::intake::cleaned;
use crate::moment::Moment;
use crate::opt_in::{Channel, InvalidField, OptIn};
use crate::opt_out::OptOut;
use crate::queue::Lane;
use axum::extract::{Request, State};
use axum::response::Response;
use http::HeaderMap;
use klaviyo_core::NewProfile;
use klaviyo_core::intake::OnInvalid;
use serde::Deserialize;
use std::sync::Arc;

/// An opt-out as a caller sends it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignedOptOut {
    account: Account,
    id: Option<String>,
    email: Option<String>,
    phone_number: Option<String>,
    external_id: Option<String>,
    #[serde(default)]
    channels: Vec<Channel>,
    #[serde(default)]
    lists: Vec<String>,
    at: Option<Moment>,
    #[serde(skip)]
    warnings: Vec<String>,
}

/// The most lists of one opt-out. Each takes a request of its own for each hundred people.
const MOST_LISTS: usize = 20;

impl SignedOptOut {
    /// Checks and cleans it.
    fn take_in(&mut self, account: &Account, now: Moment) -> Result<(), InvalidField> {
        if self.account != *account {
            return Err(InvalidField::new("account", "all opt-outs of a request are of one account"));
        }
        if self.id.as_ref().is_some_and(|id| id.is_empty() || id.len() > OptIn::LONGEST_ID) {
            return Err(InvalidField::new("id", "it has 1 to 200 bytes; leave it out to be given one"));
        }
        if self.channels.is_empty() && self.lists.is_empty() {
            return Err(InvalidField::new(
                "channels",
                "name the channels, or the lists, that the person leaves",
            ));
        }
        if self.lists.len() > MOST_LISTS || self.lists.iter().any(|list| list.trim().is_empty()) {
            let reason = format!("name {MOST_LISTS} lists at most, each by its id or its exact name");
            return Err(InvalidField::new("lists", reason));
        }
        if self.at.get_or_insert(now).is_ahead_of(now) {
            let reason = "it lies in the future; give the time when the person opted out";
            return Err(InvalidField::new("at", reason));
        }
        let written = NewProfile {
            email: self.email.take(),
            phone_number: self.phone_number.take(),
            external_id: self.external_id.take(),
            ..NewProfile::default()
        };
        let (person, warnings) = cleaned(&written, OnInvalid::LeaveOut)?;
        (self.email, self.phone_number, self.external_id) =
            (person.email, person.phone_number, person.external_id);
        self.warnings = warnings;
        self.channels.sort_unstable();
        self.channels.dedup();
        self.lists.sort_unstable();
        self.lists.dedup();
        Ok(())
    }

    fn into_opt_out(self, given: String) -> OptOut {
        let Self { account, id, email, phone_number, external_id, channels, lists, at, warnings } = self;
        OptOut {
            account,
            id: id.unwrap_or(given),
            email,
            phone_number,
            external_id,
            opt_out: channels,
            lists,
            at,
            warnings,
            whatsapp: None,
            is_again: false,
        }
    }
}

pub(super) async fn post_opt_outs(
    State(door): State<Arc<Door>>,
    headers: HeaderMap,
    request: Request,
) -> Result<Response, Rejection> {
    let mut request: SignedRequest<SignedOptOut> =
        SignedRequest::read(&door, Lane::OptOuts, &headers, request).await?;
    let now = Moment::now();
    request
        .take_in(door.backend.most(), |account, opt_out| opt_out.take_in(account, now))
        .inspect_err(|_| door.metrics.opt_outs("refused", request.entries.len()))?;
    request.admit(&door).await?;
    let (account, signature) = (request.account.clone(), request.signature.clone());
    let (entries, answer) = request.into_parts();
    let opt_outs = entries.into_iter().map(|(opt_out, given)| opt_out.into_opt_out(given)).collect();
    Ok(answer.with(door.accept_opt_outs(&account, Some(&signature), opt_outs).await?))
}

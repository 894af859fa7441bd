//! `klaviyo-connector forget`: what the service keeps of one person.

use crate::contact::{id_of, number, region};
use crate::context::Context;
use crate::failure::{Failure, chain, exit_code};
use crate::output::Output;
use crate::runtime;
use crate::service::{self, NatsArgs};
use crate::session;
use crate::text::{good, table, warning};
use clap::{ArgGroup, Args};
use klaviyo_core::identifiers;
use klaviyo_core::intake::address;
use klaviyo_host::Tenant;
use klaviyo_host::types::{Code, Identifier};
use klaviyo_service::account::Account;
use klaviyo_service::data_subject::DataSubject;
use klaviyo_service::queue::{Erasure, ErasureSettings, Place, Role};
use phonenumber::country;
use serde_json::json;

const HELP: &str = "\
Give all identifiers that you have of the person, each as often as needed: a message is found by
those that are in it. The command removes messages that wait, dead letters, refused changes,
outcomes, and the note of what the person said last.

Opt-outs stay, unless --opt-outs is given: those that wait and those that are dead letters, since
Klaviyo is still to be told of them, and when the person has opted out, under a digest of the
number or id, so that no opt-in that comes late undoes it.

A worker may have a message of the person in hand, and write its outcome afterwards. Run the
command again, ten minutes later, until it finds nothing; that is harmless. What Klaviyo itself
knows stays, unless --klaviyo is given; with it, the exit code is 6 while an opt-out waits, and
Klaviyo is not asked. docs/scale.md says what is kept, and where.

With --json, VALUE is {removed, kept, klaviyo}: the first two say how much in each place, as in
{opt-outs, opt-ins, events, replies, answers, dead-letters, changes-dead-letters, outcomes, people};
klaviyo is how many requests to delete the person Klaviyo has taken, or null if it was not asked.";

/// Remove what the service keeps of one person, for a request under a privacy law
#[derive(Args)]
#[command(
    after_help = HELP,
    group = ArgGroup::new("person").required(true).multiple(true).args(["email", "phone", "external_id", "id"])
)]
pub(crate) struct Forget {
    /// The account whose person it is; without files of secrets, it is `default`
    #[arg(long)]
    account: Account,
    /// An email address of the person
    #[arg(long)]
    email: Vec<String>,
    /// A phone number, with its country code or as it is dialled in --region
    #[arg(long)]
    phone: Vec<String>,
    /// Your own id for the person, or WhatsApp's, such as US.13491208655302741918
    #[arg(long, value_name = "ID")]
    external_id: Vec<String>,
    /// Klaviyo's id of the profile
    #[arg(long)]
    id: Vec<String>,
    /// The country of phone numbers without a country code, such as IN
    #[arg(long, value_name = "COUNTRY", value_parser = region, requires = "phone")]
    region: Option<country::Id>,
    /// Remove opt-outs too. An opt-out that Klaviyo has not heard of is lost then, and an older opt-in that comes late
    /// counts again
    #[arg(long)]
    opt_outs: bool,
    /// Have Klaviyo delete the person's profiles too, with the account's key, which needs the scopes profiles:read and
    /// data-privacy:write. This cannot be undone
    #[arg(long, conflicts_with = "dry_run")]
    klaviyo: bool,
    /// Only count what would be removed
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    nats: NatsArgs,
}

impl Forget {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        let identifiers = self.identifiers()?;
        let erasure = runtime::on_this_thread(self.erase(&identifiers))?;
        if !self.klaviyo {
            return Ok(self.output(&erasure, None));
        }
        if erasure.kept.get(&Place::OptOuts).is_some_and(|waiting| *waiting > 0) {
            // It would make a profile anew, of somebody who is unsubscribed.
            let output = self.output(&erasure, None);
            return Ok(output.with_exit_code(exit_code(Code::Unavailable)));
        }
        let deleted = session::in_account(context, async |tenant| {
            let mut requests = 0;
            for identifier in &identifiers {
                requests += delete(tenant, identifier).await?;
            }
            Ok(self.output(&erasure, Some(requests)))
        });
        deleted.map_err(|failure| {
            failure.hint("the service has forgotten the person, and Klaviyo may not; repeat the command")
        })
    }

    /// The person's identifiers, cleaned.
    fn identifiers(&self) -> Result<Vec<Identifier>, Failure> {
        let invalid = |field: &str, error: &klaviyo_core::Error| {
            let reason = error.details.first().map_or(&error.message, |detail| &detail.detail);
            Failure::invalid(Some(field), reason)
        };
        let mut all = Vec::new();
        for email in &self.email {
            let email = identifiers::email(address(email)).map_err(|error| invalid("email", &error))?;
            all.push(Identifier::Email(email));
        }
        for phone in &self.phone {
            all.push(Identifier::PhoneNumber(number(phone, self.region)?));
        }
        for id in &self.external_id {
            let id = identifiers::external_id(id).map_err(|error| invalid("external-id", &error))?;
            all.push(Identifier::ExternalId(id));
        }
        for id in &self.id {
            if id.trim().is_empty() {
                return Err(Failure::invalid(Some("id"), "it is empty; leave it out"));
            }
            all.push(Identifier::Id(id.trim().to_owned()));
        }
        Ok(all)
    }

    async fn erase(&self, identifiers: &[Identifier]) -> Result<Erasure, Failure> {
        let nats = service::nats(&self.nats, Role::Operator).unwrap_or_default();
        let queue = service::queue(&nats).await?;
        let subject = DataSubject::new(identifiers.to_vec());
        let settings = ErasureSettings { opt_outs: self.opt_outs, is_dry: self.dry_run };
        queue.erase(&self.account, &subject, settings).await.map_err(|error| {
            Failure::new(Code::Connection, chain(&error))
                .hint("a part may be removed; repeat the command, which is harmless")
        })
    }

    fn output(&self, erasure: &Erasure, requests: Option<u32>) -> Output {
        let Erasure { removed, kept } = erasure;
        let row = |(place, count): (&Place, &u64)| {
            let kept = kept.get(place).copied().unwrap_or_default();
            (count + kept > 0).then(|| [place.to_string(), count.to_string(), kept.to_string()])
        };
        let rows: Vec<[String; 3]> = removed.iter().filter_map(row).collect();
        let heading = if self.dry_run { "WOULD BE REMOVED" } else { "REMOVED" };
        let text = match rows.is_empty() {
            true => good("the service keeps nothing of this person"),
            false => table(["PLACE", heading, "KEPT"], &rows),
        };
        let value = json!({ "removed": removed, "kept": kept, "klaviyo": requests });
        Output::new(value, text).with_notes(self.notes(erasure, requests))
    }

    /// What is left to do.
    fn notes(&self, Erasure { removed, kept }: &Erasure, requests: Option<u32>) -> String {
        let count = |places: &[Place]| places.iter().filter_map(|place| kept.get(place)).sum::<u64>();
        let mut notes = String::new();
        if count(&[Place::OptOuts, Place::DeadLetters]) > 0 {
            notes.push_str(&warning(
                "Klaviyo has not heard of an opt-out of this person: let the worker do what waits, and retry the dead \
                 letter (`klaviyo-connector dead list`); then run this again",
            ));
        }
        if count(&[Place::People]) > 0 {
            notes.push_str(&warning(
                "when the person has opted out is kept, under a digest, against older opt-ins; --opt-outs removes it",
            ));
        }
        if !self.dry_run && removed.values().any(|count| *count > 0) {
            notes.push_str(&warning(
                "a worker may have had a message in hand: run this again in ten minutes, until it finds nothing",
            ));
        }
        match requests {
            None if self.klaviyo => notes.push_str(&warning(
                "Klaviyo was not asked to delete the person: the opt-out that waits would make a profile anew",
            )),
            None => notes.push_str(&warning(
                "Klaviyo still has its profile of the person: --klaviyo has it deleted, which cannot be undone",
            )),
            Some(0) => notes.push_str(&warning("Klaviyo has no profile with these identifiers")),
            Some(_) => {}
        }
        notes
    }
}

/// Asks Klaviyo to delete the profiles with an identifier, and counts the requests that it took.
async fn delete(tenant: &Tenant, identifier: &Identifier) -> Result<u32, Failure> {
    // Klaviyo deletes by email, number or its own id.
    let by = match identifier {
        Identifier::ExternalId(_) => match id_of(tenant, identifier).await {
            Ok(id) => Identifier::Id(id),
            Err(failure) if failure.error.code == Code::NotFound => return Ok(0),
            Err(failure) => return Err(failure),
        },
        known => known.clone(),
    };
    tenant.delete_profiles(&by).await.map_err(Failure::after_reading)?;
    Ok(1)
}

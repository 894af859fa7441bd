//! `klaviyo-connector merge`: two profiles that become one.

use crate::contact::{Person, nobody};
use crate::context::Context;
use crate::failure::Failure;
use crate::output::{self, Output};
use crate::session;
use crate::text::{TITLE, good, profile_text};
use clap::Args;
use klaviyo_host::Tenant;
use klaviyo_host::json::of_record;
use klaviyo_host::types::{Code, Profile};
use serde_json::json;

/// Merge two profiles of one person into one; it cannot be undone
#[derive(Args)]
#[command(after_help = "\
The profile of --from is deleted. Its lists, consent and events move to the profile of --into; where
both have a value, that of --into stays. Klaviyo merges later: for some minutes --from is still
there. Without --yes the command shows both and merges nothing. A PERSON is an email address, a
phone number such as +919820000001, a profile's id, or external-id:ID. The key needs the scopes
profiles:read and profiles:write.

With --json, VALUE is {into, from}: the ids of the two.")]
pub(crate) struct Merge {
    /// Who stays
    #[arg(long, value_name = "PERSON")]
    into: Person,
    /// Who is merged into that one, and deleted
    #[arg(long, value_name = "PERSON")]
    from: Person,
    /// Merge them: you have seen that both are the same person
    #[arg(long)]
    yes: bool,
}

impl Merge {
    pub(crate) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let (into, from) = (find(tenant, &self.into).await?, find(tenant, &self.from).await?);
            if into.id == from.id {
                return Err(Failure::invalid(None, "both are the same profile; nothing was merged"));
            }
            if !context.options.json {
                output::eprint(&both(&into, &from));
            }
            if !self.yes {
                let sentence = "nothing was merged: it cannot be undone, and needs --yes";
                return Err(Failure::invalid(None, sentence)
                    .hint(format!("{} would stay, and {} would be deleted", into.id, from.id)));
            }
            tenant.merge(&into.id, &from.id).await.map_err(Failure::after_reading)?;
            let sentence = format!("Klaviyo merges {} into {}", from.id, into.id);
            Ok(Output::new(json!({ "into": into.id, "from": from.id }), good(&sentence)))
        })
    }
}

async fn find(tenant: &Tenant, person: &Person) -> Result<Profile, Failure> {
    tenant
        .lookup(&person.0)
        .await?
        .value
        .ok_or_else(|| Failure::new(Code::NotFound, format!("{} (nothing was merged)", nobody(&person.0))))
}

/// Both people, before they are merged.
fn both(into: &Profile, from: &Profile) -> String {
    let mut out = String::new();
    for (what, profile) in [("stays", into), ("is merged and deleted", from)] {
        out.push_str(&format!("{TITLE}{what}{TITLE:#}\n"));
        profile_text(&mut out, &of_record(profile));
        out.push('\n');
    }
    out
}

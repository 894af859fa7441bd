//! `consent status`.

use crate::contact::{Who, identifier_json, nobody};
use crate::context::Context;
use crate::failure::{Failure, exit_code};
use crate::output::Output;
use crate::session;
use crate::text::{self, cell, channel_of, day, field, text_of};
use clap::Args;
use klaviyo_host::types::Code;
use serde_json::Value;

/// Show what a person consented to, and what stops email although the person consented
#[derive(Args)]
#[command(after_help = "\
The key needs the scope profiles:read.

With --json, VALUE is {profile-id, channels, transactional, conversational}, or null; each of the
last three is [{channel, state, can-receive, consented-at, updated, method, custom-source,
suppressions: [{reason, since, list}, …]}, …].")]
pub(super) struct Status {
    #[command(flatten)]
    who: Who,
}

impl Status {
    pub(super) fn run(&self, context: &Context) -> Result<Output, Failure> {
        session::in_account(context, async |tenant| {
            let by = self.who.identifier()?;
            let consents = tenant.call("consent.status", &[identifier_json(&by)]).await?.value;
            if consents.is_null() {
                return Ok(Output::nothing(&nobody(&by), exit_code(Code::NotFound)));
            }
            let text = screen(&consents);
            Ok(Output::new(consents, text))
        })
    }
}

fn screen(consents: &Value) -> String {
    let mut out = String::new();
    field(&mut out, "id", text_of(consents, "profile-id"));
    let kinds =
        [("marketing", "channels"), ("transactional", "transactional"), ("conversational", "conversational")];
    let rows: Vec<[String; 6]> = kinds
        .into_iter()
        .flat_map(|(kind, name)| {
            let channels = consents.get(name).and_then(Value::as_array);
            channels.into_iter().flatten().map(move |consent| row(kind, consent))
        })
        .collect();
    out.push('\n');
    out.push_str(&text::table(["CHANNEL", "FOR", "STATE", "CAN RECEIVE", "SINCE", "SUPPRESSED"], &rows));
    out
}

fn row(kind: &str, consent: &Value) -> [String; 6] {
    let can_receive = match consent.get("can-receive").and_then(Value::as_bool) {
        Some(true) => "yes",
        Some(false) => "no",
        None => "-",
    };
    let since = [text_of(consent, "updated"), text_of(consent, "consented-at")];
    let since = since.into_iter().find(|time| !time.is_empty()).unwrap_or_default();
    let suppressions = consent.get("suppressions").and_then(Value::as_array);
    let reasons: Vec<String> = suppressions.into_iter().flatten().map(reason).collect();
    [
        channel_of(consent.get("channel")),
        kind.to_owned(),
        cell(text_of(consent, "state")),
        can_receive.to_owned(),
        day(since),
        cell(&reasons.join(", ")),
    ]
}

fn reason(suppression: &Value) -> String {
    match text_of(suppression, "list") {
        "" => text_of(suppression, "reason").to_owned(),
        list => format!("{} (list {list})", text_of(suppression, "reason")),
    }
}

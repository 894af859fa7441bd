//! `--dry-run`: the requests on standard output, and what there is to say of rows on standard error.

use super::args::Sync;
use super::settings;
use crate::account::Account;
use crate::failure::Failure;
use crate::find_list;
use crate::output::{self, Output};
use crate::rows::{form_json, tell_form};
use crate::session;
use crate::text::{clean, clean_json, field, good};
use klaviyo_host::{Pace, Secret, Tenant};
use klaviyo_sync::{DryAccount, Form, Plan, RecordingTransport, Reporter, RowOutcome, UnsentRequest};
use serde_json::json;
use std::fmt::Write as _;
use std::io;

/// Says what a sync would send.
pub(super) async fn run(account: &Account, options: &Sync) -> Result<Output, Failure> {
    let settings = settings::of(options, account);
    let input = settings::input(options, &settings, account)?;
    // A text that looks like an id is taken for one. Only Klaviyo knows the id of a name.
    let id = options.list.as_deref().map(|name| if find_list::is_id(name) { name } else { "LISTID" });
    let list = id.zip(options.list.as_deref());
    let dry = DryAccount::new(list, |transport| dry_tenant(account, transport))?;
    let work = async {
        let input = input.open().await?;
        let form = input.form.clone();
        tell_form(&form);
        let mut printer = Printer { requests: !account.json };
        let plan = klaviyo_sync::dry_run(input, &settings, id, dry, &mut printer).await?;
        Ok(output(&plan, &form))
    };
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

/// A tenant over a transport that sends nothing.
fn dry_tenant(account: &Account, transport: RecordingTransport) -> Result<Tenant, Failure> {
    let key = Secret::new("dry-run").map_err(|error| Failure::other(error.to_string()))?;
    session::over(account, key, DryAccount::limits(), transport, Pace::unlimited())
}

fn output(plan: &Plan, form: &Form) -> Output {
    let counts = plan.counts;
    let requests = plan.requests.values().sum::<u64>();
    let imports = plan.requests.get("bulk import").copied().unwrap_or_default();

    let mut notes = good("nothing was sent; this is what a sync would send");
    field(&mut notes, "rows", &format!("{}, of which {} are refused", counts.rows(), counts.refused));
    if counts.warned > 0 {
        let go = if counts.warned == 1 { "row goes" } else { "rows go" };
        let warned = format!("{} {go} without a part of what the input says", counts.warned);
        field(&mut notes, "warnings", &warned);
    }
    let each = plan.requests.iter().map(|(name, count)| format!("{count} × {name}"));
    let each: Vec<String> = each.collect();
    field(&mut notes, "requests", &format!("{requests}: {}", each.join(", ")));
    let least = match (plan.seconds / 60, plan.seconds % 60) {
        (0, 0) => "less than a second".to_owned(),
        (0, seconds) => format!("{seconds} s"),
        (minutes, seconds) => format!("{minutes} min {seconds} s"),
    };
    field(&mut notes, "time", &format!("{least} for these at Klaviyo's rates, if it answers at once"));
    if imports > 0 {
        let text = "Klaviyo then works on the imports, mostly for minutes; it is asked about all of them together, \
                    every 15 s at most";
        field(&mut notes, "", text);
    }
    let value = json!({
        "rows": counts.rows(),
        "good": counts.done,
        "refused": counts.refused,
        "warned": counts.warned,
        "requests": requests,
        "by-operation": plan.requests,
        "seconds": plan.seconds,
        "imports": imports,
        "input": form_json(form),
    });
    Output::new(value, String::new()).with_notes(notes)
}

/// Shows requests, and rows with a reason.
struct Printer {
    requests: bool,
}

impl Reporter for Printer {
    fn row(&mut self, line: u64, outcome: &RowOutcome) {
        let (name, reason) = (outcome.as_ref(), outcome.reason());
        if !reason.reason.is_empty() {
            let name = if matches!(outcome, RowOutcome::Done(_)) { "warning" } else { name };
            output::eprint(&format!("line {line}: {name}: {}\n", clean(&reason.to_string())));
        }
    }

    fn request(&mut self, request: &UnsentRequest) -> io::Result<()> {
        if self.requests { output::print(&text(request)) } else { Ok(()) }
    }
}

/// A request as it goes over the wire, but for the key.
fn text(request: &UnsentRequest) -> String {
    let mut out = format!("{} {}\n", request.method, clean(&request.url.to_string()));
    // Writing to a string does not fail.
    for (name, value) in &request.headers {
        let _ = writeln!(out, "{name}: {}", clean(&String::from_utf8_lossy(value.as_bytes())));
    }
    out.push_str("authorization: Klaviyo-API-Key pk_…\n");
    if !request.body.is_empty() {
        let _ = write!(out, "\n{}\n", clean_json(&String::from_utf8_lossy(&request.body)));
    }
    out.push('\n');
    out
}

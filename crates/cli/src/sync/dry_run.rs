//! `--dry-run`: the requests on standard output, and what there is to say of rows on standard error.

use super::{Account, Done, Failure, Sync, View, dry_tenant, settings, shown, tell};
use crate::commands::lists;
use crate::output;
use crate::text::{clean, clean_json};
use klaviyo_sync::{DryAccount, Reporter, RowOutcome, UnsentRequest};
use serde_json::json;
use std::fmt::Write as _;
use std::io;

/// Says what a sync would send.
pub(super) async fn run(account: &Account, options: &Sync) -> Result<Done, Failure> {
    let settings = settings::of(options, account);
    let input = settings::input(options, &settings, account)?;
    // What looks like an id is taken for one; the id of a name is only known to Klaviyo.
    let id = options.list.as_deref().map(|name| if lists::is_id(name) { name } else { "LISTID" });
    let build = |transport| dry_tenant(account, transport);
    let dry = match id.zip(options.list.as_deref()) {
        Some((id, name)) => DryAccount::with_list(id, name, build)?,
        None => DryAccount::new(build)?,
    };
    let work = async {
        let input = input.open().await?;
        let form = input.form().clone();
        tell(&form);
        let mut printer = Printer { requests: !account.json };
        let plan = klaviyo_sync::dry_run(input, &settings, id, dry, &mut printer).await?;
        let counts = plan.counts;
        let value = json!({
            "rows": counts.rows(),
            "good": counts.done,
            "refused": counts.refused,
            "warned": counts.warned,
            "requests": plan.requests.values().sum::<u64>(),
            "by-operation": plan.requests,
            "seconds": plan.seconds,
            "imports": plan.requests.get("bulk import").copied().unwrap_or_default(),
            "input": shown(&form),
        });
        Ok(Done::new(value, View::Planned))
    };
    tokio::select! {
        done = work => done,
        _ = tokio::signal::ctrl_c() => Err(Failure::interrupted()),
    }
}

struct Printer {
    requests: bool,
}

impl Reporter for Printer {
    fn row(&mut self, line: u64, outcome: &RowOutcome) {
        let (name, reason) = (outcome.name(), outcome.reason());
        if !reason.reason.is_empty() {
            let name = if matches!(outcome, RowOutcome::Done(_)) { "warning" } else { name };
            output::aside(&format!("line {line}: {name}: {}\n", clean(&reason.to_string())));
        }
    }

    fn request(&mut self, request: &UnsentRequest) -> io::Result<()> {
        if self.requests { output::print(&text(request)) } else { Ok(()) }
    }
}

/// A request as it goes over the wire, but for the key.
fn text(request: &UnsentRequest) -> String {
    let mut out = format!("{} {}\n", request.method, clean(&request.url));
    // Writing to a string does not fail.
    for (name, value) in &request.headers {
        let _ = writeln!(out, "{name}: {}", clean(value));
    }
    out.push_str("authorization: Klaviyo-API-Key pk_…\n");
    if !request.body.is_empty() {
        let _ = write!(out, "\n{}\n", clean_json(&String::from_utf8_lossy(&request.body)));
    }
    out.push('\n');
    out
}

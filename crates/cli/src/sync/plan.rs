//! `--dry-run`: what a sync would send, how many requests that is, and how long they take at Klaviyo's rates.

use super::batches::{Batches, Chunk};
use super::form::Form;
use super::outcome::{Counts, Outcome, Why};
use super::rehearsal::Unsent;
use super::settings::{Part, Settings, Way};
use crate::done::{Done, View};
use crate::failure::Failure;
use crate::report;
use crate::text::{clean, clean_json};
use http::Uri;
use klaviyo_host::Endpoint;
use serde_json::json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A sync that sends nothing.
pub(super) struct Plan<'a> {
    pub(super) batches: Batches,
    pub(super) settings: &'a Settings,
    form: Form,
    /// Whether requests are shown.
    pub(super) shown: bool,
    pub(super) counts: Counts,
    requests: BTreeMap<&'static str, (u64, &'static Endpoint)>,
}

impl<'a> Plan<'a> {
    pub(super) fn new(batches: Batches, settings: &'a Settings, form: Form, shown: bool) -> Self {
        Self { batches, settings, form, shown, counts: Counts::default(), requests: BTreeMap::new() }
    }

    pub(super) async fn run(&mut self) -> Result<Done, Failure> {
        match &self.settings.way {
            Way::OneByOne => self.one_by_one().await?,
            _ => self.in_bulk().await?,
        }
        Ok(self.done())
    }

    async fn in_bulk(&mut self) -> Result<(), Failure> {
        let mut looked = false;
        while let Some(mut batch) = self.batches.next().await? {
            for part in Part::ALL {
                let contacts = std::mem::take(&mut batch.part(part).contacts);
                if contacts.is_empty() {
                    continue;
                }
                if !looked {
                    looked = true;
                    self.batches.rehearsal.session.tenant().imports(None).await?;
                    self.show()?;
                }
                self.batches.rehearsal.import(&contacts, self.settings.import_list(part)).await?;
                self.show()?;
            }
            if let Way::Consent(consent) = &self.settings.way {
                for Chunk { rows, source } in std::mem::take(&mut batch.chunks) {
                    let people: Vec<_> =
                        rows.iter().filter_map(|row| batch.subscriptions.remove(row)).collect();
                    let list = self.settings.list.as_deref();
                    self.batches.rehearsal.grant(&people, list, &consent.options(source.as_deref())).await?;
                    self.show()?;
                }
            }
            for (place, (line, outcome)) in std::mem::take(&mut batch.rows).into_iter().enumerate() {
                self.end(line, outcome.unwrap_or_else(|| batch.done(place)));
            }
        }
        Ok(())
    }

    async fn one_by_one(&mut self) -> Result<(), Failure> {
        let list = self.settings.list.clone().unwrap_or_default();
        while let Some((mut batch, rows)) = self.batches.some(1).await? {
            for (place, row) in rows.into_iter().enumerate() {
                let outcome = match row.contact {
                    Err(why) => Some(Outcome::Refused(why)),
                    Ok(contact) => {
                        let result = self.batches.rehearsal.opt_in(&contact.profile, &list).await;
                        self.show()?;
                        result.err().map(|failure| Outcome::Refused(Why::error(&failure.error)))
                    }
                };
                self.end(row.line, outcome.unwrap_or_else(|| batch.done(place)));
            }
        }
        Ok(())
    }

    fn end(&mut self, line: u64, outcome: Outcome) {
        let (field, reason) = outcome.words();
        if !reason.is_empty() {
            let name = if matches!(outcome, Outcome::Done(_)) { "warning" } else { outcome.name() };
            let field = if field.is_empty() { String::new() } else { format!("{field}: ") };
            report::aside(&format!("line {line}: {name}: {}\n", clean(&format!("{field}{reason}"))));
        }
        self.counts.add(&outcome);
    }

    /// Counts what has been recorded, and prints it.
    pub(super) fn show(&mut self) -> Result<(), Failure> {
        for unsent in self.batches.rehearsal.take() {
            let path = unsent.url.parse::<Uri>().map(|url| url.path().to_owned()).unwrap_or_default();
            let endpoint = Endpoint::of(&unsent.method, &path);
            self.requests.entry(endpoint.name).or_insert((0, endpoint)).0 += 1;
            if self.shown {
                report::print(&text(&unsent))
                    .map_err(|error| Failure::other(format!("cannot write the requests: {error}")))?;
            }
        }
        Ok(())
    }

    fn done(&self) -> Done {
        let count = |name: &str| self.requests.get(name).map_or(0, |(count, _)| *count);
        let all: u64 = self.requests.values().map(|(count, _)| count).sum();
        let seconds = self.requests.values().map(|(count, endpoint)| seconds(endpoint, *count));
        let by_operation: BTreeMap<_, _> = self.requests.keys().map(|name| (*name, count(name))).collect();
        let value = json!({
            "rows": self.counts.rows(),
            "good": self.counts.done,
            "refused": self.counts.refused,
            "warned": self.counts.warned,
            "requests": all,
            "by-operation": by_operation,
            "seconds": seconds.max().unwrap_or_default(),
            "imports": count("bulk import"),
            "input": self.form.json(),
        });
        Done::new(value, View::Planned)
    }
}

/// How long so many requests take at the rates of an endpoint, the first of them at once.
fn seconds(endpoint: &Endpoint, count: u64) -> u64 {
    let before = count.saturating_sub(1);
    let (burst, steady) = (u64::from(endpoint.burst), u64::from(endpoint.steady));
    before / steady * 60 + before % steady / burst
}

/// A request as it goes over the wire, but for the key.
fn text(unsent: &Unsent) -> String {
    let mut out = format!("{} {}\n", unsent.method, clean(&unsent.url));
    // Writing to a string does not fail.
    for (name, value) in &unsent.headers {
        let _ = writeln!(out, "{name}: {}", clean(value));
    }
    out.push_str("authorization: Klaviyo-API-Key pk_…\n");
    if !unsent.body.is_empty() {
        let _ = write!(out, "\n{}\n", clean_json(&String::from_utf8_lossy(&unsent.body)));
    }
    out.push('\n');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Method;

    #[test]
    fn requests_take_their_time() {
        let import = Endpoint::of(&Method::POST, "/api/profile-bulk-import-jobs/");
        assert_eq!(
            [0, 1, 10, 11, 150, 151, 301].map(|count| seconds(import, count)),
            [0, 0, 0, 1, 14, 60, 120]
        );
        let create = Endpoint::of(&Method::POST, "/api/profiles/");
        assert_eq!([75, 76, 700, 701].map(|count| seconds(create, count)), [0, 1, 9, 60]);
    }
}

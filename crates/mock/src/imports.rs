//! Bulk imports: jobs that write profiles one after another and keep the errors.

use crate::account::Account;
use crate::answer::{ORIGIN, Refusal};
use crate::check::given;
use crate::clock::timestamp;
use crate::profile::IDENTIFIERS;
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use serde_json::{Map, Value, json};
use std::time::Duration;

/// How long Klaviyo keeps the results of a job.
const KEPT: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// A bulk import as the account knows it.
#[derive(Clone, Debug)]
pub struct Import {
    /// Klaviyo's id.
    pub id: String,
    /// `queued`, `processing` or `complete`.
    pub status: &'static str,
    /// The number of profiles in the request.
    pub total: usize,
    /// The number of written profiles.
    pub completed: usize,
    /// The errors about the others.
    pub errors: Vec<ImportError>,
    /// The lists that the profiles join.
    pub lists: Vec<String>,
    pub(crate) created_at: String,
    started_at: Option<String>,
    completed_at: Option<String>,
    expires_at: String,
}

/// Why a profile was not imported.
#[derive(Clone, Debug)]
pub struct ImportError {
    /// Klaviyo's code, such as `duplicate_profile`.
    pub code: &'static str,
    /// What went wrong.
    pub detail: String,
    /// The pointer to the row of the request.
    pub pointer: String,
    /// The row of the request.
    pub payload: Value,
}

/// An import that still has rows to write.
#[derive(Debug)]
pub(crate) struct Work {
    id: String,
    accepted: Duration,
    rows: Vec<Value>,
    done: usize,
}

impl Account {
    /// Accepts checked rows. The job starts later.
    pub(crate) fn import(&mut self, rows: Vec<Value>, lists: Vec<String>) -> &Import {
        let id = import_id(self.imports.len());
        let import = Import {
            id: id.clone(),
            status: "queued",
            total: rows.len(),
            completed: 0,
            errors: Vec::new(),
            lists,
            created_at: self.clock.timestamp(),
            started_at: None,
            completed_at: None,
            expires_at: timestamp(self.clock.date() + KEPT),
        };
        self.import_work.push_back(Work { id: id.clone(), accepted: self.clock.now(), rows, done: 0 });
        self.imports.entry(id).or_insert(import)
    }

    /// A job waits for the first half of its time, and writes its rows evenly over the second.
    pub(crate) fn run_imports(&mut self) {
        let (now, half) = (self.clock.now(), self.job_delay / 2);
        for mut work in std::mem::take(&mut self.import_work) {
            let age = now.saturating_sub(work.accepted);
            if age >= half {
                self.run_import(&mut work, age.saturating_sub(half), half);
            }
            if work.done < work.rows.len() {
                self.import_work.push_back(work);
            }
        }
    }

    fn run_import(&mut self, work: &mut Work, age: Duration, whole: Duration) {
        let total = work.rows.len();
        let due = if age >= whole { total } else { share(total, age, whole) };
        let Some(lists) = self.imports.get(&work.id).map(|import| import.lists.clone()) else { return };
        let mut errors = Vec::new();
        for (n, row) in work.rows.iter_mut().enumerate().take(due).skip(work.done) {
            match self.import_row(row) {
                Ok(id) => lists.iter().for_each(|list| self.join(list, &id)),
                Err((code, detail)) => {
                    let pointer = format!("/data/attributes/profiles/data/{n}");
                    errors.push(ImportError { code, detail, pointer, payload: row.take() });
                }
            }
        }
        let now = self.clock.timestamp();
        let Some(import) = self.imports.get_mut(&work.id) else { return };
        import.completed += due.saturating_sub(work.done).saturating_sub(errors.len());
        import.errors.extend(errors);
        import.status = "processing";
        import.started_at.get_or_insert_with(|| now.clone());
        if due == total {
            import.status = "complete";
            import.completed_at = Some(now);
        }
        work.done = due;
    }

    /// Writes one row, and takes its attributes; returns the id of the profile, or the code and the detail of an
    /// error.
    fn import_row(&mut self, row: &mut Value) -> Result<String, (&'static str, String)> {
        let none = Map::new();
        let attributes = row.get("attributes").and_then(Value::as_object).unwrap_or(&none);
        let refused = IDENTIFIERS.iter().filter_map(|name| given(attributes, name));
        let refused =
            refused.filter_map(|value| self.import_refusals.get(&value.to_ascii_lowercase())).next();
        if let Some(detail) = refused {
            return Err(("invalid", detail.clone()));
        }
        let id = row.get("id").and_then(Value::as_str);
        let position = self.upsert_target(id, attributes).map_err(|clash| clash.as_import_error())?;
        let attributes = match row.get_mut("attributes").map(Value::take) {
            Some(Value::Object(attributes)) => attributes,
            _ => Map::new(),
        };
        let position = match position {
            Some(position) => {
                self.write(position, attributes);
                position
            }
            None => self.create(attributes),
        };
        self.patch(position, row);
        Ok(self.profile_at(position).map(|profile| profile.id.clone()).unwrap_or_default())
    }

    /// The profile that an upsert writes to; none: a new one.
    pub(crate) fn upsert_target(
        &self,
        id: Option<&str>,
        attributes: &Map<String, Value>,
    ) -> Result<Option<usize>, Clash> {
        let named = match id {
            None => None,
            Some(id) => Some(self.position_of("id", id).ok_or_else(|| Clash::Unknown(id.to_owned()))?),
        };
        let holders = self.holders(attributes);
        let target = named.or(holders.first().copied());
        // Unproven: which of the two profiles is named.
        match holders
            .iter()
            .find(|holder| Some(**holder) != target)
            .and_then(|position| self.profile_at(*position))
        {
            Some(other) => Err(Clash::Duplicate(other.id.clone())),
            None => Ok(target),
        }
    }
}

/// Why an upsert cannot be done.
pub(crate) enum Clash {
    /// No profile has the id.
    Unknown(String),
    /// The identifiers belong to two profiles; the other one's id.
    Duplicate(String),
}

impl Clash {
    // Unproven: the codes of import errors.
    fn as_import_error(&self) -> (&'static str, String) {
        match self {
            Self::Unknown(id) => ("not_found", format!("A profile with id {id} does not exist.")),
            Self::Duplicate(id) => {
                let refusal = Refusal::conflict(Some(id));
                (refusal.code, refusal.detail)
            }
        }
    }
}

impl Import {
    pub(crate) fn resource(&self) -> Value {
        let path = format!("{ORIGIN}/api/profile-bulk-import-jobs/{}", encoded(&self.id));
        let link = |what: &str| {
            let own = format!("{path}/relationships/{what}/");
            json!({ "self": own, "related": format!("{path}/{what}/") })
        };
        let lists: Vec<Value> = self.lists.iter().map(|id| json!({ "type": "list", "id": id })).collect();
        json!({
            "type": "profile-bulk-import-job",
            "id": self.id,
            "attributes": {
                "status": self.status,
                "created_at": self.created_at,
                "total_count": self.total,
                "completed_count": self.completed,
                "failed_count": self.errors.len(),
                "started_at": self.started_at,
                "completed_at": self.completed_at,
                "expires_at": self.expires_at,
            },
            "relationships": {
                "lists": { "data": lists, "links": link("lists") },
                "profiles": { "links": link("profiles") },
                "import-errors": { "links": { "related": format!("{path}/import-errors/") } },
            },
            "links": { "self": format!("{path}/") },
        })
    }
}

impl ImportError {
    pub(crate) fn resource(&self, n: usize) -> Value {
        json!({
            "type": "import-error",
            "id": format!("{n:08x}-0000-4000-8000-00000000e440"),
            "attributes": {
                "code": self.code,
                "title": "Invalid input.",
                "detail": self.detail,
                "source": { "pointer": self.pointer },
                "original_payload": self.payload,
            },
        })
    }
}

/// The number of the `total` rows that are due when `age` of the `whole` time has passed.
fn share(total: usize, age: Duration, whole: Duration) -> usize {
    let total = u128::try_from(total).unwrap_or_default();
    let due = total.saturating_mul(age.as_nanos()).checked_div(whole.as_nanos());
    due.and_then(|due| usize::try_from(due).ok()).unwrap_or_default()
}

/// An id as long as Klaviyo's, with a character that a form would change.
fn import_id(n: usize) -> String {
    STANDARD_NO_PAD.encode(format!("~~~:01GMTZY2TEKN4KFRP30J:maintenance:{n:06}"))
}

fn encoded(id: &str) -> String {
    percent_encoding::utf8_percent_encode(id, percent_encoding::NON_ALPHANUMERIC).to_string()
}

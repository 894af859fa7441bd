//! Bulk requests: many rows in few requests, for imports, subscriptions, unsubscriptions and events.
//!
//! Klaviyo accepts such a request as a whole or not at all. So each row is checked first, and if Klaviyo
//! refuses a request, it is sent again without the rows that Klaviyo names.

use crate::check::{PROFILE_BYTES, REQUEST_BYTES};
use crate::diagnosis::Advice;
use crate::json::Json;
use crate::jsonapi::{self, ResourceId};
use crate::operation::{Operation, REVISION, json, nothing_or_data, partial_failures, post};
use crate::{BatchResult, Code, Detail, Error, Http, ORIGIN, Refusal, Response};
use alloc::{borrow::ToOwned, boxed::Box, format, string::String, vec::Vec};
use serde::Serialize;

/// How often a request is sent again without refused rows. Klaviyo may name all of them at once or only the
/// first.
const REPEATS: usize = 100;

/// The parts of the body before the rows, between the rows and the relationships, and at the end.
const ROWS_BEGIN: &[u8] = br#":{"data":["#;
const ROWS_END: &[u8] = b"]}}";
const END: &[u8] = b"}}";
/// [`Advice::form`] of bulk requests whose rows are profiles.
pub(crate) const FORM: &str =
    "{data: {type: …, attributes: {profiles: {data: [{type: 'profile', attributes: {…}}, …]}}}}";

/// A bulk request without its rows.
pub(crate) struct BulkRequest {
    /// The resource's type; its plural is the path.
    kind: &'static str,
    /// What the rows are.
    rows: &'static Rows,
    /// Klaviyo's limit on the rows of one request.
    most: usize,
    advice: &'static Advice,
    read: fn(&Response, &Json<'_>) -> Result<Accepted, String>,
    before: Vec<u8>,
    after: Vec<u8>,
    list: Option<String>,
}

/// What the rows of a request are.
pub(crate) struct Rows {
    /// The attribute that they are under.
    pub(crate) attribute: &'static str,
    /// One of them, in a sentence.
    pub(crate) name: &'static str,
    /// The most bytes of one, less than [`REQUEST_BYTES`].
    pub(crate) bytes: usize,
    /// The field of the contract that a member of a row is.
    pub(crate) field: fn(&str) -> String,
}

/// Rows that are profiles.
pub(crate) const PROFILES: &Rows =
    &Rows { attribute: "profiles", name: "contact", bytes: PROFILE_BYTES, field: jsonapi::field_of_profile };

impl Rows {
    /// Checks that Klaviyo takes as much in a row.
    pub(crate) fn checked(&self, row: Row) -> Result<Row, Box<Error>> {
        if row.json.len() > self.bytes {
            let reason = format!("it takes more than {} KB", self.bytes / 1_000);
            let mut error = Error::invalid(self.name, &reason);
            error.details.iter_mut().for_each(|detail| detail.pointer = None);
            return Err(error);
        }
        Ok(row)
    }
}

/// A row as it is sent.
pub(crate) struct Row {
    pub(crate) json: Vec<u8>,
    /// The oldest revision that understands it.
    pub(crate) revision: &'static str,
}

/// Another way to send the rows of a request that Klaviyo refuses.
pub(crate) trait Fallback {
    /// Sends the rows at these positions in the argument. `named` are the rows that Klaviyo names in its refusal. None:
    /// there is no other way.
    fn send(
        &mut self,
        http: &mut dyn Http,
        rows: &[u32],
        refusal: &Error,
        named: &[(u32, Detail)],
    ) -> Option<Result<Resent, Box<Error>>>;
}

/// What came of rows that were sent in another way.
pub(crate) struct Resent {
    /// The rows that Klaviyo accepted, by position in the argument.
    pub(crate) accepted: Vec<u32>,
    pub(crate) refused: Vec<Refusal>,
    pub(crate) warnings: Vec<String>,
}

/// Without another way.
impl Fallback for () {
    fn send(
        &mut self,
        _: &mut dyn Http,
        _: &[u32],
        _: &Error,
        _: &[(u32, Detail)],
    ) -> Option<Result<Resent, Box<Error>>> {
        None
    }
}

/// A request that Klaviyo accepted.
pub(crate) struct Accepted {
    /// The id of the job; empty where Klaviyo gives none.
    pub(crate) job: String,
    /// The rows in it, by position.
    pub(crate) rows: Vec<u32>,
    warnings: Vec<String>,
}

/// The result for all rows.
#[derive(Default)]
pub(crate) struct BatchReport {
    pub(crate) accepted: Vec<Accepted>,
    /// In the order of the argument.
    pub(crate) refused: Vec<Refusal>,
    pub(crate) warnings: Vec<String>,
    pub(crate) stopped: Option<Box<Error>>,
}

impl BatchReport {
    fn take(&mut self, mut accepted: Accepted, refused: Vec<Refusal>) {
        self.warnings.append(&mut accepted.warnings);
        if !accepted.rows.is_empty() {
            self.accepted.push(accepted);
        }
        self.refuse(refused);
    }

    fn refuse(&mut self, refused: Vec<Refusal>) {
        for refusal in refused {
            let position = self.refused.partition_point(|other| other.index < refusal.index);
            self.refused.insert(position, refusal);
        }
    }
}

impl From<BatchReport> for BatchResult {
    fn from(report: BatchReport) -> Self {
        let accepted: usize = report.accepted.iter().map(|accepted| accepted.rows.len()).sum();
        Self {
            // There are no more than the caller gave.
            accepted: u32::try_from(accepted).unwrap_or(u32::MAX),
            refused: report.refused,
            warnings: report.warnings,
            stopped: report.stopped,
        }
    }
}

impl Accepted {
    /// Reads an answer with a job.
    pub(crate) fn job(response: &Response, document: &Json<'_>) -> Result<Self, String> {
        let [data] = document.members(["data"])?;
        let [id] = data.members(["id"])?;
        Ok(Self::with(response, id.string()?))
    }

    /// Reads an answer without a job.
    pub(crate) fn unnamed(response: &Response, document: &Json<'_>) -> Result<Self, String> {
        nothing_or_data(document)?;
        Ok(Self::with(response, String::new()))
    }

    fn with(response: &Response, job: String) -> Self {
        let warning = |part| format!("{part}: Klaviyo did not take this of a request that it took");
        let warnings = partial_failures(response).map(warning).collect();
        Self { job, rows: Vec::new(), warnings }
    }
}

impl BulkRequest {
    pub(crate) fn new(
        kind: &'static str,
        rows: &'static Rows,
        most: usize,
        advice: &'static Advice,
        read: fn(&Response, &Json<'_>) -> Result<Accepted, String>,
    ) -> Self {
        let before = format!(r#"{{"data":{{"type":"{kind}","attributes":{{"#).into_bytes();
        Self { kind, rows, most, advice, read, before, after: Vec::new(), list: None }
    }

    /// Adds an attribute beside the rows.
    pub(crate) fn attribute(&mut self, name: &str, value: &impl Serialize) -> Result<(), Box<Error>> {
        self.before.extend_from_slice(format!("\"{name}\":").as_bytes());
        self.before.extend_from_slice(&json(value)?);
        self.before.push(b',');
        Ok(())
    }

    /// Adds the list that the people of all rows join or leave, if there is one; an import has an array of
    /// them.
    pub(crate) fn list(&mut self, name: &str, id: Option<&str>, array: bool) -> Result<(), Box<Error>> {
        let Some(id) = id else { return Ok(()) };
        self.list = Some(id.to_owned());
        let id = ResourceId { kind: "list", id };
        let list = if array { json(&[id]) } else { json(&id) }?;
        self.after.extend_from_slice(format!(",\"relationships\":{{\"{name}\":{{\"data\":").as_bytes());
        self.after.extend_from_slice(&list);
        self.after.extend_from_slice(b"}}");
        Ok(())
    }

    /// Sends rows in as few requests as the limits allow. A row that fails its check is refused, and the
    /// others are sent.
    pub(crate) fn send(
        &self,
        http: &mut dyn Http,
        rows: &mut dyn Iterator<Item = Result<Row, Box<Error>>>,
        fallback: &mut dyn Fallback,
    ) -> Result<BatchReport, Box<Error>> {
        let mut report = BatchReport::default();
        let mut batch = Batch::default();
        // The memory of a component cannot hold 2^32 rows.
        for (index, row) in (0..u32::MAX).zip(rows) {
            match row.and_then(|row| self.rows.checked(row)) {
                Ok(row) => {
                    if !self.has_room(&batch, &row) {
                        self.send_batch(http, &mut batch, &mut report, fallback)?;
                        if report.stopped.is_some() {
                            return Ok(report);
                        }
                    }
                    batch.push(&RowSpan { index, end: 0, revision: row.revision }, &row.json);
                }
                Err(error) => {
                    report.refused.push(Refusal { index, reason: error.reason() });
                }
            }
        }
        self.send_batch(http, &mut batch, &mut report, fallback)?;
        Ok(report)
    }

    /// The bytes that a request has for its rows and the commas between them.
    pub(crate) fn room(&self) -> usize {
        let parts = [&self.before, self.rows.attribute.as_bytes(), ROWS_BEGIN, ROWS_END, &self.after, END];
        // Two quotes around the attribute.
        let around = parts.into_iter().map(<[u8]>::len).sum::<usize>() + 2;
        REQUEST_BYTES.saturating_sub(around)
    }

    fn has_room(&self, batch: &Batch, row: &Row) -> bool {
        batch.rows.len() < self.most && batch.json.len() + 1 + row.json.len() <= self.room()
    }

    /// Sends a batch and empties it. As long as Klaviyo refuses it and names rows, it is sent again without
    /// these.
    fn send_batch(
        &self,
        http: &mut dyn Http,
        batch: &mut Batch,
        report: &mut BatchReport,
        fallback: &mut dyn Fallback,
    ) -> Result<(), Box<Error>> {
        let mut repeats = 0;
        let mut progressed = !report.accepted.is_empty();
        while !batch.rows.is_empty() {
            let mut named = Vec::new();
            let answer = self.operation(batch).send_or(http, &mut |response| {
                named = jsonapi::refused_rows(&response.body, self.rows.attribute, self.rows.field);
            });
            let error = match answer {
                Ok(mut accepted) => {
                    accepted.rows = batch.positions();
                    report.take(accepted, Vec::new());
                    *batch = Batch::default();
                    return Ok(());
                }
                Err(error) => match &self.list {
                    Some(list) => error.about_list(list),
                    None => error,
                },
            };
            let (error, named) = match fallback.send(http, &batch.positions(), &error, &named) {
                None => (error, named),
                Some(Ok(Resent { accepted, refused, warnings })) => {
                    report.take(Accepted { job: String::new(), rows: accepted, warnings }, refused);
                    *batch = Batch::default();
                    return Ok(());
                }
                Some(Err(error)) => (error, Vec::new()),
            };
            let refused = if error.code == Code::Rejected { batch.remove(named) } else { Vec::new() };
            progressed |= !refused.is_empty();
            let goes_on = !refused.is_empty() && repeats < REPEATS;
            report.refuse(refused);
            if goes_on {
                repeats += 1;
                continue;
            }
            let Some(first) = batch.rows.first() else { return Ok(()) };
            if !progressed {
                return Err(error);
            }
            let mut error = error.after("a part of the call was done");
            error.done = first.index;
            report.stopped = Some(error);
            return Ok(());
        }
        Ok(())
    }

    fn operation(&self, batch: &Batch) -> Operation<Accepted> {
        let attribute = self.rows.attribute.as_bytes();
        let parts: [&[u8]; 8] =
            [&self.before, b"\"", attribute, b"\"", ROWS_BEGIN, &batch.json, ROWS_END, &self.after];
        let mut body = parts.concat();
        body.extend_from_slice(END);
        let url = format!("{ORIGIN}/api/{}s/", self.kind);
        let revision = batch.rows.iter().map(|row| row.revision).max().unwrap_or(REVISION);
        Operation { request: post(url, revision, body), advice: self.advice, read: self.read }
    }
}

impl Row {
    pub(crate) fn new(value: &impl Serialize, revision: &'static str) -> Result<Self, Box<Error>> {
        Ok(Self { json: json(value)?, revision })
    }
}

/// The rows of one request, and their JSON, separated by commas.
#[derive(Default)]
struct Batch {
    rows: Vec<RowSpan>,
    json: Vec<u8>,
}

/// A row in the JSON of a batch.
#[derive(Clone, Copy)]
struct RowSpan {
    /// The position in the argument.
    index: u32,
    /// Where the JSON of the row ends.
    end: usize,
    revision: &'static str,
}

impl Batch {
    /// The positions of the rows in the argument.
    fn positions(&self) -> Vec<u32> {
        self.rows.iter().map(|row| row.index).collect()
    }

    fn push(&mut self, span: &RowSpan, json: &[u8]) {
        if !self.json.is_empty() {
            self.json.push(b',');
        }
        self.json.extend_from_slice(json);
        self.rows.push(RowSpan { end: self.json.len(), ..*span });
    }

    /// Removes the named rows, by position in the batch, and returns them. If a row has several reasons, the
    /// first counts.
    fn remove(&mut self, named: Vec<(u32, Detail)>) -> Vec<Refusal> {
        let mut reasons: Vec<Option<Detail>> = self.rows.iter().map(|_| None).collect();
        for (row, reason) in named {
            if let Some(entry) = usize::try_from(row).ok().and_then(|row| reasons.get_mut(row)) {
                entry.get_or_insert(reason);
            }
        }
        let mut refused = Vec::new();
        let mut kept = Self::default();
        let mut begin = 0;
        for (span, reason) in self.rows.iter().zip(reasons) {
            match reason {
                Some(reason) => refused.push(Refusal { index: span.index, reason }),
                None => kept.push(span, self.json.get(begin..span.end).unwrap_or_default()),
            }
            begin = span.end + 1;
        }
        *self = kept;
        refused
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;
    use alloc::vec;
    use serde_json::Value;

    /// What comes before the number of a row in a pointer.
    const ROWS: &str = "/data/attributes/profiles/data/";

    fn bulk(most: usize) -> BulkRequest {
        const ADVICE: &Advice = &Advice::read(&[]);
        BulkRequest::new("profile-bulk-import-job", PROFILES, most, ADVICE, Accepted::unnamed)
    }

    fn number(index: usize) -> Result<Row, Box<Error>> {
        Row::new(&index, REVISION)
    }

    fn answer(status: u16, body: &str) -> Response {
        Response { status, headers: Vec::new(), body: body.as_bytes().to_vec() }
    }

    fn rows(request: &Request) -> Vec<u64> {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let rows = body["data"]["attributes"]["profiles"]["data"].as_array().unwrap();
        rows.iter().map(|row| row.as_u64().unwrap()).collect()
    }

    #[test]
    fn a_request_has_as_many_rows_as_klaviyo_takes() {
        let mut sizes = Vec::new();
        let mut http = |request: Request| {
            sizes.push(rows(&request).len());
            Ok(answer(202, ""))
        };
        bulk(10).send(&mut http, &mut (0..25).map(number), &mut ()).unwrap();
        assert_eq!(sizes, [10, 10, 5]);
    }

    #[test]
    fn a_request_has_as_many_bytes_as_klaviyo_takes() {
        let mut request = bulk(10_000);
        request.attribute("custom_source", &"x").unwrap();
        request.list("lists", Some("Y6nRLr"), true).unwrap();
        let around = request.operation(&Batch::default()).request.body.len();
        // Fifty-one rows of one length, quotes included, and a comma after each but the last.
        let whole = (REQUEST_BYTES - around + 1) / 51 - 1;
        let rest = (REQUEST_BYTES - around + 1) % 51;
        let last = whole + rest + around;
        for (more, requests) in
            [(rest, vec![REQUEST_BYTES]), (rest + 1, vec![REQUEST_BYTES - rest - whole - 1, last + 1])]
        {
            let row = |index| {
                let bytes = if index == 50 { whole + more } else { whole };
                Row::new(&"x".repeat(bytes - 2), REVISION)
            };
            let mut sizes = Vec::new();
            let mut http = |request: Request| {
                sizes.push(request.body.len());
                Ok(answer(202, ""))
            };
            request.send(&mut http, &mut (0..51).map(row), &mut ()).unwrap();
            assert_eq!(sizes, requests);
        }
    }

    #[test]
    fn a_row_has_as_many_bytes_as_klaviyo_takes() {
        let row = |index| Row::new(&"x".repeat(PROFILE_BYTES - 2 + index), REVISION);
        let mut http = |_: Request| Ok(answer(202, ""));
        let report = bulk(10).send(&mut http, &mut (0..2).map(row), &mut ()).unwrap();
        assert_eq!(report.accepted[0].rows, [0]);
        assert_eq!(report.refused[0].index, 1);
    }

    #[test]
    fn rows_that_klaviyo_names_are_left_out() {
        let mut seen = Vec::new();
        let refusal = |rows: &[u32]| {
            let error = |row| {
                format!(r#"{{"code":"invalid","source":{{"pointer":"{ROWS}{row}/attributes/email"}}}}"#)
            };
            let errors: Vec<String> = rows.iter().map(error).collect();
            answer(400, &format!(r#"{{"errors":[{}]}}"#, errors.join(",")))
        };
        let mut answers = vec![refusal(&[1, 3, 1, 9]), refusal(&[0]), answer(202, "")].into_iter();
        let mut http = |request: Request| {
            seen.push(rows(&request));
            Ok(answers.next().unwrap())
        };
        let report = bulk(5).send(&mut http, &mut (0..5).map(number), &mut ()).unwrap();
        assert_eq!(seen, [vec![0, 1, 2, 3, 4], vec![0, 2, 4], vec![2, 4]]);
        let refused: Vec<u32> = report.refused.iter().map(|refusal| refusal.index).collect();
        assert_eq!(refused, [0, 1, 3]);
        assert_eq!(report.accepted[0].rows, [2, 4]);
    }

    #[test]
    fn a_request_is_not_sent_again_without_end() {
        let mut times = 0;
        let mut http = |_: Request| {
            times += 1;
            Ok(answer(
                400,
                &format!(r#"{{"errors":[{{"code":"invalid","source":{{"pointer":"{ROWS}1"}}}}]}}"#),
            ))
        };
        let report = bulk(200).send(&mut http, &mut (0..200).map(number), &mut ()).unwrap();
        assert_eq!(times, REPEATS + 1);
        // What Klaviyo refused is reported, and what is left is known: the first row, and those behind the
        // others.
        let refused: Vec<u32> = report.refused.iter().map(|refusal| refusal.index).collect();
        assert_eq!(refused, (1..102).collect::<Vec<_>>());
        let stopped = report.stopped.unwrap();
        assert_eq!((stopped.code, stopped.done), (Code::Rejected, 0));
    }

    #[test]
    fn all_rows_that_an_answer_names_are_left_out() {
        let named: Vec<String> = (0..3_000)
            .map(|row| {
                format!(
                    r#"{{"code":"invalid","source":{{"pointer":"{ROWS}{row}/attributes/phone_number"}}}}"#
                )
            })
            .collect();
        let mut answers =
            [answer(400, &format!(r#"{{"errors":[{}]}}"#, named.join(","))), answer(202, "")].into_iter();
        let mut http = |_: Request| Ok(answers.next().unwrap());
        let report = bulk(10_000).send(&mut http, &mut (0..10_000).map(number), &mut ()).unwrap();
        assert_eq!((report.refused.len(), report.accepted[0].rows.len()), (3_000, 7_000));
        assert_eq!(report.refused[2_999].index, 2_999);
        assert_eq!(report.refused[0].reason.pointer.as_deref(), Some("phone-number"));
    }
}

//! Any file of contacts: each row ends once, and how it arrives and is encoded makes no difference.

use crate::Target;
use crate::door::check;
use anyhow::{Context, Result, ensure};
use host_test::Sent;
use host_test::component::{artifact, built, cache};
use klaviyo_host::{Connector, Pace, Secret, Tenant};
use klaviyo_sync::{
    Channel, DryAccount, Input, Plan, RecordingTransport, Reporter, RowOutcome, Settings, Source,
    UnknownColumns, UnsentRequest, dry_run,
};
use std::io::{self, Read};
use std::sync::OnceLock;
use tokio::runtime::Runtime;

/// The target.
pub const TARGET: Target = Target {
    name: "sync",
    about: "each row of a file ends once, however the file arrives and is encoded",
    run,
    seeds,
    inputs: 60,
};

const LIST: &str = "Y6nRLr";
/// The longest file, in bytes: each row is a call.
const MAX_BYTES: usize = 8 << 10;

/// The first byte of an input says by which settings the rest is read.
fn settings(choice: u8) -> Settings {
    let members = Settings { list: Some(LIST.to_owned()), ..Settings::default() };
    match choice {
        b'i' => Settings { unknown_columns: UnknownColumns::Ignore, ..members },
        b'p' => {
            Settings { unknown_columns: UnknownColumns::Properties, region: "IN".parse().ok(), ..members }
        }
        b'c' => Settings {
            unknown_columns: UnknownColumns::Ignore,
            consent: vec![Channel::Email],
            time_zone: "Europe/Berlin".parse().ok(),
            historical: true,
            ..members
        },
        b's' => Settings { strict: true, batch: 3, ..members },
        _ => Settings::default(),
    }
}

fn seeds() -> Result<Vec<Vec<u8>>> {
    let files = crate::seeds::files(&crate::seeds::cases("files"))?;
    let seeds = files
        .iter()
        .filter(|file| file.len() < MAX_BYTES)
        .flat_map(|file| b"-ipcs".iter().map(move |choice| [&[*choice], file.as_slice()].concat()));
    Ok(seeds.collect())
}

/// What became of a file.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    rows: Vec<(u64, RowOutcome)>,
    requests: Vec<(String, String, Vec<u8>)>,
    sent: Vec<Sent>,
    end: Option<String>,
}

impl Reporter for Told {
    fn row(&mut self, line: u64, outcome: &RowOutcome) {
        self.rows.push((line, outcome.clone()));
    }

    fn request(&mut self, request: &UnsentRequest) -> io::Result<()> {
        let UnsentRequest { method, url, headers, body } = request;
        self.requests.push((method.to_string(), url.to_string(), body.to_vec()));
        let header = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
            (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
        };
        self.sent.push(Sent {
            method: method.to_string(),
            url: url.to_string(),
            headers: headers.iter().map(header).collect(),
            auth: "Klaviyo-API-Key".to_owned(),
            body: body.to_vec(),
        });
        Ok(())
    }
}

fn run(input: &[u8]) -> Result<()> {
    let Some((choice, file)) = input.split_first().filter(|_| input.len() <= MAX_BYTES) else {
        return Ok(());
    };
    let settings = settings(*choice);
    let whole = read(file, file.len().max(1), &settings)?;
    judge(&whole, file.contains(&b'['))?;
    check(&whole.sent)?;
    // What is no plain text is taken for what it looks like, as far as it has come.
    let Some(encoded) = utf_16(file) else { return Ok(()) };
    let size = usize::from(*choice % 7) + 1;
    let in_pieces = read(file, size, &settings)?;
    same(&whole, &in_pieces, settings.historical).with_context(|| format!("in pieces of {size} bytes"))?;
    // What a file is that is no table is told by its bytes, and those are others now.
    if whole.rows.is_empty() && whole.end.is_some() {
        return Ok(());
    }
    let encoded = read(&encoded, encoded.len().min(size * 100), &settings)?;
    same(&whole, &encoded, settings.historical).context("in UTF-16")
}

/// A text as UTF-16; none for what is no plain text, which may be told to be something else.
fn utf_16(file: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(file).ok()?;
    let is_odd = |c: char| c == '\u{feff}' || (c.is_control() && !matches!(c, '\t' | '\r' | '\n'));
    if text.is_empty() || text.contains(is_odd) {
        return None;
    }
    Some(std::iter::once(0xfeff).chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect())
}

/// Checks the order of the rows. Elements of an array of JSON may share a line, and other rows do not.
fn judge(told: &Told, is_array: bool) -> Result<()> {
    let lines = told.rows.iter().map(|(line, _)| line);
    ensure!(
        lines.is_sorted_by(|one, next| one < next || (is_array && one == next)),
        "the rows are not in order, or one has ended twice: {:?}",
        told.rows
    );
    Ok(())
}

/// Whether a file was read in the same way. Requests with the time in them cannot be compared.
fn same(one: &Told, other: &Told, has_time: bool) -> Result<()> {
    ensure!(one.rows == other.rows, "the rows are {:?}, and were {:?}", other.rows, one.rows);
    ensure!(one.end == other.end, "the end is {:?}, and was {:?}", other.end, one.end);
    ensure!(has_time || one.requests == other.requests, "the requests are others");
    Ok(())
}

/// Reads a file in pieces of so many bytes.
fn read(file: &[u8], size: usize, settings: &Settings) -> Result<Told> {
    static RUNTIME: OnceLock<io::Result<Runtime>> = OnceLock::new();
    let runtime = RUNTIME.get_or_init(|| tokio::runtime::Builder::new_current_thread().enable_all().build());
    let runtime = runtime.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    let mut told = Told::default();
    let source = Source::reader("the input", Pieces { left: file.to_vec().into(), size });
    let account = DryAccount::new(Some((LIST, "a list")), tenant)?;
    let plan: Result<Plan, klaviyo_sync::Error> = runtime.block_on(async {
        let input = Input::new(source, settings)?.open().await?;
        dry_run(input, settings, settings.list.as_deref(), account, &mut told).await
    });
    match plan {
        Ok(plan) => ensure!(plan.counts.rows() == told.rows.len() as u64, "rows are counted wrong: {plan:?}"),
        Err(error) => told.end = Some(error.to_string()),
    }
    Ok(told)
}

fn tenant(transport: RecordingTransport) -> Result<Tenant> {
    let connector = Connector::builder()
        .limits(DryAccount::limits())
        .transport(transport)
        .cache(cache())
        .load(built(artifact())?)?;
    Ok(Tenant::builder(&connector, Secret::new("any-word")?).pace(Pace::unlimited()).build())
}

struct Pieces {
    left: std::collections::VecDeque<u8>,
    size: usize,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let size = self.size.min(buffer.len());
        self.left.read(buffer.get_mut(..size).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klaviyo_sync::Reason;

    #[test]
    fn rows_that_end_twice_or_otherwise_are_found() {
        let row = |line| (line, RowOutcome::Done(Reason::default()));
        let told =
            |lines: &[u64]| Told { rows: lines.iter().map(|line| row(*line)).collect(), ..Told::default() };
        judge(&told(&[2, 3, 7]), false).unwrap();
        judge(&told(&[2, 2, 7]), true).unwrap();
        for (wrong, is_array) in [([2, 2], false), ([3, 2], false), ([3, 2], true)] {
            assert!(judge(&told(&wrong), is_array).is_err(), "{wrong:?}");
        }
        same(&told(&[2]), &told(&[2]), false).unwrap();
        assert!(same(&told(&[2]), &told(&[2, 3]), true).is_err());
        let ended = Told { end: Some("it is no text".to_owned()), ..told(&[2]) };
        assert!(same(&told(&[2]), &ended, true).is_err());
        let asked = Told { requests: vec![("GET".to_owned(), "/".to_owned(), Vec::new())], ..told(&[2]) };
        assert!(same(&told(&[2]), &asked, false).is_err());
        same(&told(&[2]), &asked, true).unwrap();
    }

    #[test]
    fn a_file_is_read_to_its_end() {
        let told = read(b"email\na@b.example\nnobody\n", 3, &Settings::default()).unwrap();
        let outcomes: Vec<_> = told.rows.iter().map(|(line, outcome)| (*line, outcome.as_ref())).collect();
        assert_eq!(outcomes, [(2, "done"), (3, "refused")]);
        assert_eq!(told.end, None);
    }
}

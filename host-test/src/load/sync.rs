//! Large files through `klaviyo-connector sync`, as a process of its own, against a Klaviyo that keeps to its
//! rates: nothing is lost, nothing is sent twice, whatever is in the file, whatever goes wrong, and whenever
//! the process is killed.

use crate::canary::KEY;
use crate::component::artifact;
use crate::load::process::program;
use crate::load::soak::FAULTS;
use crate::load::{LIST, LIST_NAME};
use anyhow::{Context, Result, bail, ensure};
use klaviyo_mock::{Account, Faults, Klaviyo, Rates, Server};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How often a sync is killed.
const KILLS: usize = 5;
/// The most requests that 100,000 good contacts may take.
const REQUESTS: u64 = 30;
/// One row in so many is bad.
const BAD: usize = 50;

/// How many rows, and which faults.
#[derive(Clone, Debug, clap::Args)]
pub struct SyncSize {
    /// What the faults and the moments to kill are drawn by
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many rows the file has
    #[arg(long, default_value_t = 100_000)]
    pub rows: usize,
}

/// What makes a sync hard.
struct Trouble {
    name: &'static str,
    bad_rows: bool,
    faults: bool,
    kills: usize,
}

const TROUBLES: [Trouble; 4] = [
    Trouble { name: "a good file", bad_rows: false, faults: false, kills: 0 },
    Trouble { name: "2 % bad rows", bad_rows: true, faults: false, kills: 0 },
    Trouble { name: "2 % bad rows, 10 % faults", bad_rows: true, faults: true, kills: 0 },
    Trouble { name: "and killed five times", bad_rows: true, faults: true, kills: KILLS },
];

/// Runs all of it, and prints what happened.
///
/// # Errors
/// When a row is lost, is sent twice or is reported wrongly, or when a sync takes too many requests.
pub fn run(size: &SyncSize) -> Result<()> {
    println!("{} rows each, Klaviyo's rates, seed {}", size.rows, size.seed);
    for trouble in &TROUBLES {
        sync(trouble, size).with_context(|| trouble.name)?;
    }
    println!(
        "every row is reported once as it ended, the list has the good ones, and no import was sent twice"
    );
    Ok(())
}

fn sync(trouble: &Trouble, size: &SyncSize) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("contacts.csv");
    write(&file, size.rows, trouble.bad_rows)?;
    let mut account = Account::default();
    account.add_key(KEY, Account::SCOPES);
    account.add_list(LIST, LIST_NAME);
    if trouble.bad_rows {
        for row in (0..size.rows).filter(|row| Row::of(*row, true) == Row::Failed) {
            account.refuse_to_import(&email(row), "This person cannot be imported.");
        }
    }
    let mut faults = Faults::seeded(size.seed);
    for rule in FAULTS.iter().filter(|_| trouble.faults) {
        faults = faults.rule(rule.parse()?);
    }
    let server = Server::start(Klaviyo::from(account).rates(Rates::klaviyo()).faults(faults))?;
    let started = Instant::now();
    let mut random = fastrand::Rng::with_seed(size.seed);
    for kill in 0..trouble.kills {
        let mut child = start(&folder, &file, &server)?;
        let until = server.requests() + random.u64(1..=3);
        let moment = Duration::from_millis(random.u64(0..400));
        while server.requests() < until {
            if let Some(status) = child.try_wait()? {
                bail!("it ended before it was killed for the {}th time: {status}", kill + 1);
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(moment);
        child.kill()?;
        child.wait()?;
    }
    let status = start(&folder, &file, &server)?.wait()?;
    let expected = i32::from(trouble.bad_rows);
    let log = std::fs::read_to_string(folder.path().join("log"))?;
    ensure!(status.code() == Some(expected), "{status}: {}", log.lines().last().unwrap_or_default());
    ensure!(!log.contains(KEY), "the key is in what it printed");
    let requests = server.requests();
    println!("  {:<28} {requests:>3} requests, {:>5.1} s", trouble.name, started.elapsed().as_secs_f64());
    if !trouble.faults {
        let allowed = REQUESTS * u64::try_from(size.rows.div_ceil(100_000))?;
        ensure!(requests <= allowed, "it took {requests} requests, and may take {allowed}");
    }
    reported(&folder.path().join("report.csv"), size.rows, trouble.bad_rows)?;
    complete(&server.account(), size.rows, trouble.bad_rows)
}

/// Starts a sync of the file, and adds its output to a log.
fn start(folder: &TempDir, file: &Path, server: &Server) -> Result<Child> {
    let log = File::options().append(true).create(true).open(folder.path().join("log"))?;
    let mut command = command(file, server)?;
    // Without it a bad value costs the value only, and the row goes on.
    command.arg("--strict");
    command.arg("--report").arg(folder.path().join("report.csv"));
    command.arg("--state").arg(folder.path().join("state"));
    command.stdout(log.try_clone()?).stderr(log);
    command.spawn().context("the command does not start")
}

/// A sync of a file into the list.
pub(crate) fn command(file: &Path, server: &Server) -> Result<Command> {
    let mut command = Command::new(program()?);
    command.arg("sync").arg(file).args(["--list", LIST, "--endpoint", &server.url()]);
    command.arg("--component").arg(artifact()).env("KLAVIYO_API_KEY", KEY).stdin(Stdio::null());
    Ok(command)
}

/// How a row ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Row {
    Done,
    Refused,
    Failed,
}

impl Row {
    fn of(row: usize, bad_rows: bool) -> Self {
        match row % BAD {
            // Klaviyo itself refuses a few of them, when the import is done.
            0 if bad_rows && row.is_multiple_of(BAD * 500) => Self::Failed,
            0 if bad_rows => Self::Refused,
            _ => Self::Done,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

fn email(row: usize) -> String {
    format!("contact+{row}@example.com")
}

fn phone_number(row: usize) -> String {
    format!("+9198{row:08}")
}

pub(crate) fn write(file: &Path, rows: usize, bad_rows: bool) -> Result<()> {
    let mut file = BufWriter::new(File::create(file)?);
    writeln!(file, "Email,Phone Number,First Name")?;
    for row in 0..rows {
        let (email, number) = (email(row), phone_number(row));
        match (Row::of(row, bad_rows), (row / BAD) % 5) {
            (Row::Done | Row::Failed, _) => writeln!(file, "{email},{number},Priya {row}")?,
            (Row::Refused, 0) => writeln!(file, "contact{row},{number},Priya {row}")?,
            (Row::Refused, 1) => writeln!(file, "{email},98{row:08},Priya {row}")?,
            (Row::Refused, 2) => writeln!(file, "{email},{number},Priya {row},more")?,
            (Row::Refused, 3) => writeln!(file, ",,Priya {row}")?,
            (Row::Refused, _) => writeln!(file, "contact {row}@example.com,{number},Priya {row}")?,
        }
    }
    Ok(file.flush()?)
}

/// Fails unless the report has a line for each row, in order, that says how the row ended.
fn reported(report: &Path, rows: usize, bad_rows: bool) -> Result<()> {
    let mut lines = BufReader::new(File::open(report)?).lines();
    lines.next().context("the report is empty")??;
    for row in 0..rows {
        // The header is the first line, and lines are counted from 1.
        let expected = format!("{},{},", row + 2, Row::of(row, bad_rows).name());
        let line = lines.next().with_context(|| format!("the report ends before row {row}"))??;
        ensure!(line.starts_with(&expected), "the report says {line:?}, not {expected:?}");
    }
    ensure!(lines.next().is_none(), "the report has more lines than there are rows");
    Ok(())
}

/// Fails unless Klaviyo holds the good rows of the file, and nothing else.
fn complete(account: &Account, rows: usize, bad_rows: bool) -> Result<()> {
    let of = |kind: Row| (0..rows).filter(move |row| Row::of(*row, bad_rows) == kind);
    let mut good = of(Row::Done);
    let mut profiles: Vec<_> = account.profiles().iter().collect();
    let number = |profile: &klaviyo_mock::Profile| {
        let email = profile.attributes.get("email").and_then(Value::as_str)?;
        email.strip_prefix("contact+")?.strip_suffix("@example.com")?.parse::<usize>().ok()
    };
    profiles.sort_by_key(|profile| number(profile));
    let mut ids = BTreeSet::new();
    for profile in profiles {
        let row = number(profile).context("there is a profile that nobody sent")?;
        ensure!(
            good.next() == Some(row),
            "the profile of row {row} is there twice, or another one is missing"
        );
        let has =
            |name: &str, value: &str| profile.attributes.get(name).and_then(Value::as_str) == Some(value);
        ensure!(has("phone_number", &phone_number(row)), "row {row} has another phone number");
        ensure!(has("first_name", &format!("Priya {row}")), "row {row} has another first name");
        ids.insert(profile.id.clone());
    }
    ensure!(good.next().is_none(), "profiles are missing");
    let members: BTreeSet<String> = account.members(LIST).into_iter().collect();
    ensure!(members == ids, "the list has {} members, of {}", members.len(), ids.len());
    let imported: usize = account.imports().map(|import| import.total).sum();
    let sent = of(Row::Done).count() + of(Row::Failed).count();
    ensure!(imported == sent, "{imported} rows were imported, of {sent}: some twice");
    Ok(())
}

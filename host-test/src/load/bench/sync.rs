//! What `klaviyo-connector sync` takes, as a process of its own, against a Klaviyo that keeps to its rates:
//! requests, time and memory, beside the guide's flow of three requests for each contact.

use super::row::Row;
use crate::canary::KEY;
use crate::load::process::peak;
use crate::load::{LIST, LIST_NAME, sync};
use anyhow::{Result, ensure};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// How many rows are imported for the table.
const ROWS: usize = 1_000_000;

/// How many contacts each way takes.
#[derive(Clone, Debug, clap::Args)]
pub struct BenchSize {
    /// How many are imported
    #[arg(long, default_value_t = 1_000_000)]
    pub imported: usize,
    /// How many consent
    #[arg(long, default_value_t = 100_000)]
    pub consenting: usize,
    /// How many go through the guide's flow, one by one
    #[arg(long, default_value_t = 300)]
    pub one_by_one: usize,
}

/// Runs it and prints a table.
///
/// # Errors
/// When a sync fails.
pub fn run(size: &BenchSize) -> Result<()> {
    println!("| sync | contacts | requests | requests a contact | contacts a second | most memory |");
    println!("|---|---|---|---|---|---|");
    let ways: [(&str, usize, &[&str]); 3] = [
        ("bulk import", size.imported, &[]),
        ("with consent", size.consenting, &["--consent", "email,sms"]),
        ("the guide's flow, one by one", size.one_by_one, &["--one-by-one"]),
    ];
    for (name, contacts, mode) in ways {
        let Taken { requests, seconds, kilobytes } = measure(contacts, mode)?;
        println!(
            "| {name} | {contacts} | {requests} | {:.5} | {:.1} | {} MB |",
            requests as f64 / contacts as f64,
            contacts as f64 / seconds,
            kilobytes >> 10
        );
    }
    Ok(())
}

/// The bulk import, as rows.
pub(super) fn rows() -> Result<Vec<Row>> {
    let Taken { requests, seconds, kilobytes } = measure(ROWS, &[])?;
    Ok(vec![
        Row::new(format!("sync of {ROWS} rows"), ROWS as f64 / seconds, "rows/s")
            .at_least(50_000.0)
            .note(format!("{requests} requests")),
        Row::new("… most memory", kilobytes as f64 / 1024.0, "MB").at_most(64.0),
    ])
}

/// What a sync took.
struct Taken {
    requests: u64,
    seconds: f64,
    kilobytes: u64,
}

fn measure(contacts: usize, mode: &[&str]) -> Result<Taken> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("contacts.csv");
    sync::write(&file, contacts, false)?;
    let mut account = Account::default();
    account.add_key(KEY, Account::SCOPES);
    account.add_list(LIST, LIST_NAME);
    let server = Server::start(Klaviyo::from(account).rates(Rates::klaviyo()))?;

    let mut command = sync::command(&file, &server)?;
    command.args(mode).arg("--state").arg(folder.path().join("state"));
    command.arg("--report").arg(folder.path().join("report.csv"));
    let started = Instant::now();
    let kilobytes = watch(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)?;
    let seconds = started.elapsed().as_secs_f64();

    // Klaviyo works on consent after it has answered, and tells nobody when it is done.
    let mut members = 0;
    for _ in 0..100 {
        members = server.account().members(LIST).len();
        if members == contacts {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    ensure!(members == contacts, "{members} of {contacts} contacts are on the list");
    Ok(Taken { requests: server.requests(), seconds, kilobytes })
}

/// Waits for a process; the most memory that it had, in kilobytes.
fn watch(mut child: Child) -> Result<u64> {
    let mut most = 0;
    loop {
        most = peak(child.id()).unwrap_or(0).max(most);
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "the sync failed: {status}");
            return Ok(most);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

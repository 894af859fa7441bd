//! What `klaviyo-connector sync` takes, as a process of its own, against a Klaviyo that keeps to its rates:
//! requests, time and memory, beside the guide's flow of three requests for each contact.

use crate::canary::KEY;
use crate::load::process::peak;
use crate::load::{LIST, LIST_NAME, sync};
use anyhow::{Result, ensure};
use klaviyo_mock::{Account, Klaviyo, Rates, Server};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

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
    measure("bulk import", size.imported, &[])?;
    measure("with consent", size.consenting, &["--consent", "email,sms"])?;
    measure("the guide's flow, one by one", size.one_by_one, &["--one-by-one"])
}

fn measure(name: &str, contacts: usize, mode: &[&str]) -> Result<()> {
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
    let memory = watch(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn()?)?;
    let took = started.elapsed().as_secs_f64();

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
    let (requests, contacts) = (server.requests() as f64, contacts as f64);
    println!(
        "| {name} | {contacts} | {requests} | {:.5} | {:.1} | {} MB |",
        requests / contacts,
        contacts / took,
        memory >> 10
    );
    Ok(())
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

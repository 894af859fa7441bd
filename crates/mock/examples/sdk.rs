//! Klaviyo's own SDKs against the server: starts it, runs a program that uses one, and looks at what the
//! account then holds.
//!
//! `cargo run -p klaviyo-mock --example sdk -- NAME COMMAND ARGUMENT…` gives the program the server's address
//! in `KLAVIYO_URL`, a key in `KLAVIYO_API_KEY` and a list in `KLAVIYO_LIST`. Each line that it prints is a
//! step that passed.

use anyhow::{Context, Result, bail, ensure};
use klaviyo_mock::{Account, Channel, Server};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

const LIST: &str = "Y6nRLr";
const STEPS: usize = 11;

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let name = arguments.next().context("name the SDK, then the command that runs its steps")?;
    let command = arguments.next().context("the name is followed by a command")?;
    let mut account = Account::demo();
    for n in 0..12 {
        account.add_list(&format!("More{n:02}"), &format!("More {n}"));
    }
    let server = Server::start(account)?;
    let output = Command::new(&command)
        .args(arguments)
        .env("KLAVIYO_URL", server.url())
        .env("KLAVIYO_API_KEY", Account::DEMO_KEY)
        .env("KLAVIYO_LIST", LIST)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run {command}"))?;
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{text}");
    if !output.status.success() {
        bail!("the steps of the {name} SDK failed");
    }
    let steps = text.lines().count();
    ensure!(steps == STEPS, "{steps} steps instead of {STEPS}");
    let facts = check(&server.account())?;
    println!("sdk {name}: {} passed", steps + facts);
    Ok(())
}

/// Looks at what the steps left behind; how many facts that are.
fn check(account: &Account) -> Result<usize> {
    let ada = account.profile("email", "ada+opt.in@example.com").context("ada was not created")?;
    let grace = account.profile("email", "grace@example.com").context("grace was not created")?;
    let attribute = |name: &str| ada.attributes.get(name).cloned().unwrap_or_default();
    let import = account.imports().next().context("there was no import")?;
    let facts = [
        ("the upsert changed the last name", attribute("last_name") == "King"),
        ("the upsert left the first name", attribute("first_name") == "Ada"),
        (
            "the upsert merged the properties",
            attribute("properties") == json!({ "plan": "pro", "visits": 2 }),
        ),
        ("the upsert cleared the title", attribute("title") == Value::Null),
        ("ada and the imported are on the list", account.members(LIST).len() == 3),
        ("the import is complete", import.status == "complete"),
        ("one of its rows failed", (import.completed, import.errors.len()) == (2, 1)),
        ("nobody was created twice", account.profiles().len() == 5),
        ("grace agreed to email", grace.consent(Channel::Email).is_given()),
        ("membership gave no consent", !ada.consent(Channel::Email).is_given()),
    ];
    for (fact, holds) in &facts {
        ensure!(*holds, "it does not hold that {fact}");
    }
    Ok(facts.len())
}

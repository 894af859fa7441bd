//! `klaviyo-connector dead`: the dead letters, which are opt-ins that could not be done.

mod changes;

use crate::context::Context;
use crate::failure::{Failure, chain};
use crate::output::Output;
use crate::runtime;
use crate::service::{self, NatsArgs};
use crate::text::{self, clean, clean_lines, field, fields, good};
use clap::{ArgGroup, Args, Subcommand};
use klaviyo_host::types::Code;
use klaviyo_service::id::OptInId;
use klaviyo_service::queue::{DeadLetter, Queue, QueueError, Role};
use serde_json::{Value, json};

const HELP: &str = "\
With --json, VALUE is:
  list          [{id, opt_in, error: {code, message, details}, attempts, since}, …]
  show          one of them
  retry, drop   how many
  changes list  [{id, account, message, error: {code, message}, attempts, since}, …]";

/// Look at the opt-ins that could not be done, try them again, or give them up
#[derive(Args)]
#[command(after_help = HELP)]
pub(crate) struct Dead {
    #[command(subcommand)]
    command: DeadCommand,
    #[command(flatten)]
    nats: NatsArgs,
}

#[derive(Subcommand)]
enum DeadCommand {
    /// Show the dead letters: id, code and reason
    List {
        /// Only those of this account
        #[arg(long)]
        account: Option<klaviyo_service::account::Account>,
    },
    /// Show one dead letter, with its opt-in
    Show {
        /// Its id, from `dead list` or the answer to the opt-in
        id: OptInId,
    },
    /// Put dead letters into the queue again
    Retry(Which),
    /// Give up on dead letters; their opt-ins are not done
    Drop(Which),
    /// The changes that an endpoint refused: show them, let the worker send them again, or give up on them
    #[command(subcommand)]
    Changes(changes::Changes),
}

/// Which dead letters.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "all"]))]
struct Which {
    /// Their ids, from `dead list` or the answers to the opt-ins
    #[arg(value_name = "ID")]
    ids: Vec<OptInId>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// With --all: only those of this account
    #[arg(long, requires = "all")]
    account: Option<klaviyo_service::account::Account>,
}

impl Dead {
    pub(crate) fn run(&self, _: &Context) -> Result<Output, Failure> {
        runtime::on_this_thread(self.decide())
    }

    async fn decide(&self) -> Result<Output, Failure> {
        let nats = service::nats(&self.nats, Role::Operator).unwrap_or_default();
        let queue = service::queue(&nats).await?;
        match &self.command {
            DeadCommand::List { account } => {
                let letters = queue.dead(account.as_ref()).await.map_err(failed)?;
                let letters: Vec<Value> = letters.iter().map(DeadLetter::document).collect();
                let text = table(&letters);
                Ok(Output::new(letters.into(), text))
            }
            DeadCommand::Show { id } => {
                let letter = find(&queue, id).await?.document();
                let text = text(&letter);
                Ok(Output::new(letter, text))
            }
            DeadCommand::Retry(which) => {
                each(&queue, which, "put back", " into the queue", async |letter| queue.retry(letter).await)
                    .await
            }
            DeadCommand::Drop(which) => {
                each(&queue, which, "given up", "", async |letter| queue.give_up(letter).await).await
            }
            DeadCommand::Changes(changes) => changes.run(&queue).await,
        }
    }
}

/// Does something with the dead letters that were asked for, and counts those with which it was `done`.
async fn each(
    queue: &Queue,
    which: &Which,
    done: &str,
    whither: &str,
    work: impl AsyncFn(&DeadLetter) -> Result<bool, QueueError>,
) -> Result<Output, Failure> {
    let mut count: u64 = 0;
    for letter in chosen(queue, which).await? {
        let is_done = work(&letter).await.map_err(|error| interrupted(count, done, &error))?;
        count += u64::from(is_done);
    }
    Ok(Output::new(json!(count), good(&format!("{}{whither}", counted(count, done)))))
}

fn interrupted(count: u64, done: &str, error: &QueueError) -> Failure {
    let then = chain(error);
    Failure::new(
        Code::Connection,
        format!("{count} were {done}, then: {then}; repeat the command for the rest"),
    )
}

fn counted(count: u64, done: &str) -> String {
    let letters = if count == 1 { "dead letter" } else { "dead letters" };
    format!("{count} {letters} {done}")
}

/// The dead letters that were asked for. If one of them does not exist, the command does nothing.
async fn chosen(queue: &Queue, which: &Which) -> Result<Vec<DeadLetter>, Failure> {
    if which.all {
        return queue.dead(which.account.as_ref()).await.map_err(failed);
    }
    let mut letters = Vec::with_capacity(which.ids.len());
    for id in &which.ids {
        letters.push(find(queue, id).await?);
    }
    Ok(letters)
}

async fn find(queue: &Queue, id: &OptInId) -> Result<DeadLetter, Failure> {
    queue.find_dead_letter(id).await.map_err(failed)?.ok_or_else(|| {
        Failure::new(
            Code::NotFound,
            format!("there is no dead letter {id}; `klaviyo-connector dead list` shows them all"),
        )
    })
}

fn failed(error: QueueError) -> Failure {
    Failure::new(Code::Connection, chain(&error))
}

fn table(letters: &[Value]) -> String {
    if letters.is_empty() {
        return good("there are no dead letters");
    }
    let text = |letter: &Value, pointer: &str| {
        clean(letter.pointer(pointer).and_then(Value::as_str).unwrap_or("-")).into_owned()
    };
    let row = |letter: &Value| {
        let minute = text(letter, "/since").replace('T', " ").chars().take(16).collect();
        [text(letter, "/id"), minute, text(letter, "/error/code"), text(letter, "/error/message")]
    };
    text::table(["ID", "SINCE", "CODE", "REASON"], &letters.iter().map(row).collect::<Vec<_>>())
}

fn text(letter: &Value) -> String {
    let mut out = String::new();
    let error = letter.get("error").unwrap_or(&Value::Null);
    fields(&mut out, letter, &["id", "lane", "since", "attempts"]);
    fields(&mut out, error, &["code", "message"]);
    for detail in error.get("details").and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| detail.get(name).and_then(Value::as_str).unwrap_or_default();
        field(&mut out, "Klaviyo said", &format!("{}: {}", text("code"), text("detail")));
    }
    json_lines(&mut out, letter.get("opt_in"));
    out
}

/// Writes what a dead letter is about.
fn json_lines(out: &mut String, value: Option<&Value>) {
    if let Some(Ok(json)) = value.map(serde_json::to_string_pretty) {
        let lines: String = clean_lines(&json).map(|line| format!("  {line}\n")).collect();
        out.push_str(&format!("\n{lines}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use klaviyo_service::queue::{DeadLetterBody, Lane};
    use serde_json::value::RawValue;

    /// What a front door takes as JSON can be more than others read.
    #[test]
    fn a_letter_of_any_json_is_shown() {
        let deep = format!("{{\"properties\":{{\"a\":{}{}}}}}", "[".repeat(200), "]".repeat(200));
        for (text, is_text) in
            [(r#"{"list":"x"}"#, false), (r#"{"properties":{"a":1e999}}"#, true), (deep.as_str(), true)]
        {
            let key = "shop-1.0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f".parse().unwrap();
            let opt_in = RawValue::from_string(text.to_owned()).unwrap();
            let error = klaviyo_service::outcome::Reason::new(Code::Rejected, "no");
            let (lane, since) = (Lane::OptIns, String::new());
            let body = DeadLetterBody { opt_in, lane, error, attempts: 1, since, sequences: vec![7] };
            let shown = DeadLetter { key, sequence: 9, body }.document();
            assert_eq!(shown["id"], "shop-1.0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f.7");
            assert_eq!(shown["opt_in"].is_string(), is_text, "{shown}");
        }
    }
}

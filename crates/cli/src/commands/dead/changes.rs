//! `dead changes`: the changes that an endpoint refused.

use super::{counted, failed, interrupted, json_lines};
use crate::failure::Failure;
use crate::output::Output;
use crate::text::{self, clean, fields, good};
use clap::{ArgGroup, Args, Subcommand};
use klaviyo_host::types::Code;
use klaviyo_service::account::Account;
use klaviyo_service::queue::{ChangesDeadLetter, Queue, QueueError};
use serde_json::{Value, json};

#[derive(Subcommand)]
pub(super) enum Changes {
    /// Show the refused changes: id, account, kind and reason
    List {
        /// Only those of this account
        #[arg(long)]
        account: Option<Account>,
    },
    /// Show one refused change, with its message
    Show {
        /// Its id, from `dead changes list`
        id: String,
    },
    /// Let the worker of the account send refused changes again, with their ids
    Retry(Which),
    /// Give up on refused changes; they are not told
    Drop(Which),
}

/// Which refused changes.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "all"]))]
pub(super) struct Which {
    /// Their ids, from `dead changes list`
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// All of them
    #[arg(long)]
    all: bool,
    /// With --all: only those of this account
    #[arg(long, requires = "all")]
    account: Option<Account>,
}

/// A refused change: its account, its place in JetStream, and what is stored.
type Letter = (Account, u64, ChangesDeadLetter);

impl Changes {
    pub(super) async fn run(&self, queue: &Queue) -> Result<Output, Failure> {
        match self {
            Self::List { account } => {
                let letters = queue.changes_dead(account.as_ref()).await.map_err(failed)?;
                let letters: Vec<Value> = letters.iter().map(document).collect();
                let text = table(&letters);
                Ok(Output::new(letters.into(), text))
            }
            Self::Show { id } => {
                let letters = queue.changes_dead(None).await.map_err(failed)?;
                let letter =
                    letters.iter().find(|(.., letter)| letter.id == *id).ok_or_else(|| missing(id))?;
                let letter = document(letter);
                let text = text(&letter);
                Ok(Output::new(letter, text))
            }
            Self::Retry(which) => {
                let retry = async |(account, sequence, letter): &Letter| {
                    queue.retry_change(account, *sequence, letter).await
                };
                each(queue, which, "given to the worker", retry).await
            }
            Self::Drop(which) => {
                let drop = async |(_, sequence, _): &Letter| queue.drop_changes_dead_letter(*sequence).await;
                each(queue, which, "given up", drop).await
            }
        }
    }
}

/// Does something with the refused changes that were asked for, oldest first, and counts those with which it was `done`. If
/// one of them does not exist, it does nothing.
async fn each(
    queue: &Queue,
    which: &Which,
    done: &str,
    work: impl AsyncFn(&Letter) -> Result<bool, QueueError>,
) -> Result<Output, Failure> {
    let mut letters = queue.changes_dead(which.account.as_ref()).await.map_err(failed)?;
    if !which.all {
        let is_there = |id: &&String| letters.iter().any(|(.., letter)| letter.id == **id);
        if let Some(id) = which.ids.iter().find(|id| !is_there(id)) {
            return Err(missing(id));
        }
        letters.retain(|(.., letter)| which.ids.contains(&letter.id));
    }
    let mut count: u64 = 0;
    for letter in &letters {
        let is_done = work(letter).await.map_err(|error| interrupted(count, done, &error))?;
        count += u64::from(is_done);
    }
    Ok(Output::new(json!(count), good(&counted(count, done))))
}

fn missing(id: &str) -> Failure {
    let sentence =
        format!("there is no refused change {id}; `klaviyo-connector dead changes list` shows them all");
    Failure::new(Code::NotFound, sentence)
}

fn document((account, _, letter): &Letter) -> Value {
    let ChangesDeadLetter { id, message, error, attempts, since } = letter;
    // JSON that is deeper, or has larger numbers, than most programs can read becomes a string.
    let message = serde_json::from_str(message.get()).unwrap_or_else(|_| Value::from(message.get()));
    json!({
        "id": id, "account": account, "message": message, "error": error, "attempts": attempts, "since": since,
    })
}

fn table(letters: &[Value]) -> String {
    if letters.is_empty() {
        return good("there are no refused changes");
    }
    let text = |letter: &Value, pointer: &str| {
        clean(letter.pointer(pointer).and_then(Value::as_str).unwrap_or("-")).into_owned()
    };
    let row = |letter: &Value| {
        ["/id", "/account", "/message/type", "/error/message"].map(|pointer| text(letter, pointer))
    };
    text::table(["ID", "ACCOUNT", "CHANGE", "REASON"], &letters.iter().map(row).collect::<Vec<_>>())
}

fn text(letter: &Value) -> String {
    let mut out = String::new();
    fields(&mut out, letter, &["id", "account", "since", "attempts"]);
    fields(&mut out, letter.get("error").unwrap_or(&Value::Null), &["code", "message"]);
    json_lines(&mut out, letter.get("message"));
    out
}

//! `klaviyo-connector dead`: the opt-ins that could not be done.

use crate::done::{Done, View};
use crate::failure::{Failure, chain};
use crate::service::{self, NatsArgs};
use clap::{ArgGroup, Args, Subcommand};
use klaviyo_host::types::Code;
use klaviyo_service::id::Id;
use klaviyo_service::queue::{self, Letter, Queue, QueueError, Role};
use serde_json::{Value, json};

#[derive(Args)]
pub(crate) struct Dead {
    #[command(subcommand)]
    pub(crate) command: DeadCommand,
    #[command(flatten)]
    pub(crate) nats: NatsArgs,
}

#[derive(Subcommand)]
pub(crate) enum DeadCommand {
    /// Show the dead letters: id, code and reason
    List {
        /// Only those of this account
        #[arg(long)]
        account: Option<klaviyo_service::account::Account>,
    },
    /// Show one, with the opt-in itself
    Show {
        /// Its id, from `dead list` or the answer to the opt-in
        id: Id,
    },
    /// Put dead letters into the queue again
    Retry(Which),
    /// Give dead letters up
    Drop(Which),
}

/// Which dead letters.
#[derive(Args)]
#[group(skip)]
#[command(group = ArgGroup::new("which").required(true).args(["ids", "all"]))]
pub(crate) struct Which {
    /// Their ids, from `dead list` or the answers to the opt-ins
    #[arg(value_name = "ID")]
    pub(crate) ids: Vec<Id>,
    /// All of them
    #[arg(long)]
    pub(crate) all: bool,
    /// With --all: only those of this account
    #[arg(long, requires = "all")]
    pub(crate) account: Option<klaviyo_service::account::Account>,
}

pub(crate) async fn run(options: &Dead) -> Result<Done, Failure> {
    let nats = service::nats(&options.nats, Role::Operator).unwrap_or_default();
    let queue = service::queue(&nats).await?;
    match &options.command {
        DeadCommand::List { account } => {
            let letters = queue.dead(account.as_ref()).await.map_err(failed)?;
            Ok(Done::new(letters.iter().map(document).collect(), View::Letters))
        }
        DeadCommand::Show { id } => Ok(Done::new(document(&find(&queue, id).await?), View::Letter)),
        DeadCommand::Retry(which) => {
            let mut count: u64 = 0;
            for letter in chosen(&queue, which).await? {
                let is_done = queue.retry(&letter).await.map_err(|error| after(count, "put back", &error))?;
                count += u64::from(is_done);
            }
            Ok(Done::new(json!(count), View::Decided("put back into the queue")))
        }
        DeadCommand::Drop(which) => {
            let mut count: u64 = 0;
            for letter in chosen(&queue, which).await? {
                let is_done =
                    queue.give_up(&letter).await.map_err(|error| after(count, "given up", &error))?;
                count += u64::from(is_done);
            }
            Ok(Done::new(json!(count), View::Decided("given up")))
        }
    }
}

/// All that are asked for; when one of them is not there, none.
async fn chosen(queue: &Queue, which: &Which) -> Result<Vec<Letter>, Failure> {
    if which.all {
        return queue.dead(which.account.as_ref()).await.map_err(failed);
    }
    let mut letters = Vec::with_capacity(which.ids.len());
    for id in &which.ids {
        letters.push(find(queue, id).await?);
    }
    Ok(letters)
}

async fn find(queue: &Queue, id: &Id) -> Result<Letter, Failure> {
    let letter = queue.dead_letter(&id.key).await.map_err(failed)?;
    // One of an older version does not know where its opt-in was.
    let is_its = |letter: &Letter| {
        let sequences = &letter.dead.sequences;
        id.sequence.is_none_or(|sequence| sequences.is_empty() || sequences.contains(&sequence))
    };
    letter.filter(is_its).ok_or_else(|| {
        Failure::new(
            Code::NotFound,
            format!("there is no dead letter {id}; `klaviyo-connector dead list` shows them all"),
        )
    })
}

fn failed(error: QueueError) -> Failure {
    Failure::new(Code::Connection, chain(&error))
}

fn after(count: u64, done: &str, error: &QueueError) -> Failure {
    let message = format!("{count} were {done}, then: {}; repeat the command for the rest", chain(error));
    Failure::new(Code::Connection, message)
}

fn document(letter: &Letter) -> Value {
    let queue::Dead { opt_in, error, attempts, since, sequences: _ } = &letter.dead;
    // JSON that is deeper than others read, or has larger numbers, is shown as the text that it is.
    let opt_in = serde_json::from_str(opt_in.get()).unwrap_or_else(|_| Value::from(opt_in.get()));
    json!({
        "id": letter.id().to_string(), "opt_in": opt_in, "error": error, "attempts": attempts, "since": since,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
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
            let dead = queue::Dead { opt_in, error, attempts: 1, since: String::new(), sequences: vec![7] };
            let shown = document(&Letter { key, sequence: 9, dead });
            assert_eq!(shown["id"], "shop-1.0f3d5c7e9a1b2c4d6e8f0a1b2c3d4e5f.7");
            assert_eq!(shown["opt_in"].is_string(), is_text, "{shown}");
        }
    }
}

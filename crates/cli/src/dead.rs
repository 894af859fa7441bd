//! `klaviyo dead`: the opt-ins that could not be done.

use crate::args::{Dead, DeadCommand, Which};
use crate::done::{Done, View};
use crate::failure::{Failure, chain};
use crate::service;
use klaviyo_host::types::Code;
use klaviyo_stream::id::Id;
use klaviyo_stream::queue::{Letter, Queue, QueueError, Role};
use serde_json::{Value, json};

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
            format!("there is no dead letter {id}; `klaviyo dead list` shows them all"),
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
    let mut document = json!(letter.dead);
    if let Some(document) = document.as_object_mut() {
        // They are in the id.
        document.remove("sequences");
        document.insert("id".to_owned(), json!(letter.id().to_string()));
    }
    document
}

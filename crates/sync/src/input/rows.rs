//! Hands rows from the thread that reads the input to the work with them.

use crate::decode::form::Form;
use crate::decode::lookahead::Position;
use crate::error::Error;
use crate::outcome::Reason;
use std::collections::VecDeque;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many rows, or bytes of the input, one message has, and how many messages may wait.
const ROWS: usize = 256;
const BYTES: u64 = 256 << 10;
const AHEAD: usize = 4;

/// A row of the input, as a record or the reason why it is none.
#[derive(Clone, Debug)]
pub(crate) struct Row<T> {
    pub(crate) line: u64,
    /// All of its values are empty. It counts among the rows, and has no outcome.
    pub(crate) is_blank: bool,
    /// The position after it.
    pub(crate) position: Position,
    pub(crate) record: Result<T, Reason>,
}

/// A message of the thread that reads.
enum Message<T> {
    /// The header was read. The first row may come much later.
    Form(Form),
    Rows(Vec<Row<T>>),
}

/// The end that receives rows.
pub(crate) struct Rows<T> {
    receiver: Receiver<Result<Message<T>, Error>>,
    here: VecDeque<Row<T>>,
}

/// The end that the thread fills.
pub(crate) struct Sink<T> {
    sender: Sender<Result<Message<T>, Error>>,
    rows: Vec<Row<T>>,
    /// Where in the input they begin.
    begin: u64,
}

impl<T> Sink<T> {
    pub(crate) fn begin(&mut self, form: Form) {
        // If nobody receives it, nobody receives rows either.
        let _ = self.sender.blocking_send(Ok(Message::Form(form)));
    }

    /// Adds a row. Returns whether anybody still receives rows.
    pub(crate) fn put(&mut self, line: u64, position: Position, record: Result<Option<T>, Reason>) -> bool {
        let is_blank = matches!(record, Ok(None));
        let record =
            record.and_then(|record| record.ok_or_else(|| Reason::new("", "there is nothing in it")));
        self.rows.push(Row { line, is_blank, position, record });
        if self.rows.len() < ROWS && position.bytes - self.begin < BYTES {
            return true;
        }
        self.begin = position.bytes;
        self.flush()
    }

    pub(crate) fn flush(&mut self) -> bool {
        let rows = std::mem::take(&mut self.rows);
        rows.is_empty() || self.sender.blocking_send(Ok(Message::Rows(rows))).is_ok()
    }

    pub(crate) fn fail(&mut self, error: Error) {
        if self.flush() {
            // If nobody receives it, nobody needs it.
            let _ = self.sender.blocking_send(Err(error));
        }
    }
}

/// The two ends. The thread may read a little ahead.
pub(crate) fn pair<T>() -> (Sink<T>, Rows<T>) {
    let (sender, receiver) = channel(AHEAD);
    let sink = Sink { sender, rows: Vec::new(), begin: 0 };
    (sink, Rows { receiver, here: VecDeque::new() })
}

impl<T> Rows<T> {
    /// Waits until the header was read.
    pub(crate) async fn begin(&mut self) -> Result<Form, Error> {
        match self.receiver.recv().await.transpose()? {
            Some(Message::Form(form)) => Ok(form),
            _ => Err(Error::other("the input was not read")),
        }
    }

    /// The next row; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Row<T>>, Error> {
        loop {
            if let Some(row) = self.here.pop_front() {
                return Ok(Some(row));
            }
            match self.receiver.recv().await.transpose()? {
                Some(Message::Rows(rows)) => self.here.extend(rows),
                Some(Message::Form(_)) => {}
                None => return Ok(None),
            }
        }
    }

    /// Puts a row back, to come next.
    pub(crate) fn give_back(&mut self, row: Row<T>) {
        self.here.push_front(row);
    }
}

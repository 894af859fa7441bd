//! Hands rows from the thread that reads the input to the sync.

use crate::contact::Contact;
use crate::contact::identities::Identities;
use crate::decode::form::Form;
use crate::decode::lookahead::Position;
use crate::error::Error;
use crate::outcome::Reason;
use klaviyo_host::types::NewProfile;
use std::collections::VecDeque;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// How many rows, or bytes of rows, one message has, and how many messages may wait.
const ROWS: usize = 256;
const BYTES: usize = 256 << 10;
const AHEAD: usize = 4;

/// A row of the input, as a contact or the reason why it is none.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    pub(crate) line: u64,
    /// All of its values are empty. It counts among the rows, and has no outcome.
    pub(crate) is_blank: bool,
    /// The position after it.
    pub(crate) position: Position,
    pub(crate) contact: Result<Contact, Reason>,
}

/// A message of the thread that reads.
enum Message {
    /// The header was read. The first row may come much later.
    Form(Form),
    Rows(Vec<Row>),
}

/// The end that receives rows.
pub(crate) struct Rows {
    receiver: Receiver<Result<Message, Error>>,
    here: VecDeque<Row>,
}

/// The end that the thread fills.
pub(crate) struct Sink {
    sender: Sender<Result<Message, Error>>,
    rows: Vec<Row>,
    bytes: usize,
    identities: Identities,
}

impl Sink {
    pub(crate) fn begin(&mut self, form: Form) {
        // If nobody receives it, nobody receives rows either.
        let _ = self.sender.blocking_send(Ok(Message::Form(form)));
    }

    /// Adds a row. Returns whether anybody still receives rows.
    pub(crate) fn put(
        &mut self,
        line: u64,
        position: Position,
        contact: Result<Option<Contact>, Reason>,
    ) -> bool {
        let is_blank = matches!(contact, Ok(None));
        let contact =
            contact.and_then(|contact| contact.ok_or_else(|| Reason::new("", "there is nothing in it")));
        let contact = contact.and_then(|contact| self.distinct(line, contact));
        self.bytes += contact.as_ref().map_or(0, |contact| contact.bytes);
        self.rows.push(Row { line, is_blank, position, contact });
        if self.rows.len() < ROWS && self.bytes < BYTES {
            return true;
        }
        self.flush()
    }

    /// Refuses a contact that clashes with an earlier one.
    fn distinct(&mut self, line: u64, contact: Contact) -> Result<Contact, Reason> {
        let NewProfile { email, phone_number, external_id, .. } = &contact.profile;
        let clash =
            self.identities.seen(line, email.as_deref(), phone_number.as_deref(), external_id.as_deref());
        clash.map_or(Ok(contact), |clash| Err(Reason::new(clash.field, clash.to_string())))
    }

    pub(crate) fn flush(&mut self) -> bool {
        self.bytes = 0;
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
pub(crate) fn pair() -> (Sink, Rows) {
    let (sender, receiver) = channel(AHEAD);
    let sink = Sink { sender, rows: Vec::new(), bytes: 0, identities: Identities::default() };
    (sink, Rows { receiver, here: VecDeque::new() })
}

impl Rows {
    /// Waits until the header was read.
    pub(crate) async fn begin(&mut self) -> Result<Form, Error> {
        match self.receiver.recv().await.transpose()? {
            Some(Message::Form(form)) => Ok(form),
            _ => Err(Error::other("the input was not read")),
        }
    }

    /// The next row; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Row>, Error> {
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
    pub(crate) fn give_back(&mut self, row: Row) {
        self.here.push_front(row);
    }
}

//! The bot's reply to a message by WhatsApp.
//!
//! A message with an outcome gives a [`Reply`], which is sent over the [`Cloud`] API as an answer to that message, at most
//! once: it is claimed before it is sent, and a claim is given back only if WhatsApp says that nothing was sent. With a
//! queue the reply waits there, so that a crash loses none that nobody has claimed, and the worker of the account sends
//! it. The door without a queue sends it itself.

mod answered;
mod cloud;
mod fate;
mod ledger;
mod pending;
mod replier;
pub(crate) mod replies;
pub(crate) mod template;

pub(crate) use answered::Answered;
pub use cloud::{Cloud, CloudError};
pub(crate) use fate::Hold;
pub(crate) use ledger::MemoryLedger;
pub use pending::{Details, Reply};
pub(crate) use replier::{BusinessNumber, Replier, ReplyEnd, Step};
pub use replies::{Replies, ReplyKind};
pub use template::{Template, TemplateError, Variables};

//! What follows from WhatsApp's answer to a message that was sent.

use http::{Response, StatusCode};
use klaviyo_host::{AttemptError, retry_after};
use serde::Deserialize;
use std::time::Duration;

/// What became of a message of the business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// WhatsApp has taken it.
    Sent,
    /// Nothing says that it was not sent. So it is not sent again.
    Unsure(String),
    /// It was not sent, and can be, this much later.
    Later { hold: Hold, after: Duration, reason: String },
    /// It was not sent, and nothing is, before the account has another token or phone number id.
    Setting(String),
    /// It was not sent, and never will be.
    Refused(String),
}

/// What has to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The messages to this person.
    Person,
    /// All messages of the account.
    Account,
}

/// WhatsApp lets a person have a message every six seconds.
const BETWEEN: Duration = Duration::from_secs(6);
/// The pause where WhatsApp names none.
const SHORT: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
struct Document {
    error: Problem,
}

/// The errors of the Graph API. Its sentences are not repeated: they can contain numbers and parts of the token.
#[derive(Deserialize)]
struct Problem {
    code: u32,
    #[serde(default)]
    error_subcode: Option<u32>,
}

impl Fate {
    /// The fate of a message, by the answer, or by what is known where there is none.
    pub(super) fn of(outcome: &Result<Response<bytes::Bytes>, AttemptError>) -> Self {
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error @ AttemptError::Unreachable(_)) => {
                return Self::later(Hold::Account, SHORT, error.to_string());
            }
            Err(error @ AttemptError::Denied(_)) => {
                return Self::later(Hold::Account, 60 * SHORT, error.to_string());
            }
            Err(error) => return Self::Unsure(error.to_string()),
        };
        let status = answer.status();
        if status.is_success() {
            return Self::Sent;
        }
        let problem = serde_json::from_slice::<Document>(answer.body()).ok().map(|document| document.error);
        let after = retry_after(answer.headers()).unwrap_or_default();
        let Some(Problem { code, error_subcode }) = problem.filter(|_| status.is_client_error()) else {
            let reason = format!("WhatsApp, or something before it, answered {status}");
            return match status {
                StatusCode::TOO_MANY_REQUESTS => Self::later(Hold::Account, after.max(SHORT), reason),
                // An error within WhatsApp says nothing about the message.
                _ => Self::Unsure(reason),
            };
        };
        let reason = |what: &str| format!("WhatsApp answered with the error {code}: {what}");
        match code {
            131_056 => {
                Self::later(Hold::Person, after.max(BETWEEN), reason("too many messages to one person"))
            }
            // Of the number, of the app, of the account; too many of its messages were blocked; it is in maintenance.
            130_429 | 4 | 80_007 | 131_048 | 131_057 => {
                Self::later(Hold::Account, after.max(SHORT), reason("too many messages, or none for now"))
            }
            0 | 3 | 10 | 102 | 190 | 200..300 => {
                Self::Setting(reason("it does not take the token, or the token may not send"))
            }
            100 if error_subcode == Some(33) => {
                Self::Setting(reason("the phone number id is unknown, or not one of this token"))
            }
            131_047 => Self::Refused(reason("the person wrote more than 24 hours ago")),
            131_026 => Self::Refused(reason("it cannot be delivered to this person")),
            131_050 => Self::Refused(reason("the person wants no such messages")),
            100 => Self::Refused(reason("it does not take a parameter")),
            _ if status == StatusCode::TOO_MANY_REQUESTS => {
                Self::later(Hold::Account, after.max(SHORT), reason("too many messages"))
            }
            _ => Self::Refused(reason("it does not take the message")),
        }
    }

    fn later(hold: Hold, after: Duration, reason: String) -> Self {
        Self::Later { hold, after, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use serde_json::json;

    fn answered(status: u16, body: impl Into<Bytes>) -> Fate {
        Fate::of(&Ok(Response::builder().status(status).body(body.into()).unwrap()))
    }

    fn failed(status: u16, code: u32) -> Fate {
        answered(status, json!({ "error": { "code": code, "message": "secret" } }).to_string())
    }

    #[test]
    fn what_was_not_sent_is_told_from_what_may_have_been() {
        assert_eq!(answered(200, r#"{"messages":[{"id":"wamid.1"}]}"#), Fate::Sent);
        assert_eq!(answered(200, "?"), Fate::Sent);
        for (status, code) in [(500, 131_000), (503, 2), (500, 190), (502, 0), (504, 131_056)] {
            assert!(matches!(failed(status, code), Fate::Unsure(_)), "{status} {code}");
        }
        for (status, body) in [(302, ""), (404, "<html>"), (400, "{}"), (502, "<html>"), (408, "")] {
            assert!(matches!(answered(status, body), Fate::Unsure(_)), "{status}");
        }
        for code in [100, 131_047, 131_026, 131_050, 131_051, 368] {
            assert!(matches!(failed(400, code), Fate::Refused(_)), "{code}");
        }
        for (status, code) in [(401, 190), (403, 10), (400, 200), (400, 299)] {
            assert!(matches!(failed(status, code), Fate::Setting(_)), "{status} {code}");
        }
        let unknown = json!({ "error": { "code": 100, "error_subcode": 33 } }).to_string();
        assert!(matches!(answered(400, unknown), Fate::Setting(_)));
        for (fate, expected) in [
            (failed(400, 131_056), (Hold::Person, BETWEEN)),
            (failed(400, 130_429), (Hold::Account, SHORT)),
            (failed(429, 7), (Hold::Account, SHORT)),
            (answered(429, ""), (Hold::Account, SHORT)),
        ] {
            let Fate::Later { hold, after, .. } = fate else { panic!("{fate:?}") };
            assert_eq!((hold, after), expected);
        }
    }

    #[test]
    fn only_a_connection_that_was_never_made_has_sent_nothing() {
        let of = |error: fn(String) -> AttemptError| Fate::of(&Err(error("no".to_owned())));
        assert!(matches!(of(AttemptError::Unreachable), Fate::Later { hold: Hold::Account, .. }));
        assert!(matches!(of(AttemptError::Denied), Fate::Later { hold: Hold::Account, .. }));
        for error in
            [AttemptError::Timeout, AttemptError::Connection, AttemptError::TooLarge, AttemptError::Other]
        {
            assert!(matches!(of(error), Fate::Unsure(_)));
        }
    }

    #[test]
    fn nothing_of_what_whatsapp_says_is_repeated() {
        for fate in [failed(400, 100), failed(401, 190), failed(500, 1), failed(400, 131_056)] {
            assert!(!format!("{fate:?}").contains("secret"));
        }
    }
}

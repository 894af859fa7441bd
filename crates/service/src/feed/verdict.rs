//! What follows from the answer to a message.

use http::Response;
use klaviyo_host::{AttemptError, retry_after};
use std::time::Duration;

/// What became of a message that was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was taken.
    Delivered,
    /// The destination takes nothing now, or is set up wrongly: all messages wait, at least as long as it asks for.
    Hold {
        /// What it answered.
        reason: String,
        /// How long it asks to wait.
        after: Option<Duration>,
        /// Whether the message itself may be the reason: the destination has perhaps failed at it.
        by_message: bool,
    },
    /// The destination refuses this message.
    Refused {
        /// What it answered.
        reason: String,
    },
    /// The destination wants no message any more.
    Gone,
}

impl Verdict {
    /// The verdict of an answer, or of a request without one.
    pub(super) fn of<T>(outcome: &Result<Response<T>, AttemptError>) -> Self {
        let hold = |reason, after, by_message| Self::Hold { reason, after, by_message };
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => {
                let by_message = matches!(
                    error,
                    AttemptError::Timeout(_) | AttemptError::Connection(_) | AttemptError::TooLarge(_)
                );
                return hold(error.to_string(), None, by_message);
            }
        };
        let status = answer.status();
        let reason = format!("the endpoint answered {status}");
        let after = || retry_after(answer.headers());
        match status.as_u16() {
            200..300 => Self::Delivered,
            410 => Self::Gone,
            // Of these the endpoint refuses whatever it is sent: it is another one's, or set up wrongly.
            401 | 403 | 404 | 405 => hold(reason, None, false),
            408 | 425 | 429 => hold(reason, after(), false),
            400..500 => Self::Refused { reason },
            300..400 => hold(format!("{reason}, and redirects are not followed"), None, false),
            500..600 => hold(reason, after(), true),
            _ => hold(reason, None, false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_deliver_hold_refuse_and_end() {
        let verdict = |status: u16| {
            let answer = Response::builder().status(status).header("retry-after", "7").body(()).unwrap();
            Verdict::of(&Ok(answer))
        };
        for status in [200, 202, 204, 299] {
            assert_eq!(verdict(status), Verdict::Delivered, "{status}");
        }
        for (status, after, may_be_it) in [
            (301, None, false),
            (401, None, false),
            (403, None, false),
            (404, None, false),
            (405, None, false),
            (408, Some(7), false),
            (425, Some(7), false),
            (429, Some(7), false),
            (500, Some(7), true),
            (503, Some(7), true),
            (700, None, false),
        ] {
            let Verdict::Hold { after: held, by_message, .. } = verdict(status) else { panic!("{status}") };
            assert_eq!((held, by_message), (after.map(Duration::from_secs), may_be_it), "{status}");
        }
        for status in [400, 402, 413, 422] {
            assert!(matches!(verdict(status), Verdict::Refused { .. }), "{status}");
        }
        assert_eq!(verdict(410), Verdict::Gone);
        for (error, may_be_it) in [
            (AttemptError::TooLarge(String::new()), true),
            (AttemptError::Timeout(String::new()), true),
            (AttemptError::Connection(String::new()), true),
            (AttemptError::Unreachable(String::new()), false),
            (AttemptError::Denied(String::new()), false),
        ] {
            let failed: Result<Response<()>, _> = Err(error.clone());
            let Verdict::Hold { by_message, .. } = Verdict::of(&failed) else { panic!("{error:?}") };
            assert_eq!(by_message, may_be_it, "{error:?}");
        }
    }
}

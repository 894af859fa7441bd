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
        let answer = match outcome {
            Ok(answer) => answer,
            Err(error) => return Self::Hold { reason: error.to_string(), after: None },
        };
        let status = answer.status();
        let reason = || format!("the endpoint answered {status}");
        match status.as_u16() {
            200..300 => Self::Delivered,
            410 => Self::Gone,
            // Of these the endpoint refuses whatever it is sent: it is another one's, or set up wrongly.
            401 | 403 | 404 | 405 => Self::Hold { reason: reason(), after: None },
            408 | 425 | 429 => Self::Hold { reason: reason(), after: retry_after(answer.headers()) },
            400..500 => Self::Refused { reason: reason() },
            300..400 => {
                Self::Hold { reason: format!("{}, and redirects are not followed", reason()), after: None }
            }
            _ => Self::Hold { reason: reason(), after: retry_after(answer.headers()) },
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
        for (status, after) in [
            (301, None),
            (401, None),
            (403, None),
            (404, None),
            (405, None),
            (408, Some(7)),
            (425, Some(7)),
            (429, Some(7)),
            (500, Some(7)),
            (503, Some(7)),
        ] {
            let Verdict::Hold { after: held, .. } = verdict(status) else { panic!("{status}") };
            assert_eq!(held, after.map(Duration::from_secs), "{status}");
        }
        for status in [400, 402, 413, 422] {
            assert!(matches!(verdict(status), Verdict::Refused { .. }), "{status}");
        }
        assert_eq!(verdict(410), Verdict::Gone);
        let failed: Result<Response<()>, _> = Err(AttemptError::TooLarge("large".to_owned()));
        assert!(matches!(Verdict::of(&failed), Verdict::Hold { .. }));
    }
}

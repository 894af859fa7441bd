//! Sends the webhooks, each lane on a thread of its own.

use crate::outbox::{Letter, Next};
use crate::shared::Shared;
use crate::signature::sign;
use anyhow::{Context, Result, ensure};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;
use ureq::Agent;

/// How long an answer may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are read.
const ANSWER_BYTES: u64 = 64 * 1024;

/// Starts the lanes. They end with the simulator.
pub(crate) fn start(shared: &Arc<Shared>) -> Result<()> {
    for _ in 0..shared.business.lanes {
        let shared = Arc::clone(shared);
        Builder::new().name("whatsapp-webhooks".to_owned()).spawn(move || work(&shared))?;
    }
    Ok(())
}

fn agent() -> Agent {
    Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .user_agent("facebookexternalua")
        .build()
        .into()
}

fn work(shared: &Shared) {
    let agent = agent();
    while let Some((letter, url)) = next(shared) {
        let signature = sign(&shared.business.app_secret, &letter.body);
        let answer = agent
            .post(&url)
            .header("content-type", "application/json")
            .header("x-hub-signature-256", &signature)
            .send(&*letter.body)
            .map(|answer| {
                let status = answer.status().as_u16();
                // Read, so that the connection can be used again.
                let _ = answer.into_body().with_config().limit(ANSWER_BYTES).read_to_vec();
                status
            });
        // The log before the news: who waits for the webhook finds its line.
        let now = shared.clock.now();
        shared.change(|world| {
            let line = world.outbox.answered(letter, answer.ok(), now);
            shared.report(&line);
        });
    }
}

/// Waits for the next webhook; none if the simulator has ended.
fn next(shared: &Shared) -> Option<(Letter, String)> {
    let mut world = shared.world.lock();
    loop {
        if world.is_over {
            return None;
        }
        let now = shared.clock.now();
        let next = match world.webhook.clone() {
            Some(url) => match world.outbox.next(now) {
                Next::Send(letter) => return Some((letter, url)),
                Next::Wait(due) => {
                    shared.clock.speed().and_then(|speed| due.saturating_sub(now).checked_div(speed))
                }
                Next::Nothing => None,
            },
            None => None,
        };
        match next {
            // The rounding of the division must not make it spin.
            Some(wait) => {
                shared.changed.wait_for(&mut world, wait.max(Duration::from_millis(1)));
            }
            None => shared.changed.wait(&mut world),
        }
    }
}

/// Asks the webhook whether it is wanted, as Meta does when it is set.
pub(crate) fn verify(shared: &Shared) -> Result<()> {
    const CHALLENGE: &str = "1158201444";
    let url = shared.world.lock().webhook.clone().context("no webhook is set")?;
    let token = utf8_percent_encode(&shared.business.verify_token, NON_ALPHANUMERIC);
    let mark = if url.contains('?') { '&' } else { '?' };
    let asked = format!("{url}{mark}hub.mode=subscribe&hub.challenge={CHALLENGE}&hub.verify_token={token}");
    let mut answer = agent().get(&asked).call().with_context(|| format!("{url} does not answer"))?;
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(ANSWER_BYTES).read_to_string().unwrap_or_default();
    let is_wanted = status == 200 && body == CHALLENGE;
    let end = if is_wanted { "" } else { "; it must be 200 and the challenge" };
    shared.report(&format!("→ is the webhook wanted: {status}{end}"));
    ensure!(
        is_wanted,
        "{url} answers {status} to hub.mode=subscribe, and not 200 with the challenge; does it know the token \
         {:?}?",
        shared.business.verify_token
    );
    Ok(())
}

//! The work on one account, for as long as this worker has its lease: all of its lanes at once, each for itself.

use super::changes;
use super::context::WorkerContext;
use super::gate::Gate;
use super::in_flight::InFlight;
use super::lane_worker;
use super::settle::Settler;
use super::status::AccountState;
use crate::queue::{Lane, Lease};
use futures_util::future::join_all;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tracing::{debug, info, warn};

/// How long a batch may go on after the worker began to shut down.
const LAST_BATCH: Duration = Duration::from_secs(20);
/// How long the last outcomes may take to be written when the account is given up.
const LAST_OUTCOMES: Duration = Duration::from_secs(5);
/// The pause before a failed renewal of the lease is repeated.
const RENEW_AGAIN: Duration = Duration::from_millis(500);

/// Works on an account until nothing waits in any lane, another worker is to have it, the lease is lost, or the
/// worker shuts down.
pub(super) async fn run(context: Arc<WorkerContext>, mut lease: Lease) {
    let account = lease.account().clone();
    info!(%account, "the account is this worker's");
    let (gate, in_flight) = (Gate::default(), Lane::ALL.map(|lane| (lane, InFlight::default())));
    let settlers: Vec<Settler<'_>> = in_flight
        .iter()
        .map(|(lane, in_flight)| Settler {
            queue: &context.queue,
            account: &account,
            lane: *lane,
            in_flight,
            status: &context.status,
            unwritten: &context.unwritten,
            replier: &context.replier,
        })
        .collect();
    for lane in Lane::ALL {
        context.status.has(&account, lane, AccountState::Working);
    }
    let lanes = || async {
        let awake = watch::Sender::new(settlers.len());
        join_all(settlers.iter().map(|settler| lane_worker::run(&context, *settler, &gate, &awake))).await;
    };
    let is_lost = tokio::select! {
        biased;
        () = renew_until_lost(&mut lease) => true,
        _ = join_all(in_flight.iter().map(|(_, in_flight)| in_flight.extend_forever())) => false,
        () = changes::beside(&context, &account, &in_flight, lanes) => false,
        () = async { context.shutdown().await; sleep(LAST_BATCH).await } => false,
    };
    if !is_lost {
        // The next owner finds these outcomes. Those that are not written in time are written when the
        // account comes back.
        let caught_up = timeout(LAST_OUTCOMES, join_all(settlers.iter().map(Settler::catch_up))).await;
        if !caught_up.is_ok_and(|all| all.iter().all(Result::is_ok)) {
            warn!(%account, "not everything that was done is noted; what is not may be done again");
        }
    }
    for (lane, in_flight) in &in_flight {
        let room = in_flight.nak_all(Duration::ZERO).await;
        context.unwritten.keep_room(&account, *lane, room);
    }
    context.status.has_no_more(&account);
    context.feeds.has_no_more(&account);
    if is_lost {
        context.status.counters.leases_lost.inc();
        warn!(%account, "the lease is lost: NATS was away, or this process was stopped for longer than it lasts");
    } else {
        lease.release().await;
        info!(%account, "the account is given up");
    }
}

async fn renew_until_lost(lease: &mut Lease) {
    let mut wait = Lease::RENEW;
    loop {
        let until = lease.until();
        // A process that stood still finds an answer that came in time, and its lease has ended all the same.
        sleep_until(until.min(Instant::now() + wait)).await;
        wait = match timeout_at(until, lease.renew()).await {
            Ok(Ok(true)) => Lease::RENEW,
            Ok(Err(error)) if Instant::now() < until => {
                debug!(account = %lease.account(), %error, "the lease is not renewed yet");
                RENEW_AGAIN
            }
            Ok(Ok(false) | Err(_)) | Err(_) => return,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::{OPT_INS_BYTES, Queue};
    use crate::simulation::{Network, Process, Server, Unwritten};
    use std::sync::mpsc;

    /// NATS is away, and says so at once, also in the instant in which the lease ends.
    #[test]
    fn a_lease_is_lost_in_the_instant_in_which_it_ends() {
        let (sender, ended) = mpsc::channel();
        // A task that asks without end would let no time pass.
        std::thread::spawn(move || {
            let mut runtime = tokio::runtime::Builder::new_current_thread();
            runtime.enable_time().start_paused(true).build().unwrap().block_on(async {
                let server = Arc::new(Server::start());
                let process = Process::new("worker", &server, &Arc::new(Network::new(1)));
                let queue = Queue::open(Arc::new(process), OPT_INS_BYTES).await.unwrap();
                let mut lease = queue.lease(&"shop-1".parse().unwrap(), "worker").await.unwrap().unwrap();
                let until = lease.until();
                server.kill(|_| Unwritten::Nothing);
                renew_until_lost(&mut lease).await;
                sender.send(until.elapsed()).unwrap();
            });
        });
        assert_eq!(ended.recv_timeout(Duration::from_secs(60)), Ok(Duration::ZERO));
    }
}

//! Stops work such as a sync: in order at first, and at once when it is asked again.

use crate::error::Error;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How long a request that is under way may still take after the first wish to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Asks work, such as a sync, to stop. Dropping it asks for nothing.
#[derive(Debug)]
pub struct Interrupter(watch::Sender<u32>);

/// Tells work, such as a sync, that it shall stop. Clones are told together.
#[derive(Clone, Debug)]
pub struct Interrupt(watch::Receiver<u32>);

impl Interrupter {
    /// Asks to stop. At first requests under way may end, for ten seconds; asked again, the sync waits for
    /// nothing. In both cases the state has what was sent.
    pub fn ask(&self) {
        self.0.send_modify(|times| *times = times.saturating_add(1));
    }
}

impl Interrupt {
    /// A pair: the interrupt, and the only way to ask it.
    #[must_use]
    pub fn new() -> (Interrupter, Self) {
        let (sender, receiver) = watch::channel(0);
        (Interrupter(sender), Self(receiver))
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until somebody asks.
    pub async fn asked(&self) {
        self.times(1).await;
    }

    /// Waits until somebody asks twice.
    pub async fn repeated(&self) {
        self.times(2).await;
    }

    /// Waits until somebody asks twice, or has asked once and ten seconds have passed.
    pub(crate) async fn insisted(&self) {
        self.asked().await;
        let _ = tokio::time::timeout(GRACE, self.repeated()).await;
    }

    async fn times(&self, least: u32) {
        // Nobody can ask any more.
        if self.0.clone().wait_for(|times| *times >= least).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Waits, unless somebody asks.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), Error> {
        self.unless_asked(async {
            tokio::time::sleep(time).await;
            Ok(())
        })
        .await
    }

    /// Does something, unless somebody asks.
    pub(crate) async fn unless_asked<T>(
        &self,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.asked() => Err(Error::interrupted()),
        }
    }
}

/// Runs work on a thread of its own that may wait for somebody else, such as opening a pipe. Nobody waits for
/// the thread: neither a caller who drops this, nor the end of the program.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    let (sender, receiver) = oneshot::channel();
    let work = move || {
        // If nobody receives it, nobody needs it.
        let _ = sender.send(work());
    };
    std::thread::Builder::new()
        .name("klaviyo-blocking".to_owned())
        .spawn(work)
        .map_err(|error| Error::other(format!("cannot start a thread: {error}")))?;
    receiver.await.map_err(|_| Error::other("a thread ended badly"))?
}

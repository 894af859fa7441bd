//! The wish to stop.

use crate::failure::Failure;
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// How long a request that is under way may still take when somebody wants to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Somebody's wish to stop: Ctrl-C or SIGTERM.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// From now on the signals do not end the program by themselves.
    pub(crate) fn listen() -> Result<Self, Failure> {
        let failed = |error| Failure::other(format!("cannot wait for Ctrl-C: {error}"));
        let (sender, receiver) = watch::channel(0);
        #[cfg(unix)]
        let mut terminate =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(failed)?;
        #[cfg(unix)]
        let mut interrupt =
            tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(failed)?;
        #[cfg(windows)]
        let mut interrupt = tokio::signal::windows::ctrl_c().map_err(failed)?;
        tokio::spawn(async move {
            loop {
                #[cfg(unix)]
                tokio::select! {
                    _ = interrupt.recv() => {}
                    _ = terminate.recv() => {}
                }
                #[cfg(windows)]
                let _ = interrupt.recv().await;
                sender.send_modify(|times| *times += 1);
            }
        });
        Ok(Self(receiver))
    }

    pub(crate) fn is_asked(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until somebody wants to stop.
    pub(crate) async fn asked(&self) {
        self.times(1).await;
    }

    /// Waits until somebody wants to stop at once, or wanted to a while ago.
    pub(crate) async fn insisted(&self) {
        self.times(1).await;
        let _ = tokio::time::timeout(GRACE, self.times(2)).await;
    }

    /// Waits until somebody wants to stop, although they have said so before.
    pub(crate) async fn repeated(&self) {
        self.times(2).await;
    }

    async fn times(&self, least: u32) {
        // The sender is never gone: its task does not end.
        if self.0.clone().wait_for(|times| *times >= least).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Does what may wait for somebody else, such as to open a pipe, unless somebody wants to stop.
    ///
    /// It has a thread of its own, which the end of the program does not wait for.
    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = oneshot::channel();
        let work = move || {
            // Whoever wanted to stop does not want to know.
            let _ = sender.send(work());
        };
        std::thread::Builder::new()
            .name("klaviyo-blocking".to_owned())
            .spawn(work)
            .map_err(|error| Failure::other(format!("cannot start a thread: {error}")))?;
        tokio::select! {
            done = receiver => done.map_err(|_| Failure::other("a thread ended badly".to_owned())),
            () = self.asked() => Err(Failure::interrupted()),
        }
    }

    /// Waits, unless somebody wants to stop.
    pub(crate) async fn sleep(&self, time: Duration) -> Result<(), Failure> {
        tokio::select! {
            () = tokio::time::sleep(time) => Ok(()),
            () = self.asked() => Err(Failure::interrupted()),
        }
    }
}

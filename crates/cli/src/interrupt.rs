//! The wish to stop.

use crate::failure::Failure;
use tokio::sync::watch;

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

    /// Waits until somebody wants to stop.
    pub(crate) async fn asked(&self) {
        self.times(1).await;
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
}

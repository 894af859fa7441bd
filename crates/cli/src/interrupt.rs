//! Ctrl-C and SIGTERM: the first asks for an orderly stop, the second for the end at once.

use crate::failure::Failure;
use tokio::sync::watch;

/// How often a user or the system has asked the command to stop.
#[derive(Clone)]
pub(crate) struct Interrupt(watch::Receiver<u32>);

impl Interrupt {
    /// Takes the two signals over: they no longer end the program by themselves.
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

    /// Waits for the first signal.
    pub(crate) async fn asked(&self) {
        self.times(1).await;
    }

    /// Waits for the second signal.
    pub(crate) async fn repeated(&self) {
        self.times(2).await;
    }

    async fn times(&self, least: u32) {
        // Fails only without a sender, whose task never ends.
        if self.0.clone().wait_for(|times| *times >= least).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

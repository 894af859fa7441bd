//! Ctrl-C and SIGTERM: the first asks for an orderly stop, the second for the end at once.

use crate::failure::Failure;
use klaviyo_sync::Interrupt;

/// Takes the two signals over: they no longer end the program by themselves, and each asks the interrupt.
pub(crate) fn listen() -> Result<Interrupt, Failure> {
    let failed = |error| Failure::other(format!("cannot wait for Ctrl-C: {error}"));
    let (interrupter, interrupt) = Interrupt::new();
    #[cfg(unix)]
    let mut terminate =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).map_err(failed)?;
    #[cfg(unix)]
    let mut ctrl_c =
        tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt()).map_err(failed)?;
    #[cfg(windows)]
    let mut ctrl_c = tokio::signal::windows::ctrl_c().map_err(failed)?;
    tokio::spawn(async move {
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = ctrl_c.recv() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(windows)]
            let _ = ctrl_c.recv().await;
            interrupter.ask();
        }
    });
    Ok(interrupt)
}

//! A port that a thread of its own serves.

use crate::socket::Listener;
use anyhow::{Context, Result};
use std::io;
use std::net::SocketAddr;
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// A port that a thread of its own serves until this is dropped.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Port {
    /// Serves this address; port 0 is any free one. `name` is that of the thread, and stands before what it
    /// prints when serving ends by itself.
    ///
    /// # Errors
    /// When the address is not free, or the thread cannot be started.
    pub fn open<F>(
        address: SocketAddr,
        name: &'static str,
        serve: impl FnOnce(Listener) -> F + Send + 'static,
    ) -> Result<Self>
    where
        F: Future<Output = io::Result<()>>,
    {
        let listener =
            std::net::TcpListener::bind(address).with_context(|| format!("cannot listen on {address}"))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().enable_time().build()?;
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            let served = runtime.block_on(async {
                let serve = serve(Listener(tokio::net::TcpListener::from_std(listener)?));
                tokio::select! {
                    served = serve => served,
                    _ = stopped => Ok(()),
                }
            });
            if let Err(error) = served {
                eprintln!("{name}: stopped serving: {error}");
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(run)?;
        Ok(Self { address, stop: Some(stop), thread: Some(thread) })
    }

    /// Its address, such as `http://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // The thread has printed its panic, if it had one.
            let _ = thread.join();
        }
    }
}

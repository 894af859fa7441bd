//! A NATS server of a test's own.

use anyhow::{Context, Result, ensure};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// How long a server may take to listen.
const START: Duration = Duration::from_secs(20);

/// A NATS server with JetStream, on a free port of the loopback interface: Debian's `nats-server`, in a process of its
/// own. It is killed, and what it has stored is removed, when this is dropped.
#[derive(Debug)]
pub struct Nats {
    port: u16,
    folder: TempDir,
    server: Option<Child>,
}

impl Nats {
    /// Starts one.
    ///
    /// # Errors
    /// When `nats-server` is not installed, or does not start.
    pub fn start() -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut nats = Self { port, folder: tempfile::tempdir()?, server: None };
        nats.run()?;
        Ok(nats)
    }

    /// Where it listens, such as `nats://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Where it stores a stream.
    #[must_use]
    pub fn stored(&self, stream: &str) -> PathBuf {
        self.folder.path().join("jetstream/$G/streams").join(stream)
    }

    /// Kills it. What it has acknowledged stays.
    ///
    /// # Errors
    /// When the system does not let it.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            server.kill()?;
            server.wait()?;
        }
        Ok(())
    }

    /// Kills it if it runs, and starts it at the same port with what it had.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.run()
    }

    fn run(&mut self) -> Result<()> {
        let server = Command::new("nats-server")
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", &self.port.to_string(), "--store_dir"])
            .arg(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let server = server.context("nats-server cannot be started (Debian: apt-get install nats-server)")?;
        self.server = Some(server);
        let end = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            ensure!(Instant::now() < end, "nats-server does not listen at port {}", self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.kill();
    }
}

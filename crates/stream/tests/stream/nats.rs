//! A NATS server of a test's own.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A NATS server with JetStream, on a free port of this machine. It is killed when it is dropped.
pub(crate) struct Nats {
    port: u16,
    folder: TempDir,
    server: Option<Child>,
}

impl Nats {
    pub(crate) fn start() -> Self {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
        let mut nats = Self { port, folder: tempfile::tempdir().unwrap(), server: None };
        nats.run();
        nats
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Ends it; what it has acknowledged is on the disk.
    pub(crate) fn stop(&mut self) {
        if let Some(mut server) = self.server.take() {
            let asked = Command::new("kill").arg(server.id().to_string()).status().unwrap();
            assert!(asked.success());
            server.wait().unwrap();
        }
    }

    /// Ends it and starts it again, at the same port, with what it had.
    pub(crate) fn restart(&mut self) {
        self.stop();
        self.run();
    }

    fn run(&mut self) {
        let server = Command::new("nats-server")
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", &self.port.to_string(), "--store_dir"])
            .arg(self.folder.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.server = Some(server.expect("install nats-server (Debian: apt-get install nats-server)"));
        let end = Instant::now() + Duration::from_secs(20);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            assert!(Instant::now() < end, "nats-server does not listen at port {}", self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if let Some(server) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}

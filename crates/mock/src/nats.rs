//! A NATS server for one test.

use anyhow::{Context, Result, bail, ensure};
use std::ffi::OsString;
use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The longest time until a server listens.
const START: Duration = Duration::from_secs(20);
/// The variable that names the server to use before any other.
const VARIABLE: &str = "KLAVIYO_NATS_SERVER";
/// The server that `cargo xtask test` installs.
const CURRENT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/nats/bin/nats-server");
/// The server of the system: on the path, or in Debian's folder, which not every path has.
const SYSTEM: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

/// A NATS server with JetStream, on a free port of the loopback interface, in a process of its own. Dropping
/// it kills the server and removes its files.
#[derive(Debug)]
pub struct Nats {
    program: PathBuf,
    port: u16,
    folder: TempDir,
    server: Option<Child>,
}

/// A program that can be started as a NATS server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NatsServer {
    /// The program.
    pub program: PathBuf,
    /// Its version, such as `2.9.10`.
    pub version: String,
}

impl Nats {
    /// Starts the first of [`Nats::servers`].
    ///
    /// # Errors
    /// When there is none, or it does not start.
    pub fn start() -> Result<Self> {
        Self::start_with(Self::default_program()?)
    }

    /// Starts this program.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_with(program: impl Into<PathBuf>) -> Result<Self> {
        Self::start_with_config(program, "")
    }

    /// Starts this program with a text of configuration: users, limits of JetStream, TLS. The port and the
    /// folder are not part of it.
    ///
    /// # Errors
    /// When it does not start. The error has the server's complaint about the configuration.
    pub fn start_with_config(program: impl Into<PathBuf>, config: &str) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut nats = Self { program: program.into(), port, folder: tempfile::tempdir()?, server: None };
        std::fs::write(nats.config(), config)?;
        nats.run()?;
        Ok(nats)
    }

    /// The installed servers, one of each version: that of the variable `KLAVIYO_NATS_SERVER`, that of
    /// `cargo xtask test`, and that of the system.
    #[must_use]
    pub fn servers() -> Vec<NatsServer> {
        let named = std::env::var_os(VARIABLE).filter(|name| !name.is_empty());
        let others = [CURRENT].into_iter().chain(SYSTEM).map(OsString::from);
        let mut servers: Vec<NatsServer> = Vec::new();
        for program in named.into_iter().chain(others).map(PathBuf::from) {
            if let Some(version) = version(&program)
                && servers.iter().all(|server| server.version != version)
            {
                servers.push(NatsServer { program, version });
            }
        }
        servers
    }

    fn default_program() -> Result<PathBuf> {
        // A named server that cannot be run is an error, not replaced by another.
        if let Some(named) = std::env::var_os(VARIABLE).filter(|name| !name.is_empty()) {
            return Ok(named.into());
        }
        let server = Self::servers().into_iter().next();
        let server = server.context(
            "there is no nats-server; `cargo xtask test` installs one, and so does Debian's package nats-server",
        )?;
        Ok(server.program)
    }

    /// The address, such as `nats://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The folder of a stream.
    #[must_use]
    pub fn stored(&self, stream: &str) -> PathBuf {
        self.folder.path().join("jetstream/$G/streams").join(stream)
    }

    /// Kills the server. It keeps what it has acknowledged.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut server) = self.server.take() {
            server.kill()?;
            server.wait()?;
        }
        Ok(())
    }

    /// Kills the server if it runs, and starts it on the same port with the same files.
    ///
    /// # Errors
    /// When it does not start.
    pub fn restart(&mut self) -> Result<()> {
        self.kill()?;
        self.run()
    }

    /// Kills the server if it runs, and starts it on the same port with the same files and another
    /// configuration.
    ///
    /// # Errors
    /// When it does not start. The error has the server's complaint about the configuration.
    pub fn restart_with_config(&mut self, config: &str) -> Result<()> {
        std::fs::write(self.config(), config)?;
        self.restart()
    }

    /// Pauses the server: its connections stay open without an answer until [`Nats::resume`].
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    #[cfg(unix)]
    pub fn pause(&self) -> Result<()> {
        use rustix::process::{Pid, Signal, WaitOptions, waitpid};
        self.signal(Signal::STOP)?;
        // Its threads do not all stop at the same moment.
        let server = self.server.as_ref().context("nats-server does not run")?;
        waitpid(Some(Pid::from_child(server)), WaitOptions::UNTRACED)?;
        Ok(())
    }

    /// Resumes a paused server.
    ///
    /// # Errors
    /// When it does not run, or the system refuses.
    #[cfg(unix)]
    pub fn resume(&self) -> Result<()> {
        self.signal(rustix::process::Signal::CONT)
    }

    #[cfg(unix)]
    fn signal(&self, signal: rustix::process::Signal) -> Result<()> {
        let server = self.server.as_ref().context("nats-server does not run")?;
        Ok(rustix::process::kill_process(rustix::process::Pid::from_child(server), signal)?)
    }

    fn config(&self) -> PathBuf {
        self.folder.path().join("nats.conf")
    }

    fn run(&mut self) -> Result<()> {
        let log = self.folder.path().join("log");
        let server = Command::new(&self.program)
            .args(["--jetstream", "--addr", "127.0.0.1", "--port", &self.port.to_string(), "--store_dir"])
            .arg(self.folder.path())
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(&log)?)
            .spawn();
        let server = server.with_context(|| format!("{} cannot be started", self.program.display()))?;
        let server = self.server.insert(server);
        let end = Instant::now() + START;
        while TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_err() {
            if let Some(status) = server.try_wait()? {
                let said = std::fs::read_to_string(&log).unwrap_or_default();
                bail!("nats-server does not start ({status}): {}", said.trim());
            }
            ensure!(Instant::now() < end, "nats-server does not listen at port {}", self.port);
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        // The server may have ended already.
        let _ = self.kill();
    }
}

/// The version of a server; none if it cannot be run.
fn version(program: &Path) -> Option<String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().ok()?;
    let said = String::from_utf8(output.stdout).ok().filter(|_| output.status.success())?;
    Some(said.trim().rsplit_once(": v")?.1.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, ErrorKind, Write};

    /// A connection after the greetings of both sides.
    fn greeted(nats: &Nats, user: &str) -> BufReader<TcpStream> {
        let mut connection =
            BufReader::new(TcpStream::connect(nats.url().strip_prefix("nats://").unwrap()).unwrap());
        assert!(line(&mut connection).unwrap().starts_with("INFO "));
        let greeting = format!("CONNECT {{\"verbose\":false{user}}}\r\n");
        connection.get_mut().write_all(greeting.as_bytes()).unwrap();
        connection
    }

    fn line(connection: &mut BufReader<TcpStream>) -> Result<String, ErrorKind> {
        let mut line = String::new();
        connection.read_line(&mut line).map_err(|error| error.kind())?;
        Ok(line.trim_end().to_owned())
    }

    fn ping(connection: &mut BufReader<TcpStream>) {
        connection.get_mut().write_all(b"PING\r\n").unwrap();
    }

    #[test]
    fn on_nats_each_server_that_is_listed_starts_and_is_itself_when_it_comes_back() {
        let servers = Nats::servers();
        assert!(!servers.is_empty());
        for NatsServer { program, version } in servers {
            let mut nats = Nats::start_with(program).unwrap();
            let url = nats.url();
            nats.restart().unwrap();
            assert_eq!(nats.url(), url);
            let address = url.strip_prefix("nats://").unwrap().to_owned();
            let mut info = String::new();
            BufReader::new(TcpStream::connect(address).unwrap()).read_line(&mut info).unwrap();
            assert!(info.contains(&format!("\"version\":\"{version}\"")), "{info}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn on_nats_one_that_is_paused_answers_nothing_until_it_is_resumed() {
        let nats = Nats::start().unwrap();
        let mut connection = greeted(&nats, "");
        ping(&mut connection);
        assert_eq!(line(&mut connection).unwrap(), "PONG");
        nats.pause().unwrap();
        ping(&mut connection);
        connection.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        assert_eq!(line(&mut connection), Err(ErrorKind::WouldBlock));
        nats.resume().unwrap();
        connection.get_ref().set_read_timeout(Some(START)).unwrap();
        assert_eq!(line(&mut connection).unwrap(), "PONG");
        // A paused server can be killed too.
        nats.pause().unwrap();
    }

    #[test]
    fn on_nats_a_configuration_holds_until_there_is_another() {
        let program = Nats::servers().remove(0).program;
        let config = "authorization { users = [{ user: ada, password: a-canary }] }";
        let mut nats = Nats::start_with_config(&program, config).unwrap();
        for (user, answer) in [
            ("", "-ERR 'Authorization Violation'"),
            (",\"user\":\"ada\",\"pass\":\"wrong\"", "-ERR 'Authorization Violation'"),
            (",\"user\":\"ada\",\"pass\":\"a-canary\"", "PONG"),
        ] {
            let mut connection = greeted(&nats, user);
            ping(&mut connection);
            assert_eq!(line(&mut connection).unwrap(), answer, "{user}");
        }
        nats.restart_with_config("").unwrap();
        let mut connection = greeted(&nats, "");
        ping(&mut connection);
        assert_eq!(line(&mut connection).unwrap(), "PONG");
        let refusal = nats.restart_with_config("no_such_setting: 1").unwrap_err().to_string();
        assert!(refusal.contains("no_such_setting"), "{refusal}");
    }
}

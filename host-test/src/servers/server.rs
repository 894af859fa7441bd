//! A server that does as it is told.

use anyhow::Result;
use parking_lot::Mutex;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A request as it came.
pub struct Incoming {
    /// How many came before it.
    pub number: usize,
    /// All of its bytes.
    pub bytes: Vec<u8>,
}

/// What a server does after a request. The connection is closed then, unless it is kept.
pub enum Reply {
    /// Closes.
    Close,
    /// Sends bytes.
    Bytes(Vec<u8>),
    /// Sends bytes, and takes the next request.
    Keep(Vec<u8>),
    /// Sends bytes, and breaks the connection with a reset.
    Reset(Vec<u8>),
    /// Sends bytes, then others again and again, each after a pause, until the client has gone.
    Endless(Vec<u8>, Vec<u8>, Duration),
}

impl Reply {
    /// Sends text.
    #[must_use]
    pub fn bytes(text: &str) -> Self {
        Self::Bytes(text.as_bytes().to_vec())
    }

    pub(super) fn reset(text: &str) -> Self {
        Self::Reset(text.as_bytes().to_vec())
    }
}

/// A server on a loopback port that does as it is told, on a thread for each connection.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Instant>>>,
    stopped: Arc<AtomicBool>,
}

impl Server {
    /// Starts it. `respond` is asked after each request.
    ///
    /// # Errors
    /// When there is no port.
    pub fn start(respond: impl Fn(&Incoming) -> Reply + Send + Sync + 'static) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let (seen, stopped) = (Arc::<Mutex<Vec<Instant>>>::default(), Arc::<AtomicBool>::default());
        let respond = Arc::new(respond);
        let server = Self { address, seen: Arc::clone(&seen), stopped: Arc::clone(&stopped) };
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                let (seen, stopped, respond) =
                    (Arc::clone(&seen), Arc::clone(&stopped), Arc::clone(&respond));
                // A client that goes away is not this server's problem.
                std::thread::spawn(move || drop(converse(stream, &seen, &stopped, respond.as_ref())));
            }
        });
        Ok(server)
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// How many requests have come.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.seen.lock().len()
    }

    /// The time between the first two requests.
    pub(super) fn pause(&self) -> Option<Duration> {
        match self.seen.lock().as_slice() {
            [first, second, ..] => Some(*second - *first),
            _ => None,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopped.store(true, Ordering::Relaxed);
        // Wakes the thread that waits for connections.
        drop(TcpStream::connect(self.address));
    }
}

pub(super) fn converse(
    mut stream: TcpStream,
    seen: &Mutex<Vec<Instant>>,
    stopped: &AtomicBool,
    respond: &dyn Fn(&Incoming) -> Reply,
) -> std::io::Result<()> {
    while let Some(bytes) = request(&mut stream)? {
        let number = {
            let mut seen = seen.lock();
            seen.push(Instant::now());
            seen.len() - 1
        };
        match respond(&Incoming { number, bytes }) {
            Reply::Keep(bytes) => {
                stream.write_all(&bytes)?;
                continue;
            }
            Reply::Close => {}
            Reply::Bytes(bytes) => stream.write_all(&bytes)?,
            Reply::Reset(bytes) => {
                stream.write_all(&bytes)?;
                // Closing with unread bytes, or without lingering, sends a reset; the latter always does.
                socket2::SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                return Ok(());
            }
            Reply::Endless(first, again, pause) => {
                stream.write_all(&first)?;
                while !stopped.load(Ordering::Relaxed) {
                    stream.write_all(&again)?;
                    std::thread::sleep(pause);
                }
            }
        }
        stream.shutdown(Shutdown::Write)?;
        return Ok(());
    }
    Ok(())
}

/// Reads a whole request: its head, and as much of a body as it announces.
pub(super) fn request(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let mut piece = [0; 65_536];
    loop {
        let end = bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_ascii_lowercase();
            let length =
                head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse::<usize>().ok());
            if bytes.len() >= end + length.unwrap_or(0) {
                return Ok(Some(bytes));
            }
        }
        match stream.read(&mut piece)? {
            0 => return Ok(None),
            read => bytes.extend_from_slice(piece.get(..read).unwrap_or_default()),
        }
    }
}

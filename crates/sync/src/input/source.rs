//! The source of an input: a path, an open file, or any reader.

use crate::files::{self, Identity};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::PathBuf;

/// The source of an input.
pub struct Source {
    pub(crate) name: String,
    origin: Origin,
}

enum Origin {
    Path(PathBuf),
    File(File),
    Reader(Box<dyn Read + Send>),
}

impl Source {
    /// A file, or a pipe that has a name. Its extension may tell its format.
    pub fn path(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self { name: path.display().to_string(), origin: Origin::Path(path) }
    }

    /// A file that is open, read from where it stands. Error sentences call it `name`.
    pub fn file(name: impl Into<String>, file: File) -> Self {
        Self { name: name.into(), origin: Origin::File(file) }
    }

    /// Anything else that can be read. Error sentences call it `name`.
    pub fn reader(name: impl Into<String>, reader: impl Read + Send + 'static) -> Self {
        Self { name: name.into(), origin: Origin::Reader(Box::new(reader)) }
    }

    pub(crate) fn extension(&self) -> Option<String> {
        let Origin::Path(path) = &self.origin else { return None };
        path.extension().and_then(OsStr::to_str).map(str::to_ascii_lowercase)
    }

    /// Which file it is.
    pub(crate) fn identity(&self) -> Option<Identity> {
        match &self.origin {
            Origin::Path(path) => files::identity(path),
            Origin::File(file) => files::identity_of(file),
            Origin::Reader(_) => None,
        }
    }

    /// Opens the source, which may wait for a writer of a pipe. Returns the length of a regular file.
    pub(crate) fn open(self) -> io::Result<(Box<dyn Read + Send>, Option<u64>)> {
        let file = match self.origin {
            Origin::Path(path) => File::open(path)?,
            Origin::File(file) => file,
            Origin::Reader(reader) => return Ok((reader, None)),
        };
        let whole = Whole::new(file)?;
        let length = whole.left;
        Ok((Box::new(whole), length))
    }
}

/// A file that must not become shorter while it is read: the rows at its end would be lost.
struct Whole {
    file: File,
    /// The bytes that are left, of a regular file.
    left: Option<u64>,
}

impl Whole {
    fn new(mut file: File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::from(io::ErrorKind::IsADirectory));
        }
        let left = if metadata.is_file() {
            // Another program may have read a part of standard input.
            Some(metadata.len().saturating_sub(file.stream_position()?))
        } else {
            None
        };
        Ok(Self { file, left })
    }
}

impl Read for Whole {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        match &mut self.left {
            Some(left) if read == 0 && *left > 0 => Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                format!(
                    "it became shorter while it was read, and {left} bytes are missing at its end; write it anew, all of \
                     it, and sync it then"
                ),
            )),
            Some(left) => {
                *left = left.saturating_sub(read as u64);
                Ok(read)
            }
            None => Ok(read),
        }
    }
}

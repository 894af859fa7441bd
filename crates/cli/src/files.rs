//! Which file a path leads to, and of what kind it is.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

/// How many links to links are followed, as by the kernel of Linux.
const LINKS: usize = 40;

/// A file, by whatever path: two that are equal are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// It is there.
    There(Node),
    /// It is not there: it would be made under this name, in this folder.
    New { folder: Node, name: OsString },
}

/// The device and the inode.
#[cfg(unix)]
type Node = (u64, u64);
/// The path without links.
#[cfg(not(unix))]
type Node = PathBuf;

/// The file that a path leads to. None for what keeps nothing that is written to it, such as `/dev/null` or a
/// terminal, and where no file can be.
pub(crate) fn identity(path: &Path) -> Option<Identity> {
    match std::fs::metadata(path) {
        Ok(metadata) if is_character_device(&metadata) => None,
        Ok(_) => node(path).ok().map(Identity::There),
        Err(_) => new(path),
    }
}

/// The regular file that standard input or output is; none if it is something else.
#[cfg(unix)]
pub(crate) fn file_of(stream: impl std::os::fd::AsFd) -> Option<File> {
    let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

/// It is not told here.
#[cfg(not(unix))]
pub(crate) fn file_of<S>(_: S) -> Option<File> {
    None
}

/// The identity of such a file.
#[cfg(unix)]
pub(crate) fn identity_of(stream: impl std::os::fd::AsFd) -> Option<Identity> {
    file_of(stream)?.metadata().ok().map(|metadata| Identity::There(node_of(&metadata)))
}

/// It is not told here.
#[cfg(not(unix))]
pub(crate) fn identity_of<S>(_: S) -> Option<Identity> {
    None
}

/// Refuses devices, pipes and folders: they have no end, or none that can be known.
pub(crate) fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() { Ok(()) } else { Err(io::Error::other("it is not a regular file")) }
}

/// The contents of a regular file, unless it has more bytes than `most`.
pub(crate) fn read(path: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Before it is opened, which waits at a pipe.
    regular(&std::fs::metadata(path)?)?;
    let file = File::open(path)?;
    let mut contents = Vec::new();
    file.take(most.saturating_add(1)).read_to_end(&mut contents)?;
    if contents.len() as u64 > most {
        return Err(io::Error::other(format!("it is larger than {most} bytes")));
    }
    Ok(contents)
}

fn new(path: &Path) -> Option<Identity> {
    let mut path = path.to_owned();
    // A link may lead to a file that is still to be made.
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = folder(&path).join(target);
    }
    Some(Identity::New { folder: node(folder(&path)).ok()?, name: path.file_name()?.to_owned() })
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(unix)]
fn node(path: &Path) -> io::Result<Node> {
    std::fs::metadata(path).map(|metadata| node_of(&metadata))
}

#[cfg(unix)]
fn node_of(metadata: &Metadata) -> Node {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn node(path: &Path) -> io::Result<Node> {
    path.canonicalize()
}

#[cfg(unix)]
fn is_character_device(metadata: &Metadata) -> bool {
    use std::os::unix::fs::FileTypeExt;
    metadata.file_type().is_char_device()
}

#[cfg(not(unix))]
fn is_character_device(_: &Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_regular_file_is_read_and_not_more_of_it_than_was_said() {
        let root = tempfile::tempdir().unwrap();
        let file = root.path().join("file");
        std::fs::write(&file, "12345").unwrap();
        assert_eq!(read(&file, 5).unwrap(), b"12345");
        assert!(read(&file, 4).is_err());
        assert!(read(root.path(), 5).is_err());
        #[cfg(unix)]
        assert!(read(Path::new("/dev/zero"), u64::MAX).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn one_file_has_one_identity_by_whatever_path() {
        let root = tempfile::tempdir().unwrap();
        let path = |name: &str| root.path().join(name);
        std::fs::create_dir(path("a")).unwrap();
        std::fs::write(path("x"), "").unwrap();
        std::fs::write(path("y"), "").unwrap();
        std::fs::hard_link(path("x"), path("hard")).unwrap();
        std::os::unix::fs::symlink("x", path("soft")).unwrap();
        std::os::unix::fs::symlink("a", path("folder")).unwrap();
        std::os::unix::fs::symlink("folder/new", path("dangling")).unwrap();
        std::os::unix::fs::symlink("round", path("round")).unwrap();
        let of = |name: &str| identity(&path(name));
        for same in ["hard", "soft", "./x", "a/../x", "folder/../x"] {
            assert_eq!(of(same), of("x"), "{same}");
        }
        for same in ["folder/new", "a/../a/new", "dangling"] {
            assert_eq!(of(same), of("a/new"), "{same}");
        }
        for other in ["y", "new", "a", "a/x"] {
            assert_ne!(of(other), of("x"), "{other}");
            assert_ne!(of(other), of("a/new"), "{other}");
        }
        for none in ["no/new", "a/no/../new", ".."] {
            assert!(!matches!(of(none), Some(Identity::New { .. })), "{none}");
        }
        assert_eq!(identity(Path::new("/dev/null")), None);
        let file = File::open(path("hard")).unwrap();
        assert_eq!(identity_of(&file), of("x"));
        assert_eq!(identity_of(std::io::pipe().unwrap().0), None);
        assert_eq!(identity(Path::new("a-new-file")), identity(Path::new("./a-new-file")));
    }
}

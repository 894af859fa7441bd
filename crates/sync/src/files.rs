//! Tells files apart by identity, whatever paths lead to them.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::io;
use std::path::Path;
#[cfg(not(unix))]
use std::path::PathBuf;

/// How many links are followed one after the other; Linux follows as many.
const LINKS: usize = 40;

/// The identity of a file: equal for all paths that lead to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Kind);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// The file exists.
    There(Node),
    /// The file does not exist; it would be created under this name in this folder.
    New { folder: Node, name: OsString },
}

/// Device and inode.
#[cfg(unix)]
type Node = (u64, u64);
/// The path with all links resolved.
#[cfg(not(unix))]
type Node = PathBuf;

/// The file that a path leads to. None if what is written there is not kept, as in `/dev/null` or a terminal,
/// and where no file can be created.
pub fn identity(path: &Path) -> Option<Identity> {
    match std::fs::metadata(path) {
        Ok(metadata) if is_character_device(&metadata) => None,
        Ok(_) => node(path).ok().map(|node| Identity(Kind::There(node))),
        Err(_) => new(path),
    }
}

/// The regular file behind a stream such as standard input; none if it is something else.
#[cfg(unix)]
pub fn file_of(stream: impl std::os::fd::AsFd) -> Option<File> {
    let file = File::from(stream.as_fd().try_clone_to_owned().ok()?);
    file.metadata().is_ok_and(|metadata| metadata.is_file()).then_some(file)
}

/// Not known on this system.
#[cfg(not(unix))]
pub fn file_of<S>(_: S) -> Option<File> {
    None
}

/// The identity of the regular file behind a stream.
#[cfg(unix)]
pub fn identity_of(stream: impl std::os::fd::AsFd) -> Option<Identity> {
    file_of(stream)?.metadata().ok().map(|metadata| Identity(Kind::There(node_of(&metadata))))
}

/// Not known on this system.
#[cfg(not(unix))]
pub fn identity_of<S>(_: S) -> Option<Identity> {
    None
}

/// Refuses devices, pipes and folders: their end is unknown.
///
/// # Errors
/// The file is not a regular one.
pub fn regular(metadata: &Metadata) -> io::Result<()> {
    if metadata.is_file() { Ok(()) } else { Err(io::Error::other("it is not a regular file")) }
}

/// Refuses files that would overwrite each other: each of `written` has to differ from those after it and
/// from all of `others`.
///
/// # Errors
/// A sentence that names the two.
pub fn distinct(
    written: &[(&str, Option<Identity>)],
    others: &[(&str, Option<Identity>)],
) -> Result<(), String> {
    for (index, (name, one)) in written.iter().enumerate() {
        let is_same = |(_, other): &&(&str, Option<Identity>)| one.is_some() && one == other;
        if let Some((other, _)) = written.iter().skip(index + 1).chain(others).find(is_same) {
            return Err(format!("{name} and {other} are the same file, which would be overwritten"));
        }
    }
    Ok(())
}

fn new(path: &Path) -> Option<Identity> {
    let mut path = path.to_owned();
    // A link may lead to a file that does not exist yet.
    for _ in 0..LINKS {
        let Ok(target) = std::fs::read_link(&path) else { break };
        path = folder(&path).join(target);
    }
    Some(Identity(Kind::New { folder: node(folder(&path)).ok()?, name: path.file_name()?.to_owned() }))
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
            assert!(!matches!(of(none), Some(Identity(Kind::New { .. }))), "{none}");
        }
        assert_eq!(identity(Path::new("/dev/null")), None);
        let file = File::open(path("hard")).unwrap();
        assert_eq!(identity_of(&file), of("x"));
        assert_eq!(identity_of(std::io::pipe().unwrap().0), None);
        assert_eq!(identity(Path::new("a-new-file")), identity(Path::new("./a-new-file")));
    }
}

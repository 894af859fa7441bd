//! Keeps tokens in a file, for the processes of one machine.

use super::store::{StoredTokens, Storing, TokenStore, TokenStoreError};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// Keeps tokens in a file that only its owner can read. It is replaced as a whole, and is on the disk before anybody
/// goes on. A second file beside it, with `.lock` at its end, keeps processes from replacing it at the same moment.
#[derive(Clone, Debug)]
pub struct FileTokenStore(PathBuf);

impl FileTokenStore {
    /// A store in this file. It need not exist, but its folder must.
    #[must_use]
    pub fn new(file: impl Into<PathBuf>) -> Self {
        Self(file.into())
    }

    /// The store of the installation that is in this file: beside it, hidden, with `-tokens` at its end.
    #[must_use]
    pub fn beside(installation: &Path) -> Self {
        let mut name = OsString::from(".");
        name.push(installation.file_name().unwrap_or_default());
        name.push("-tokens");
        Self(installation.with_file_name(name))
    }

    async fn blocking<T: Send + 'static>(
        &self,
        what: &'static str,
        work: impl FnOnce(&Path) -> io::Result<T> + Send + 'static,
    ) -> Result<T, TokenStoreError> {
        let file = self.0.clone();
        let done = tokio::task::spawn_blocking(move || {
            let done = work(&file);
            done.map_err(|error| TokenStoreError::new(format!("cannot {what} {}: {error}", file.display())))
        });
        done.await.map_err(TokenStoreError::new)?
    }
}

impl TokenStore for FileTokenStore {
    fn load(&self) -> Storing<'_, Option<StoredTokens>> {
        Box::pin(self.blocking("read", read))
    }

    fn replace(&self, version: Option<u64>, contents: Vec<u8>) -> Storing<'_, Option<u64>> {
        Box::pin(self.blocking("write", move |file| write(file, version, &contents)))
    }
}

/// The version is the first line, and the contents are the rest.
fn read(file: &Path) -> io::Result<Option<StoredTokens>> {
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let odd = || io::Error::new(ErrorKind::InvalidData, "it is not a file of tokens");
    let end = memchr::memchr(b'\n', &bytes).ok_or_else(odd)?;
    let (line, rest) = bytes.split_at_checked(end).ok_or_else(odd)?;
    let version = std::str::from_utf8(line).ok().and_then(|line| line.parse().ok()).ok_or_else(odd)?;
    Ok(Some(StoredTokens { version, contents: rest.iter().skip(1).copied().collect() }))
}

fn write(file: &Path, version: Option<u64>, contents: &[u8]) -> io::Result<Option<u64>> {
    let _lock = lock(file)?;
    if read(file)?.map(|stored| stored.version) != version {
        return Ok(None);
    }
    let version = version.unwrap_or_default().wrapping_add(1);
    let folder = file.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    // Nobody but the owner can read such a file.
    let mut next = NamedTempFile::with_prefix_in(".klaviyo-", folder)?;
    writeln!(next, "{version}")?;
    next.write_all(contents)?;
    next.as_file().sync_all()?;
    next.persist(file).map_err(|error| error.error)?;
    #[cfg(unix)]
    File::open(folder)?.sync_all()?;
    Ok(Some(version))
}

/// Waits until no other process writes. The lock ends with the process, however that ends.
fn lock(file: &Path) -> io::Result<File> {
    let mut name = file.as_os_str().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.create(true).truncate(false).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let lock = options.open(name)?;
    lock.lock()?;
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_of_two_replaces_a_version() {
        let folder = tempfile::tempdir().unwrap();
        let stores = [(); 2].map(|()| FileTokenStore::beside(&folder.path().join("shop-1.oauth")));
        assert_eq!(stores[0].load().await.unwrap(), None);
        let first = stores[0].replace(None, b"one\ntwo".to_vec()).await.unwrap();
        assert!(first.is_some());
        assert_eq!(stores[1].replace(None, b"late".to_vec()).await.unwrap(), None);
        let stored = stores[1].load().await.unwrap().unwrap();
        assert_eq!((Some(stored.version), stored.contents.as_slice()), (first, b"one\ntwo".as_slice()));
        let replaced = futures(&stores, first).await;
        assert_eq!(replaced.iter().flatten().count(), 1, "{replaced:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            for entry in std::fs::read_dir(folder.path()).unwrap() {
                let entry = entry.unwrap();
                assert!(entry.file_name().to_string_lossy().starts_with(".shop-1.oauth-tokens"));
                assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o077, 0);
            }
        }
    }

    async fn futures(stores: &[FileTokenStore; 2], version: Option<u64>) -> [Option<u64>; 2] {
        let (one, other) =
            tokio::join!(stores[0].replace(version, vec![1]), stores[1].replace(version, vec![2]));
        [one.unwrap(), other.unwrap()]
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_written_is_named() {
        let store = FileTokenStore::new("/nowhere/at/all/tokens");
        let error = store.replace(None, Vec::new()).await.unwrap_err();
        assert!(error.to_string().contains("/nowhere/at/all/tokens"), "{error}");
    }
}

//! The contents of a file that a path leads to.

use klaviyo_sync::files::regular;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

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
}

//! Lines of plain files, read again where they were seen.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// A plain file that is read again at places that are known.
pub struct PlainFile {
    file: File,
}

impl PlainFile {
    /// Opens a file; `None` for what cannot be read twice, such as a pipe.
    ///
    /// # Errors
    ///
    /// If it cannot be opened any more.
    pub fn open(path: &Path) -> io::Result<Option<Self>> {
        // Opening a pipe would wait for its other end.
        if !std::fs::metadata(path)?.is_file() {
            return Ok(None);
        }
        Ok(Some(Self { file: File::open(path)? }))
    }

    /// Up to `limit` bytes from `offset`, fewer at the end of the file.
    ///
    /// # Errors
    ///
    /// If the file cannot be read there.
    pub fn read_at(&mut self, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
        self.file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::with_capacity(limit);
        (&mut self.file).take(limit as u64).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_read_up_to_the_limit_or_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        std::fs::write(&path, "one\ntwo\n").unwrap();
        let mut file = PlainFile::open(&path).unwrap().unwrap();
        assert_eq!(file.read_at(4, 100).unwrap(), b"two\n");
        assert_eq!(file.read_at(0, 2).unwrap(), b"on");
        assert_eq!(file.read_at(100, 2).unwrap(), b"");
        assert!(PlainFile::open(folder.path()).unwrap().is_none());
    }
}

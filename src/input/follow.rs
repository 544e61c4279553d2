//! Files that grow and are rotated.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::Stop;

/// How to wait for more of a file.
#[derive(Clone, Copy, Debug)]
pub struct Follow {
    /// Lets some time pass before the next look; it should be a fraction of a second.
    pub pause: fn(),
}

/// What a followed file has come to; shared between its reader and whoever uses what is read.
#[derive(Clone, Default, Debug)]
pub struct Progression(Arc<Flags>);

#[derive(Default, Debug)]
struct Flags {
    has_caught_up: AtomicBool,
    is_replaced: AtomicBool,
}

impl Progression {
    /// Whether the reader has come to the end of what was there, so that what it reads now was
    /// written since.
    #[must_use]
    pub fn has_caught_up(&self) -> bool {
        self.0.has_caught_up.load(Ordering::Acquire)
    }

    /// Says that nothing is there from before, as in a pipe.
    pub(super) fn catch_up(&self) {
        self.0.has_caught_up.store(true, Ordering::Release);
    }

    /// Whether the reader ended because another file, or a shortened one, has taken the place of
    /// the one that was read. It is to be opened anew and read from its beginning.
    #[must_use]
    pub fn is_replaced(&self) -> bool {
        self.0.is_replaced.load(Ordering::Acquire)
    }
}

/// Reads a file beyond its end: waits for more until it is replaced or an end is asked for.
///
/// A file is replaced when its path leads to another file (it was renamed, or removed and made
/// again) and all of it was read, or when it is shorter than what was read of it (its content was
/// moved and it was emptied). While the path leads nowhere, the file that was opened is followed
/// on. A file that is emptied and grows beyond its former length between two looks is not
/// noticed.
pub struct FollowReader {
    file: File,
    path: PathBuf,
    read: u64,
    /// Whether the path was seen to lead to another file since the last bytes.
    was_replaced: bool,
    follow: Follow,
    stop: Stop,
    progression: Progression,
}

impl FollowReader {
    /// Follows a file that was opened by `path`, from its beginning.
    #[must_use]
    pub fn new(
        file: File,
        path: PathBuf,
        follow: Follow,
        stop: Stop,
        progression: Progression,
    ) -> Self {
        progression.0.is_replaced.store(false, Ordering::Release);
        Self { file, path, read: 0, was_replaced: false, follow, stop, progression }
    }

    /// Whether the path leads to another file, or to less than was read.
    fn is_replaced(&self) -> bool {
        let Ok(there) = std::fs::metadata(&self.path) else { return false };
        let Ok(own) = self.file.metadata() else { return true };
        !is_same(&there, &own) || own.len() < self.read
    }
}

impl Read for FollowReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while !self.stop.is_asked() {
            let count = self.file.read(buffer)?;
            if count > 0 || buffer.is_empty() {
                self.read += count as u64;
                self.was_replaced = false;
                return Ok(count);
            }
            self.progression.catch_up();
            if self.is_replaced() {
                if self.was_replaced {
                    self.progression.0.is_replaced.store(true, Ordering::Release);
                    return Ok(0);
                }
                // What was written before the file was replaced may have come after the last look.
                self.was_replaced = true;
                continue;
            }
            self.was_replaced = false;
            (self.follow.pause)();
        }
        Ok(0)
    }
}

#[cfg(unix)]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

/// Elsewhere the time of creation tells files of one name apart.
#[cfg(not(unix))]
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    one.created().ok() == other.created().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write;
    use std::path::Path;
    use std::sync::Mutex;

    use super::*;

    /// What happens at the next looks, the next last.
    static STEPS: Mutex<Vec<Box<dyn FnOnce() + Send>>> = Mutex::new(Vec::new());
    /// Tests share the steps.
    static ALONE: Mutex<()> = Mutex::new(());

    fn pause() {
        let step = STEPS.lock().unwrap().pop();
        step.expect("a step that ends the reading")();
    }

    fn append(path: &Path, text: &'static str) -> Box<dyn FnOnce() + Send> {
        let path = path.to_owned();
        Box::new(move || {
            let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        })
    }

    /// Reads until the reader ends; what happens at each look comes from `steps`.
    fn follow(
        path: &Path,
        stop: &Stop,
        progression: &Progression,
        mut steps: Vec<Box<dyn FnOnce() + Send>>,
    ) -> String {
        steps.reverse();
        *STEPS.lock().unwrap() = steps;
        let (file, path) = (File::open(path).unwrap(), path.to_owned());
        let follow = Follow { pause };
        let mut reader = FollowReader::new(file, path, follow, stop.clone(), progression.clone());
        let mut text = String::new();
        reader.read_to_string(&mut text).unwrap();
        assert!(STEPS.lock().unwrap().is_empty(), "the reader ended early: {text}");
        text
    }

    fn asking(stop: &Stop) -> Box<dyn FnOnce() + Send> {
        let stop = stop.clone();
        Box::new(move || stop.ask())
    }

    #[test]
    fn what_is_appended_is_read_until_the_end_is_asked_for() {
        let _alone = ALONE.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "one\n").unwrap();
        let (stop, progression) = (Stop::default(), Progression::default());
        let steps: Vec<Box<dyn FnOnce() + Send>> =
            vec![append(&path, "tw"), Box::new(|| {}), append(&path, "o\n"), asking(&stop)];
        assert!(!progression.has_caught_up());
        assert_eq!(follow(&path, &stop, &progression, steps), "one\ntwo\n");
        assert!(progression.has_caught_up() && !progression.is_replaced());
    }

    #[test]
    fn a_renamed_file_is_read_to_its_end_before_the_next() {
        let _alone = ALONE.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "one\n").unwrap();
        let old = folder.path().join("a.log.1");
        let (stop, progression) = (Stop::default(), Progression::default());
        let (from, to) = (path.clone(), old.clone());
        // The writer goes on with the renamed file until it makes the new one.
        let steps: Vec<Box<dyn FnOnce() + Send>> =
            vec![Box::new(move || fs::rename(from, to).unwrap()), append(&old, "two\n"), {
                let (last, new) = (append(&old, "three\n"), append(&path, "four\n"));
                Box::new(move || {
                    last();
                    new();
                })
            }];
        assert_eq!(follow(&path, &stop, &progression, steps), "one\ntwo\nthree\n");
        assert!(progression.is_replaced());
        let steps = vec![asking(&stop)];
        assert_eq!(follow(&path, &stop, &progression, steps), "four\n");
        assert!(!progression.is_replaced());
    }

    #[test]
    fn a_file_that_was_emptied_begins_anew() {
        let _alone = ALONE.lock().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        fs::write(&path, "a long line\n").unwrap();
        let (stop, progression) = (Stop::default(), Progression::default());
        let same = path.clone();
        let steps: Vec<Box<dyn FnOnce() + Send>> =
            vec![Box::new(move || fs::write(same, "short\n").unwrap())];
        assert_eq!(follow(&path, &stop, &progression, steps), "a long line\n");
        assert!(progression.is_replaced());
        assert_eq!(follow(&path, &stop, &progression, vec![asking(&stop)]), "short\n");
    }
}

//! An end that is asked for from outside, and sources that heed it.

use std::fmt;
use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Bytes that are read from a pipe at once: what Linux lets a pipe hold.
const CHUNK: usize = 64 << 10;
/// Chunks that wait for being taken.
const PENDING: usize = 4;

/// Asks whoever reads to come to an end with what was read so far.
///
/// Copies ask and are asked together.
#[derive(Clone, Default)]
pub struct Stop(Arc<Inner>);

#[derive(Default)]
struct Inner {
    is_asked: AtomicBool,
    wakers: Mutex<Vec<Box<dyn Fn() + Send>>>,
}

impl Stop {
    /// Asks for the end and wakes those who wait for bytes.
    pub fn ask(&self) {
        self.0.is_asked.store(true, Ordering::SeqCst);
        for wake in self.wakers().iter() {
            wake();
        }
    }

    /// Whether the end was asked for.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        self.0.is_asked.load(Ordering::SeqCst)
    }

    fn wakers(&self) -> MutexGuard<'_, Vec<Box<dyn Fn() + Send>>> {
        self.0.wakers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Stop").field(&self.is_asked()).finish()
    }
}

/// Ends a source that never waits for long, such as a file, when asked to.
pub(super) struct Stoppable<R> {
    pub(super) source: R,
    pub(super) stop: Stop,
    /// Is set when the source was ended before it said so itself.
    pub(super) was_stopped: Arc<AtomicBool>,
}

impl<R: Read> Read for Stoppable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.stop.is_asked() {
            self.was_stopped.store(true, Ordering::Relaxed);
            return Ok(0);
        }
        self.source.read(buffer)
    }
}

/// Ends a source that may wait for ever, such as a pipe, when asked to: another thread reads it,
/// and stays behind when nothing comes any more.
pub(super) struct Pumped {
    chunks: Receiver<io::Result<Vec<u8>>>,
    chunk: Vec<u8>,
    given: usize,
    is_at_end: bool,
    stop: Stop,
    was_stopped: Arc<AtomicBool>,
}

impl Pumped {
    /// Starts to read.
    pub(super) fn start(
        mut source: impl Read + Send + 'static,
        stop: Stop,
        was_stopped: Arc<AtomicBool>,
    ) -> io::Result<Self> {
        let (sender, chunks) = mpsc::sync_channel(PENDING);
        let wake = sender.clone();
        // An empty chunk is an end. Where chunks wait already, nobody waits for one.
        stop.wakers().push(Box::new(move || drop(wake.try_send(Ok(Vec::new())))));
        let asked = stop.clone();
        thread::Builder::new().name("input".to_owned()).spawn(move || {
            while !asked.is_asked() {
                let mut chunk = vec![0; CHUNK];
                let read = match source.read(&mut chunk) {
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                    read => read,
                };
                let is_last = !matches!(read, Ok(1..));
                let read = read.map(|count| {
                    chunk.truncate(count);
                    chunk
                });
                if sender.send(read).is_err() || is_last {
                    break;
                }
            }
        })?;
        let chunk = Vec::new();
        Ok(Self { chunks, chunk, given: 0, is_at_end: false, stop, was_stopped })
    }

    /// The next chunk; when asked to end, one that was read already.
    fn next(&self) -> io::Result<Vec<u8>> {
        let next = if self.stop.is_asked() {
            self.chunks.try_recv().ok()
        } else {
            self.chunks.recv().ok()
        };
        next.unwrap_or_else(|| Ok(Vec::new()))
    }
}

impl Read for Pumped {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.given >= self.chunk.len() && !self.is_at_end {
            let next = self.next();
            self.is_at_end = !matches!(&next, Ok(chunk) if !chunk.is_empty());
            if self.is_at_end && self.stop.is_asked() {
                self.was_stopped.store(true, Ordering::Relaxed);
            }
            self.given = 0;
            self.chunk.clear();
            self.chunk = next?;
        }
        let mut rest = self.chunk.get(self.given..).unwrap_or_default();
        let count = rest.read(buffer)?;
        self.given += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    /// Gives some bytes and then waits until the test is over.
    struct Endless(&'static [u8], Receiver<()>);

    impl Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.read(buffer)?;
            if count == 0 {
                let _ = self.1.recv();
            }
            Ok(count)
        }
    }

    fn pumped(source: impl Read + Send + 'static, stop: &Stop) -> (Pumped, Arc<AtomicBool>) {
        let was_stopped = Arc::new(AtomicBool::new(false));
        let pumped = Pumped::start(source, stop.clone(), Arc::clone(&was_stopped)).unwrap();
        (pumped, was_stopped)
    }

    #[test]
    fn a_pipe_gives_all_bytes_and_its_end() {
        let bytes: Vec<u8> = (0..1_000_000_u32).map(|at| (at % 251) as u8).collect();
        let (mut reader, was_stopped) = pumped(Cursor::new(bytes.clone()), &Stop::default());
        let mut read = Vec::new();
        reader.read_to_end(&mut read).unwrap();
        assert!(read == bytes);
        assert!(!was_stopped.load(Ordering::Relaxed));
    }

    #[test]
    fn who_waits_for_bytes_that_never_come_is_woken() {
        let (alive, end) = mpsc::channel();
        let stop = Stop::default();
        let (mut reader, was_stopped) = pumped(Endless(b"all there is", end), &stop);
        let asks = stop.clone();
        let mut read = vec![0; 12];
        reader.read_exact(&mut read).unwrap();
        let asking = thread::spawn(move || asks.ask());
        assert_eq!(reader.read(&mut read).unwrap(), 0);
        assert!(was_stopped.load(Ordering::Relaxed));
        asking.join().unwrap();
        drop(alive);
    }

    #[test]
    fn an_error_is_handed_on_once_and_is_the_end() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::InvalidData.into())
            }
        }
        let (mut reader, _) = pumped(Broken, &Stop::default());
        let mut buffer = [0; 1];
        assert_eq!(reader.read(&mut buffer).unwrap_err().kind(), io::ErrorKind::InvalidData);
        assert_eq!(reader.read(&mut buffer).unwrap(), 0);
    }

    #[test]
    fn a_file_ends_when_asked_to() {
        let (stop, was_stopped) = (Stop::default(), Arc::new(AtomicBool::new(false)));
        let flag = Arc::clone(&was_stopped);
        let mut reader = Stoppable { source: io::repeat(b'x'), stop: stop.clone(), was_stopped };
        let mut buffer = [0; 8];
        assert_eq!(reader.read(&mut buffer).unwrap(), 8);
        assert!(!flag.load(Ordering::Relaxed));
        stop.ask();
        assert_eq!(reader.read(&mut buffer).unwrap(), 0);
        assert!(flag.load(Ordering::Relaxed));
    }
}

//! Who asked for what: the questions of dnsmasq that were not answered yet.

use std::hash::BuildHasher;
use std::net::IpAddr;

use hashbrown::HashMap;

use super::message::{Answer, Entry};

/// Questions that are kept; when there are more, the older half is dropped. A resolver has far
/// fewer under way.
const MAX_QUESTIONS: usize = 1 << 15;

/// Daemons whose last question is kept.
const MAX_DAEMONS: usize = 4_096;
/// What stands in the place of a name that an error does not repeat.
pub(super) const ERROR: &[u8] = b"error";

/// The questions of all daemons in one input.
#[derive(Default)]
pub(super) struct Questions {
    hasher: foldhash::fast::RandomState,
    young: HashMap<Key, Question, foldhash::fast::RandomState>,
    old: HashMap<Key, Question, foldhash::fast::RandomState>,
    /// By daemon: the chain of aliases that its last line is part of, where lines have no serial
    /// number. The answers of one question stand together.
    chains: HashMap<u64, Chain, foldhash::fast::RandomState>,
    /// By daemon, the question that came last, where lines have no serial number: an error that repeats no
    /// name answers it.
    last: HashMap<u64, Question, foldhash::fast::RandomState>,
    /// The name of the last answer's question.
    asked: Vec<u8>,
}

/// The daemon, and the serial number or the hash of the name.
type Key = (u64, u64);

#[derive(Clone, Default)]
struct Question {
    name: Vec<u8>,
    /// `None` if two different clients wait for the answer, or the line does not name the client.
    client: Option<IpAddr>,
    is_answered: bool,
}

#[derive(Default)]
struct Chain {
    /// The name that was asked for.
    asked: Vec<u8>,
    client: Option<IpAddr>,
    /// The name that the last line is about.
    owner: Vec<u8>,
    /// Whether the last line said that its name is an alias.
    is_open: bool,
}

/// What is known of an answer's question.
pub(super) struct Asked<'q> {
    pub(super) name: Option<&'q [u8]>,
    pub(super) client: Option<IpAddr>,
}

impl Questions {
    /// Notes a question.
    pub(super) fn ask(&mut self, entry: &Entry<'_>, name: &[u8], client: Option<IpAddr>) {
        let key = self.key(entry, name);
        let name = plain(name);
        if entry.serial.is_none() {
            self.chains.remove(&key.0);
            if self.last.len() >= MAX_DAEMONS {
                self.last.clear();
            }
            let question = Question { name: name.clone(), client, is_answered: false };
            self.last.insert(key.0, question);
            if let Some(question) = self.find(key)
                && !question.is_answered
            {
                if question.client != client {
                    question.client = None;
                }
                return;
            }
        }
        self.insert(key, Question { name, client, is_answered: false });
    }

    /// The client that waits for this name.
    pub(super) fn client(&mut self, entry: &Entry<'_>, name: &[u8]) -> Option<IpAddr> {
        let key = self.key(entry, name);
        if entry.serial.is_none() {
            self.chains.remove(&key.0);
        }
        self.find(key).and_then(|question| question.client)
    }

    /// Notes an answer and tells whose question it answers.
    pub(super) fn answer(&mut self, entry: &Entry<'_>, name: &[u8], answer: &Answer) -> Asked<'_> {
        let key = self.key(entry, name);
        let name = plain(name);
        let is_alias = matches!(answer, Answer::Alias);
        if entry.serial.is_some() {
            return self.answer_by_serial(key, name, is_alias);
        }
        if name == ERROR {
            let last = self.last.get(&key.0);
            let client = last.and_then(|question| question.client);
            return Asked { name: last.map(|question| question.name.as_slice()), client };
        }
        let chain = self.chains.entry(key.0).or_default();
        let goes_on = chain.is_open || (!chain.asked.is_empty() && chain.owner == name);
        if !goes_on {
            chain.asked.clone_from(&name);
            chain.client = None;
        }
        chain.owner = name;
        chain.is_open = is_alias;
        self.asked.clone_from(&chain.asked);
        let mut client = chain.client;
        if !goes_on && let Some(question) = self.find(key) {
            question.is_answered = true;
            client = question.client;
            if let Some(chain) = self.chains.get_mut(&key.0) {
                chain.client = client;
            }
        }
        Asked { name: Some(&self.asked), client }
    }

    fn answer_by_serial(&mut self, key: Key, name: Vec<u8>, is_alias: bool) -> Asked<'_> {
        if self.find(key).is_none() {
            // The question stands before the beginning of the file: the first alias names it.
            if !is_alias {
                return Asked { name: None, client: None };
            }
            self.insert(key, Question { name, ..Question::default() });
        }
        let question = self.find(key);
        let client = question.as_ref().and_then(|question| question.client);
        Asked { name: question.map(|question| question.name.as_slice()), client }
    }

    fn key(&self, entry: &Entry<'_>, name: &[u8]) -> Key {
        let daemon = self.hasher.hash_one((entry.host, entry.process));
        match entry.serial {
            Some(serial) => (daemon, serial),
            // Apart from every serial number in use.
            None => (daemon, self.hasher.hash_one(plain(name)) | (1 << 63)),
        }
    }

    fn find(&mut self, key: Key) -> Option<&mut Question> {
        match self.young.get_mut(&key) {
            Some(question) => Some(question),
            None => self.old.get_mut(&key),
        }
    }

    fn insert(&mut self, key: Key, question: Question) {
        if self.young.len() >= MAX_QUESTIONS {
            self.old = std::mem::take(&mut self.young);
            self.chains.clear();
        }
        self.old.remove(&key);
        self.young.insert(key, question);
    }
}

/// A name as it is compared: lower case, without the final dot.
fn plain(name: &[u8]) -> Vec<u8> {
    name.strip_suffix(b".").unwrap_or(name).to_ascii_lowercase()
}

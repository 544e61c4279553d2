//! The closed vocabularies of a catalog, and small sets of their words.

use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// A word of a closed vocabulary of at most eight.
pub trait Word: Copy + Eq + Sized + 'static {
    /// What the vocabulary is about, in the singular.
    const KIND: &'static str;
    /// Every word, in the order in which they are shown.
    const ALL: &'static [Self];

    /// The word as every input and output writes it.
    fn as_str(self) -> &'static str;

    /// The word's bit in a [`Set`].
    fn bit(self) -> u8;
}

/// A word that is not in its vocabulary.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("unknown {kind}; expected one of {expected}")]
pub struct UnknownWord {
    /// What the vocabulary is about.
    pub kind: &'static str,
    /// The words there are.
    pub expected: String,
}

/// Declares one vocabulary.
macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident, $kind:literal, { $($(#[$word_doc:meta])* $word:ident = $text:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum $name {
            $($(#[$word_doc])* $word,)+
        }

        impl Word for $name {
            const KIND: &'static str = $kind;
            const ALL: &'static [Self] = &[$(Self::$word,)+];

            fn as_str(self) -> &'static str {
                match self {
                    $(Self::$word => $text,)+
                }
            }

            fn bit(self) -> u8 {
                1 << (self as u8)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| UnknownWord {
                    kind: Self::KIND,
                    expected: Set::<Self>::all().to_string(),
                })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

vocabulary! {
    /// How the endpoint is spoken to.
    Protocol, "protocol", {
        /// TLS over TCP or QUIC to port 443, or a CONNECT to it.
        Https = "https",
        /// HTTP in cleartext to port 80.
        Http = "http",
    }
}

impl Protocol {
    /// The port that the protocol requires.
    #[must_use]
    pub const fn port(self) -> u16 {
        match self {
            Self::Https => 443,
            Self::Http => 80,
        }
    }
}

vocabulary! {
    /// Who opens the connection, seen from the reader's network.
    Direction, "direction", {
        /// From the network to the service.
        Outbound = "outbound",
        /// From the service into the network.
        Inbound = "inbound",
    }
}

vocabulary! {
    /// The cloud that the reader's tenant lives in.
    Cloud, "cloud", {
        /// The worldwide commercial cloud.
        Public = "public",
        /// US Government Community Cloud.
        Gcc = "gcc",
        /// US Government Community Cloud High.
        GccHigh = "gcc-high",
        /// US Department of Defense.
        Dod = "dod",
        /// China, operated by 21Vianet.
        China = "china",
    }
}

vocabulary! {
    /// What the reader uses the service for.
    Scenario, "scenario", {
        /// The portal and cloud flows.
        Service = "service",
        /// The mobile app.
        Mobile = "mobile",
        /// Desktop flows, run on machines.
        DesktopFlows = "desktop-flows",
    }
}

/// Some of the clouds.
pub type Clouds = Set<Cloud>;
/// Some of the scenarios.
pub type Scenarios = Set<Scenario>;

/// A set of words of one vocabulary, iterated, written and serialised in its order.
pub struct Set<W>(u8, PhantomData<W>);

impl<W: Word> Set<W> {
    /// The set of nothing.
    #[must_use]
    pub const fn empty() -> Self {
        Self(0, PhantomData)
    }

    /// The whole vocabulary.
    #[must_use]
    pub fn all() -> Self {
        W::ALL.iter().copied().collect()
    }

    /// What stands for the set where people read: `all` for the whole vocabulary, else its words.
    #[must_use]
    pub fn or_all(self) -> String {
        if self == Self::all() { "all".to_owned() } else { self.to_string() }
    }

    /// Whether there is no word in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether `word` is in it.
    #[must_use]
    pub fn contains(self, word: W) -> bool {
        self.0 & word.bit() != 0
    }

    /// Adds `word`.
    pub fn insert(&mut self, word: W) {
        self.0 |= word.bit();
    }

    /// Whether the two have a word in common.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The words of either.
    #[must_use]
    pub const fn union(self, other: Self) -> Self {
        Self(self.0 | other.0, PhantomData)
    }

    /// The words, in the order of the vocabulary.
    pub fn iter(self) -> impl Iterator<Item = W> {
        W::ALL.iter().copied().filter(move |word| self.contains(*word))
    }
}

impl<W> Clone for Set<W> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<W> Copy for Set<W> {}

impl<W> PartialEq for Set<W> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<W> Eq for Set<W> {}

impl<W: Word> FromIterator<W> for Set<W> {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let mut set = Self::empty();
        for word in words {
            set.insert(word);
        }
        set
    }
}

impl<W: Word> fmt::Display for Set<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, word) in self.iter().enumerate() {
            if position > 0 {
                f.write_str(", ")?;
            }
            f.write_str(word.as_str())?;
        }
        Ok(())
    }
}

impl<W: Word> fmt::Debug for Set<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

impl<W: Word> Serialize for Set<W> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter().map(Word::as_str))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_the_way_out_and_in() {
        for cloud in Cloud::ALL {
            assert_eq!(cloud.as_str().parse::<Cloud>().as_ref(), Ok(cloud));
        }
        for scenario in Scenario::ALL {
            assert_eq!(scenario.as_str().parse::<Scenario>().as_ref(), Ok(scenario));
        }
        let error = "moon".parse::<Protocol>().unwrap_err();
        assert_eq!(error.to_string(), "unknown protocol; expected one of https, http");
    }

    #[test]
    fn sets_keep_the_order_of_the_vocabulary() {
        let set: Clouds = [Cloud::China, Cloud::Public].into_iter().collect();
        assert_eq!(set.to_string(), "public, china");
        assert!(set.contains(Cloud::China) && !set.contains(Cloud::Gcc));
        assert!(set.intersects(Clouds::all()) && !set.intersects(Clouds::empty()));
        assert_eq!(serde_json::to_string(&set).unwrap(), r#"["public","china"]"#);
    }
}

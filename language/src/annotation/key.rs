//! The keys there are, and how they are written.

use std::fmt;

use thiserror::Error;

use crate::name::is_dns_subdomain;

/// A key of oncue's, however it is written.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Key {
    /// What must hold before the pod's own containers start.
    DependsOn,
    /// `init` or `gate`.
    DependsOnMode,
    /// Where the waiting container stands.
    DependsOnPosition,
    /// Reserved.
    DependsOnRestart,
    /// The time for the whole wait.
    DependsOnTimeout,
    /// What happens when the whole wait times out.
    DependsOnTimeoutPolicy,
    /// Turns oncue off, or brings the client.
    Inject,
    /// Written by the webhook: what was injected, with all names that were known.
    Injected,
    /// What `oncue rehearse` plays.
    Rehearse,
    /// Written by `oncue release`: lets one waiting pod go.
    Release,
    /// The injected container's requests and limits.
    Resources,
    /// Created once the container has started.
    Signals,
    /// Whose start the marker reports.
    SignalsContainer,
    /// Created when the pod fails.
    SignalsOnFailure,
    /// Created once the wait is over.
    SignalsOnInit,
    /// Created when the pod is ready, withdrawn when it no longer is.
    SignalsOnReady,
    /// Created when the pod succeeds.
    SignalsOnSuccess,
    /// Created before the wait.
    SignalsOnWait,
}

impl Key {
    /// All keys.
    pub const ALL: [Self; 18] = [
        Self::DependsOn,
        Self::DependsOnMode,
        Self::DependsOnPosition,
        Self::DependsOnRestart,
        Self::DependsOnTimeout,
        Self::DependsOnTimeoutPolicy,
        Self::Inject,
        Self::Injected,
        Self::Rehearse,
        Self::Release,
        Self::Resources,
        Self::Signals,
        Self::SignalsContainer,
        Self::SignalsOnFailure,
        Self::SignalsOnInit,
        Self::SignalsOnReady,
        Self::SignalsOnSuccess,
        Self::SignalsOnWait,
    ];

    /// Returns the key without a prefix.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DependsOn => "depends-on",
            Self::DependsOnMode => "depends-on-mode",
            Self::DependsOnPosition => "depends-on-position",
            Self::DependsOnRestart => "depends-on-restart",
            Self::DependsOnTimeout => "depends-on-timeout",
            Self::DependsOnTimeoutPolicy => "depends-on-timeout-policy",
            Self::Inject => "inject",
            Self::Injected => "injected",
            Self::Rehearse => "rehearse",
            Self::Release => "release",
            Self::Resources => "resources",
            Self::Signals => "signals",
            Self::SignalsContainer => "signals-container",
            Self::SignalsOnFailure => "signals-on-failure",
            Self::SignalsOnInit => "signals-on-init",
            Self::SignalsOnReady => "signals-on-ready",
            Self::SignalsOnSuccess => "signals-on-success",
            Self::SignalsOnWait => "signals-on-wait",
        }
    }

    /// Returns whether it may be written without a prefix.
    pub fn may_be_bare(self) -> bool {
        let text = self.as_str();
        text.starts_with("depends-on") || text.starts_with("signals")
    }

    /// Returns whether its value is a list of terms or signals.
    pub fn is_list(self) -> bool {
        match self {
            Self::DependsOn
            | Self::Signals
            | Self::SignalsOnFailure
            | Self::SignalsOnInit
            | Self::SignalsOnReady
            | Self::SignalsOnSuccess
            | Self::SignalsOnWait => true,
            Self::DependsOnMode
            | Self::DependsOnPosition
            | Self::DependsOnRestart
            | Self::DependsOnTimeout
            | Self::DependsOnTimeoutPolicy
            | Self::Inject
            | Self::Injected
            | Self::Rehearse
            | Self::Release
            | Self::Resources
            | Self::SignalsContainer => false,
        }
    }

    /// Returns whether it is kept for later and does nothing yet.
    pub fn is_reserved(self) -> bool {
        self == Self::DependsOnRestart
    }

    /// Returns whether people write it into manifests, and it does something there.
    pub fn is_asked(self) -> bool {
        !self.is_reserved() && !matches!(self, Self::Injected | Self::Release)
    }

    /// Returns the key that was perhaps meant.
    pub(super) fn nearest(text: &str) -> Self {
        let is_end = |key: &Self| {
            let start = key.as_str().strip_suffix(text);
            start.is_some_and(|start| start.ends_with('-'))
        };
        // `ready` means `signals-on-ready`, though it is hardly similar.
        let likeness = |key: &Self| {
            if is_end(key) {
                1.0
            } else {
                strsim::jaro_winkler(key.as_str(), text)
            }
        };
        Self::ALL
            .into_iter()
            .filter(|key| key.is_asked())
            .max_by(|a, b| likeness(a).total_cmp(&likeness(b)))
            .unwrap_or(Self::DependsOn)
    }
}

/// Prints the key as a person writes it with the default settings.
impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.may_be_bare() {
            write!(f, "{DEFAULT_PREFIX}/")?;
        }
        f.write_str(self.as_str())
    }
}

const DEFAULT_PREFIX: &str = "oncue.dev";

/// Whether `depends-on...` and `signals...` are read without the prefix.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum BareKeys {
    /// Only prefixed keys are read.
    Ignored,
    /// Both are read.
    #[default]
    Read,
}

/// How keys are written: the prefix, and whether some may do without it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Keys {
    prefix: Box<str>,
    bare: BareKeys,
}

impl Keys {
    /// Returns the keys with `prefix`, a DNS subdomain without a slash.
    pub fn new(prefix: &str, bare: BareKeys) -> Result<Self, KeysError> {
        if is_dns_subdomain(prefix) {
            Ok(Self {
                prefix: prefix.into(),
                bare,
            })
        } else {
            Err(KeysError {
                prefix: prefix.to_owned(),
            })
        }
    }

    /// Returns the prefix, without a slash.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns whether some keys are read without the prefix.
    pub fn bare(&self) -> BareKeys {
        self.bare
    }

    /// Returns the key with the prefix.
    pub fn prefixed(&self, key: Key) -> String {
        format!("{}/{}", self.prefix, key.as_str())
    }

    /// Returns the key as a user may write it: without the prefix if bare keys are read.
    pub fn written(&self, key: Key) -> String {
        match self.bare {
            BareKeys::Read if key.may_be_bare() => key.as_str().to_owned(),
            BareKeys::Read | BareKeys::Ignored => self.prefixed(key),
        }
    }

    /// Returns which key this is, if it is one, however it is written.
    pub fn key(&self, text: &str) -> Option<Key> {
        match self.classify(text) {
            Class::Known(key) => Some(key),
            Class::Foreign | Class::Unknown(_) => None,
        }
    }

    /// Returns whether `text` is a key, or looks like one mistyped.
    pub fn claims(&self, text: &str) -> bool {
        !matches!(self.classify(text), Class::Foreign)
    }

    pub(super) fn classify<'t>(&self, text: &'t str) -> Class<'t> {
        let prefixed = text
            .strip_prefix(&*self.prefix)
            .and_then(|rest| rest.strip_prefix('/'));
        let looks_bare = |text: &str| {
            ["depends-on", "signals"].iter().any(|stem| {
                text.strip_prefix(stem)
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
            })
        };
        match prefixed {
            Some(name) => Class::of(name, |_| true),
            None if self.bare == BareKeys::Read && looks_bare(text) => {
                Class::of(text, Key::may_be_bare)
            }
            None => Class::Foreign,
        }
    }
}

impl Default for Keys {
    fn default() -> Self {
        Self {
            prefix: DEFAULT_PREFIX.into(),
            bare: BareKeys::default(),
        }
    }
}

/// A prefix that is not a DNS subdomain.
#[derive(Clone, Debug, Eq, Error, PartialEq)]
#[error(
    "{prefix:?} is not a prefix for annotations: it is a DNS subdomain such as oncue.dev, without a slash"
)]
pub struct KeysError {
    prefix: String,
}

/// What an annotation's key is to us.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Class<'t> {
    Foreign,
    Known(Key),
    /// One that looks like ours, without the prefix.
    Unknown(&'t str),
}

impl<'t> Class<'t> {
    fn of(name: &'t str, accept: impl Fn(Key) -> bool) -> Self {
        let known = Key::ALL.into_iter().find(|key| key.as_str() == name);
        match known {
            Some(key) if accept(key) => Self::Known(key),
            _ => Self::Unknown(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_key_is_known_with_the_prefix_and_some_without() {
        let keys = Keys::default();
        for key in Key::ALL {
            let prefixed = keys.prefixed(key);
            assert_eq!(prefixed, format!("oncue.dev/{}", key.as_str()));
            assert_eq!(keys.key(&prefixed), Some(key));
            let bare = key.may_be_bare();
            assert_eq!(keys.key(key.as_str()), bare.then_some(key), "{key}");
            let written = if bare { key.as_str() } else { &prefixed };
            assert_eq!(keys.written(key), written);
            assert_eq!(key.to_string(), written);
            assert!(keys.claims(written));
        }
        let bare = Key::ALL.iter().filter(|key| key.may_be_bare()).count();
        assert_eq!(bare, 13);
    }

    #[test]
    fn without_bare_keys_the_prefix_is_written_always() {
        let keys = Keys::new("cue.example.com", BareKeys::Ignored).unwrap();
        assert_eq!(
            (keys.prefix(), keys.bare()),
            ("cue.example.com", BareKeys::Ignored)
        );
        assert_eq!(keys.written(Key::Signals), "cue.example.com/signals");
        assert_eq!(keys.key("signals"), None);
        assert_eq!(Keys::default().bare(), BareKeys::Read);
    }

    #[test]
    fn only_what_looks_like_a_key_is_claimed() {
        let keys = Keys::default();
        for text in ["oncue.dev/x", "signals-x", "depends-on-x", "depends-on"] {
            assert!(keys.claims(text), "{text}");
        }
        for text in [
            "x",
            "signalsx",
            "oncue.devx",
            "oncue.dev.x/signals",
            "inject",
            "depends",
        ] {
            assert!(!keys.claims(text), "{text}");
        }
    }

    #[test]
    fn a_prefix_is_a_dns_subdomain_of_253_bytes() {
        let label = "x".repeat(63);
        let longest = format!("{label}.{label}.{label}.{}", &label[..61]);
        assert_eq!(longest.len(), 253);
        assert!(Keys::new(&longest, BareKeys::Read).is_ok());
        for bad in [&*format!("{longest}x"), "", "a.", "A", "a/b"] {
            assert!(Keys::new(bad, BareKeys::Read).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_nearest_key_ends_the_same_or_is_alike() {
        for (text, nearest) in [
            ("ready", Key::SignalsOnReady),
            ("wait", Key::SignalsOnWait),
            ("timeout", Key::DependsOnTimeout),
            ("container", Key::SignalsContainer),
            ("resource", Key::Resources),
            ("depend-on", Key::DependsOn),
            ("injected-by", Key::Inject),
        ] {
            assert_eq!(Key::nearest(text), nearest, "{text}");
        }
    }
}

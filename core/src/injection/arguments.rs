//! The arguments of the container that waits, as `docs/design.md` lists them.

use std::borrow::Cow;

use super::record::Record;
use crate::language::{
    Located, Placeholder, PodAnnotations, Signal, Term,
    annotation::{Mode, TimeoutPolicy},
};

/// What the container has to do besides what the annotations say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Duties {
    /// Whether the client is installed for other containers.
    pub(crate) install: bool,
    /// Whether a marker will read what it leaves.
    pub(crate) mark: bool,
    /// Whether no controller creates the signals that it cannot create beside its wait.
    pub(crate) signal_alone: bool,
}

/// The arguments, and what they need.
pub(crate) struct Arguments {
    /// The list, escaped for the kubelet.
    pub(crate) list: Vec<Cow<'static, str>>,
    /// Whether one of them names the node.
    pub(crate) names_node: bool,
}

/// Returns the arguments for `asked`; `record` has the same, printed.
pub(crate) fn arguments(asked: &PodAnnotations, record: &Record, duties: Duties) -> Arguments {
    let mut arguments = Arguments {
        list: Vec::with_capacity(16),
        names_node: false,
    };
    arguments.list.push("wait".into());
    arguments.list.push("--dir=/oncue".into());
    if duties.install {
        arguments.list.push("--install".into());
    }
    if asked.mode == Mode::Init {
        arguments.push_timeout(asked, record);
    }
    let on_wait = (&*asked.signals_on_wait, &*record.signals_on_wait);
    arguments.push_signals("--signal-on-wait=", on_wait.0, on_wait.1);
    if duties.signal_alone {
        // Those that do not get through beside the wait delay the pod then.
        arguments.push_signals("--signal=", on_wait.0, on_wait.1);
    }
    arguments.push_signals("--signal=", &asked.signals_on_init, &record.signals_on_init);
    if duties.mark {
        arguments.push_signals("--mark=", &asked.signals, &record.signals);
    }
    if asked.mode == Mode::Init {
        arguments.push_terms(&asked.depends_on, &record.depends_on);
    }
    arguments
}

impl Arguments {
    fn push_timeout(&mut self, asked: &PodAnnotations, record: &Record) {
        if let Some(timeout) = &record.depends_on_timeout {
            self.list.push(format!("--timeout={timeout}").into());
        }
        if asked.timeout_policy == TimeoutPolicy::Proceed {
            self.list.push("--timeout-policy=proceed".into());
        }
    }

    fn push_signals(&mut self, flag: &str, signals: &[Located<Signal>], printed: &[String]) {
        for (signal, text) in signals.iter().zip(printed) {
            let mut placeholders = signal.value.placeholders();
            self.names_node |= placeholders.any(|it| *it == Placeholder::NodeName);
            self.list
                .push(format!("{flag}{}", escape_literals(text)).into());
        }
    }

    fn push_terms(&mut self, terms: &[Located<Term>], printed: &[String]) {
        if !terms.is_empty() {
            self.list.push("--".into());
        }
        for (term, text) in terms.iter().zip(printed) {
            self.names_node |= term.value.needs_node();
            self.list.push(escape_literals(text).into_owned().into());
        }
    }
}

/// Escapes a printed term or signal for the kubelet, which expands the placeholders in it.
fn escape_literals(text: &str) -> Cow<'_, str> {
    if !text.contains('$') {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find('$') {
        escaped.push_str(&rest[..start]);
        rest = &rest[start..];
        let (from, to) = if rest.starts_with("$$(") {
            ("$$(", "$$$$(")
        } else if rest.starts_with("$(") {
            ("$(", "$(")
        } else {
            ("$", "$$")
        };
        escaped.push_str(to);
        rest = &rest[from.len()..];
    }
    escaped.push_str(rest);
    Cow::Owned(escaped)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Keys;

    fn list(annotations: &[(&str, &str)]) -> (Vec<String>, bool) {
        let duties = Duties {
            install: true,
            mark: true,
            signal_alone: false,
        };
        list_for(duties, annotations)
    }

    fn list_for(duties: Duties, annotations: &[(&str, &str)]) -> (Vec<String>, bool) {
        let reading = PodAnnotations::read(&Keys::default(), annotations.iter().copied());
        let asked = reading.annotations.unwrap();
        let record = Record::of(&asked, Some("app"));
        let arguments = arguments(&asked, &record, duties);
        let list = arguments.list.iter().map(ToString::to_string).collect();
        (list, arguments.names_node)
    }

    #[test]
    fn follows_the_order_of_the_design() {
        let (list, names_node) = list(&[
            (
                "depends-on",
                "first/container, tcp://redis:6379 within 2m, ?a",
            ),
            ("depends-on-timeout", "5m"),
            ("depends-on-timeout-policy", "proceed"),
            ("signals-on-init", "a/b=v"),
            ("signals-on-wait", "a/here"),
            ("signals", "second/dependent"),
        ]);
        let expected = [
            "wait",
            "--dir=/oncue",
            "--install",
            "--timeout=5m",
            "--timeout-policy=proceed",
            "--signal-on-wait=a/here",
            "--signal=a/b=v",
            "--mark=second/dependent",
            "--",
            "first/container",
            "tcp://redis:6379 within 2m",
            "?a",
        ];
        assert_eq!(list, expected);
        assert!(!names_node);
    }

    #[test]
    fn without_a_controller_signals_on_wait_are_there_before_the_pod_starts() {
        let duties = Duties {
            install: false,
            mark: false,
            signal_alone: true,
        };
        let signals = [
            ("signals-on-wait", "phase=waiting, here"),
            ("signals-on-init", "phase=done"),
        ];
        let expected = [
            "--signal-on-wait=phase=waiting",
            "--signal-on-wait=here",
            "--signal=phase=waiting",
            "--signal=here",
            "--signal=phase=done",
        ];
        assert_eq!(list_for(duties, &signals).0[2..], expected);
    }

    #[test]
    fn only_placeholders_are_left_to_the_kubelet() {
        let (list, names_node) = list(&[
            (
                "depends-on",
                "cni/$(NODE_NAME)=\"$$(NODE_NAME) $(POD_UID)\", http://h/$x, a=$$, \
                 pod:[app=$(POD_NAME)]{.x}=$$$(",
            ),
            ("signals", "x/$(POD_UID)=$(POD_NAME)$$(POD_UID)"),
        ]);
        assert!(names_node);
        assert_eq!(list[3], "--mark=x/$(POD_UID)=$(POD_NAME)$$$$(POD_UID)");
        assert_eq!(
            list[5..],
            [
                "cni/$(NODE_NAME)=\"$$$$(NODE_NAME) $(POD_UID)\"",
                "http://h/$$x",
                "a=$$$$",
                "pod:[app=$(POD_NAME)]{.x}=$$$$$$(",
            ]
        );
    }

    #[test]
    fn the_node_is_named_wherever_it_stands() {
        for (key, value, expected) in [
            ("depends-on", "a/$(NODE_NAME)", true),
            ("depends-on", "a=$(NODE_NAME)", true),
            ("depends-on", "pod:[a=$(NODE_NAME)]", true),
            ("depends-on", "daemonset:cni on node", true),
            ("depends-on", "daemonset:cni on node=n", false),
            ("depends-on", "a=$$(NODE_NAME)", false),
            ("signals", "a=$(NODE_NAME)", true),
            ("signals-on-init", "a/$(NODE_NAME)", true),
            ("signals-on-wait", "a/$(NODE_NAME)", true),
            ("signals", "a/$(POD_NAME)", false),
        ] {
            assert_eq!(list(&[(key, value)]).1, expected, "{key}: {value}");
        }
    }
}

//! The help texts.

/// What help is about.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Topic {
    All,
    Create,
    Exists,
    Install,
    Wait,
}

impl Topic {
    /// Returns a command line that is right.
    pub(crate) fn example(self) -> &'static str {
        match self {
            Self::All => "oncue-client --help",
            Self::Create => "oncue-client create first/container",
            Self::Exists => "oncue-client exists first/container",
            Self::Install => "oncue-client install /oncue",
            Self::Wait => "oncue-client wait --timeout=5m first/container tcp://redis:6379",
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::All => ALL,
            Self::Create => CREATE,
            Self::Exists => EXISTS,
            Self::Install => INSTALL,
            Self::Wait => WAIT,
        }
    }
}

const ALL: &str = "\
Waits for what a pod depends on, and signals what others depend on.

Usage: oncue-client COMMAND

Commands:
  wait     waits until every term holds
  exists   checks whether variables exist
  create   creates variables
  install  copies this program into a folder

Each command has --help. --version prints the version.

The store is the first of: --server, ONCUE_SERVER, the store that this pod's wait used, and
http://127.0.0.1:9999. The namespace is the first of: --namespace, POD_NAMESPACE, the namespace of
this pod's wait, and default.

Environment variables:
  ONCUE_CA          certificates that the client trusts when the store uses TLS, in PEM
  ONCUE_TOKEN_FILE  file with the token that the client sends to the store
  ONCUE_SERVER_IP   address of the store, if its name cannot be looked up
  NODE_NAME         node that $(NODE_NAME) and `on node` mean in terms

Exit codes: 0 held, 1 error, 2 usage, 3 a dependency failed, 124 timed out.

Example:
  oncue-client wait first/container 'tcp://redis:6379 within 2m'
";

const WAIT: &str = "\
Waits until every term holds, and logs what is missing.

Usage: oncue-client wait [OPTIONS] [--] TERM...

A TERM is one of the annotation depends-on, such as first/container, 'workers/*>=3', job:migrate,
'tcp://redis:6379 within 2m', '?cache/warm within 30s' or '!migrate/failed'.

Options:
  --timeout=DURATION       timeout for the whole wait, including restarts if --dir is given
  --timeout-policy=POLICY  what happens after a timeout: fail (the default) or proceed
  --signal=SIGNAL          creates this variable once the wait is over; can be repeated
  --signal-on-wait=SIGNAL  creates this variable when the wait begins, or gives it up 2 s after
                           the wait; can be repeated
  --mark=SIGNAL            variable that `create --marker` will create; can be repeated
  --dir=DIR                folder that the pod's containers share
  --install                copies this program into that folder, with the address of the store
  --server=URL             URL of the store
  --namespace=NAMESPACE    namespace of signals, and of terms that name none

Exit codes: 0 held, 1 error, 2 usage, 3 a dependency failed, 124 timed out.

Example:
  oncue-client wait --timeout=5m --signal=second/init first/container
";

const EXISTS: &str = "\
Checks whether variables exist. Exit code 0: all exist, 1: one does not.

Usage: oncue-client exists [--server=URL] [--namespace=NAMESPACE] NAME...

Example:
  oncue-client exists first/container
";

const CREATE: &str = "\
Creates variables by hand or, with --marker or --marked, the signals of this pod.

Usage: oncue-client create [--server=URL] [--namespace=NAMESPACE] SIGNAL...
       oncue-client create --marker [-- COMMAND...]
       oncue-client create --marked

A SIGNAL is NAME or NAME=VALUE.

With --marked, the signals are those that `wait --mark` left in the folder of this program.
With --marker, COMMAND runs first. If it fails, its exit code is returned. If it succeeds, the
signals are created as with --marked, in a process of their own that has 2 s. Only COMMAND
determines the exit code.

Examples:
  oncue-client create first/container config/version=7
  /oncue/oncue-client create --marker -- /bin/warm-up --all
";

const INSTALL: &str = "\
Copies this program to DIR/oncue-client.

Usage: oncue-client install DIR

Example:
  oncue-client install /oncue
";

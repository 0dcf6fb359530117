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
  exists   tells whether variables exist
  create   creates variables
  install  copies this program into a folder

Each command explains itself with --help; --version prints the version.

The store is at --server, else ONCUE_SERVER, else where the wait of this pod found it, else
http://127.0.0.1:9999; its namespace is --namespace, else POD_NAMESPACE, else that of the wait, else
default. ONCUE_CA holds the certificate that a store with TLS is verified by, in PEM;
ONCUE_TOKEN_FILE names the file with the token that is presented to it; ONCUE_SERVER_IP is its
address where its name cannot be looked up. In terms, $(NODE_NAME) and `on node` mean the node in
NODE_NAME.

Exit codes: 0 held, 1 error, 2 usage, 3 a dependency failed, 124 timed out.

Example:
  oncue-client wait first/container 'tcp://redis:6379 within 2m'
";

const WAIT: &str = "\
Waits until every term holds, and says meanwhile what is missing.

Usage: oncue-client wait [OPTIONS] [--] TERM...

A TERM is one of the annotation depends-on, such as first/container, 'workers/*>=3', job:migrate,
'tcp://redis:6379 within 2m', '?cache/warm within 30s' or '!migrate/failed'.

Options:
  --timeout=DURATION       time for the whole wait, through restarts where --dir is given
  --timeout-policy=POLICY  what follows a timeout: fail (the default) or proceed
  --signal=SIGNAL          creates this variable once the wait is over; may be repeated
  --signal-on-wait=SIGNAL  creates this variable when the wait begins, or gives it up 2 s after
                           the wait; may be repeated
  --mark=SIGNAL            what `create --marker` will create; may be repeated
  --dir=DIR                the folder that the pod's containers share
  --install                leaves this program in that folder, and where the store is
  --server=URL             the store
  --namespace=NAMESPACE    the namespace of terms that name none, and of signals

Exit codes: 0 held, 1 error, 2 usage, 3 a dependency failed, 124 timed out.

Example:
  oncue-client wait --timeout=5m --signal=second/init first/container
";

const EXISTS: &str = "\
Tells whether variables exist: exit code 0 where all of them do, 1 where one does not.

Usage: oncue-client exists [--server=URL] [--namespace=NAMESPACE] NAME...

Example:
  oncue-client exists first/container
";

const CREATE: &str = "\
Creates variables, as by hand; or, with --marker or --marked, the signals of this pod.

Usage: oncue-client create [--server=URL] [--namespace=NAMESPACE] SIGNAL...
       oncue-client create --marker [-- COMMAND...]
       oncue-client create --marked

A SIGNAL is NAME or NAME=VALUE.

With --marked, the signals are those that `wait --mark` left in the folder of this program.
With --marker, COMMAND runs first. If it fails, its exit code is returned. If it succeeds, the
signals are created as with --marked, in a process of their own that has 2 s. Only COMMAND decides
about the exit code.

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

//! Probes that ask the rehearsal: one question and one answer a connection, each a line of JSON.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    time::Duration,
};

use oncue_client::prober::{ProbeFailure, Prober};
use oncue_language::Probe;
use serde::{Deserialize, Serialize};

use super::Part;

/// What a client asks.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ProbeQuestion {
    /// The namespace of the pod that asks.
    pub(crate) namespace: String,
    /// The pod that asks.
    pub(crate) pod: String,
    pub(crate) term: String,
}

/// What it is answered: nothing where the probe holds, else why it does not.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct ProbeAnswer {
    /// Why the probe does not hold.
    pub(crate) failure: Option<String>,
}

/// Probes by asking the rehearsal.
#[derive(Debug)]
pub(super) struct AskingProber {
    pub(super) part: Part,
}

impl AskingProber {
    fn ask(&self, probe: &Probe) -> io::Result<ProbeAnswer> {
        let Part {
            socket,
            namespace,
            pod,
            ..
        } = &self.part;
        let question = ProbeQuestion {
            namespace: namespace.clone(),
            pod: pod.clone(),
            term: probe.to_string(),
        };
        let mut stream = UnixStream::connect(socket)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        serde_json::to_writer(&mut stream, &question)?;
        stream.write_all(b"\n")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(serde_json::from_str(&line)?)
    }
}

impl Prober for AskingProber {
    fn probe(&self, probe: &Probe) -> Result<(), ProbeFailure> {
        match self.ask(probe) {
            Ok(ProbeAnswer { failure: None }) => Ok(()),
            Ok(ProbeAnswer { failure: Some(why) }) => Err(ProbeFailure(why)),
            Err(error) => Err(ProbeFailure(format!(
                "failed to ask the rehearsal: {error}"
            ))),
        }
    }
}

const TIMEOUT: Duration = Duration::from_secs(3);

//! The socket that answers the probes of clients.

use std::{io, path::Path, time::Duration};

use oncue_language::Term;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::timeout,
};

use super::{
    Happening,
    client::{ProbeAnswer, ProbeQuestion},
};

/// A question of a client, and where its answer goes.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) question: ProbeQuestion,
    /// The term, which is a probe.
    pub(super) term: Term,
    pub(super) answer: oneshot::Sender<ProbeAnswer>,
}

/// Listens at `path`, and passes every question on.
pub(super) fn listen(path: &Path) -> io::Result<UnixListener> {
    UnixListener::bind(path)
}

/// Serves the socket for ever.
pub(super) async fn serve(listener: UnixListener, happenings: mpsc::Sender<Happening>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Some(_) = connections.join_next() => {}
            accepted = listener.accept() => {
                if let Ok((stream, _)) = accepted {
                    let happenings = happenings.clone();
                    connections.spawn(async move {
                        // A client that goes away needs no answer.
                        let _ = timeout(TIMEOUT, answer(stream, &happenings)).await;
                    });
                }
            }
        }
    }
}

async fn answer(stream: UnixStream, happenings: &mpsc::Sender<Happening>) -> io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut line = String::new();
    BufReader::new(reader.take(MAX_QUESTION))
        .read_line(&mut line)
        .await?;
    let question: ProbeQuestion = serde_json::from_str(&line)?;
    let term = question.term.parse().map_err(io::Error::other)?;
    let (sender, receiver) = oneshot::channel();
    let asked = Asked {
        question,
        term,
        answer: sender,
    };
    let asked = Happening::Asked(asked);
    happenings.send(asked).await.map_err(io::Error::other)?;
    let answer = receiver.await.map_err(io::Error::other)?;
    let mut line = serde_json::to_vec(&answer)?;
    line.push(b'\n');
    writer.write_all(&line).await
}

const TIMEOUT: Duration = Duration::from_secs(3);
/// Longest question, in bytes: a URL with some names.
const MAX_QUESTION: u64 = 64 * 1024;

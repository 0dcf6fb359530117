//! A client that takes as little as can be, since it shares the machine with the server.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

use crate::{Failure, REVIEW, server::Server, tls};

/// Connections that send reviews.
pub(crate) struct Load {
    connections: Vec<Connection>,
    request: Arc<[u8]>,
}

/// What came of sending for a while.
pub(crate) struct Run {
    pub(crate) answers: u32,
    pub(crate) wall: Duration,
}

impl Load {
    pub(crate) async fn connect(server: &Server, connections: usize) -> Result<Self, Failure> {
        let connector = tls::connector(server.authority())?;
        let mut open = Vec::with_capacity(connections);
        for _ in 0..connections {
            open.push(Connection::open(server.address(), &connector).await?);
        }
        Ok(Self {
            connections: open,
            request: request(),
        })
    }

    /// Sends for as long as `time`.
    pub(crate) async fn run(&mut self, time: Duration) -> Result<Run, Failure> {
        let start = Instant::now();
        let senders: Vec<_> = self
            .connections
            .drain(..)
            .map(|it| tokio::spawn(it.send_until(start + time, Arc::clone(&self.request))))
            .collect();
        let mut answers = 0;
        for sender in senders {
            let (connection, answered) = sender.await??;
            self.connections.push(connection);
            answers += answered;
        }
        Ok(Run {
            answers,
            wall: start.elapsed(),
        })
    }
}

/// Sends each review on a connection of its own, from so many senders, for as long as `time`.
pub(crate) async fn connect_for_each(
    server: &Server,
    senders: usize,
    time: Duration,
) -> Result<Run, Failure> {
    let start = Instant::now();
    let connector = tls::connector(server.authority())?;
    let request = request();
    let mut sending = JoinSet::new();
    for _ in 0..senders {
        let (connector, request) = (connector.clone(), Arc::clone(&request));
        let address = server.address();
        sending.spawn(async move {
            let mut answers = 0;
            while start.elapsed() < time {
                let mut connection = Connection::open(address, &connector).await?;
                connection.send(&request).await?;
                answers += 1;
            }
            Ok::<u32, Failure>(answers)
        });
    }
    let mut answers = 0;
    while let Some(sent) = sending.join_next().await {
        answers += sent??;
    }
    Ok(Run {
        answers,
        wall: start.elapsed(),
    })
}

struct Connection {
    stream: TlsStream<TcpStream>,
    received: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr, connector: &TlsConnector) -> Result<Self, Failure> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let name = ServerName::try_from(tls::NAME)?;
        Ok(Self {
            stream: connector.connect(name, stream).await?,
            received: Vec::new(),
        })
    }

    async fn send_until(
        mut self,
        end: Instant,
        request: Arc<[u8]>,
    ) -> Result<(Self, u32), Failure> {
        let mut answers = 0;
        while Instant::now() < end {
            self.send(&request).await?;
            answers += 1;
        }
        Ok((self, answers))
    }

    async fn send(&mut self, request: &[u8]) -> Result<(), Failure> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.receive().await
    }

    async fn receive(&mut self) -> Result<(), Failure> {
        self.received.clear();
        while !is_complete(&self.received)? {
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
        Ok(())
    }
}

/// Returns whether all of an answer is there, which must be a 200.
fn is_complete(received: &[u8]) -> Result<bool, Failure> {
    let mut headers = [httparse::EMPTY_HEADER; 8];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(head) = response.parse(received)? else {
        return Ok(false);
    };
    if response.code != Some(200) {
        return Err(String::from_utf8_lossy(received).into());
    }
    let length = response
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.ok_or("an answer has no length")?.value;
    Ok(received.len() - head >= str::from_utf8(length)?.parse::<usize>()?)
}

fn request() -> Arc<[u8]> {
    let length = REVIEW.len();
    let head = format!(
        "POST /mutate?timeout=10s HTTP/1.1\r\nhost: localhost\r\naccept: application/json\r\n\
         content-type: application/json\r\ncontent-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), REVIEW.as_bytes()].concat().into()
}

//! A minimal client, because it shares the machine with the server.

use std::net::SocketAddr;

use rustls::pki_types::ServerName;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use crate::{Failure, tls};

/// Where a server listens, and how it is spoken to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    /// `None` for plain HTTP.
    pub(crate) tls: Option<TlsConnector>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// One connection with keep-alive.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    transferred: usize,
}

impl Connection {
    pub(crate) async fn open(target: &Target) -> Result<Self, Failure> {
        let stream = TcpStream::connect(target.address).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &target.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(
                tls.connect(ServerName::try_from(tls::NAME)?, stream)
                    .await?,
            ),
        };
        Ok(Self {
            stream,
            received: Vec::new(),
            transferred: 0,
        })
    }

    /// Sends a request and returns the body of its answer, which must be a success.
    pub(crate) async fn send(
        &mut self,
        method: &str,
        path: &str,
        body: &str,
    ) -> Result<String, Failure> {
        let length = body.len();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: oncue\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.write_all(request.as_bytes()).await?;
        self.stream.flush().await?;
        let body = self.receive().await?;
        self.transferred += request.len() + self.received.len();
        Ok(body)
    }

    /// Returns how many bytes it has sent and received.
    pub(crate) fn transferred(&self) -> usize {
        self.transferred
    }

    async fn receive(&mut self) -> Result<String, Failure> {
        self.received.clear();
        loop {
            if let Some(body) = complete(&self.received)? {
                return Ok(body);
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the server closed the connection".into());
            }
        }
    }
}

/// Returns the body when it is complete.
fn complete(received: &[u8]) -> Result<Option<String>, Failure> {
    let text = str::from_utf8(received)?;
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return Ok(None);
    };
    if !head.starts_with("HTTP/1.1 2") {
        return Err(text.to_owned().into());
    }
    let length = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(Ok(0), |(_, length)| length.parse())?;
    Ok((body.len() >= length).then(|| body.to_owned()))
}

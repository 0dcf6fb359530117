//! Bounds what TLS keeps for peers that send large records or long handshakes.
//!
//! A record can only be decrypted when all of it is there, and has up to 16 KiB. The memory of a
//! connection has room for a small one; large ones share a budget of their listener, of which each
//! address may take its share, so that peers which each send most of one cannot take the memory of
//! all others, or their room.

use std::{
    io,
    net::IpAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, ReadBuf};

use crate::fairness::{Part, Shares};

/// The room for large records of one listener.
#[derive(Clone, Debug)]
pub(crate) struct RecordRoom(Shares<IpAddr>);

impl RecordRoom {
    /// Returns a room of so many bytes.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Shares::new(bytes))
    }

    /// Takes the room of a record, encrypted and in the clear.
    fn take(&self, peer: IpAddr, length: usize) -> io::Result<Part<IpAddr>> {
        let taken = self.0.take(&peer, 2 * length);
        taken.map_err(|_| io::Error::new(io::ErrorKind::OutOfMemory, "too many large TLS records"))
    }
}

/// The reading side of a transport below TLS, which follows the records that come.
#[derive(Debug)]
pub(crate) struct RecordIo<T> {
    inner: T,
    peer: IpAddr,
    room: RecordRoom,
    stage: Stage,
    /// The bytes of the head of a record that have come.
    head: [u8; HEAD],
    /// The room of the last large record: it is read on only when that has been taken away.
    taken: Option<Part<IpAddr>>,
    /// The bytes that may still come before the handshake is over; `None` when it is.
    handshake: Option<usize>,
}

/// What the next byte belongs to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Stage {
    /// The body of a record, of which so much is still to come.
    Body(usize),
    /// The head of a record, of which so much has come.
    Head(usize),
}

impl<T> RecordIo<T> {
    /// Wraps a connection with `peer` that begins with a handshake.
    pub(crate) fn new(inner: T, (peer, room): (IpAddr, RecordRoom)) -> Self {
        Self {
            inner,
            peer,
            room,
            stage: Stage::Head(0),
            head: [0; HEAD],
            taken: None,
            handshake: Some(LONGEST_HANDSHAKE),
        }
    }

    /// Takes note that the handshake is over.
    pub(crate) fn end_handshake(&mut self) {
        self.handshake = None;
    }

    /// Follows bytes that have come.
    fn follow(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        if let Some(left) = self.handshake {
            let left = left.checked_sub(bytes.len());
            let long =
                || io::Error::new(io::ErrorKind::InvalidData, "the TLS handshake is too long");
            self.handshake = Some(left.ok_or_else(long)?);
        }
        while !bytes.is_empty() {
            bytes = match self.stage {
                Stage::Body(left) => {
                    let rest = &bytes[left.min(bytes.len())..];
                    let left = left.saturating_sub(bytes.len());
                    self.stage = if left == 0 {
                        Stage::Head(0)
                    } else {
                        Stage::Body(left)
                    };
                    rest
                }
                Stage::Head(come) => {
                    self.head[come] = bytes[0];
                    self.stage = Stage::Head(come + 1);
                    if come + 1 == HEAD {
                        self.begin_body()?;
                    }
                    &bytes[1..]
                }
            };
        }
        Ok(())
    }

    fn begin_body(&mut self) -> io::Result<()> {
        let [.., high, low] = self.head;
        let length = usize::from(u16::from_be_bytes([high, low]));
        if length > SMALL {
            self.taken = Some(self.room.take(self.peer, length)?);
        }
        self.stage = if length == 0 {
            Stage::Head(0)
        } else {
            Stage::Body(length)
        };
        Ok(())
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for RecordIo<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if matches!(this.stage, Stage::Head(_)) {
            // TLS reads on only when everything that it has decrypted was taken.
            this.taken = None;
        }
        let before = buffer.filled().len();
        match Pin::new(&mut this.inner).poll_read(cx, buffer) {
            Poll::Ready(Ok(())) => Poll::Ready(this.follow(&buffer.filled()[before..])),
            other => other,
        }
    }
}

/// Type, version and length of a record, in bytes.
const HEAD: usize = 5;

/// A record of this length belongs to the memory of its connection, in bytes.
const SMALL: usize = 4096;

/// What a client sends in a handshake without certificates of its own is far shorter, in bytes; the
/// first request may come right behind it.
const LONGEST_HANDSHAKE: usize = 24 * 1024;

#[cfg(test)]
mod tests {
    use std::{iter, net::Ipv4Addr};

    use tokio::io::AsyncReadExt;

    use super::*;

    fn record(length: usize) -> Vec<u8> {
        let [high, low] = u16::try_from(length).unwrap().to_be_bytes();
        let mut record = vec![0x17, 3, 3, high, low];
        record.resize(HEAD + length, 0);
        record
    }

    const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
    const ROOM: usize = 100_000;

    fn mk_io(room: &RecordRoom) -> RecordIo<&'static [u8]> {
        mk_io_of(PEER, room)
    }

    fn mk_io_of(peer: IpAddr, room: &RecordRoom) -> RecordIo<&'static [u8]> {
        let mut io = RecordIo::new(&b""[..], (peer, room.clone()));
        io.end_handshake();
        io
    }

    fn room() -> RecordRoom {
        RecordRoom::new(ROOM)
    }

    #[test]
    fn large_records_take_room_until_they_are_read_and_small_ones_none() {
        let room = room();
        let taken = || room.0.taken();
        let mut io = mk_io(&room);
        io.follow(&record(SMALL)).unwrap();
        assert_eq!(taken(), 0);
        let large = record(16_000);
        io.follow(&large[..3]).unwrap();
        io.follow(&large[3..100]).unwrap();
        assert_eq!(taken(), 32_000);
        io.follow(&large[100..]).unwrap();
        assert_eq!(taken(), 32_000);
        drop(io);
        assert_eq!(taken(), 0);
    }

    #[tokio::test]
    async fn the_room_is_given_back_with_the_next_read() {
        let room = room();
        let mut stream = record(16_000);
        stream.extend(record(10));
        let stream: &'static [u8] = Vec::leak(stream);
        let mut io = RecordIo::new(stream, (PEER, room.clone()));
        io.end_handshake();
        let mut buffer = [0; 4096];
        let mut taken = Vec::new();
        while io.read(&mut buffer).await.unwrap() > 0 {
            taken.push(room.0.taken());
        }
        assert_eq!(taken, [32_000; 4]);
        assert_eq!(room.0.taken(), 0);
    }

    #[test]
    fn a_record_without_room_ends_its_connection_alone() {
        let room = room();
        let (mut first, mut second, mut third) = (mk_io(&room), mk_io(&room), mk_io(&room));
        first.follow(&record(16_000)[..10]).unwrap();
        second.follow(&record(16_000)[..10]).unwrap();
        let error = third.follow(&record(16_000)[..10]).unwrap_err();
        assert_eq!(error.to_string(), "too many large TLS records");
        let mut small = mk_io(&room);
        small.follow(&record(SMALL)).unwrap();
        drop(first);
        let mut third = mk_io(&room);
        third.follow(&record(16_000)[..10]).unwrap();
    }

    #[test]
    fn an_address_that_begins_many_large_records_leaves_room_for_others() {
        let room = room();
        let begin = |peer| {
            let mut io = mk_io_of(peer, &room);
            io.follow(&record(6_000)[..10]).map(|()| io)
        };
        let held: Vec<_> = iter::from_fn(|| begin(PEER).ok()).collect();
        assert_eq!(held.len(), 7);
        begin(Ipv4Addr::new(10, 0, 0, 7).into()).unwrap();
    }

    #[test]
    fn a_handshake_is_short() {
        let mut io = RecordIo::new(&b""[..], (PEER, room()));
        for _ in 0..6 {
            io.follow(&record(4_000)).unwrap();
        }
        let error = io.follow(&record(4_000)).unwrap_err();
        assert_eq!(error.to_string(), "the TLS handshake is too long");
    }

    #[test]
    fn records_are_followed_however_they_are_cut() {
        let mut stream = Vec::new();
        for length in [0, 1, 4_097, 5, 9_000] {
            stream.extend(record(length));
        }
        for size in [1, 2, 3, 7, 1_000, stream.len()] {
            let room = room();
            let mut io = mk_io(&room);
            for chunk in stream.chunks(size) {
                io.follow(chunk).unwrap();
            }
            assert_eq!(io.stage, Stage::Head(0), "{size}");
        }
    }
}

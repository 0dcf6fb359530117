//! Bytes that give their room back when the last of them is sent.

use axum::body::Bytes;

/// Returns these bytes, which keep `room` until they are dropped.
pub(crate) fn charged<R: Send + 'static>(bytes: Vec<u8>, room: R) -> Bytes {
    Bytes::from_owner(Charged { bytes, _room: room })
}

struct Charged<R> {
    bytes: Vec<u8>,
    _room: R,
}

impl<R> AsRef<[u8]> for Charged<R> {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

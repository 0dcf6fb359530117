//! Values that the file and the flags write as a text.

use std::{fmt::Display, str::FromStr, time::Duration};

use rustls::pki_types::ServerName;
use serde::{Deserialize, Deserializer, de::Error};

use crate::language::Timeout;

/// Reads a value of the file in the way that its flag is read.
pub(crate) fn from_text<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

/// Reads a list of such values.
pub(super) fn from_texts<'de, T, D>(deserializer: D) -> Result<Option<Vec<T>>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    let values = texts
        .iter()
        .map(|text| text.parse().map_err(D::Error::custom));
    values.collect::<Result<_, _>>().map(Some)
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    if text == "0" || text == "0s" {
        return Ok(Duration::ZERO);
    }
    let timeout: Result<Timeout, _> = text.parse();
    timeout.map(Timeout::duration).map_err(|e| e.to_string())
}

pub(super) fn text_duration<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(deserializer)?;
    duration(&text).map(Some).map_err(D::Error::custom)
}

pub(super) fn server_name(text: &str) -> Result<ServerName<'static>, String> {
    ServerName::try_from(text.to_owned())
        .map_err(|_| format!("{text:?} is neither a DNS name nor an IP address"))
}

pub(super) fn server_names<'de, D>(
    deserializer: D,
) -> Result<Option<Vec<ServerName<'static>>>, D::Error>
where
    D: Deserializer<'de>,
{
    Vec::<String>::deserialize(deserializer)?
        .iter()
        .map(|name| server_name(name).map_err(D::Error::custom))
        .collect::<Result<_, _>>()
        .map(Some)
}

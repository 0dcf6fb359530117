//! The volumes that we add to a pod, and where they are mounted.

use serde::Serialize;

/// A volume of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum OwnVolume {
    /// The client, and what a wait leaves for a marker.
    Client,
    /// The token that proves to the store who the pod is.
    Token,
}

/// The file that the kubelet keeps in the folder of [`OwnVolume::Token`].
pub(crate) const TOKEN_FILE: &str = "/var/run/secrets/oncue.dev/token";

impl OwnVolume {
    pub(crate) const ALL: [Self; 2] = [Self::Client, Self::Token];

    /// Returns its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Client => "oncue",
            Self::Token => "oncue-token",
        }
    }

    /// Returns where it is mounted.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Self::Client => "/oncue",
            Self::Token => "/var/run/secrets/oncue.dev",
        }
    }

    /// Returns the volume as a pod's spec has it.
    pub(crate) fn volume(self) -> Volume {
        let (empty_dir, projected) = match self {
            Self::Client => (Some(Empty {}), None),
            Self::Token => (None, Some(TOKEN)),
        };
        Volume {
            name: self.name(),
            empty_dir,
            projected,
        }
    }

    /// Returns the mount that the application's own containers get.
    pub(crate) fn mount(self) -> VolumeMount {
        VolumeMount {
            name: self.name(),
            mount_path: self.folder(),
            read_only: true,
        }
    }
}

/// A volume mount of ours.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct VolumeMount {
    pub(crate) name: &'static str,
    pub(crate) mount_path: &'static str,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(crate) read_only: bool,
}

/// A volume of ours, as a pod's spec has it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Volume {
    name: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    empty_dir: Option<Empty>,
    #[serde(skip_serializing_if = "Option::is_none")]
    projected: Option<Projected>,
}

#[derive(Debug, Serialize)]
struct Empty {}

#[derive(Debug, Serialize)]
struct Projected {
    sources: [Source; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    service_account_token: ServiceAccountToken,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ServiceAccountToken {
    audience: &'static str,
    expiration_seconds: u32,
    path: &'static str,
}

/// No other server takes this token. The kubelet renews it long before its hour is over.
const TOKEN: Projected = Projected {
    sources: [Source {
        service_account_token: ServiceAccountToken {
            audience: "oncue",
            expiration_seconds: 3600,
            path: "token",
        },
    }],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_is_a_file_in_its_folder() {
        let Source {
            service_account_token: token,
        } = &TOKEN.sources[0];
        let path = format!("{}/{}", OwnVolume::Token.folder(), token.path);
        assert_eq!(path, TOKEN_FILE);
    }
}

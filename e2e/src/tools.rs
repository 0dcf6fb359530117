//! The tools for a kind cluster: found on this machine, or built by kindbox. Missing tools are
//! reported with how to install them.

use std::{
    env,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{net::TcpStream, time};

use crate::{
    folders::{repository, search_path},
    kubernetes::KubernetesVersion,
    process::Program,
};

/// A tool and how to install it.
struct Tool {
    name: &'static str,
    install: &'static str,
}

/// The tools that create a cluster and install oncue on it.
const TOOLS: [Tool; 4] = [
    Tool {
        name: "docker",
        install: "https://docs.docker.com/engine/install/",
    },
    Tool {
        name: "helm",
        install: "go install helm.sh/helm/v4/cmd/helm@v4.3.1",
    },
    Tool {
        name: "kind",
        install: "go install sigs.k8s.io/kind@v0.33.0",
    },
    Tool {
        name: "kubectl",
        install: "https://kubernetes.io/docs/tasks/tools/",
    },
];

/// The oldest kind whose default node image has a Kubernetes that the chart supports (1.30).
const OLDEST_KIND: (u32, u32) = (0, 23);

/// The source of the node image and of the other images.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Nodes {
    /// Packages: no registry can be reached, and kindbox built this node image.
    Kindbox(String),
    /// A registry: kind's image of this version, or the default one of kind.
    Upstream(Option<KubernetesVersion>),
}

impl Nodes {
    /// Returns the name of the node image; `None` leaves it to kind.
    pub fn image(&self) -> Option<String> {
        match self {
            Self::Kindbox(image) => Some(image.clone()),
            Self::Upstream(version) => {
                let version = version.as_ref()?;
                Some(format!("kindest/node:v{version}"))
            }
        }
    }
}

/// Checks that every tool exists in a sufficient version, and returns the source of node images
/// with this version of Kubernetes; without one, with the newest that is tested.
pub async fn prepare(version: Option<KubernetesVersion>) -> Result<Nodes> {
    let nodes = if env::var_os("ONCUE_E2E_KINDBOX").is_none() && registry_answers().await {
        demand(&TOOLS, "")?;
        Nodes::Upstream(version)
    } else {
        Nodes::Kindbox(kindbox(version.as_ref()).await?)
    };
    engine_answers().await?;
    kind_is_fit().await?;
    Ok(nodes)
}

/// Checks for the tools that remove a cluster and collect its logs.
pub fn demand_tools() -> Result<()> {
    demand(&TOOLS, "")
}

async fn registry_answers() -> bool {
    let connected = TcpStream::connect(("registry-1.docker.io", 443));
    let in_time = time::timeout(Duration::from_secs(2), connected).await;
    in_time.is_ok_and(|connected| connected.is_ok())
}

/// Runs kindbox to build what is missing, and returns the name of its node image.
async fn kindbox(version: Option<&KubernetesVersion>) -> Result<String> {
    let go = Tool {
        name: "go",
        install: "https://go.dev/doc/install (1.26 or newer)",
    };
    let python = Tool {
        name: "python3",
        install: "apt-get install python3",
    };
    let why =
        "no image registry can be reached, so the node image is built from packages (Debian 12)";
    demand(&[go, python], why)?;
    let run = |command| {
        let script = Program::new(repository().join("e2e/kindbox/kindbox")).arg(command);
        match version {
            Some(version) => script.env("K8S_VERSION", version.to_string()),
            None => script,
        }
    };
    let all = run("all").limit(BUILD_LIMIT);
    all.shown().await.context(why)?;
    Ok(run("image").text().await?.trim().to_owned())
}

/// Without a cache, kindbox compiles Kubernetes.
const BUILD_LIMIT: Duration = Duration::from_hours(1);

fn demand(tools: &[Tool], why: &str) -> Result<()> {
    let missing = tools.iter().filter(|tool| find(tool.name).is_none());
    let missing: Vec<String> = missing
        .map(|tool| format!("{} ({})", tool.name, tool.install))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let because = if why.is_empty() {
        String::new()
    } else {
        format!(": {why}")
    };
    bail!("install what is missing: {}{because}", missing.join(", "))
}

fn find(name: &str) -> Option<PathBuf> {
    let path = search_path();
    let mut candidates = env::split_paths(&path).map(|folder| folder.join(name));
    candidates.find(|candidate| is_executable(candidate))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata()
        .is_ok_and(|data| data.is_file() && data.permissions().mode() & 0o111 != 0)
}

async fn engine_answers() -> Result<()> {
    let asked = Program::new("docker")
        .arg("version")
        .limit(Duration::from_secs(20));
    asked.text().await.context(
        "no Docker engine answers: start it (systemctl start docker), or let \
         e2e/kindbox/kindbox engine start one",
    )?;
    Ok(())
}

async fn kind_is_fit() -> Result<()> {
    let said = Program::new("kind").arg("version").text().await?;
    let (major, minor) = OLDEST_KIND;
    match kind_version(&said) {
        Some(version) if version >= OLDEST_KIND => Ok(()),
        Some(_) => bail!(
            "{} is too old: its clusters are older than Kubernetes 1.30; install \
             v{major}.{minor}.0 or newer (go install sigs.k8s.io/kind@v0.33.0)",
            said.trim()
        ),
        None => bail!(
            "`kind version` says {:?}, which is not a version of kind",
            said.trim()
        ),
    }
}

/// Reads `kind v0.33.0 go1.26.8 linux/amd64`.
fn kind_version(said: &str) -> Option<(u32, u32)> {
    let version = said
        .split_whitespace()
        .find_map(|word| word.strip_prefix('v'))?;
    let mut numbers = version.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_version_of_kind() {
        assert_eq!(
            kind_version("kind v0.33.0 go1.26.8 linux/amd64\n"),
            Some((0, 33))
        );
        assert_eq!(
            kind_version("kind v1.2.0-alpha go1.26.8 linux/amd64"),
            Some((1, 2))
        );
        assert_eq!(kind_version("command not found"), None);
    }

    #[test]
    fn names_every_missing_tool_with_how_to_install_it() {
        let tool = |name, install| Tool { name, install };
        let tools = [
            tool("sh", "apt"),
            tool("no-such-1", "a"),
            tool("no-such-2", "b"),
        ];
        let error = demand(&tools, "it is needed").unwrap_err().to_string();
        let expected = "install what is missing: no-such-1 (a), no-such-2 (b): it is needed";
        assert_eq!(error, expected);
    }
}

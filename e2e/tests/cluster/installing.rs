//! What the chart says to a cluster that has oncue already.

use anyhow::Result;
use e2e::cluster::Cluster;

#[tokio::test]
async fn a_second_installation_is_refused_with_the_first_one_named() -> Result<()> {
    let chart = concat!(env!("CARGO_MANIFEST_DIR"), "/../charts/oncue");
    let install = [
        "install",
        "other",
        chart,
        "--namespace=other",
        "--create-namespace",
    ];
    let helm = Cluster::from_env()
        .helm()
        .args(install)
        .arg("--dry-run=server");
    let refused = helm.outcome().await?;
    assert!(!refused.success, "{}", refused.all());
    for part in [
        "oncue is already in this cluster, as the release oncue in the namespace oncue-system",
        "A second one would inject into the same pods",
        "upgrade it: helm upgrade oncue ... --namespace oncue-system",
    ] {
        assert!(
            refused.stderr.contains(part),
            "{part} in {}",
            refused.stderr
        );
    }
    Ok(())
}

//! Who may do what in the store: what pods with and without a token are answered.

use anyhow::{Context, Result, bail};
use e2e::kit::{LivePod, Namespace, PodManifest, STORE_URL, eventually, image, pod, with_temp_ns};
use k8s_openapi::{ByteString, api::admissionregistration::v1::MutatingWebhookConfiguration};
use kube::Api;
use serde_json::{Value, json};

#[tokio::test]
async fn a_pod_signals_in_its_own_namespace_only_and_as_itself() -> Result<()> {
    with_temp_ns(async |ns| {
        with_temp_ns(async |other| {
            let app = Caller::start(&ns, "app", "oncue").await?;
            let itself = app.ask("GET", "v1/identity", None).await?;
            assert_eq!(itself.status, 200, "{itself:?}");
            assert_eq!(itself.body["namespace"], ns.name(), "{itself:?}");

            let own = format!("v1/namespaces/{}/variables/app/up", ns.name());
            let created = app.ask("PUT", &own, Some(json!({}))).await?;
            assert_eq!(created.status, 201, "{created:?}");
            assert_eq!(ns.store().owners("app/up").await?, [app.pod.uid().await?]);

            let stranger = json!({"namespace": ns.name(), "name": "other", "uid": UID});
            let posing = json!({"owner": stranger});
            let posing = app.ask("PUT", &own, Some(posing)).await?;
            posing.is_refused(403)?;
            let foreign = format!("v1/namespaces/{}/variables/app/up", other.name());
            app.ask("PUT", &foreign, Some(json!({})))
                .await?
                .is_refused(403)?;
            app.ask("DELETE", &foreign, None).await?.is_refused(403)?;
            assert!(other.store().variables().await?.is_empty());
            Ok(())
        })
        .await
    })
    .await
}

#[tokio::test]
async fn a_token_that_is_forged_foreign_or_of_a_deleted_pod_is_refused() -> Result<()> {
    with_temp_ns(async |ns| {
        let app = Caller::start(&ns, "app", "oncue").await?;
        let foreign = Caller::start(&ns, "foreign", "another-service").await?;
        let gone = Caller::start(&ns, "gone", "oncue").await?;
        let of_gone = gone.token().await?;
        gone.pod.delete().await?;
        gone.pod.is_gone().await?;
        let genuine = app.token().await?;
        let (signed, signature) = genuine.rsplit_once('.').context("a token has parts")?;
        let forged: String = signature.chars().rev().collect();
        let own = format!("v1/namespaces/{}/variables/app/up", ns.name());
        for (what, token) in [
            ("no JWT", "let-me-in".to_owned()),
            ("forged", format!("{signed}.{forged}")),
            ("of another audience", foreign.token().await?),
        ] {
            let refused = app.ask_with(&token, "PUT", &own).await?;
            refused.is_refused(401).context(what)?;
        }
        app.ask_without_token("PUT", &own).await?.is_refused(401)?;
        // The API server notices the deletion within a moment.
        eventually("the token of a deleted pod is refused", async || {
            let answer = app.ask_with(&of_gone, "PUT", &own).await?;
            Ok((answer.status == 401).then_some(()))
        })
        .await?;
        Ok(())
    })
    .await
}

#[tokio::test]
async fn plain_http_without_a_token_learns_and_changes_nothing() -> Result<()> {
    with_temp_ns(async |ns| {
        ns.store().create("there/already").await?;
        let app = Caller::start(&ns, "app", "oncue").await?;
        let ask = format!(
            "{STORE_URL}/?variable=there/already&namespace={}",
            ns.name()
        );
        app.plain(&format!("'{ask}'")).await?.is_unauthorized()?;
        let body = json!({"variable": "new/one", "namespace": ns.name()});
        let post = format!("--data '{body}' {STORE_URL}/");
        app.plain(&post).await?.is_unauthorized()?;
        let list = format!("{STORE_URL}/v1/namespaces/{}/variables", ns.name());
        app.plain(&list).await?.is_unauthorized()?;
        assert_eq!(ns.store().variables().await?, ["there/already"]);
        Ok(())
    })
    .await
}

/// A pod with curl, and a token of its own.
struct Caller {
    pod: LivePod,
}

/// What it is answered.
#[derive(Debug)]
struct Answer {
    status: u16,
    body: Value,
}

impl Caller {
    async fn start(ns: &Namespace, name: &str, audience: &str) -> Result<Self> {
        let pod = ns.create_pod(with_token(pod(name), audience, &ca(ns).await?));
        let pod = pod.await?;
        pod.is_running().await?;
        Ok(Self { pod })
    }

    async fn token(&self) -> Result<String> {
        self.pod.exec(&["cat", "/token/token"]).await
    }

    async fn ask(&self, method: &str, path: &str, body: Option<Value>) -> Result<Answer> {
        let body = body.map_or_else(String::new, |body| format!("--data '{body}'"));
        let token = r#"--header "Authorization: Bearer $(cat /token/token)""#;
        let call = format!("{token} {body} --request {method}");
        self.over_tls(&call, path).await
    }

    async fn ask_with(&self, token: &str, method: &str, path: &str) -> Result<Answer> {
        let call = format!("--header 'Authorization: Bearer {token}' --data '{{}}'");
        self.over_tls(&format!("{call} --request {method}"), path)
            .await
    }

    async fn ask_without_token(&self, method: &str, path: &str) -> Result<Answer> {
        self.over_tls(&format!("--data '{{}}' --request {method}"), path)
            .await
    }

    async fn over_tls(&self, call: &str, path: &str) -> Result<Answer> {
        let json = "--header 'Content-Type: application/json'";
        self.curl(&format!(
            "--cacert /tmp/ca {json} {call} https://{HOST}:9999/{path}"
        ))
        .await
    }

    async fn plain(&self, call: &str) -> Result<Answer> {
        self.curl(call).await
    }

    async fn curl(&self, call: &str) -> Result<Answer> {
        let script = format!(
            r#"printf %s "$CA" >/tmp/ca && curl -sS --max-time 30 --write-out '\n%{{http_code}}' {call}"#
        );
        let said = self.pod.exec(&["sh", "-c", &script]).await?;
        let (body, status) = said.rsplit_once('\n').context("curl prints the status")?;
        Ok(Answer {
            status: status.parse()?,
            body: serde_json::from_str(body).unwrap_or_else(|_| json!(body)),
        })
    }
}

impl Answer {
    /// Checks that it is a refusal with this status and a reason.
    fn is_refused(&self, status: u16) -> Result<()> {
        if self.status != status || self.body["detail"].as_str().is_none_or(str::is_empty) {
            bail!("it is not refused with {status} and a reason: {self:?}");
        }
        Ok(())
    }

    /// Checks that the caller is refused for who it is.
    fn is_unauthorized(&self) -> Result<()> {
        if !matches!(self.status, 401 | 403) {
            bail!("it is not refused: {self:?}");
        }
        Ok(())
    }
}

/// Gives a pod curl, a token of its service account, and the authority of the store.
fn with_token(pod: PodManifest, audience: &str, ca: &str) -> PodManifest {
    let token = json!({"serviceAccountToken": {"audience": audience, "path": "token"}});
    let pod = pod.image(image::CURL).container(json!({
        "env": [{"name": "CA", "value": ca}],
        "volumeMounts": [{"name": "token", "mountPath": "/token", "readOnly": true}],
    }));
    pod.spec(json!({"volumes": [{"name": "token", "projected": {"sources": [token]}}]}))
}

/// Returns the certificates that the API server verifies the webhook with. The store has the same
/// authority.
async fn ca(ns: &Namespace) -> Result<String> {
    let all: Api<MutatingWebhookConfiguration> = Api::all(ns.client());
    let entries = all.get("oncue").await?.webhooks.unwrap_or_default();
    let entry = entries.into_iter().next().context("there is an entry")?;
    let ByteString(pem) = entry.client_config.ca_bundle.unwrap_or_default();
    Ok(String::from_utf8(pem)?)
}

const HOST: &str = "oncue-store.oncue-system.svc";
const UID: &str = "00000000-0000-4000-8000-000000000000";

//! Ten years of two servers in a second: `cargo run --example lifecycle`.
//!
//! The "cluster" is a value in memory. One server may write, the other one reads. The time of day
//! jumps by a week.

use std::{
    convert::Infallible,
    sync::Mutex,
    time::{Duration, SystemTime},
};

use oncue_webhook_certs::{
    Authority, Custody, Entry, Event, Found, Keeper, Kept, Profile, Published, Publisher, Right,
    Stored, Wanted, Written,
};

/// A Secret and the `caBundle` of a webhook configuration, with a version like in a cluster.
#[derive(Default)]
struct Cluster(Mutex<State>);

#[derive(Default)]
struct State {
    key: Option<String>,
    certificates: Option<String>,
    bundle: String,
    version: u64,
}

impl Keeper for Cluster {
    type Version = u64;
    type Error = Infallible;

    async fn read(&self) -> Result<Kept<u64>, Infallible> {
        let state = self.0.lock().expect("no panic");
        Ok(Kept {
            stored: Stored::from_pem(state.key.as_deref(), state.certificates.as_deref()),
            version: state.version,
        })
    }

    async fn write(&self, authority: &Authority, version: u64) -> Result<Written, Infallible> {
        let mut state = self.0.lock().expect("no panic");
        if state.version != version {
            return Ok(Written::Raced);
        }
        state.version += 1;
        state.key = Some(authority.key().to_pem());
        state.certificates = Some(authority.bundle_pem());
        Ok(Written::Done)
    }
}

impl Publisher for Cluster {
    type Version = ();
    type Error = Infallible;

    async fn read(&self) -> Result<Found<()>, Infallible> {
        let bundle = self.0.lock().expect("no panic").bundle.clone();
        let entry = Entry {
            bundle,
            is_ours: true,
        };
        Ok(Found {
            published: Published::At(vec![entry]),
            version: (),
        })
    }

    async fn write(&self, bundle: &Wanted, (): ()) -> Result<Written, Infallible> {
        self.0.lock().expect("no panic").bundle = bundle.to_pem();
        Ok(Written::Done)
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let cluster = Cluster::default();
    let names = vec!["webhook.example.svc".try_into()?];
    let custody = || Custody::new(Profile::default(), names.clone());
    let mut servers = [
        ("writer", custody(), Right::Write),
        ("reader", custody(), Right::Read),
    ];
    let start = SystemTime::now();
    let mut now = start;
    while now < start + Duration::from_hours(10 * 365 * 24) {
        for (name, custody, right) in &mut servers {
            let settled = custody.settle((&cluster, &cluster), now, *right).await;
            let days = now.duration_since(start)?.as_secs() / 86_400;
            let is_news = settled.events.iter().any(|event| *event != Event::Served);
            if is_news {
                println!("day {days:>4}: {name}: {:?}", settled.events);
            }
            if let Some(lack) = settled.lack {
                println!("day {days:>4}: {name}: {lack}");
            }
        }
        now += Duration::from_hours(7 * 24);
    }
    Ok(())
}

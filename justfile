# The daily commands; .ci/run calls the same ones.

# Lists the recipes.
default:
    @just --list

# Formats everything.
fmt:
    cargo fmt --all

# What must be clean before a commit.
check: lint test doc

# Formatting and clippy, warnings denied.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

# All tests.
test:
    cargo test --workspace --locked

# The documentation, warnings denied.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Licences, duplicates, sources.
deny:
    cargo deny --offline check bans licenses sources

# Rewrites the golden files of admission; read the diff before you commit it.
golden:
    UPDATE_GOLDEN=1 cargo test -p oncue --locked golden

# The static client, its size, and no getaddrinfo in it.
client-static:
    client/build-static.sh

# Every bench; they print figures and judge nothing. The last one needs wrk.
bench:
    cargo bench --locked -p oncue --bench injection --bench creates --bench waiters
    cargo build --release --locked --bin oncue
    benches/webhook-load.sh

# Both images, within their budgets.
images:
    images/build.sh

# The chart, as far as that needs no cluster.
chart:
    charts/check.sh

# The end-to-end suite on a kind cluster, which is made where there is none.
e2e *filters:
    cargo run --locked -p e2e -- test {{filters}}

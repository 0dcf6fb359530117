# The daily commands. .ci/run runs the same checks.

# Lists the recipes.
default:
    @just --list

# Formats everything.
fmt:
    cargo fmt --all

# Checks that must pass before a commit.
check: lint test doc

# Checks formatting and runs clippy, with warnings as errors.
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --all-features --locked -- -D warnings

# Runs all tests that need no cluster.
test:
    cargo test --workspace --locked

# Builds the documentation, with warnings as errors.
doc:
    RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --locked

# Checks the licenses, duplicates and sources of dependencies.
deny:
    cargo deny --offline check bans licenses sources

# Rewrites the golden files of admission. Read the diff before you commit it.
golden:
    UPDATE_GOLDEN=1 cargo test -p oncue --locked golden

# Builds the static client, and checks its size and that it has no getaddrinfo.
client-static:
    client/build-static.sh

# Runs every bench and prints the figures; none has a limit.
bench:
    cargo bench --locked -p oncue --bench check --bench injection --bench reviews --bench creates --bench waiters

# Builds both images and checks their size.
images:
    images/build.sh

# Checks the chart without a cluster.
chart:
    charts/check.sh

# Runs the end-to-end tests on a kind cluster, which it creates if there is none.
e2e *filters:
    cargo run --locked -p e2e -- test {{filters}}

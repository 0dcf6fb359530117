//! What is known of the process itself.

use std::{fs, time::Duration};

use prometheus_client::{
    collector::Collector,
    encoding::{DescriptorEncoder, EncodeMetric},
    metrics::{counter::ConstCounter, gauge::ConstGauge, info::Info},
    registry::{Registry, Unit},
};
use rustix::time::{ClockId, clock_gettime};

/// Registers the version, the CPU time and, if the system reports it, the resident memory.
pub(crate) fn register(registry: &mut Registry) {
    registry
        .sub_registry_with_prefix("oncue")
        .register("build", "The version", build_info());
    registry.register_collector(Box::new(ProcessCollector));
}

fn build_info() -> Info<[(&'static str, &'static str); 1]> {
    Info::new([("version", env!("CARGO_PKG_VERSION"))])
}

/// Looks at the process when the metrics are asked for.
#[derive(Debug)]
struct ProcessCollector;

impl Collector for ProcessCollector {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        encode_cpu_time(&mut encoder)?;
        resident_memory().map_or(Ok(()), |bytes| encode_memory(&mut encoder, bytes))
    }
}

fn encode_cpu_time(encoder: &mut DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
    let counter = ConstCounter::new(cpu_time().as_secs_f64());
    let metric = encoder.encode_descriptor(
        "process_cpu",
        "Time on the CPUs, user and system",
        Some(&Unit::Seconds),
        counter.metric_type(),
    )?;
    counter.encode(metric)
}

fn encode_memory(encoder: &mut DescriptorEncoder<'_>, bytes: u64) -> Result<(), std::fmt::Error> {
    let gauge = ConstGauge::new(bytes);
    let metric = encoder.encode_descriptor(
        "process_resident_memory",
        "Resident memory",
        Some(&Unit::Bytes),
        gauge.metric_type(),
    )?;
    gauge.encode(metric)
}

fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

/// Returns the resident memory in bytes, or `None` on systems other than Linux.
pub(crate) fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

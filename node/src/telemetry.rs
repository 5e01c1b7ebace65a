//! Logs and metrics of the process.
//!
//! Both are the process's, not the node's: the first node to start sets them up, others in the same process (tests,
//! the demo) share them. Nothing that names a customer goes in.

use crate::error::NodeError;
use crate::options::{LogFormat, NodeOptions};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::sync::{Mutex, PoisonError};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Upper bounds of the buckets of every `_seconds` histogram: from a tenth of a millisecond, a turn in memory, to
/// ten seconds, twice the default deadline.
const SECONDS: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
/// Upper bounds of the buckets of histograms that count things.
const COUNTS: [f64; 10] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0];

/// The HTTP server tells of every worker thread; whoever wants to hear it says so in `log`.
const QUIETER: &str = "actix_server=warn";

/// The metrics of this process.
static METRICS: Mutex<Option<PrometheusHandle>> = Mutex::new(None);

/// Sets logs and metrics up, unless this process has them already.
///
/// # Errors
/// [`NodeError::Options`] when the log filter can't be read, [`NodeError::System`] when another recorder of metrics
/// is installed.
pub fn start(options: &NodeOptions) -> Result<PrometheusHandle, NodeError> {
    log_to_stderr(options)?;
    let mut installed = METRICS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*installed {
        return Ok(handle.clone());
    }
    let refused = |error: metrics_exporter_prometheus::BuildError| NodeError::System {
        what: "a recorder of metrics",
        detail: error.to_string(),
    };
    let handle = PrometheusBuilder::new()
        .set_buckets(&COUNTS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &SECONDS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(refused)?;
    crate::metrics::describe();
    storage::metrics::describe();
    Ok(installed.insert(handle).clone())
}

fn log_to_stderr(options: &NodeOptions) -> Result<(), NodeError> {
    let filter = EnvFilter::builder()
        .with_default_directive(LevelFilter::INFO.into())
        .parse(format!("{QUIETER},{}", options.log))
        .map_err(|error| NodeError::Options(format!("log: {error}")))?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // An error means that somebody else in this process logs already, which is as good.
    let _ = match options.log_format {
        LogFormat::Text => lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    Ok(())
}

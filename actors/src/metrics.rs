//! What the actors count. Labels are closed lists; never a customer.

use crate::call::Command;
use crate::decision::Decision;
use crate::error::TurnError;
use std::time::Duration;

/// Names and describes the metrics of this crate.
pub fn describe() {
    metrics::describe_counter!("actors_turns_total", "turns by command and outcome");
    metrics::describe_counter!(
        "actors_offers_not_finite_total",
        "offers dropped from decisions because their score was no number"
    );
    metrics::describe_counter!("actors_evidence_rounds_total", "attempts to keep evidence, by outcome");
    metrics::describe_counter!("actors_evidence_tables_total", "tables of evidence put in force");
    metrics::describe_counter!(
        "actors_evidence_dropped_total",
        "outcomes not counted because their shard has no room for another pair of offer and channel"
    );
    metrics::describe_histogram!(
        "actors_turn_seconds",
        metrics::Unit::Seconds,
        "a turn from start to saved, by command"
    );
}

pub(crate) fn evidence_round(is_kept: bool) {
    let outcome = if is_kept { "kept" } else { "failed" };
    metrics::counter!("actors_evidence_rounds_total", "outcome" => outcome).increment(1);
}

pub(crate) fn evidence_published() {
    metrics::counter!("actors_evidence_tables_total").increment(1);
}

pub(crate) fn evidence_without_room() {
    metrics::counter!("actors_evidence_dropped_total").increment(1);
}

pub(crate) fn command_label(command: &Command) -> &'static str {
    match command {
        Command::Events(_) => "events",
        Command::Decide(_) => "decide",
        Command::Respond(_) => "respond",
        Command::PutConsents(_) => "put_consents",
        Command::PatchTags(_) => "patch_tags",
        Command::Clearance(_) => "clearance",
        Command::View => "view",
        Command::Export => "export",
        Command::Erase => "erase",
        Command::Identity(_) => "identity",
    }
}

/// Counts what a decision says of the playbook's formulas: one that divides by zero drops its offer, which nobody asks for.
pub(crate) fn decided(decision: &Decision) {
    let dropped = decision.withheld.iter().filter(|withheld| &*withheld.code == "not_finite");
    let offers: usize = dropped.map(|withheld| withheld.offers).sum();
    if offers > 0 {
        metrics::counter!("actors_offers_not_finite_total").increment(offers as u64);
    }
}

pub(crate) fn turn_ended(command: &'static str, error: Option<&TurnError>, took: Duration) {
    let outcome = match error {
        None => "done",
        Some(TurnError::Overloaded { .. }) => "overloaded",
        Some(TurnError::DeadlinePassed) => "deadline_passed",
        Some(TurnError::NotOwner { .. }) => "not_owner",
        Some(TurnError::MaybeApplied(_)) => "maybe_applied",
        Some(TurnError::Unavailable(_)) => "unavailable",
        Some(TurnError::Corrupt(_)) => "corrupt",
    };
    metrics::counter!("actors_turns_total", "command" => command, "outcome" => outcome).increment(1);
    metrics::histogram!("actors_turn_seconds", "command" => command).record(took.as_secs_f64());
}

//! A preflight: what is asked, how far it is, and what it found.

use crate::preflight::{CUSTOMERS_PER_SECOND, Done, Ended, Pace, Run};
use crate::wire::playbook::PlaybookFile;
use actors::Name;
use actors::decision::preflight::{Finding, OfferCount};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A playbook to look at with the stored customers.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
pub struct PreflightQuestion {
    /// Its files.
    pub files: Vec<PlaybookFile>,
    /// Look at this many customers at most; all when left out. The report says whether all were looked at.
    pub customers_max: Option<u64>,
    /// Look at this many customers in a second at most; 2000 when left out.
    pub customers_per_second: Option<u32>,
}

impl PreflightQuestion {
    /// How far to go and how fast.
    #[must_use]
    pub fn pace(&self) -> Pace {
        let per_second = self.customers_per_second.unwrap_or(CUSTOMERS_PER_SECOND).max(1);
        Pace { per_second, customers_max: self.customers_max }
    }
}

/// How far a preflight is, and what it found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PreflightAnswer {
    /// Names it.
    pub preflight: String,
    /// The playbook looked at.
    pub playbook: Name,
    /// walking, done, stopped or failed.
    pub state: &'static str,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// Customers looked at so far.
    pub customers: u64,
    /// Those of them whose state could not be read.
    pub unreadable: u64,
    /// When it is done: what it found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub report: Option<PreflightReport>,
}

/// What a preflight found.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct PreflightReport {
    /// Whether nothing was found that should keep the playbook from becoming active.
    pub passed: bool,
    /// Whether every stored customer was looked at.
    pub complete: bool,
    /// Decisions taken: one for each customer and channel, as if the customer came to us.
    pub decisions: u64,
    /// Decisions without any offer.
    pub empty_decisions: u64,
    /// The mean time of a decision, in microseconds.
    pub decision_us_mean: f64,
    /// The longest mean time of one customer's decisions, in microseconds.
    pub decision_us_max: f64,
    /// What looks wrong, the gravest first.
    pub findings: Vec<FindingAnswer>,
    /// Every offer, by id.
    pub offers: Vec<OfferAnswer>,
}

/// Something that looks wrong.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct FindingAnswer {
    /// fail, warn or note.
    pub severity: &'static str,
    /// What kind of finding.
    pub code: &'static str,
    /// The offer it is about.
    pub offer: Option<Name>,
    /// What was found and what to do.
    pub text: String,
}

/// What was counted of one offer.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct OfferAnswer {
    /// The offer's id.
    pub offer: Name,
    /// Customers whom its rules, relations and fit let through.
    pub audience: u64,
    /// Customers for whom its eligible rule holds.
    pub eligible: u64,
    /// Customers for whom its applicable rule holds.
    pub applicable: u64,
    /// Customers for whom its suitable rule holds.
    pub suitable: u64,
    /// Decisions that list it.
    pub shown: u64,
    /// Decisions in which it has the highest priority.
    pub first: u64,
}

impl PreflightAnswer {
    /// For the wire.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        let (state, detail, report) = match run.ended() {
            None => ("walking", None, None),
            Some(Ended::Stopped) => ("stopped", None, None),
            Some(Ended::Failed(detail)) => ("failed", Some(detail), None),
            Some(Ended::Done(done)) => ("done", None, Some(PreflightReport::of(&done))),
        };
        PreflightAnswer {
            preflight: run.id.clone(),
            playbook: Name::clone(&run.playbook),
            state,
            detail,
            customers: run.walked(),
            unreadable: run.unreadable(),
            report,
        }
    }
}

impl PreflightReport {
    fn of(done: &Done) -> Self {
        let report = &done.report;
        PreflightReport {
            passed: report.passed(),
            complete: done.complete,
            decisions: report.decisions,
            empty_decisions: report.empty_decisions,
            decision_us_mean: done.decision_us_mean,
            decision_us_max: done.decision_us_max,
            findings: report.findings.iter().map(FindingAnswer::of).collect(),
            offers: report.offers.iter().map(|(offer, count)| OfferAnswer::of(offer, count)).collect(),
        }
    }
}

impl FindingAnswer {
    fn of(finding: &Finding) -> Self {
        FindingAnswer {
            severity: finding.severity.word(),
            code: finding.code,
            offer: finding.offer.clone(),
            text: finding.text.clone(),
        }
    }
}

impl OfferAnswer {
    fn of(offer: &Name, count: &OfferCount) -> Self {
        let [eligible, applicable, suitable] = count.holds;
        OfferAnswer {
            offer: Name::clone(offer),
            audience: count.audience,
            eligible,
            applicable,
            suitable,
            shown: count.shown,
            first: count.first,
        }
    }
}

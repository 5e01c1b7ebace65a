//! The experiment section: arms whose shares make a whole, and offers that exist.

use super::look_up::LookUp;
use crate::decision::allotment::BUCKETS;
use crate::playbook::source::{Experiment as Written, ExperimentArm as WrittenArm, Source};
use crate::playbook::text::nearest;
use crate::playbook::{Experiment, ExperimentArm};
use crate::value::Name;
use std::collections::BTreeSet;

/// Offers in a marketer's own list at most: each is taken through all stages until one may be shown.
const LIST_MAX: usize = 100;

pub fn experiments(source: &Source, look_up: &mut LookUp<'_>) -> Vec<Experiment> {
    look_up.unique(source.experiments.iter().map(|experiment| &experiment.id), "experiment");
    let offers: BTreeSet<&str> = source.offers.iter().map(|offer| offer.id.value.as_str()).collect();
    source.experiments.iter().filter_map(|written| experiment(written, &offers, look_up)).collect()
}

fn experiment(written: &Written, offers: &BTreeSet<&str>, look_up: &mut LookUp<'_>) -> Option<Experiment> {
    let about = format!("experiment {}", written.id.value);
    look_up.unique(written.arms.iter().map(|arm| &arm.id), &format!("{about}: arm"));
    let ramp = match &written.ramp {
        Some(ramp) => look_up.within(ramp, 0.0, 100.0, &format!("{about}: ramp"))?,
        None => 100.0,
    };
    let mut arms = Vec::new();
    let mut shares = 0.0;
    for arm in &written.arms {
        let share = look_up.within(&arm.share, 0.0, 1.0, &format!("{about}: share of {}", arm.id.value))?;
        shares += share;
        arms.push(self::arm(arm, (shares * BUCKETS as f64).round() as u64, &about, offers, look_up));
    }
    if (shares - 1.0_f64).abs() > 1e-9 {
        let what = format!("{about}: the shares of its arms add up to {shares}");
        look_up.error(written.id.at, what, "let them add up to 1; keep customers out with ramp");
    }
    Some(Experiment {
        id: written.id.value.as_str().into(),
        salt: written.salt.value.as_str().into(),
        ramp_buckets: (ramp / 100.0 * BUCKETS as f64).round() as u64,
        enabled: written.enabled.as_ref().is_none_or(|flag| flag.value),
        arms,
    })
}

fn arm(
    written: &WrittenArm,
    upto_bucket: u64,
    about: &str,
    offers: &BTreeSet<&str>,
    look_up: &mut LookUp<'_>,
) -> ExperimentArm {
    let about = format!("{about}, arm {}", written.id.value);
    for offer in written.list.iter().filter(|offer| !offers.contains(offer.value.as_str())) {
        let fix = match nearest(&offer.value, offers.iter().copied()) {
            Some(near) => format!("did you mean {near}?"),
            None => "name an offer of this playbook".into(),
        };
        look_up.error(offer.at, format!("{about}: unknown offer {}", offer.value), fix);
    }
    if let Some(beyond) = written.list.get(LIST_MAX) {
        let what = format!("{about}: the list has {} offers", written.list.len());
        look_up.error(beyond.at, what, format!("keep the best {LIST_MAX}"));
    }
    let explore = written.explore.as_ref();
    ExperimentArm {
        id: written.id.value.as_str().into(),
        upto_bucket,
        explore: explore.and_then(|share| look_up.within(share, 0.0, 1.0, &format!("{about}: explore"))),
        list: written.list.iter().map(|offer| Name::from(offer.value.as_str())).collect(),
    }
}

//! Which number ones a customer was shown when it came to us, so that each counts once as evidence, whatever is said of
//! it how often.
//!
//! Number ones alone are evidence: what stands further down is seen nobody knows how often. Contacts we began are
//! evidence of their own ([`Contact::outcomes`](super::contact_history::Contact::outcomes)). Leaves out what the counts
//! are for ([`crate::learning`]).

use crate::call::ResponseKind;
use crate::learning::Outcomes;
use crate::options::{DECISION_STANDS_MS, EXPOSURE_KEPT_MS, EXPOSURES_MAX};
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::xxh3_64;

/// Number ones shown, oldest first; at most one for an offer in a channel.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Exposures(Vec<Exposure>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Exposure {
    offer: Name,
    channel: Name,
    /// When it was first shown.
    since: Timestamp,
    /// The decision that showed it last, hashed.
    decision: u64,
    clicked: bool,
    accepted: bool,
}

impl Exposure {
    /// A page that is loaded ten times a day shows its number one once.
    fn is_the_same_showing(&self, now: Timestamp) -> bool {
        !self.accepted && now.since_ms(self.since) < DECISION_STANDS_MS
    }
}

impl Exposures {
    /// Notes that a decision showed an offer first. What that adds to the counts.
    pub fn show(&mut self, offer: &Name, channel: &Name, decision_id: &str, now: Timestamp) -> Outcomes {
        let decision = xxh3_64(decision_id.as_bytes());
        let known = self.0.iter().position(|one| one.offer == *offer && one.channel == *channel);
        if let Some(ix) = known {
            if self.0[ix].is_the_same_showing(now) {
                self.0[ix].decision = decision;
                return Outcomes::default();
            }
            self.0.remove(ix);
        }
        if self.0.len() >= EXPOSURES_MAX {
            self.0.remove(0);
        }
        let (offer, channel) = (Name::clone(offer), Name::clone(channel));
        self.0.push(Exposure { offer, channel, since: now, decision, clicked: false, accepted: false });
        Outcomes::new(1, 0, 0)
    }

    /// Hears what became of an offer that a decision showed. What that adds to the counts, and in which channel; `None`
    /// when it was not shown first, or nothing is news.
    pub fn hear(&mut self, offer: &str, decision_id: &str, kind: ResponseKind) -> Option<(Name, Outcomes)> {
        let shown = self.meant(offer, decision_id)?;
        let (flag, outcomes) = match kind {
            ResponseKind::Clicked => (&mut shown.clicked, Outcomes::new(0, 1, 0)),
            ResponseKind::Accepted => (&mut shown.accepted, Outcomes::new(0, 0, 1)),
            _ => return None,
        };
        let is_news = !std::mem::replace(flag, true);
        is_news.then(|| (Name::clone(&shown.channel), outcomes))
    }

    /// The showing that a decision made or repeated last; of one that was repeated since, the only one there is. Where
    /// several could be meant, none is.
    fn meant(&mut self, offer: &str, decision_id: &str) -> Option<&mut Exposure> {
        let decision = xxh3_64(decision_id.as_bytes());
        let of_offer = |one: &&Exposure| *one.offer == *offer;
        let only = self.0.iter().filter(of_offer).count() == 1;
        self.0.iter_mut().find(|one| *one.offer == *offer && (only || one.decision == decision))
    }

    /// Whether hearing anything of an offer could be news.
    #[must_use]
    pub fn knows(&self, offer: &str) -> bool {
        self.0.iter().any(|one| *one.offer == *offer)
    }

    /// Drops what was shown so long ago that nobody answers any more.
    pub fn forget_old(&mut self, now: Timestamp) {
        self.0.retain(|one| now.since_ms(one.since) <= EXPOSURE_KEPT_MS);
    }

    /// Whether nothing was shown.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::timestamp::HOUR_MS;
    use ResponseKind::{Accepted, Clicked, Rejected};

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_ms(hours * HOUR_MS)
    }

    fn name(text: &str) -> Name {
        text.into()
    }

    fn shown(exposures: &mut Exposures, offer: &str, channel: &str, decision: &str, hours: i64) -> u64 {
        exposures.show(&name(offer), &name(channel), decision, at(hours)).shown()
    }

    #[test]
    fn a_number_one_shown_again_within_a_day_is_one_showing() {
        let mut exposures = Exposures::default();
        let mut check = |offer: &str, channel: &str, decision: &str, hours: i64, expected: u64| {
            assert_eq!(shown(&mut exposures, offer, channel, decision, hours), expected, "{decision}");
        };
        check("xl", "app", "d1", 0, 1);
        check("xl", "app", "d2", 1, 0);
        check("xl", "web", "d3", 1, 1);
        check("s", "app", "d4", 2, 1);
        check("xl", "app", "d5", 23, 0);
        check("xl", "app", "d6", 24, 1);
    }

    #[test]
    fn a_word_about_a_showing_counts_once_in_the_channel_that_showed_it() {
        let mut exposures = Exposures::default();
        shown(&mut exposures, "xl", "app", "d1", 0);
        shown(&mut exposures, "xl", "web", "d2", 1);
        let mut check = |offer: &str, decision: &str, kind, expected: Option<(&str, Outcomes)>| {
            let expected = expected.map(|(channel, outcomes)| (name(channel), outcomes));
            assert_eq!(exposures.hear(offer, decision, kind), expected, "{offer} {decision} {kind:?}");
        };
        check("xl", "d1", Rejected, None);
        check("xl", "d1", Accepted, Some(("app", Outcomes::new(0, 0, 1))));
        check("xl", "d1", Accepted, None);
        check("xl", "d2", Clicked, Some(("web", Outcomes::new(0, 1, 0))));
        check("xl", "d2", Accepted, Some(("web", Outcomes::new(0, 0, 1))));
        check("xl", "d0", Accepted, None);
        check("never shown", "d1", Accepted, None);
    }

    #[test]
    fn what_is_remembered_is_bounded_in_number_and_time() {
        let mut exposures = Exposures::default();
        for n in 0..3 * EXPOSURES_MAX {
            shown(&mut exposures, &format!("o{n}"), "app", "d", n as i64);
        }
        assert_eq!(exposures.0.len(), EXPOSURES_MAX);
        exposures.forget_old(at(10_000));
        assert!(exposures.is_empty());
    }
}

//! Why offers were held back: one entry a code (and cap), how many offers it held, and when it ends.
//!
//! Counts offers one by one or many alike at once: both ways of choosing fill it, so both say the same.

use crate::decision::Withheld;
use crate::decision::candidates::{Case, Reason};
use crate::playbook::Offer;
use crate::timestamp::Timestamp;

/// What was held back so far.
#[derive(Debug, Default)]
pub struct Withholding {
    entries: Vec<Entry>,
    next_free_at: Option<Timestamp>,
}

#[derive(Debug)]
struct Entry {
    code: &'static str,
    cap: Option<usize>,
    offers: usize,
    ends: Option<Timestamp>,
}

impl Withholding {
    /// Notes that so many offers like this one left for this reason.
    pub fn note(&mut self, case: &Case<'_>, offer: &Offer, reason: Reason, offers: usize) {
        match reason {
            Reason::Cap(_) | Reason::QuietHours(_) => self.note_obstacles(case, offer, offers),
            Reason::Suppressed(until) => self.count("suppressed", None, Some(until), offers),
            Reason::Closed { opens_at } => self.count("closed", None, opens_at, offers),
            Reason::ReservePrice(cap) => self.count("reserve_price", Some(cap), None, offers),
            other => self.count(other.code().1, None, None, offers),
        }
    }

    /// Notes that so many offers left for a reason that does not end by itself.
    pub fn note_lasting(&mut self, reason: Reason, offers: usize) {
        if offers > 0 {
            self.count(reason.code().1, None, None, offers);
        }
    }

    /// The entries in a fixed order, and when the first offer that only time holds back becomes possible.
    #[must_use]
    pub fn told(mut self, case: &Case<'_>) -> (Vec<Withheld>, Option<Timestamp>) {
        self.entries.sort_unstable_by_key(|entry| (entry.code, entry.cap));
        let told = self.entries.iter().map(|entry| Withheld {
            code: entry.code.into(),
            offers: entry.offers,
            cap: entry.cap.map(|ix| case.full_cap(ix).clone()),
            next_free_at: entry.ends,
        });
        (told.collect(), self.next_free_at)
    }

    /// Everything that holds the offer back is named; it becomes possible when the last of it ends.
    fn note_obstacles(&mut self, case: &Case<'_>, offer: &Offer, offers: usize) {
        let mut last = Some(case.facts.now);
        for cap in case.full_caps_against(offer) {
            let ends = case.full_cap(cap).next_free_at;
            self.count("cap", Some(cap), ends, offers);
            last = last.and_then(|last| Some(last.max(ends?)));
        }
        if let Some(until) = case.quiet_for(offer) {
            self.count("quiet_hours", None, Some(until), offers);
            last = last.map(|last| last.max(until));
        }
        self.next_free_at = [self.next_free_at, last].into_iter().flatten().min();
    }

    fn count(&mut self, code: &'static str, cap: Option<usize>, ends: Option<Timestamp>, offers: usize) {
        match self.entries.iter_mut().find(|entry| entry.cap == cap && entry.code == code) {
            Some(entry) => {
                entry.offers += offers;
                entry.ends = entry.ends.min(ends);
            }
            None => self.entries.push(Entry { code, cap, offers, ends }),
        }
    }
}

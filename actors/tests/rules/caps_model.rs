//! A reference model of caps: slow, obvious, written apart from the code it checks.
//!
//! It keeps every contact and every receipt for ever and counts anew each time. Calendar windows are compared by the name of
//! the day, week, month or quarter that a moment falls into, not by their first and last moments. Its playbook is
//! `caps_model.yaml`, written a second time below as plain functions.

use actors::Timestamp;
use actors::call::{Direction, ResponseKind};
use actors::timestamp::{DAY_MS, HOUR_MS};
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// What may be wrong with a model on purpose, to show that the comparison sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    None,
    KeepsSlotsOfTheFailed,
    KnowsUtcOnly,
    ForgetsTheLine,
    CountsWhatWasShownEverywhere,
    CapsRegulatoryNotices,
    TrustsTheTimeOfReading,
    ReadsTagsOfToday,
    ForgetsTheProvider,
    OneContactTooMany,
}

/// The part of a contact that caps look at.
#[derive(Clone, Debug)]
pub struct Sent {
    pub offer: String,
    pub channel: String,
    pub line: Option<String>,
    pub direction: Direction,
    pub reserved_at: Timestamp,
    pub expires_at: Timestamp,
    /// The customer was prepaid when the slot was taken.
    pub prepaid: bool,
    pub receipts: Vec<(ResponseKind, Timestamp)>,
}

/// A contact that is asked about.
#[derive(Clone, Copy, Debug)]
pub struct Asked<'a> {
    pub now: Timestamp,
    pub life_ms: i64,
    pub line: Option<&'a str>,
}

#[derive(Clone, Copy)]
pub enum Span {
    Day,
    Week,
    Month,
    Quarter,
    Rolling(i64),
}

pub struct ModelCap {
    pub id: &'static str,
    pub about: fn(&Sent) -> bool,
    pub by_line: bool,
    pub limit: u32,
    pub window: Span,
    pub shown: bool,
}

fn purpose(sent: &Sent) -> &'static str {
    match sent.offer.as_str() {
        "help" => "service",
        "notice" => "regulatory",
        _ => "marketing",
    }
}

fn marketing(sent: &Sent) -> bool {
    purpose(sent) == "marketing"
}

pub const CAPS: [ModelCap; 11] = [
    ModelCap { id: "month3", about: marketing, by_line: false, limit: 3, window: Span::Month, shown: false },
    ModelCap {
        id: "sms-day",
        about: |sent| sent.channel == "sms",
        by_line: false,
        limit: 2,
        window: Span::Day,
        shown: false,
    },
    ModelCap {
        id: "email-week",
        about: |sent| sent.channel == "email" && marketing(sent),
        by_line: false,
        limit: 2,
        window: Span::Week,
        shown: false,
    },
    ModelCap {
        id: "plan-quarter",
        about: |sent| sent.offer.starts_with("plan-"),
        by_line: false,
        limit: 5,
        window: Span::Quarter,
        shown: true,
    },
    ModelCap {
        id: "chat-roll",
        about: |sent| sent.channel == "chat" || sent.channel == "miniapp",
        by_line: false,
        limit: 2,
        window: Span::Rolling(7 * DAY_MS),
        shown: false,
    },
    ModelCap {
        id: "help-roll",
        about: |sent| purpose(sent) == "service",
        by_line: false,
        limit: 1,
        window: Span::Rolling(36 * HOUR_MS),
        shown: false,
    },
    ModelCap {
        id: "line-roll",
        about: marketing,
        by_line: true,
        limit: 1,
        window: Span::Rolling(3 * DAY_MS),
        shown: false,
    },
    ModelCap { id: "line-month", about: |_| true, by_line: true, limit: 4, window: Span::Month, shown: true },
    ModelCap {
        id: "app-day",
        about: |sent| sent.channel == "app",
        by_line: false,
        limit: 4,
        window: Span::Day,
        shown: true,
    },
    ModelCap {
        id: "prepaid-roll",
        about: |sent| sent.prepaid && marketing(sent),
        by_line: false,
        limit: 1,
        window: Span::Rolling(10 * DAY_MS),
        shown: false,
    },
    ModelCap {
        id: "cafe-quarter",
        about: |sent| sent.offer == "coupon",
        by_line: false,
        limit: 1,
        window: Span::Quarter,
        shown: false,
    },
];

/// Everything that ever happened to one customer.
pub struct Model {
    pub zone: TimeZone,
    pub flaw: Flaw,
    pub contacts: Vec<Sent>,
    /// The customer is prepaid now.
    pub prepaid: bool,
}

impl Model {
    /// Whether a cap speaks of a contact.
    pub fn counts(&self, cap: &ModelCap, sent: &Sent) -> bool {
        let mut sent = sent.clone();
        if self.flaw == Flaw::ReadsTagsOfToday {
            sent.prepaid = self.prepaid;
        }
        if self.flaw == Flaw::ForgetsTheProvider && sent.channel == "miniapp" {
            sent.channel = "other".into();
        }
        let capped = purpose(&sent) != "regulatory" || self.flaw == Flaw::CapsRegulatoryNotices;
        let direction = sent.direction == Direction::Outbound
            || cap.shown
            || self.flaw == Flaw::CountsWhatWasShownEverywhere;
        capped && direction && (cap.about)(&sent)
    }

    /// Used and limit, for a contact sent within the asked time.
    pub fn used(&self, cap: &ModelCap, asked: Asked<'_>) -> u32 {
        let all: Vec<&Sent> =
            self.contacts.iter().filter(|sent| self.holds(sent) && self.counts(cap, sent)).collect();
        if !cap.by_line || self.flaw == Flaw::ForgetsTheLine {
            return self.used_among(&all, cap, asked);
        }
        let mut lines: BTreeSet<Option<&str>> = all.iter().map(|sent| sent.line.as_deref()).collect();
        lines.insert(None);
        if asked.line.is_some() {
            lines = BTreeSet::from([asked.line]);
        }
        let on_line = |line: Option<&str>| {
            let some: Vec<&Sent> = all
                .iter()
                .copied()
                .filter(|sent| sent.line.is_none() || sent.line.as_deref() == line)
                .collect();
            self.used_among(&some, cap, asked)
        };
        lines.into_iter().map(on_line).max().unwrap_or(0)
    }

    /// When the cap has room again, if nothing more is heard; `None` when it has room now.
    pub fn next_free(&self, cap: &ModelCap, asked: Asked<'_>) -> Option<Timestamp> {
        let full = |now: Timestamp| self.used(cap, Asked { now, ..asked }) >= self.limit(cap);
        if !full(asked.now) {
            return None;
        }
        match cap.window {
            // Contacts only ever leave a rolling window while time goes on: halve the way to the answer.
            Span::Rolling(length_ms) => {
                let (mut taken, mut free) = (asked.now.ms(), asked.now.ms() + length_ms + 60 * DAY_MS);
                while free - taken > 1 {
                    let middle = taken + (free - taken) / 2;
                    match full(Timestamp::from_ms(middle)) {
                        true => taken = middle,
                        false => free = middle,
                    }
                }
                Some(Timestamp::from_ms(free))
            }
            // Day by day, at the first moment of each.
            _ => {
                let mut day = self.zone().to_datetime(asked.now.to_jiff()).date();
                loop {
                    day = day.tomorrow().ok()?;
                    let first = Timestamp::from(day.to_zoned(self.zone()).ok()?.timestamp());
                    if !full(first) {
                        return Some(first);
                    }
                }
            }
        }
    }

    /// The most contacts that any window of the cap holds, or may come to hold, on any line.
    pub fn fullest(&self, cap: &ModelCap) -> usize {
        let all: Vec<&Sent> =
            self.contacts.iter().filter(|sent| self.holds(sent) && self.counts(cap, sent)).collect();
        let lines: BTreeSet<Option<&str>> = match cap.by_line {
            true => all.iter().map(|sent| sent.line.as_deref()).collect(),
            false => BTreeSet::from([None]),
        };
        let of_line = |line: Option<&str>| {
            let mine = |sent: &&&Sent| !cap.by_line || sent.line.is_none() || sent.line.as_deref() == line;
            self.fullest_of(&all.iter().filter(mine).copied().collect::<Vec<_>>(), cap.window)
        };
        lines.into_iter().map(of_line).max().unwrap_or(0)
    }

    pub fn limit(&self, cap: &ModelCap) -> u32 {
        cap.limit + u32::from(self.flaw == Flaw::OneContactTooMany)
    }

    fn fullest_of(&self, all: &[&Sent], window: Span) -> usize {
        match window {
            Span::Rolling(length_ms) => {
                let spans: Vec<_> = all.iter().map(|sent| self.span(sent)).collect();
                // A window can be moved until it begins with the last moment of one of its contacts.
                let holds = |begin: &Timestamp| {
                    spans
                        .iter()
                        .filter(|(first, last)| last >= begin && *first < begin.plus_ms(length_ms))
                        .count()
                };
                spans.iter().map(|(_, last)| holds(last)).max().unwrap_or(0)
            }
            _ => {
                let mut names: BTreeMap<String, usize> = BTreeMap::new();
                for sent in all {
                    for name in self.names(self.span(sent), window) {
                        *names.entry(name).or_default() += 1;
                    }
                }
                names.into_values().max().unwrap_or(0)
            }
        }
    }

    fn used_among(&self, all: &[&Sent], cap: &ModelCap, asked: Asked<'_>) -> u32 {
        let used = match cap.window {
            Span::Rolling(length_ms) => {
                all.iter().filter(|sent| self.span(sent).1.plus_ms(length_ms) > asked.now).count()
            }
            window => {
                let asked = (asked.now, asked.now.plus_ms(asked.life_ms - 1));
                let spans: Vec<BTreeSet<String>> =
                    all.iter().map(|sent| self.names(self.span(sent), window)).collect();
                let holding = |name: &String| spans.iter().filter(|names| names.contains(name)).count();
                self.names(asked, window).iter().map(holding).max().unwrap_or(0)
            }
        };
        used as u32
    }

    /// First and last moment at which it was, or may yet be, sent.
    fn span(&self, sent: &Sent) -> (Timestamp, Timestamp) {
        use ResponseKind::{Accepted, Clicked, Delivered, Ignored, Rejected, Seen};
        let heard = |kinds: &[ResponseKind]| {
            let times = sent.receipts.iter().filter(|(kind, _)| kinds.contains(kind)).map(|(_, at)| *at);
            times.min().map(|at| at.max(sent.reserved_at))
        };
        let by_receipt = heard(&[ResponseKind::Sent]);
        let by_reading = heard(&[Delivered, Seen, Clicked, Accepted, Rejected, Ignored]);
        let last = sent.expires_at.plus_ms(-1);
        match (by_receipt, by_reading) {
            (Some(at), other) => (at.min(other.unwrap_or(at)), at.min(other.unwrap_or(at))),
            (None, Some(by)) if self.flaw == Flaw::TrustsTheTimeOfReading => (by, by),
            (None, Some(by)) => (sent.reserved_at, by.min(last)),
            (None, None) => (sent.reserved_at, last),
        }
    }

    fn holds(&self, sent: &Sent) -> bool {
        use ResponseKind::{Accepted, Cancelled, Clicked, Delivered, Expired, Failed, Rejected, Seen};
        let heard = |kinds: &[ResponseKind]| sent.receipts.iter().any(|(kind, _)| kinds.contains(kind));
        let arrived = heard(&[Delivered, Seen, Clicked, Accepted, Rejected]);
        arrived || !heard(&[Failed, Expired, Cancelled]) || self.flaw == Flaw::KeepsSlotsOfTheFailed
    }

    /// The names of all days (weeks, ...) that a stretch of time touches. No day is shorter than the steps.
    fn names(&self, (first, last): (Timestamp, Timestamp), window: Span) -> BTreeSet<String> {
        let mut names = BTreeSet::from([self.name(last, window)]);
        let mut at = first;
        while at < last {
            names.insert(self.name(at, window));
            at = at.plus_ms(8 * HOUR_MS);
        }
        names
    }

    fn name(&self, at: Timestamp, window: Span) -> String {
        let date = self.zone().to_datetime(at.to_jiff()).date();
        match window {
            Span::Day => format!("{date}"),
            Span::Week => {
                let week = date.iso_week_date();
                format!("{}-W{}", week.year(), week.week())
            }
            Span::Month => format!("{}-{}", date.year(), date.month()),
            Span::Quarter => format!("{}-Q{}", date.year(), (date.month() + 2) / 3),
            Span::Rolling(_) => String::new(),
        }
    }

    fn zone(&self) -> TimeZone {
        match self.flaw {
            Flaw::KnowsUtcOnly => TimeZone::UTC,
            _ => self.zone.clone(),
        }
    }
}

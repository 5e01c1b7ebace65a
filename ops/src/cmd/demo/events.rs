//! What happens to subscribers: the month before, and the parts of one telco day.
//!
//! Pure: the same world, subscriber and part give the same events.

use super::chance::Chance;
use super::subscribers::{Kind, Subscriber};
use super::world::World;
use actors::timestamp::{DAY_MS, HOUR_MS, Timestamp};
use serde_json::{Value, json};

/// A part of the played time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The 29 days before, in weekly sums.
    MonthBefore,
    /// The first hours of the day.
    Morning,
    /// The middle.
    Afternoon,
    /// The last hours, up to the start of the demo.
    Evening,
}

impl Part {
    /// How long before the start of the demo it begins and ends, in milliseconds.
    fn span(self) -> (i64, i64) {
        match self {
            Part::MonthBefore => (29 * DAY_MS, 2 * DAY_MS),
            Part::Morning => (16 * HOUR_MS, 11 * HOUR_MS),
            Part::Afternoon => (11 * HOUR_MS, 6 * HOUR_MS),
            Part::Evening => (6 * HOUR_MS, HOUR_MS / 6),
        }
    }
}

/// Gathers the events of one subscriber in one part.
struct Diary<'a> {
    world: &'a World,
    subscriber: &'a Subscriber,
    part: Part,
    chance: Chance,
    events: Vec<(Timestamp, &'static str, Value)>,
}

/// All events of a subscriber in a part, in the order of their times.
pub fn of(world: &World, subscriber: &Subscriber, part: Part) -> Vec<Value> {
    let chance = world.chance(subscriber.number, 16 + part as u64);
    let mut diary = Diary { world, subscriber, part, chance, events: Vec::new() };
    match part {
        Part::MonthBefore => diary.month_before(),
        Part::Morning | Part::Afternoon | Part::Evening => diary.part_of_day(),
    }
    diary.written()
}

/// One structured CloudEvent. `place` tells the events of one run apart.
pub fn event(world: &World, customer: &str, place: &str, at: Timestamp, kind: &str, data: &Value) -> Value {
    let system = kind.split('.').nth(1).unwrap_or("network");
    json!({
        "specversion": "1.0", "id": format!("{}-{customer}-{place}", world.run_id()),
        "source": format!("/demo/{system}"), "type": kind, "subject": customer,
        "time": at.to_string(), "datacontenttype": "application/json", "data": data,
    })
}

impl Diary<'_> {
    fn month_before(&mut self) {
        let month_mb = self.subscriber.month_mb;
        for _ in 0..4 {
            let mb = round(month_mb / 4.0 * self.chance.between(0.7, 1.3));
            self.note("telco.usage.data", json!({ "mb": mb, "roaming": false }));
        }
        let calls =
            if matches!(self.subscriber.kind, Kind::Senior | Kind::Professional) { 160.0 } else { 45.0 };
        for _ in 0..2 {
            let minutes = round(self.chance.between(0.3, 1.2) * calls);
            let abroad = self.chance.happens(0.08);
            self.note("telco.usage.voice", json!({ "minutes": minutes, "abroad": abroad }));
        }
        let category = match self.subscriber.kind {
            Kind::Streamer => self.chance.pick(&["video", "video", "music", "gaming"]),
            _ => self.chance.pick(&["social", "video", "music", "tethering"]),
        };
        let mb = round(month_mb * self.chance.between(0.2, 0.6));
        self.note("telco.usage.app", json!({ "category": category, "mb": mb }));
        match self.subscriber.kind {
            Kind::Prepaid => self.top_up(),
            _ => self.bill(),
        }
        if self.subscriber.kind == Kind::Traveller || self.chance.happens(0.05) {
            self.journey();
        }
    }

    fn bill(&mut self) {
        let amount = round(self.subscriber.charges * self.chance.weigh(&[(1.0, 9), (1.35, 1)]));
        let due_at = self.world.start.plus_ms(i64::from(self.chance.whole(1, 12)) * DAY_MS).to_string();
        self.note("telco.bill.issued", json!({ "amount": amount, "due_at": due_at }));
        if self.chance.happens(0.8) {
            self.note_later("telco.bill.paid", json!({ "amount": amount }));
        }
    }

    fn journey(&mut self) {
        let (country, zone) = self.abroad();
        self.note("telco.roaming.started", json!({ "country": country, "zone": zone }));
        self.note_later("telco.roaming.ended", json!({ "country": country }));
    }

    fn part_of_day(&mut self) {
        let mb = round(self.subscriber.month_mb / 30.0 * self.chance.between(0.1, 0.8));
        if self.chance.happens(0.75) {
            self.note("telco.usage.data", json!({ "mb": mb, "roaming": false }));
        }
        if self.chance.happens(0.25) {
            let minutes = round(self.chance.between(1.0, 25.0));
            self.note("telco.usage.voice", json!({ "minutes": minutes, "abroad": false }));
        }
        if self.chance.happens(0.2) {
            self.browse();
        }
        for (p, happening) in [
            (0.010, Diary::complain as fn(&mut Self)),
            (0.030, Diary::lose_calls),
            (0.012, Diary::fail_to_pay),
            (0.015, Diary::answer_survey),
            (0.006, Diary::think_of_leaving),
            (0.010, Diary::change_phone),
            (0.015, Diary::reach_allowance),
            (0.008, Diary::buy),
            (0.010, Diary::leave_basket),
        ] {
            if self.chance.happens(p) {
                happening(self);
            }
        }
        if self.subscriber.kind == Kind::Prepaid && self.chance.happens(0.08) {
            self.top_up();
        }
        if self.subscriber.kind == Kind::Traveller && self.chance.happens(0.08) {
            self.arrive_abroad();
        }
        if self.subscriber.kind == Kind::Streamer && self.chance.happens(0.15) {
            self.note("telco.content.clip_watched", json!({ "topic": "sports" }));
        }
    }

    fn browse(&mut self) {
        self.note("telco.app.opened", json!({}));
        let page = self.chance.pick(&["plans", "devices", "roaming", "insurance", "home", "plans"]);
        let seconds = round(self.chance.between(5.0, 120.0));
        let seen = if self.chance.happens(0.7) { "telco.app.page_viewed" } else { "telco.web.page_viewed" };
        self.note_later(seen, json!({ "page": page, "seconds": seconds }));
    }

    fn complain(&mut self) {
        let topic = self.chance.pick(&["network", "bill", "contract"]);
        self.note("telco.complaint.opened", json!({ "topic": topic }));
        if self.chance.happens(0.4) {
            let solved = self.chance.happens(0.7);
            self.note_later("telco.complaint.closed", json!({ "solved": solved }));
        }
    }

    fn lose_calls(&mut self) {
        let cell = format!("cell-{}", self.chance.whole(1, 400));
        for _ in 0..self.chance.whole(1, 4) {
            self.note("telco.network.call_dropped", json!({ "cell": cell }));
        }
        let dbm = -round(self.chance.between(85.0, 115.0));
        self.note("telco.network.signal_measured", json!({ "dbm": dbm }));
    }

    fn fail_to_pay(&mut self) {
        self.note("telco.payment.failed", json!({ "amount": self.subscriber.charges }));
    }

    fn answer_survey(&mut self) {
        let score = self.chance.weigh(&[(10, 25), (9, 25), (8, 20), (6, 12), (3, 12), (0, 6)]);
        self.note("telco.nps.answered", json!({ "score": score }));
    }

    fn think_of_leaving(&mut self) {
        for _ in 0..2 {
            self.note("telco.web.page_viewed", json!({ "page": "cancel", "seconds": 40.0 }));
        }
        if self.chance.happens(0.5) {
            self.note_later("telco.portout.requested", json!({ "to_operator": "Nachbarfunk" }));
        }
    }

    fn change_phone(&mut self) {
        let (brand, model) =
            self.chance.pick(&[("apple", "iPhone 16"), ("samsung", "Galaxy S25"), ("google", "Pixel 9")]);
        self.note("telco.device.changed", json!({ "brand": brand, "model": model, "supports_5g": true }));
    }

    fn reach_allowance(&mut self) {
        let percent = self.chance.pick(&[80.0, 100.0]);
        self.note("telco.usage.allowance_reached", json!({ "percent": percent }));
    }

    fn buy(&mut self) {
        let (offer, amount) =
            self.chance.pick(&[("data-5g-option", 4.9), ("family-card", 9.9), ("ins-key", 1.9)]);
        self.note("telco.purchase.completed", json!({ "offer": offer, "amount": amount }));
    }

    fn leave_basket(&mut self) {
        let offer = self.chance.pick(&["data-m", "data-l", "unlimited"]);
        self.note("telco.basket.left", json!({ "offer": offer }));
    }

    fn top_up(&mut self) {
        let amount = self.chance.pick(&[5.0, 10.0, 15.0, 20.0]);
        let balance = round(amount + self.chance.between(0.0, 3.0));
        self.note("telco.topup.completed", json!({ "amount": amount, "balance": balance }));
    }

    fn arrive_abroad(&mut self) {
        let (country, zone) = self.abroad();
        self.note("telco.roaming.started", json!({ "country": country, "zone": zone }));
        let mb = round(self.chance.between(50.0, 900.0));
        self.note_later("telco.usage.data", json!({ "mb": mb, "roaming": true }));
    }

    fn abroad(&mut self) -> (&'static str, &'static str) {
        self.chance.pick(&[
            ("ES", "eu"),
            ("IT", "eu"),
            ("CH", "europe"),
            ("US", "north_america"),
            ("AE", "gulf"),
            ("TH", "asia"),
        ])
    }

    /// Somewhere in the part.
    fn note(&mut self, kind: &'static str, data: Value) {
        let (begins, ends) = self.part.span();
        let before = self.chance.between(ends as f64, begins as f64) as i64;
        self.events.push((self.world.start.plus_ms(-before), kind, data));
    }

    /// After what was noted last.
    fn note_later(&mut self, kind: &'static str, data: Value) {
        let (_, ends) = self.part.span();
        let last = self.events.last().map_or(self.world.start.plus_ms(-ends), |(at, ..)| *at);
        let left = self.world.start.since_ms(last) - ends;
        let after = self.chance.between(0.2, 0.9) * left as f64;
        self.events.push((last.plus_ms(after as i64 + 1), kind, data));
    }

    fn written(mut self) -> Vec<Value> {
        self.events.sort_by_key(|(at, ..)| *at);
        let (world, customer, part) = (self.world, &self.subscriber.id, self.part as u8);
        let numbered = self.events.iter().enumerate();
        numbered
            .map(|(n, (at, kind, data))| event(world, customer, &format!("{part}.{n}"), *at, kind, data))
            .collect()
    }
}

fn round(x: f64) -> f64 {
    x.round().max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::demo::playbook::compiled;
    use actors::playbook::TagKind;
    use std::collections::BTreeSet;

    const PARTS: [Part; 4] = [Part::MonthBefore, Part::Morning, Part::Afternoon, Part::Evening];

    fn all(seed: u64) -> Vec<Value> {
        let world = World::new(seed, 2_000, Timestamp::from_ms(1_800_000_000_000));
        let people = (0..2_000).map(|number| Subscriber::of(&world, number));
        people.flat_map(|it| PARTS.map(|part| of(&world, &it, part))).flatten().collect()
    }

    #[test]
    fn the_same_seed_plays_the_same_day() {
        assert_eq!(all(7), all(7));
        assert_ne!(all(7), all(8));
    }

    #[test]
    fn every_event_is_declared_with_its_data_and_has_an_id_of_its_own() {
        let playbook = compiled();
        let mut ids = BTreeSet::new();
        for event in all(7) {
            let kind = event["type"].as_str().expect("text");
            let declared =
                &playbook.events.get(kind).unwrap_or_else(|| panic!("{kind} is not declared")).data;
            let data = event["data"].as_object().expect("an object");
            assert!(declared.keys().all(|field| data.contains_key(&**field)), "{event}");
            for (field, value) in data {
                let fits = match declared.get(field.as_str()).map(|declared| declared.kind) {
                    Some(TagKind::Int) => value.is_i64(),
                    Some(TagKind::Number) => value.is_number(),
                    Some(TagKind::Bool) => value.is_boolean(),
                    Some(_) => value.is_string(),
                    None => false,
                };
                assert!(fits, "{kind}: {field} is {value}");
            }
            assert!(ids.insert(event["id"].to_string()), "{event}");
        }
    }

    #[test]
    fn events_lie_in_their_part_and_in_order() {
        let world = World::new(7, 200, Timestamp::from_ms(1_800_000_000_000));
        for number in 0..200 {
            let subscriber = Subscriber::of(&world, number);
            for part in PARTS {
                let (begins, ends) = part.span();
                let times: Vec<Timestamp> = of(&world, &subscriber, part)
                    .iter()
                    .map(|event| Timestamp::parse(event["time"].as_str().expect("text")).expect("a time"))
                    .collect();
                assert!(times.is_sorted(), "{part:?}");
                let inside = |at: &Timestamp| (ends..=begins).contains(&world.start.since_ms(*at));
                assert!(times.iter().all(inside), "{part:?}");
            }
        }
    }
}

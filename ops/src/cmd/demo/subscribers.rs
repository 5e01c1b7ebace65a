//! Made-up subscribers: people of a few kinds, each with tags and consents that fit together.
//!
//! A subscriber is a function of the seed and a number, so nothing is kept: whoever needs one makes it again.

use super::chance::Chance;
use super::world::World;
use actors::timestamp::{DAY_MS, HOUR_MS};
use serde_json::{Map, Value, json};

/// What kind of person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Young, much video on the phone.
    Streamer,
    /// Children, fibre at home, several lines.
    Family,
    /// Often abroad.
    Traveller,
    /// Calls more than surfs.
    Senior,
    /// Tops up when needed.
    Prepaid,
    /// Many calls, high bill.
    Professional,
}

/// One subscriber.
#[derive(Clone, Debug)]
pub struct Subscriber {
    /// Its number in this world, from 0.
    pub number: u32,
    /// The customer id.
    pub id: String,
    /// First name.
    pub name: &'static str,
    /// What kind of person.
    pub kind: Kind,
    /// Data used in 30 days (MB).
    pub month_mb: f64,
    /// Monthly charges (EUR).
    pub charges: f64,
    /// Months with us.
    pub tenure: u32,
    /// Bound for a month only.
    pub monthly_term: bool,
    /// What was said about being contacted.
    pub marketing: Marketing,
    /// Whether tags may be used to decide.
    pub profiling: bool,
    /// Lives where it is night.
    pub at_night: bool,
    age: u32,
}

/// What a subscriber said about being contacted for marketing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Marketing {
    /// Yes, everywhere.
    Everywhere,
    /// Yes, but not by SMS.
    NotBySms,
    /// Once yes, now no.
    Withdrawn,
    /// No.
    Denied,
    /// Never asked.
    NeverAsked,
}

const NAMES: [&str; 24] = [
    "Maria", "Yusuf", "Anna", "Jonas", "Leyla", "Paul", "Olena", "Emil", "Sofia", "Karl", "Amira", "Felix",
    "Ewa", "Tom", "Nadia", "Lukas", "Greta", "Omar", "Ida", "Piotr", "Clara", "Mehmet", "Lena", "Viktor",
];

const KINDS: [(Kind, u32); 6] = [
    (Kind::Streamer, 22),
    (Kind::Family, 20),
    (Kind::Traveller, 12),
    (Kind::Senior, 14),
    (Kind::Prepaid, 18),
    (Kind::Professional, 14),
];

/// Shares as one meets them where consent is asked for openly.
const MARKETING: [(Marketing, u32); 5] = [
    (Marketing::Everywhere, 62),
    (Marketing::NotBySms, 12),
    (Marketing::Withdrawn, 5),
    (Marketing::Denied, 11),
    (Marketing::NeverAsked, 10),
];

impl Subscriber {
    /// Subscriber `number` of the world.
    pub fn of(world: &World, number: u32) -> Self {
        let mut chance = world.chance(number, 1);
        let kind = chance.weigh(&KINDS);
        let (age, month_mb, charges) = match kind {
            Kind::Streamer => {
                (chance.whole(18, 34), chance.between(12_000.0, 60_000.0), chance.between(25.0, 60.0))
            }
            Kind::Family => {
                (chance.whole(30, 52), chance.between(5_000.0, 25_000.0), chance.between(45.0, 105.0))
            }
            Kind::Traveller => {
                (chance.whole(24, 60), chance.between(6_000.0, 30_000.0), chance.between(35.0, 80.0))
            }
            Kind::Senior => {
                (chance.whole(64, 86), chance.between(300.0, 4_000.0), chance.between(12.0, 40.0))
            }
            Kind::Prepaid => {
                (chance.whole(16, 60), chance.between(800.0, 7_000.0), chance.between(6.0, 18.0))
            }
            Kind::Professional => {
                (chance.whole(27, 62), chance.between(8_000.0, 40_000.0), chance.between(50.0, 110.0))
            }
        };
        Subscriber {
            number,
            id: format!("c-{number:06}"),
            name: chance.pick(&NAMES),
            kind,
            month_mb: month_mb.round(),
            charges: (charges * 10.0).round() / 10.0,
            tenure: chance.whole(0, 96),
            monthly_term: chance.happens(0.45),
            marketing: chance.weigh(&MARKETING),
            profiling: chance.happens(0.82),
            at_night: chance.happens(0.05),
            age,
        }
    }

    /// May be contacted by every channel and known as a person.
    pub fn consents_to_all(&self) -> bool {
        self.marketing == Marketing::Everywhere && self.profiling
    }

    /// Who this is, in a few words.
    pub fn in_words(&self) -> String {
        let kind = match self.kind {
            Kind::Streamer => "watches much video on the phone",
            Kind::Family => "family with fibre at home",
            Kind::Traveller => "often abroad",
            Kind::Senior => "calls more than surfs",
            Kind::Prepaid => "tops up when needed",
            Kind::Professional => "works on the phone",
        };
        format!("{} ({}), {}, {kind}, {} months with us", self.name, self.id, self.age, self.tenure)
    }

    /// What the customer system knows, as one line of an import.
    pub fn tag_line(&self, world: &World) -> Value {
        let mut chance = world.chance(self.number, 2);
        let zone = if self.at_night { world.night_zone } else { world.day_zone };
        let tags =
            [self.person(&mut chance, zone), self.contract(world, &mut chance), self.device(&mut chance)];
        let tags = tags.into_iter().chain([self.scores(&mut chance)]).flatten();
        let set: Map<String, Value> = tags.map(|(tag, value)| (tag.to_owned(), value)).collect();
        json!({
            "customer": self.id, "source": "crm", "as_of": world.start.plus_ms(-2 * DAY_MS).to_string(),
            "set": set, "unset": [],
        })
    }

    fn person(&self, chance: &mut Chance, zone: &str) -> Vec<(&'static str, Value)> {
        let family = self.kind == Kind::Family;
        vec![
            ("first_name", self.name.into()),
            ("age", self.age.into()),
            ("senior", (self.age >= 65).into()),
            ("student", (self.age < 27 && chance.happens(0.3)).into()),
            ("partner", (family && chance.happens(0.8) || chance.happens(0.3)).into()),
            ("dependents", (family || chance.happens(0.1)).into()),
            ("household_size", if family { chance.whole(3, 5) } else { chance.whole(1, 2) }.into()),
            ("language", chance.weigh(&[("de", 70), ("en", 10), ("tr", 8), ("pl", 6), ("uk", 6)]).into()),
            ("zone", zone.into()),
            ("home_city", chance.pick(&["Berlin", "Hamburg", "Köln", "Leipzig", "München", "Essen"]).into()),
            ("fiber_available", chance.happens(0.4).into()),
            ("coverage_5g_home", chance.happens(0.7).into()),
        ]
    }

    fn contract(&self, world: &World, chance: &mut Chance) -> Vec<(&'static str, Value)> {
        let mut tags = vec![
            ("contract", if self.kind == Kind::Prepaid { "prepaid" } else { "postpaid" }.into()),
            ("tenure_months", self.tenure.into()),
            ("monthly_charges", self.charges.into()),
            ("total_charges", (self.charges * f64::from(self.tenure)).round().into()),
            ("phone_service", true.into()),
            ("phone_lines", if chance.happens(0.4) { "several" } else { "one" }.into()),
            ("mobile_lines", if self.kind == Kind::Family { chance.whole(2, 4) } else { 1 }.into()),
            ("credit_class", chance.weigh(&[("a", 50), ("b", 30), ("c", 15), ("d", 5)]).into()),
        ];
        if self.kind == Kind::Prepaid {
            return tags;
        }
        let term = if self.monthly_term { "monthly" } else { chance.pick(&["one_year", "two_year"]) };
        let pays = [
            ("direct_debit", 50),
            ("bank_transfer", 15),
            ("credit_card", 15),
            ("paypal", 10),
            ("electronic_check", 10),
        ];
        let internet = match self.kind {
            Kind::Family => "fiber",
            _ => chance.weigh(&[("none", 50), ("dsl", 35), ("fiber", 15)]),
        };
        tags.extend([
            ("contract_term", term.into()),
            ("payment_method", chance.weigh(&pays).into()),
            ("paperless_billing", chance.happens(0.7).into()),
            ("data_allowance_mb", (self.month_mb * chance.between(0.9, 1.6)).round().into()),
            ("internet_service", internet.into()),
            ("streaming_tv", (internet != "none" && chance.happens(0.5)).into()),
            ("streaming_movies", (internet != "none" && chance.happens(0.5)).into()),
            ("tech_support", chance.happens(0.3).into()),
            ("online_security", chance.happens(0.3).into()),
        ]);
        if !self.monthly_term {
            let ends_at = world.start.plus_ms(i64::from(chance.whole(10, 700)) * DAY_MS + HOUR_MS);
            tags.push(("contract_end_at", ends_at.to_string().into()));
        }
        tags
    }

    fn device(&self, chance: &mut Chance) -> Vec<(&'static str, Value)> {
        let (brand, model, os) = chance.weigh(&[
            (("samsung", "Galaxy S22", "android"), 35),
            (("apple", "iPhone 13", "ios"), 35),
            (("google", "Pixel 7", "android"), 10),
            (("xiaomi", "12T", "android"), 12),
            (("nokia", "2660", "other"), if self.kind == Kind::Senior { 40 } else { 1 }),
        ]);
        vec![
            ("device_brand", brand.into()),
            ("device_model", model.into()),
            ("device_os", os.into()),
            ("device_5g", (os != "other").into()),
            ("device_age_months", chance.whole(1, 54).into()),
        ]
    }

    fn scores(&self, chance: &mut Chance) -> Vec<(&'static str, Value)> {
        let risk = chance.between(0.02, 0.5) + if self.monthly_term { 0.25 } else { 0.0 };
        vec![
            ("churn_risk", ((risk * 100.0).round() / 100.0).into()),
            ("clv", (self.charges * chance.between(12.0, 40.0)).round().into()),
            ("price_sensitivity", ((chance.between(0.1, 0.9) * 100.0).round() / 100.0).into()),
            (
                "preferred_channel",
                chance.weigh(&[("app", 40), ("sms", 25), ("email", 20), ("push", 15)]).into(),
            ),
        ]
    }

    /// What the subscriber said, as consent records; none for who was never asked.
    pub fn consents(&self, world: &World) -> Option<Value> {
        let mut chance = world.chance(self.number, 3);
        let mut records = Vec::new();
        let mut note = |purpose: &str, channel: &str, state: &str, days_ago: u32| {
            let at = world.start.plus_ms(-i64::from(days_ago) * DAY_MS).to_string();
            records.push(json!({
                "purpose": purpose, "channel": channel, "state": state, "basis": "consent",
                "source": "contract", "text_version": "2026-01", "at": at,
            }));
        };
        let asked = chance.whole(40, 900);
        match self.marketing {
            Marketing::NeverAsked => {}
            Marketing::Denied => note("marketing", "any", "denied", asked),
            Marketing::Everywhere => note("marketing", "any", "granted", asked),
            Marketing::NotBySms => {
                note("marketing", "any", "granted", asked);
                note("marketing", "sms", "denied", asked - 30);
            }
            Marketing::Withdrawn => {
                note("marketing", "any", "granted", asked);
                note("marketing", "any", "withdrawn", asked - 30);
            }
        }
        if self.profiling {
            note("profiling", "any", "granted", asked);
        } else if chance.happens(0.5) {
            note("profiling", "any", "denied", asked);
        }
        (!records.is_empty()).then_some(Value::Array(records))
    }
}

#[cfg(test)]
mod tests;

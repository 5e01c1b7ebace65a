//! The demo's last page: how much, how fast, what was decided, and whether the promises held.

use super::audit::Audit;
use super::day::{ATTEMPTS, Played};
use super::story::Story;
use super::tally::Tally;
use super::world::World;
use crate::cmd::customer::words;
use crate::output::{Table, grouped};
use std::collections::BTreeMap;

/// Offers and reasons listed at most.
const LISTED_MAX: usize = 8;

/// What there is to report.
pub struct Report<'a> {
    /// The world that was played.
    pub world: &'a World,
    /// What was played.
    pub played: &'a Played,
    /// What was found afterwards.
    pub audit: &'a Audit,
    /// Stories that came about.
    pub stories: &'a [Story],
}

/// The page.
pub fn render(report: &Report<'_>) -> String {
    let Report { world, played, audit, stories } = report;
    let mut page =
        vec![numbers(world, played), channels(&played.tally), offers(&played.tally), withheld(&played.tally)];
    page.push(promises(audit));
    for (n, story) in stories.iter().enumerate() {
        page.push(format!("{}. {}", n + 1, story.lines.join("\n")));
    }
    page.push(surprises(&played.tally));
    page.retain(|section| !section.is_empty());
    page.join("\n\n")
}

fn numbers(world: &World, played: &Played) -> String {
    let tally = &played.tally;
    let ms = |percentile: f64| tally.decision_us.value_at_quantile(percentile) as f64 / 1_000.0;
    format!(
        "{} subscribers, seed {}; most live in {}, where it is day, some in {}, where marketing rests\n\n\
         {:>12} events, {} a second while only events were streamed\n\
         {:>12} decisions, half of them answered in {:.1} ms, 99 % in {:.1} ms, HTTP included, beside the events\n\
         {:>12} responses, {} consents\n\
         {:>12.1} s in all, every answer saved on disk before it was given",
        grouped(u64::from(world.customers)),
        world.seed,
        world.day_zone,
        world.night_zone,
        grouped(tally.events),
        grouped(played.events_per_second as u64),
        grouped(tally.decisions()),
        ms(0.5),
        ms(0.99),
        grouped(tally.responses),
        grouped(tally.consents),
        played.took.as_secs_f64(),
    )
}

fn channels(tally: &Tally) -> String {
    let mut table =
        Table::new(&["channel", "decisions>", "with offer>", "contacts>", "accepted>", "refused>"])
            .indented(2);
    for (name, channel) in &tally.channels {
        let counts =
            [channel.decisions, channel.with_offer, channel.contacts, channel.accepted, channel.rejected];
        table.row(std::iter::once((*name).to_owned()).chain(counts.map(grouped)));
    }
    let arms: Vec<String> =
        tally.arms.iter().map(|(arm, count)| format!("{} {}", grouped(*count), words::arm(arm))).collect();
    format!(
        "{table}\n  {}; {} without profiling, from the moment only",
        arms.join(", "),
        grouped(tally.context_only)
    )
}

fn offers(tally: &Tally) -> String {
    let mut table = Table::new(&["most often number one", "times>"]).indented(2);
    for (offer, count) in most(&tally.firsts) {
        table.row([offer.clone(), grouped(count)]);
    }
    format!("{table}\n  {} different offers were number one for somebody", tally.firsts.len())
}

/// Every offer has a reason in every decision; the ones worth telling are those about the customer's peace.
fn withheld(tally: &Tally) -> String {
    let peace =
        ["consent", "cap", "quiet_hours", "refused", "suppressed", "holdout", "calendar", "not_suitable"];
    let mut table = Table::new(&["decisions in which offers were held back", "times>"]).indented(2);
    for code in peace {
        if let Some(count) = tally.withheld.get(code) {
            table.row([words::reason(code), grouped(*count)]);
        }
    }
    if table.is_empty() { String::new() } else { table.to_string() }
}

fn promises(audit: &Audit) -> String {
    let verdict = if audit.holds() { "held" } else { "BROKEN" };
    let spread: Vec<String> =
        (0..).zip(&audit.by_contacts).map(|(n, count)| format!("{n}: {}", grouped(*count))).collect();
    let mut text = format!(
        "The monthly cap {verdict}: read back from {} customers, nobody has more than {} marketing contacts (limit {}),\n\
         although {ATTEMPTS} campaigns in a row wanted some of them. Customers by contacts: {}",
        grouped(audit.customers),
        audit.contacts_max(),
        audit.limit,
        spread.join(", "),
    );
    if audit.differing > 0 {
        text.push_str(&format!(
            "\nFor {} of them the cap's own count differs from the contacts.",
            grouped(audit.differing)
        ));
    }
    text
}

fn surprises(tally: &Tally) -> String {
    let mut text = String::new();
    if !tally.rejected.is_empty() {
        let codes: Vec<String> =
            tally.rejected.iter().map(|(code, count)| format!("{code} {}", grouped(*count))).collect();
        text.push_str(&format!("Not expected: lines were rejected: {}. ", codes.join(", ")));
    }
    if let Some(surprise) = &tally.surprise {
        text.push_str(&format!("Not expected: {surprise}"));
    }
    text
}

fn most(counts: &BTreeMap<String, u64>) -> Vec<(&String, u64)> {
    let mut all: Vec<(&String, u64)> = counts.iter().map(|(key, count)| (key, *count)).collect();
    all.sort_by_key(|(key, count)| (std::cmp::Reverse(*count), *key));
    all.truncate(LISTED_MAX);
    all
}

/// What to try while the demo serves.
pub fn invitation(server: &str, customer: &str) -> String {
    let body = r#"{"channel":"app","direction":"inbound"}"#;
    format!(
        "The node keeps serving at {server}. In another window:\n\n\
         rapport customer show {customer} --server {server}\n\
         rapport customer decide {customer} --channel desk --server {server}\n\
         curl -s {server}/v1/customers/{customer}\n\
         curl -s {server}/v1/customers/{customer}/decisions -H 'content-type: application/json' -d '{body}'\n\
         curl -s {server}/metrics\n\n\
         Ctrl-C stops it."
    )
}

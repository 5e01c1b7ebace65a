//! From the nodes of files to the sections of a playbook.

use super::fields::Fields;
use super::{
    Affinity, Channel, Event, Located, Offer, Source, Tag, TagWords, Tenant, Text, Update, extras,
    read_policy,
};
use crate::playbook::text::{At, Findings, Node, NodeKind, nearest};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// The sections of a playbook; lists may be spread over files, the others stand in one place.
pub(crate) const SECTIONS: [&str; 23] = [
    "tenant",
    "kpi",
    "tags",
    "events",
    "offers",
    "context_weights",
    "caps",
    "suppress",
    "quiet_hours",
    "calendar",
    "holdouts",
    "experiments",
    "explore",
    "family_max",
    "learning",
    "journeys",
    "channels",
    "fit",
    "partners",
    "languages",
    "fences",
    "lifecycle",
    "pauses",
];
const ONCE: [&str; 8] =
    ["tenant", "kpi", "explore", "family_max", "learning", "channels", "languages", "lifecycle"];

/// Reads the sections of all files together. What can't be read is a finding and left out.
pub fn read(files: &[Node], findings: &RefCell<Findings>) -> Source {
    let mut source = Source::default();
    let mut seen: BTreeMap<&str, At> = BTreeMap::new();
    for file in files {
        let sections = match &file.kind {
            NodeKind::Map(sections) => sections,
            NodeKind::Null => continue,
            _ => {
                let what = format!("the file holds {}", file.word());
                findings.borrow_mut().error(file.at, what, "begin with a section, such as `offers:`");
                continue;
            }
        };
        for (name, node) in sections {
            if ONCE.contains(&name.as_str())
                && let Some(before) = seen.insert(name, node.at)
            {
                let what = format!("{name} is given twice, before on line {} of another file", before.line);
                findings.borrow_mut().error(node.at, what, "keep one of them");
                continue;
            }
            section(name, node, &mut source, findings);
        }
    }
    source
}

fn section(name: &str, node: &Node, source: &mut Source, findings: &RefCell<Findings>) {
    let list = |item: &str| Items { node, item: item.to_owned(), findings };
    match name {
        _ if matches!(node.kind, NodeKind::Null) => {}
        "tenant" => source.tenant = tenant(node, findings),
        "kpi" => {
            if let Some(mut fields) = Fields::open(node, "kpi", findings) {
                source.kpi = fields.needed_text("active");
                fields.close();
            }
        }
        "tags" => source.tags.extend(list("tag").read(tag)),
        "events" => source.events.extend(list("event").read(event)),
        "offers" => source.offers.extend(list("offer").read(offer)),
        "context_weights" => {
            source.context_weights.extend(list("a context weight").read(read_policy::context_weight));
        }
        "caps" => source.caps.extend(list("cap").read(read_policy::cap)),
        "suppress" => source.suppress.extend(list("a suppression").read(read_policy::suppress)),
        "quiet_hours" => source.quiet_hours.extend(list("quiet hours").read(read_policy::quiet_hours)),
        "calendar" => source.calendar.extend(list("calendar entry").read(read_policy::calendar_entry)),
        "holdouts" => source.holdouts.extend(list("holdout").read(read_policy::holdout)),
        "experiments" => source.experiments.extend(list("experiment").read(read_policy::experiment)),
        "journeys" => source.journeys.extend(list("journey").read(read_policy::journey)),
        "explore" => source.explore = read_policy::explore(node, findings),
        "learning" => {
            if let Some(mut fields) = Fields::open(node, "learning", findings) {
                source.learning = fields.flag("enabled");
                source.learning_strength = fields.number("strength");
                fields.close();
            }
        }
        "family_max" => match node.kind {
            NodeKind::Int(value) => source.family_max = Some(Located { value, at: node.at }),
            _ => findings.borrow_mut().error(
                node.at,
                format!("family_max is {}", node.word()),
                "give a whole number",
            ),
        },
        "channels" => source.channels = channels(node, findings),
        "lifecycle" => source.lifecycle = read_policy::life_cycle(node, findings),
        "pauses" => source.pauses.extend(list("pause").read(read_policy::pause)),
        "fences" => source.fences.extend(list("fence").read(read_policy::fence)),
        "fit" => source.fit.extend(list("a fit rule").read(extras::fit)),
        "partners" => source.partners.extend(list("partner").read(extras::partner)),
        "languages" => {
            source.languages = Fields::open(node, "languages", findings).map(extras::languages);
        }
        _ => {
            let fix = match nearest(name, SECTIONS) {
                Some(near) => format!("did you mean {near}?"),
                None => format!("the sections are {}", SECTIONS.join(", ")),
            };
            findings.borrow_mut().error(node.at, format!("unknown section {name}"), fix);
        }
    }
}

/// The items of a section that is a list.
struct Items<'a> {
    node: &'a Node,
    item: String,
    findings: &'a RefCell<Findings>,
}

impl<'a> Items<'a> {
    fn read<T>(self, read: impl Fn(&mut Fields<'a>) -> Option<T>) -> Vec<T> {
        let NodeKind::List(items) = &self.node.kind else {
            let what = format!("a section is {}, not a list of {}s", self.node.word(), self.item);
            self.findings.borrow_mut().error(self.node.at, what, "begin each with `-`");
            return Vec::new();
        };
        let read_one = |item: &'a Node| {
            let mut fields = Fields::open(item, &self.item, self.findings)?;
            let result = read(&mut fields);
            fields.close();
            result
        };
        items.iter().filter_map(read_one).collect()
    }
}

fn tenant(node: &Node, findings: &RefCell<Findings>) -> Option<Tenant> {
    let mut fields = Fields::open(node, "tenant", findings)?;
    let tenant = Tenant {
        zone: fields.text("zone"),
        currency: fields.text("currency"),
        zone_tag: fields.text("zone_tag"),
        bill_day_tag: fields.text("bill_day_tag"),
    };
    fields.close();
    Some(tenant)
}

fn tag(fields: &mut Fields<'_>) -> Option<Tag> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("tag {}", id.value));
    }
    let kind = fields.needed_text("type");
    let values = fields.texts("values");
    let max_age = fields.text("max_age");
    let private = fields.flag("private").is_some_and(|flag| flag.value);
    let (text, reason) = (fields.text("text"), fields.text("reason"));
    let translations =
        fields.maps("translations").into_iter().map(|(language, fields)| (language, tag_words(fields)));
    let translations: BTreeMap<String, TagWords> = translations.collect();
    let translations = (!translations.is_empty()).then_some(translations);
    Some(Tag { id: id?, kind: kind?, values, max_age, private, text, reason, translations })
}

fn tag_words(mut fields: Fields<'_>) -> TagWords {
    let words = TagWords { text: fields.text("text"), reason: fields.text("reason") };
    fields.close();
    words
}

fn event(fields: &mut Fields<'_>) -> Option<Event> {
    let id = fields.needed_text("type");
    if let Some(id) = &id {
        fields.rename(format!("event {}", id.value));
    }
    let data = fields.expressions("data");
    let updates = fields.nested("updates", "an update", update);
    Some(Event { id: id?, data, updates })
}

/// What an update may do.
pub const CHANGES: [&str; 17] = [
    "set", "last", "add", "take", "max", "min", "count", "sum", "avg", "ewma", "distinct", "crosses", "near",
    "dwell", "unset", "own", "disown",
];
/// What may go with it; `at` is a list and read apart.
const TERMS: [&str; 11] =
    ["window", "half_life", "month", "months", "per", "of", "within", "on", "lat", "lon", "fences"];

fn update(fields: &mut Fields<'_>) -> Option<Update> {
    let tag = fields.text("tag");
    let changes = words(&CHANGES, fields);
    let terms = words(&TERMS, fields);
    Some(Update {
        tag,
        changes,
        terms,
        at: fields.texts("at"),
        when: fields.expression("when"),
        place: Located { value: (), at: fields.at() },
    })
}

fn words(names: &[&'static str], fields: &mut Fields<'_>) -> BTreeMap<String, Text> {
    let word = |name: &&'static str| Some(((*name).to_owned(), fields.expression(name)?));
    names.iter().filter_map(word).collect()
}

fn offer(fields: &mut Fields<'_>) -> Option<Offer> {
    let id = fields.needed_text("id");
    if let Some(id) = &id {
        fields.rename(format!("offer {}", id.value));
    }
    let (mut valid_from, mut valid_to) = (None, None);
    if let Some(mut valid) = fields.inner("valid") {
        (valid_from, valid_to) = (valid.text("from"), valid.text("to"));
        valid.close();
    }
    let (mut eligible, mut applicable, mut suitable) = (None, None, None);
    if let Some(mut rules) = fields.inner("rules") {
        eligible = rules.expression("eligible");
        applicable = rules.expression("applicable");
        suitable = rules.expression("suitable");
        rules.close();
    }
    let offer = Offer {
        id: id.clone().unwrap_or_default(),
        title: fields.text("title"),
        owner: fields.text("owner"),
        family: fields.text("family"),
        group: fields.text("group"),
        kind: fields.text("kind"),
        purpose: fields.text("purpose"),
        campaign: fields.text("campaign"),
        valid_from,
        valid_to,
        price: fields.number("price"),
        value: fields.expressions("value"),
        prior: fields.numbers("prior"),
        affinity: fields.nested("affinity", "an affinity", affinity),
        lever: fields.number("lever"),
        eligible,
        applicable,
        suitable,
        channels: fields.texts("channels"),
        content: fields.values("content"),
        extras: extras::extras(fields),
    };
    id.map(|_| offer)
}

fn affinity(fields: &mut Fields<'_>) -> Option<Affinity> {
    let (tag, weight) = (fields.needed_text("tag"), fields.needed_number("weight"));
    let (center, scale, mean) = (fields.number("center"), fields.number("scale"), fields.number("mean"));
    let equals = fields.value("equals");
    Some(Affinity { tag: tag?, weight: weight?, center, scale, mean, equals })
}

fn channels(node: &Node, findings: &RefCell<Findings>) -> BTreeMap<String, Channel> {
    let NodeKind::Map(entries) = &node.kind else {
        findings.borrow_mut().error(
            node.at,
            format!("channels is {}", node.word()),
            "write a map: {sms: {kind: ..}}",
        );
        return BTreeMap::new();
    };
    let channel = |(name, node): &(String, Node)| {
        let mut fields = Fields::open(node, &format!("channel {name}"), findings)?;
        let (kind, url, provider) = (fields.needed_text("kind"), fields.text("url"), fields.text("provider"));
        fields.close();
        Some((name.clone(), Channel { kind: kind?, url, provider }))
    };
    entries.iter().filter_map(channel).collect()
}

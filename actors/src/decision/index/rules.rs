//! The rules of all offers, turned around: from what a customer is to the offers that fail because of it.
//!
//! A rule is a conjunction; each of its parts goes where it can be asked once for many offers: by tag, by owned product, or
//! as an expression that several rules share. An offer whose rules read the offer itself, or that declares relations, a place, a
//! trigger or a volume to fit, is asked by itself.

use super::bits::{Bits, Members};
use super::limits::Limits;
use super::slots::Slots;
use crate::decision::candidates::Layer;
use crate::decision::context::OF_THE_OFFER;
use crate::playbook::affinity::number;
use crate::playbook::rules::expr::{Comparison, Expr, Literal};
use crate::playbook::rules::{Facts, Predicate, Test};
use crate::playbook::{Offer, TagNumber, TagValue};
use crate::value::Name;
use std::collections::HashMap;

/// What fails whom, by layer.
#[derive(Debug, Default)]
pub struct RuleIndex {
    /// Predicates over one tag in one layer, by number.
    pub groups: Box<[Group]>,
    /// Slots that have groups, so that those a customer lacks are found.
    pub slots: Box<[u32]>,
    /// Offers that fail in a layer when the customer owns the product (`!owns('x')`).
    owned: HashMap<Name, [Members; 3]>,
    /// Expressions, each asked once.
    pub shared: Box<[Shared]>,
    /// Offers asked one by one up to their rules: these read the offer itself, or it declares what few declare.
    pub walked: Bits,
}

/// An expression that rules of one layer have as a part.
#[derive(Debug)]
pub struct Shared {
    /// Where the rules are.
    pub layer: Layer,
    /// What is asked.
    pub expr: Expr,
    /// Whose rules.
    pub offers: Members,
}

/// All predicates over one tag in the rules of one layer.
#[derive(Debug)]
pub struct Group {
    /// Where the rules are.
    pub layer: Layer,
    /// Offers whose answer is unknown without the tag.
    pub need: Members,
    /// Offers that fail without the tag: they ask for it.
    pub ask: Members,
    /// `t < x`, `t <= x`: failed by what is too large.
    below: Limits,
    /// `t > x`, `t >= x`: failed by what is too small. Kept with the sign turned.
    above: Limits,
    /// Everything else, each test once.
    others: Box<[(Test, Members)]>,
}

impl Group {
    /// Puts in `fail` the offers whose predicates say no of this value, and in `unknown` those that can't say.
    pub fn apply(&self, value: &TagValue, fail: &mut Bits, unknown: &mut Bits, offers: usize) {
        if !self.below.is_empty() || !self.above.is_empty() {
            // Whole numbers beyond 2^53 are rounded, which no limit notices: limits lie below.
            match number(value) {
                Some(number) => {
                    self.below.add_failing(number, fail);
                    self.above.add_failing(-number, fail);
                }
                None => {
                    self.below.add_all(unknown);
                    self.above.add_all(unknown);
                }
            }
        }
        for (test, members) in &self.others {
            match test.accepts(value) {
                Some(true) => {}
                Some(false) => members.add_to(fail, offers),
                None => members.add_to(unknown, offers),
            }
        }
    }
}

impl RuleIndex {
    /// Indexes the offers; tells `slots` which groups each tag has.
    #[must_use]
    pub fn of(offers: &[Offer], slots: &mut Slots) -> RuleIndex {
        let mut draft = Draft::default();
        let mut walked = Bits::none(offers.len());
        for (ix, offer) in offers.iter().enumerate() {
            let rules = || Layer::ALL.into_iter().filter_map(|layer| Some((layer, layer.rule(offer)?)));
            let asked = offer.extras.as_ref().is_some_and(|extras| extras.are_asked());
            if asked || rules().any(|(_, rule)| reads_the_offer(rule.reads_context())) {
                walked.insert(ix as u32);
                continue;
            }
            for (layer, rule) in rules() {
                for predicate in rule.predicates() {
                    draft.predicate(layer, predicate, ix as u32);
                }
                match rule.rest() {
                    Some(Expr::All(parts)) => {
                        parts.iter().for_each(|part| draft.part(layer, part, ix as u32));
                    }
                    Some(part) => draft.part(layer, part, ix as u32),
                    None => {}
                }
            }
        }
        draft.finish(offers.len(), slots, walked)
    }

    /// Offers that fail in each layer because the customer owns the product.
    #[must_use]
    pub fn failed_by_owning(&self, product: &str) -> Option<&[Members; 3]> {
        self.owned.get(product)
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let group = |group: &Group| {
            let others =
                group.others.iter().map(|(_, members)| members.bytes() + size_of::<(Test, Members)>());
            size_of::<Group>()
                + group.need.bytes()
                + group.ask.bytes()
                + group.below.bytes()
                + group.above.bytes()
                + others.sum::<usize>()
        };
        let owned = self.owned.values().flatten().map(|members| members.bytes() + size_of::<Members>());
        let shared = self.shared.iter().map(|shared| shared.offers.bytes() + size_of::<Shared>());
        self.groups.iter().map(group).sum::<usize>() + owned.sum::<usize>() + shared.sum::<usize>()
    }
}

/// Whether what reads these fields of `c.*` can differ from offer to offer.
pub fn reads_the_offer(paths: &[Name]) -> bool {
    paths.iter().any(|path| OF_THE_OFFER.contains(&&**path))
}

/// The index while it grows.
#[derive(Default)]
struct Draft {
    groups: HashMap<(TagNumber, Layer), DraftGroup>,
    owned: HashMap<Name, [Vec<u32>; 3]>,
    shared: HashMap<(Layer, String), (Expr, Vec<u32>)>,
}

#[derive(Default)]
struct DraftGroup {
    need: Vec<u32>,
    ask: Vec<u32>,
    below: Vec<(f64, u32)>,
    above: Vec<(f64, u32)>,
    others: HashMap<String, (Test, Vec<u32>)>,
}

impl Draft {
    fn predicate(&mut self, layer: Layer, predicate: &Predicate, offer: u32) {
        let group = self.groups.entry((predicate.tag, layer)).or_default();
        let present = match &predicate.test {
            Test::Present => {
                group.ask.push(offer);
                return;
            }
            Test::AbsentOr(test) => test,
            test => {
                group.need.push(offer);
                test
            }
        };
        match limit(present) {
            Some(Limit::Below(limit)) => group.below.push((limit, offer)),
            Some(Limit::Above(limit)) => group.above.push((limit, offer)),
            None => {
                let known = group.others.entry(format!("{present:?}"));
                known.or_insert_with(|| (present.clone(), Vec::new())).1.push(offer);
            }
        }
    }

    fn part(&mut self, layer: Layer, part: &Expr, offer: u32) {
        if let Expr::Not(inner) = part
            && let Expr::Owns(product) = &**inner
            && let Expr::Literal(Literal::Text(product)) = &**product
        {
            let lists = self.owned.entry(Name::clone(product)).or_default();
            lists[layer as usize].push(offer);
            return;
        }
        let known = self.shared.entry((layer, format!("{part:?}")));
        known.or_insert_with(|| (part.clone(), Vec::new())).1.push(offer);
    }

    fn finish(self, offers: usize, slots: &mut Slots, walked: Bits) -> RuleIndex {
        let members = |mut list: Vec<u32>| {
            list.sort_unstable();
            list.dedup();
            Members::of(list, offers)
        };
        let mut drafts: Vec<_> = self.groups.into_iter().collect();
        drafts.sort_unstable_by_key(|(key, _)| *key);
        let mut groups = Vec::with_capacity(drafts.len());
        for ((tag, layer), draft) in drafts {
            slots.add_group(tag, groups.len() as u32);
            let mut others: Vec<_> = draft.others.into_iter().collect();
            others.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
            groups.push(Group {
                layer,
                need: members(draft.need),
                ask: members(draft.ask),
                below: Limits::of(draft.below, offers),
                above: Limits::of(draft.above, offers),
                others: others.into_iter().map(|(_, (test, list))| (test, members(list))).collect(),
            });
        }
        let mut shared: Vec<_> = self.shared.into_iter().collect();
        shared.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let shared = shared.into_iter().map(|((layer, _), (expr, list))| Shared {
            layer,
            expr,
            offers: members(list),
        });
        RuleIndex {
            groups: groups.into(),
            slots: (0..slots.len() as u32).filter(|slot| !slots.slot(*slot).groups.is_empty()).collect(),
            owned: self.owned.into_iter().map(|(product, lists)| (product, lists.map(members))).collect(),
            shared: shared.collect(),
            walked,
        }
    }
}

/// A comparison as a limit that a number must not exceed.
enum Limit {
    Below(f64),
    Above(f64),
}

/// `None`: no order of numbers, or a limit so large that whole numbers and others compare differently.
fn limit(test: &Test) -> Option<Limit> {
    let Test::Compare(comparison, literal) = test else { return None };
    let limit = match literal {
        Literal::Int(int) => *int as f64,
        Literal::Number(number) => *number,
        _ => return None,
    };
    if limit.abs() >= (1u64 << 53) as f64 {
        return None;
    }
    // "Fails when above the limit" says it all: to be less than x is not to be above the number just before x.
    Some(match comparison {
        Comparison::LessOrEqual => Limit::Below(limit),
        Comparison::Less => Limit::Below(limit.next_down()),
        Comparison::GreaterOrEqual => Limit::Above(-limit),
        Comparison::Greater => Limit::Above((-limit).next_down()),
        Comparison::Equal | Comparison::NotEqual => return None,
    })
}

/// Asks every shared expression once.
pub fn apply_shared(
    shared: &[Shared],
    facts: &impl Facts,
    fail: &mut [Bits; 3],
    unknown: &mut [Bits; 3],
    offers: usize,
) {
    for part in shared {
        let layer = part.layer as usize;
        match part.expr.holds(facts) {
            Some(true) => {}
            Some(false) => part.offers.add_to(&mut fail[layer], offers),
            None => part.offers.add_to(&mut unknown[layer], offers),
        }
    }
}

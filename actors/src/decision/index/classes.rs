//! Offers that some stages can't tell apart: what holds for one of a class holds for all.

use super::bits::{Bits, Members};
use crate::playbook::rules::expr::{Expr, Literal};
use crate::playbook::{ContextWeight, Offer, OfferScope, Rule};
use crate::value::Name;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::Hash;

/// All offers, dealt into classes.
#[derive(Debug, Default)]
pub struct Classes(Box<[Class]>);

/// Offers that are alike.
#[derive(Debug)]
pub struct Class {
    /// The place in the playbook of one of them.
    pub example: u32,
    /// All of them.
    pub members: Members,
    /// How many they are.
    pub size: usize,
}

impl Classes {
    /// Offers with the same key are alike; some are left out.
    pub fn by<K: Hash + Eq>(offers: &[Offer], left_out: &Bits, key: impl Fn(&Offer) -> K) -> Classes {
        let mut number: HashMap<K, usize> = HashMap::new();
        let mut lists: Vec<Vec<u32>> = Vec::new();
        for (ix, offer) in offers.iter().enumerate() {
            if left_out.contains(ix as u32) {
                continue;
            }
            let class = *number.entry(key(offer)).or_insert(lists.len());
            if class == lists.len() {
                lists.push(Vec::new());
            }
            lists[class].push(ix as u32);
        }
        let class = |list: Vec<u32>| Class {
            example: list[0],
            size: list.len(),
            members: Members::of(list, offers.len()),
        };
        Classes(lists.into_iter().map(class).collect())
    }

    /// The classes, in the order of their first offers.
    pub fn iter(&self) -> impl Iterator<Item = &Class> {
        self.0.iter()
    }

    /// How many classes there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.iter().map(|class| class.members.bytes() + size_of::<Class>()).sum()
    }
}

/// How closely some rules look at one field of an offer (`c.family`, `c.offer`, ...).
#[derive(Debug, PartialEq)]
enum Look {
    /// They only compare it with these texts: offers with any other text are alike.
    Among(BTreeSet<Name>),
    /// They may do anything with it.
    Whole,
}

/// What a set of rules can see of an offer.
#[derive(Debug)]
pub struct Sight([(&'static str, Look); 5]);

impl Sight {
    /// What these rules see.
    #[must_use]
    pub fn of(rules: &[&Rule]) -> Sight {
        Sight(["owner", "offer", "family", "group", "kind"].map(|path| {
            let mut look = Look::Among(BTreeSet::new());
            for expr in rules.iter().filter_map(|rule| rule.rest()) {
                look_into(expr, path, &mut look);
            }
            (path, look)
        }))
    }

    /// Offers with the same key look the same to the rules. The purpose is always seen whole.
    #[must_use]
    pub fn key(&self, offer: &Offer) -> (Name, [Option<Name>; 5]) {
        let seen = self.0.each_ref().map(|(path, look)| {
            let text: Name = match *path {
                "owner" => Name::clone(&offer.owner),
                "offer" => Name::clone(&offer.id),
                "family" => Name::clone(&offer.family),
                "group" => Name::clone(&offer.group),
                _ => offer.kind.word().into(),
            };
            match look {
                Look::Whole => Some(text),
                Look::Among(texts) => texts.contains(&text).then_some(text),
            }
        });
        (Name::clone(&offer.purpose), seen)
    }
}

/// Notes how `expr` looks at `c.<path>`.
fn look_into(expr: &Expr, path: &str, look: &mut Look) {
    let is_field = |part: &Expr| matches!(part, Expr::Context(seen) if **seen == *path);
    let text = |part: &Expr| match part {
        Expr::Literal(literal) => Some(literal.clone()),
        _ => None,
    };
    match expr {
        Expr::Compare(comparison, left, right) if comparison.is_equality() => {
            let literal = match (is_field(left), is_field(right)) {
                (true, false) => text(right),
                (false, true) => text(left),
                _ => None,
            };
            if let Some(literal) = literal {
                return note(look, &[literal]);
            }
        }
        Expr::In(inner, literals) if is_field(inner) => return note(look, literals),
        // Every offer has every field.
        Expr::HasContext(seen) if **seen == *path => return,
        part if is_field(part) => *look = Look::Whole,
        _ => {}
    }
    for part in expr.parts() {
        look_into(part, path, look);
    }
}

fn note(look: &mut Look, literals: &[Literal]) {
    if let Look::Among(texts) = look {
        texts.extend(literals.iter().filter_map(|literal| match literal {
            Literal::Text(text) => Some(Name::clone(text)),
            _ => None,
        }));
    }
}

/// Offers that context weights can't tell apart.
#[derive(Debug, Default)]
pub struct Scopes {
    /// By offer: its class. Empty when the playbook has no context weights.
    class_of: Box<[u32]>,
    /// By class: the place in the playbook of one of its offers.
    examples: Box<[u32]>,
}

impl Scopes {
    /// Deals the offers by the groups, families and ids that weights name.
    #[must_use]
    pub fn of(offers: &[Offer], weights: &[ContextWeight]) -> Scopes {
        if weights.is_empty() {
            return Scopes::default();
        }
        let named = |part: fn(&OfferScope) -> Option<&Name>| -> HashSet<&Name> {
            weights.iter().filter_map(|weight| part(&weight.scope)).collect()
        };
        let groups = named(|scope| scope.group.as_ref());
        let families = named(|scope| scope.family.as_ref());
        let ids = named(|scope| scope.offer.as_ref());
        let mut numbers = HashMap::new();
        let mut examples = Vec::new();
        let mut class_of = Vec::with_capacity(offers.len());
        for (ix, offer) in offers.iter().enumerate() {
            let key = (groups.get(&offer.group), families.get(&offer.family), ids.get(&offer.id));
            class_of.push(*numbers.entry(key).or_insert_with(|| {
                examples.push(ix as u32);
                examples.len() as u32 - 1
            }));
        }
        Scopes { class_of: class_of.into(), examples: examples.into() }
    }

    /// The class of each offer.
    #[must_use]
    pub fn class_of(&self) -> &[u32] {
        &self.class_of
    }

    /// One offer of each class.
    #[must_use]
    pub fn examples(&self) -> &[u32] {
        &self.examples
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        (self.class_of.len() + self.examples.len()) * 4
    }
}

/// Offers in the order of one of their names, for finding all that share it.
#[derive(Debug, Default)]
pub struct ByName(Box<[u32]>);

impl ByName {
    /// Sorts offers by a name.
    pub fn of(offers: &[Offer], name: impl Fn(&Offer) -> &Name) -> ByName {
        let mut order: Vec<u32> = (0..offers.len() as u32).collect();
        order.sort_by(|a, b| name(&offers[*a as usize]).cmp(name(&offers[*b as usize])));
        ByName(order.into())
    }

    /// The offers with this name, by place in the playbook.
    pub fn all<'a>(&'a self, offers: &[Offer], name: impl Fn(&Offer) -> &Name, wanted: &str) -> &'a [u32] {
        let text = |ix: &u32| &**name(&offers[*ix as usize]);
        let from = self.0.partition_point(|ix| text(ix) < wanted);
        let length = self.0[from..].partition_point(|ix| text(ix) == wanted);
        &self.0[from..from + length]
    }

    /// Bytes on the heap.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.0.len() * 4
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::Dictionary;
    use crate::playbook::rules::Scope;

    fn sees(text: &str, path: &str) -> Look {
        let rule = Rule::compile(text, &Scope::new(&Dictionary::default())).expect("a rule");
        let Sight(looks) = Sight::of(&[&rule]);
        looks.into_iter().find(|(seen, _)| *seen == path).expect("a field").1
    }

    #[test]
    fn rules_that_compare_with_texts_see_only_these_texts() {
        let among = |texts: &[&str]| Look::Among(texts.iter().map(|text| Name::from(*text)).collect());
        let check = |text: &str, path: &str, expected: Look| assert_eq!(sees(text, path), expected, "{text}");
        check("c.purpose == 'marketing'", "family", among(&[]));
        check("c.family == 'tv' || 'radio' != c.family", "family", among(&["radio", "tv"]));
        check("!(c.group in ['a', 'b']) && c.channel == 'sms'", "group", among(&["a", "b"]));
        check("has(c.offer)", "offer", among(&[]));
        check("c.family == c.group", "family", Look::Whole);
        check("c.family == c.group", "group", Look::Whole);
        check("c.family == c.group", "kind", among(&[]));
        check("c.offer < 'm'", "offer", Look::Whole);
        check("c.family == c.place || c.family == 'tv'", "family", Look::Whole);
    }
}

//! In which stage of its life the customer is: moves in the order in which things happened.
//!
//! A move that comes with an event is noted with the event's time, so that one heard late still takes its place among the
//! others. A move by condition alone is noted when its condition is first seen to hold.

use crate::customer::Customer;
use crate::customer::derive::ordered::{Ordered, Step};
use crate::customer::event::Heard;
use crate::customer::tags::Written;
use crate::playbook::{LifeCycle, Move, TagValue};
use crate::timestamp::Timestamp;
use crate::value::Name;
use serde::{Deserialize, Serialize};

/// Moves that stay in order: one may come behind 32 newer ones.
const MOVES_MAX: usize = 32;

/// A stage and since when it lasts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InStage {
    /// Its name.
    pub name: Name,
    /// Since when.
    pub since: Timestamp,
}

/// What may move a customer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Moved {
    /// The customer was first heard of.
    Begin(Name),
    /// The first of these that leads from the present stage.
    By(Vec<Way>),
    /// Whatever the stage was, it is this.
    To(Name),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Way {
    /// From these stages; empty: from any.
    from: Vec<Name>,
    /// Also from the beginning.
    from_first: bool,
    to: Name,
}

impl Step<Option<InStage>> for Moved {
    fn apply(&self, state: &mut Option<InStage>, at: Timestamp) {
        let to = match (self, &state) {
            (Moved::Begin(_), Some(_)) => return,
            (Moved::Begin(first), None) => first,
            (Moved::To(stage), _) => stage,
            (Moved::By(ways), stage) => {
                let leads = |way: &&Way| match stage {
                    Some(stage) => way.from.is_empty() || way.from.contains(&stage.name),
                    None => way.from_first,
                };
                match ways.iter().find(leads) {
                    Some(way) => &way.to,
                    None => return,
                }
            }
        };
        if state.as_ref().is_none_or(|stage| stage.name != *to) {
            *state = Some(InStage { name: Name::clone(to), since: at });
        }
    }
}

/// The customer's way through its life.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Life(Option<Ordered<Option<InStage>, Moved>>);

impl Life {
    /// The stage, if the customer was heard of.
    #[must_use]
    pub fn stage(&self) -> Option<InStage> {
        self.0.as_ref()?.state()
    }

    /// Begins at the first stage, unless it has begun.
    pub fn begin(&mut self, life: &LifeCycle, at: Timestamp) {
        if self.0.is_none() {
            self.hear(Moved::Begin(Name::clone(&life.stages[0].name)), at);
        }
    }

    /// Notes the moves that an event may make.
    pub fn may_move<'a>(&mut self, life: &LifeCycle, moves: impl Iterator<Item = &'a Move>, at: Timestamp) {
        let name = |ix: &usize| Name::clone(&life.stages[*ix].name);
        let way = |one: &Move| Way {
            from: one.from.iter().map(name).collect(),
            from_first: one.from.is_empty() || one.from.contains(&0),
            to: name(&one.to),
        };
        let ways: Vec<Way> = moves.map(way).collect();
        if !ways.is_empty() {
            self.hear(Moved::By(ways), at);
        }
    }

    /// Somebody who knows says which stage it was at that time. Whether that is news.
    pub fn set(&mut self, stage: &Name, at: Timestamp) -> bool {
        let said = (at, Moved::To(Name::clone(stage)));
        let known = self.0.as_ref().is_some_and(|known| known.recent().contains(&said));
        !known && self.hear(said.1, at)
    }

    fn hear(&mut self, moved: Moved, at: Timestamp) -> bool {
        self.0.get_or_insert_with(|| Ordered::new(None, None)).hear(at, moved, MOVES_MAX)
    }
}

/// The source written beside the stage.
const SOURCE: &str = "lifecycle";

impl Customer {
    /// Moves on, after an event of this type or, without one, after tags were loaded.
    pub(super) fn move_on(&mut self, event: Option<&str>, heard: &Heard<'_>) {
        let Some(cycle) = &heard.playbook.life_cycle else { return };
        let before = self.life.stage();
        if before.is_none() {
            self.life.begin(cycle, heard.at);
        }
        let holds = |customer: &Customer, one: &&Move| {
            one.when.as_ref().is_none_or(|when| when.holds(&heard.facts(customer)) == Some(true))
        };
        let fires = |one: &&Move| one.on.is_some() && one.on.as_deref() == event && holds(self, one);
        let fired: Vec<&Move> = cycle.moves.iter().filter(fires).collect();
        if !fired.is_empty() {
            self.life.may_move(cycle, fired.into_iter(), heard.at);
        }
        // Each condition leads on at most once: no circle of conditions turns for ever.
        for _ in 0..cycle.stages.len() {
            let Some(now) = self.life.stage() else { break };
            let place = cycle.stages.iter().position(|stage| stage.name == now.name);
            let leads = |one: &&Move| {
                let from_here = one.from.is_empty() || place.is_some_and(|place| one.from.contains(&place));
                one.on.is_none() && from_here && Some(one.to) != place && holds(self, one)
            };
            let Some(next) = cycle.moves.iter().find(leads) else { break };
            let at = heard.at.max(now.since);
            self.life.may_move(cycle, std::iter::once(next), at);
            if self.life.stage().as_ref() == Some(&now) {
                break;
            }
        }
        self.show_stage(cycle, heard);
    }

    /// Somebody outside says which stage it was.
    pub(super) fn set_stage(&mut self, value: &TagValue, heard: &Heard<'_>) -> Option<Written> {
        let cycle = heard.playbook.life_cycle.as_ref()?;
        let TagValue::Enum(value) = value else { return None };
        let stage = cycle.stages.iter().find(|stage| stage.value == *value)?;
        let before = self.life.stage();
        if !self.life.set(&stage.name, heard.at) {
            return Some(Written::Kept);
        }
        self.show_stage(cycle, heard);
        let same = before.map(|stage| stage.name) == self.life.stage().map(|stage| stage.name);
        Some(if same { Written::Refreshed } else { Written::Changed })
    }

    fn show_stage(&mut self, cycle: &LifeCycle, heard: &Heard<'_>) {
        let Some(now) = self.life.stage() else { return };
        let Some(stage) = cycle.stages.iter().find(|stage| stage.name == now.name) else { return };
        let value = TagValue::Enum(stage.value);
        let there = self.tags.get(cycle.tag);
        let changed = there.is_none_or(|entry| entry.value != value);
        if changed || there.is_none_or(|entry| entry.as_of != now.since) {
            self.tags.put(cycle.tag, value, now.since, &SOURCE.into());
        }
        if changed {
            self.note_change(cycle.tag, heard.playbook);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::{Stage, TagNumber};
    use proptest::prelude::*;

    const NEW: usize = 0;
    const ACTIVE: usize = 1;
    const LEAVING: usize = 2;

    fn life_cycle() -> LifeCycle {
        let stage = |(value, name): (u16, &str)| Stage { name: name.into(), value };
        let step = |from: &[usize], to: usize| Move { from: from.to_vec(), to, on: None, when: None };
        LifeCycle {
            tag: TagNumber(1),
            stages: (0..).zip(["new", "active", "leaving"]).map(stage).collect(),
            moves: vec![step(&[NEW], ACTIVE), step(&[], LEAVING), step(&[LEAVING], ACTIVE)],
        }
    }

    /// Heard as (minute, move), where the move -1 stands for the beginning.
    fn stage(heard: &[(i64, i32)]) -> Option<(String, i64)> {
        let cycle = life_cycle();
        let mut life = Life::default();
        for (ms, one) in heard {
            let at = Timestamp::from_ms(*ms);
            life.begin(&cycle, at);
            life.may_move(&cycle, usize::try_from(*one).ok().map(|ix| &cycle.moves[ix]).into_iter(), at);
        }
        life.stage().map(|stage| (stage.name.to_string(), stage.since.ms()))
    }

    #[test]
    fn a_customer_moves_only_along_the_moves_there_are() {
        let check = |heard: &[(i64, i32)], expected: (&str, i64)| {
            assert_eq!(stage(heard), Some((expected.0.to_owned(), expected.1)), "{heard:?}");
        };
        check(&[(0, -1)], ("new", 0));
        check(&[(0, -1), (1, 2)], ("new", 0));
        check(&[(0, -1), (1, 0), (2, 0)], ("active", 1));
        check(&[(0, -1), (1, 1), (2, 2)], ("active", 2));
        check(&[(0, -1), (2, 2), (1, 1)], ("active", 2));
    }

    proptest! {
        #[test]
        fn moves_heard_late_take_their_place(
            moves in proptest::collection::vec(0..3i32, 1..MOVES_MAX - 1), seed in any::<u64>()
        ) {
            let in_time: Vec<(i64, i32)> = (1..).zip(moves).collect();
            let mut late = in_time.clone();
            late.sort_by_key(|(n, _)| xxhash_rust::xxh3::xxh3_64_with_seed(&n.to_le_bytes(), seed));
            let (expected, found) = (stage(&in_time), stage(&late));
            prop_assert_eq!(expected.as_ref().map(|(name, _)| name), found.as_ref().map(|(name, _)| name));
            // Since when is known too, unless nothing ever moved: then it is since the first event that was heard.
            if expected.as_ref().is_some_and(|(name, _)| name != "new") {
                prop_assert_eq!(expected, found);
            }
        }
    }
}

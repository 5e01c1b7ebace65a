//! Subscribers can be made again, and speak the sample playbook's language.

use super::*;
use crate::cmd::demo::playbook::compiled;
use actors::timestamp::Timestamp;

fn world(seed: u64) -> World {
    World::new(seed, 500, Timestamp::from_ms(1_800_000_000_000))
}

#[test]
fn the_same_seed_makes_the_same_people_and_another_one_others() {
    let lines = |seed| {
        let world = world(seed);
        (0..50).map(|number| Subscriber::of(&world, number).tag_line(&world).to_string()).collect::<Vec<_>>()
    };
    assert_eq!(lines(7), lines(7));
    assert_ne!(lines(7), lines(8));
}

#[test]
fn every_tag_is_declared_in_the_sample_playbook() {
    let playbook = compiled();
    let world = world(7);
    for number in 0..500 {
        let line = Subscriber::of(&world, number).tag_line(&world);
        for tag in line["set"].as_object().expect("an object").keys() {
            assert!(playbook.tag(tag).is_some(), "{tag} is not declared");
        }
    }
}

#[test]
fn consents_come_in_realistic_shares() {
    let world = world(7);
    let all: Vec<Subscriber> = (0..5_000).map(|number| Subscriber::of(&world, number)).collect();
    let share =
        |marketing| all.iter().filter(|it| it.marketing == marketing).count() as f64 / all.len() as f64;
    assert!((0.58..0.66).contains(&share(Marketing::Everywhere)));
    assert!((0.08..0.12).contains(&share(Marketing::NeverAsked)));
    let silent = all.iter().find(|it| it.marketing == Marketing::NeverAsked && it.consents(&world).is_none());
    assert!(silent.is_some(), "some were never asked anything");
}

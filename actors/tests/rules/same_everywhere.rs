//! The same offer everywhere: in any order of channels, until something that matters changes.

use crate::fixture::{Subject, playbook};
use actors::call::Direction;
use actors::timestamp::MINUTE_MS;
use actors::value::Value;
use proptest::prelude::*;

const CHANNELS: [&str; 5] = ["sms", "app", "desk", "web", "ivr"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn five_channels_in_any_order_get_one_offer_at_one_price_with_one_lineage(
        order in Just(CHANNELS.to_vec()).prop_shuffle(),
        waits in proptest::collection::vec(0..4 * 60i64, 5),
        outbound_first in any::<bool>(),
        indifferent in any::<bool>(),
    ) {
        let mut ann = Subject::consenting(playbook());
        ann.tag("age", Value::Int(40));
        ann.tag("open_complaints", Value::Int(0));
        let direction = if outbound_first { Direction::Outbound } else { Direction::Inbound };
        let first = ann.decide(order[0], direction);
        prop_assert_eq!(&first.lineage, &None);
        let told = outbound_first.then(|| (order[0].into(), first.at));
        for (channel, wait) in order[1..].iter().zip(waits) {
            ann.wait(wait * MINUTE_MS);
            if indifferent {
                // No rule reads it.
                ann.tag("largest_mb", Value::Number(wait as f64));
            }
            let decision = ann.decide(channel, Direction::Inbound);
            let (item, number_one) = (&decision.items[0], &first.items[0]);
            prop_assert_eq!(&item.offer, &number_one.offer, "{}", channel);
            prop_assert_eq!(item.price, number_one.price);
            let lineage = decision.lineage.expect("it says where it comes from");
            prop_assert_eq!(&lineage.decision_id, &first.decision_id);
            prop_assert_eq!((lineage.at, &*lineage.channel), (first.at, order[0]));
            prop_assert_eq!(&lineage.told, &told);
        }
        // It is too late to be a child, and no longer what it was before.
        ann.tag("age", Value::Int(12));
        let changed = ann.decide(order[0], Direction::Inbound);
        prop_assert_eq!(changed.lineage, None);
        prop_assert_ne!(&changed.items[0].offer, &first.items[0].offer);
    }
}

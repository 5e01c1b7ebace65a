//! The walk of one event and one decision, from consent to erasure, as the README draws it.

use crate::harness::{Client, Counts, Home, Reply, event};
use serde_json::{Value as Json, json};

#[test]
fn an_event_walks_in_a_decision_walks_out_and_everything_can_be_asked_of_it() {
    let home = Home::new();
    let node = home.start();
    let ann = Subject { client: node.client(), id: "ann" };

    ann.client.grant(ann.id);
    assert_eq!(
        ann.client.tag(ann.id, &json!({"age": 31, "plan": "prepaid", "city": "Ulm"})).ok()["changed"],
        3
    );
    ann.hears_events();
    let decision = ann.is_offered_data_xl();
    ann.is_shown_as_known(&decision);
    ann.is_explained(&decision);
    ann.refuses_data_xl(&decision);
    let contact = ann.is_written_to();
    ann.has_a_past(&decision, &contact);
    ann.is_exported(&contact);
    ann.is_forgotten();
}

struct Subject<'a> {
    client: &'a Client,
    id: &'static str,
}

impl Subject<'_> {
    fn path(&self, rest: &str) -> String {
        format!("/v1/customers/{}{rest}", self.id)
    }

    fn hears_events(&self) {
        let usage = json!({"specversion": "1.0", "id": "u1", "source": "/pcrf", "type": "test.usage",
                           "subject": self.id, "data": {"mb": 12_000.0}});
        assert_eq!(self.client.hear(&usage), Counts { accepted: 1, ..Counts::default() });
        assert_eq!(self.client.hear(&event("s1", self.id, 1)), Counts { accepted: 1, ..Counts::default() });
    }

    fn is_offered_data_xl(&self) -> Json {
        let question =
            json!({"channel": "desk", "request_id": "r1", "context": {"session": {"page": "home"}}});
        let reply = self.client.decide(self.id, &question);
        let decision = reply.ok();
        assert_eq!(decision["customer"], self.id);
        assert_eq!((&decision["channel"], &decision["direction"]), (&json!("desk"), &json!("inbound")));
        assert_eq!((&decision["arm"], &decision["basis"]), (&json!("optimised"), &json!("full")));
        // data-xl: logit(0.03) + 0.8 * (12000 - 8000) / 4000 - 0.6 = logit(0.0364); 0.0364 * 240 = 8.7.
        // data-s 0.05 * 60 = 3; coupon 0.2 * 5 = 1; echo 0.5 * 1. senior is not for 31.
        assert_eq!(offers(&decision), ["data-xl", "data-s", "coupon", "echo"]);
        let first = &decision["items"][0];
        let p = first["propensity"].as_f64().unwrap();
        let expected = (1.0 / (1.0 + (-((0.03f64 / 0.97).ln() + 0.2)).exp()), 240.0);
        assert!((p - expected.0).abs() < 1e-9, "{p}");
        assert_eq!(first["value"], expected.1);
        assert!((first["priority"].as_f64().unwrap() - p * 240.0).abs() < 1e-9);
        assert_eq!((&first["price"], &first["contact_id"]), (&json!(29.9), &Json::Null));
        assert!(first["script"].as_str().unwrap().starts_with("You use about 12,000 MB."), "{first}");
        assert!(!reply.to_string().contains("Ulm"), "a private tag is not told");
        for time in ["at", "expires_at"] {
            assert!(decision[time].as_str().unwrap().ends_with('Z'), "{time} is in UTC");
        }
        self.is_from_here(&reply);
        decision
    }

    fn is_from_here(&self, reply: &Reply) {
        assert_eq!(reply.header("x-rapport-node"), "n1");
        for name in ["x-rapport-shard", "x-rapport-epoch", "x-rapport-revision"] {
            assert!(reply.header(name).parse::<u64>().is_ok(), "{name}: {:?}", reply.headers);
        }
    }

    fn is_shown_as_known(&self, decision: &Json) {
        let reply = self.client.get(&self.path(""));
        let view = reply.ok();
        assert_eq!(reply.header("x-rapport-revision"), view["revision"].to_string());
        assert_eq!(view["customer"], self.id);
        let value = |tag: &str| &view["tags"][tag]["value"];
        assert_eq!(
            (value("age"), value("plan"), value("city")),
            (&json!(31), &json!("prepaid"), &json!("Ulm"))
        );
        assert_eq!(
            (value("used_mb"), value("step"), value("heard")),
            (&json!(12_000.0), &json!(1), &json!(1))
        );
        assert_eq!(view["tags"]["age"]["source"], "test");
        assert_eq!(view["consents"].as_array().unwrap().len(), 2);
        assert_eq!(view["contacts"], json!([]));
        assert_eq!((&view["caps"][0]["id"], &view["caps"][0]["used"]), (&json!("month4"), &json!(0)));
        assert_eq!(view["open_decisions"][0]["decision_id"], decision["decision_id"]);
        for list in ["journeys", "refusals", "aliases"] {
            assert_eq!(view[list], json!([]), "{list}");
        }
    }

    fn is_explained(&self, decision: &Json) {
        let why = |query: &str| self.client.get(&self.explanation(decision, query));
        let all = why("").ok();
        assert_eq!(all["replay_matches"], true);
        assert_eq!(all["items"], decision["items"]);
        assert_eq!(
            all["candidates"].as_array().unwrap().len(),
            5,
            "every offer of the playbook has its fate"
        );
        assert_eq!(all["context"]["session"]["page"], "home");

        let why_not = why("?offer=senior").ok();
        let senior = &why_not["candidates"][0];
        assert_eq!((&senior["stage"], &senior["code"]), (&json!("eligible"), &json!("not_eligible")));
        assert_eq!(senior["needed"], "t.age >= 65");
        assert!(senior["actual"].as_str().unwrap().contains("31"), "{senior}");

        let why = why("?offer=data-xl").ok();
        let score = &why["candidates"][0]["score"];
        let parts = score["contributions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| part["contribution"].as_f64().unwrap());
        let log_odds = score["prior_logit"].as_f64().unwrap() + parts.sum::<f64>();
        let p = score["propensity"].as_f64().unwrap();
        assert!((log_odds - (p / (1.0 - p)).ln()).abs() < 1e-6, "contributions add up: {score}");
        assert_eq!(self.client.get(&self.explanation(decision, "?offer=none")).status, 404);
        assert_eq!(self.client.get(&self.path("/decisions/none")).status, 404);
    }

    fn explanation(&self, decision: &Json, query: &str) -> String {
        self.path(&format!("/decisions/{}{query}", decision["decision_id"].as_str().unwrap()))
    }

    fn refuses_data_xl(&self, decision: &Json) {
        let refusal = json!({"decision_id": decision["decision_id"], "offer": "data-xl", "response": "rejected",
                             "response_id": "n1", "by": "customer", "reason": "too much"});
        let outcome = self.client.respond(self.id, &refusal).ok();
        assert_eq!((&outcome["applied"], &outcome["suppressed"]), (&json!(true), &json!(["offer:data-xl"])));
        for channel in ["desk", "app", "sms"] {
            let next = self.client.decide(self.id, &json!({"channel": channel})).ok();
            assert_eq!(offers(&next)[0], "data-s", "{channel}");
            assert!(!offers(&next).contains(&"data-xl"), "{channel}: a refused offer never returns");
        }
    }

    fn is_written_to(&self) -> String {
        let question =
            json!({"channel": "sms", "direction": "outbound", "purpose": "marketing", "request_id": "r2"});
        let message = self.client.decide(self.id, &question).ok();
        let contact = message["items"][0]["contact_id"].as_str().expect("a reserved contact").to_owned();
        assert!(message["items"].as_array().unwrap()[1..].iter().all(|item| item["contact_id"].is_null()));
        let sent = json!({"contact_id": contact, "response": "sent", "response_id": "n2"});
        assert_eq!(self.client.respond(self.id, &sent).ok()["contact_state"], "sent");
        contact
    }

    fn has_a_past(&self, decision: &Json, contact: &str) {
        let contacts = self.client.contacts(self.id);
        assert_eq!(contacts.len(), 1);
        assert_eq!((&contacts[0]["contact_id"], &contacts[0]["state"]), (&json!(contact), &json!("sent")));
        assert_eq!(self.client.view(self.id)["caps"][0]["used"], 1);

        let decisions = self.client.get(&self.path("/decisions")).ok();
        let ids: Vec<&Json> = decisions["decisions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|decision| &decision["decision_id"])
            .collect();
        assert_eq!(ids.len(), 5);
        assert_eq!(ids[4], &decision["decision_id"], "newest first");
        let future = self.client.get(&self.path("/decisions?from=2999-01-01T00:00:00Z")).ok();
        assert_eq!(future["decisions"], json!([]));
    }

    fn is_exported(&self, contact: &str) {
        let export = self.client.get(&self.path("/export")).ok();
        assert_eq!(export["customer"], self.id);
        assert_eq!(export["view"]["tags"]["city"]["value"], "Ulm");
        assert_eq!(export["contacts"][0]["contact_id"], contact);
        assert_eq!(export["decisions"].as_array().unwrap().len(), 5);
        assert_eq!(export["consent_history"].as_array().unwrap().len(), 2);
        assert_eq!(export["view"]["refusals"][0]["id"], "data-xl");
    }

    /// I12.
    fn is_forgotten(&self) {
        let receipt = self.client.send("DELETE", &self.path(""), &[], b"").ok();
        assert!(receipt["receipt_id"].is_string(), "{receipt}");
        assert_eq!(receipt["removed"], json!({"snapshots": 1, "contacts": 1, "decisions": 5}));
        assert!(!receipt.to_string().contains(self.id), "a receipt does not say of whom");
        let view = self.client.view(self.id);
        for list in ["consents", "contacts", "refusals", "open_decisions", "products"] {
            assert_eq!(view[list], json!([]), "{list}");
        }
        assert_eq!(view["tags"], json!({}));
        assert_eq!(self.client.contacts(self.id), Vec::<Json>::new());
        assert_eq!(self.client.get(&self.path("/decisions")).ok()["decisions"], json!([]));
        assert_eq!(self.client.get(&self.path("/consents")).ok()["history"], json!([]));
        let decision = self.client.decide(self.id, &json!({"channel": "desk", "request_id": "r1"})).ok();
        assert_eq!(decision["items"], json!([]), "nobody knows the customer, and nobody consented");
        let again = self.client.hear(&event("s1", self.id, 7));
        assert_eq!(again.accepted, 1, "not even the id of an event is remembered");
    }
}

fn offers(decision: &Json) -> Vec<&str> {
    let items = decision["items"].as_array().expect("items").iter();
    items.map(|item| item["offer"].as_str().expect("an offer")).collect()
}

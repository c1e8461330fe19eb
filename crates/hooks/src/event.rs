//! What customers' servers may be told: public names, and which of a fact's details go out with each. A fact
//! without a public name stays here.

use serde_json::{Map, Value};

/// An event that an endpoint may ask for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Event {
    /// Its public name: `lead.created`.
    pub name: &'static str,
    /// What its `subject` is the id of.
    pub subject: &'static str,
    /// The members of its `data`, each there in every event of this name.
    pub fields: &'static [&'static str],
    /// What happened, for people.
    pub says: &'static str,
    /// The fact that it is made from,
    fact: &'static str,
    /// where this member of the fact's details has one of these values.
    only: Option<(&'static str, &'static [&'static str])>,
}

const fn event(
    (name, fact): (&'static str, &'static str),
    subject: &'static str,
    fields: &'static [&'static str],
    says: &'static str,
) -> Event {
    Event { name, subject, fields, says, fact, only: None }
}

const MEETING: &[&str] = &["lead_id", "campaign_id"];
/// Where a deal is open: one fact becomes one event, and a deal that ends has its own.
const OPEN_STAGES: &[&str] = &["qualification", "proposal", "negotiation", "verbal", "contract"];
const INTENT: &[&str] = &["principal_id", "vendor_id", "amount_minor", "currency", "reason"];
const MANDATE: &[&str] =
    &["principal_id", "vendor_id", "intent_id", "parent_id", "total_minor", "currency", "reason"];
const PAYMENT: &[&str] = &["mandate_id", "rail", "amount_minor", "currency", "status"];
const REFUND: &[&str] = &["payment_id", "amount_minor", "currency"];
const DISPUTE: &[&str] = &["amount_minor", "fee_minor", "reason"];
const PAYOUT: &[&str] = &["developer_id", "amount_minor", "currency"];
const EXCHANGE: &[&str] =
    &["give_minor", "give_currency", "spread_minor", "get_minor", "get_currency", "rate"];
const DISPUTE_FEE: &[&str] = &["rail", "fee_minor", "currency", "valid_from"];
const SALE: &[&str] = &["resource_id", "amount_minor", "currency", "status", "reason", "simulated"];

/// Every event, in the order in which people read them.
pub const ALL: &[Event] = &[
    event(
        ("lead.created", "leads.lead.created"),
        "lead",
        &["source", "domain"],
        "A lead was added by hand, over the API or because a reply named it. Leads of a file are told together, as an import.",
    ),
    event(
        ("lead.enriched", "leads.lead.enriched"),
        "lead",
        &["domain", "company_id"],
        "Its company's website and mail domain were looked up.",
    ),
    event(
        ("lead.scored", "leads.lead.scored"),
        "lead",
        &["score", "tier", "before"],
        "Its score changed. Where more than a hundred are scored at once, they are not told one by one.",
    ),
    Event {
        only: Some(("to", &["converted"])),
        ..event(("lead.converted", "leads.lead.moved"), "lead", &["from"], "Its deal was won.")
    },
    event(
        ("import.completed", "leads.import.done"),
        "import",
        &["accepted", "campaign_id"],
        "A file of leads was read to its end.",
    ),
    event(
        ("import.scored", "leads.import.scored"),
        "import",
        &["scored", "campaign_id"],
        "Every lead of a file has its score.",
    ),
    event(
        ("import.failed", "leads.import.failed"),
        "import",
        &["accepted", "campaign_id", "error"],
        "A file of leads could not be read to its end.",
    ),
    event(
        ("campaign.started", "outreach.campaign.activated"),
        "campaign",
        &["name", "resumed"],
        "It began, or goes on after a pause.",
    ),
    event(("campaign.paused", "outreach.campaign.paused"), "campaign", &["reason"], "It was paused."),
    event(("campaign.completed", "outreach.campaign.completed"), "campaign", &[], "It was ended for good."),
    event(
        ("reply.received", "outreach.reply.received"),
        "message",
        &["lead_id", "campaign_id", "thread_id", "touch_id", "intent", "confidence", "needs_person"],
        "Somebody answered, and the answer was understood. Its text stays here.",
    ),
    event(("meeting.booked", "outreach.meeting.booked"), "meeting", MEETING, "A meeting was booked."),
    event(("meeting.moved", "outreach.meeting.moved"), "meeting", MEETING, "It was moved to another time."),
    event(("meeting.cancelled", "outreach.meeting.cancelled"), "meeting", MEETING, "It was cancelled."),
    event(
        ("meeting.ended", "outreach.meeting.ended"),
        "meeting",
        MEETING,
        "Somebody said whether it was held or the guest did not come.",
    ),
    event(
        ("meeting.judged", "outreach.meeting.judged"),
        "meeting",
        &["lead_id", "campaign_id", "result"],
        "Somebody said how it went.",
    ),
    event(
        ("meeting.revived", "outreach.meeting.revived"),
        "meeting",
        MEETING,
        "That the guest did not come was taken back.",
    ),
    event(
        ("deal.opened", "outreach.deal.opened"),
        "deal",
        &["lead_id", "campaign_id", "meeting_id"],
        "A deal began, in the stage qualification.",
    ),
    Event {
        only: Some(("to", OPEN_STAGES)),
        ..event(
            ("deal.moved", "outreach.deal.moved"),
            "deal",
            &["lead_id", "from", "to"],
            "It went to another stage in which it is open.",
        )
    },
    Event {
        only: Some(("to", &["won"])),
        ..event(("deal.won", "outreach.deal.moved"), "deal", &["lead_id", "from"], "It was won.")
    },
    Event {
        only: Some(("to", &["lost"])),
        ..event(
            ("deal.lost", "outreach.deal.moved"),
            "deal",
            &["lead_id", "from", "reason"],
            "It was lost, for a reason of the list.",
        )
    },
    event(
        ("approval.requested", "control.approval.requested"),
        "approval",
        &["kind", "subject_id", "campaign_id"],
        "Something waits for a person's decision.",
    ),
    event(
        ("approval.decided", "control.approval.decided"),
        "approval",
        &["kind", "subject_id", "campaign_id", "status"],
        "It was decided.",
    ),
    event(("intent.created", "pay.intent.created"), "intent", INTENT, "An agent wants to buy."),
    event(("intent.authorised", "pay.intent.authorised"), "intent", INTENT, "It may."),
    event(("intent.rejected", "pay.intent.rejected"), "intent", INTENT, "It may not."),
    event(("intent.expired", "pay.intent.expired"), "intent", INTENT, "Its quote ended."),
    event(("intent.cancelled", "pay.intent.cancelled"), "intent", INTENT, "It was taken back."),
    event(("mandate.signed", "pay.mandate.signed"), "mandate", MANDATE, "A permission to pay was signed."),
    event(("mandate.refused", "pay.mandate.refused"), "mandate", MANDATE, "It was asked for and refused."),
    event(("mandate.revoked", "pay.mandate.revoked"), "mandate", MANDATE, "It was taken back."),
    event(("mandate.expired", "pay.mandate.expired"), "mandate", MANDATE, "It ended."),
    event(("payment.begun", "pay.payment.begun"), "payment", PAYMENT, "Its amount is reserved."),
    event(
        ("payment.pending", "pay.payment.waits"),
        "payment",
        PAYMENT,
        "Its rail has it, and has not said how it ends.",
    ),
    event(("payment.succeeded", "pay.payment.succeeded"), "payment", PAYMENT, "It was paid."),
    event(("payment.failed", "pay.payment.failed"), "payment", PAYMENT, "It failed; nothing was paid."),
    event(("payment.refunded", "pay.payment.refunded"), "payment", PAYMENT, "All or a part came back."),
    event(("payment.disputed", "pay.payment.disputed"), "payment", PAYMENT, "The payer disputes it."),
    event(("refund.pending", "pay.refund.waits"), "refund", REFUND, "It was asked for, or its rail has it."),
    event(("refund.succeeded", "pay.refund.succeeded"), "refund", REFUND, "The money came back."),
    event(("refund.failed", "pay.refund.failed"), "refund", REFUND, "The rail refused it."),
    event(("dispute.opened", "pay.dispute.opened"), "dispute", DISPUTE, "A payer disputes a payment."),
    event(("dispute.won", "pay.dispute.won"), "dispute", DISPUTE, "It was decided for us."),
    event(("dispute.lost", "pay.dispute.lost"), "dispute", DISPUTE, "It was decided against us."),
    event(
        ("receipt.issued", "pay.receipt.issued"),
        "receipt",
        &["sequence", "kind", "payment_id"],
        "The end of a payment, refund or dispute has its receipt.",
    ),
    event(("payout.begun", "pay.payout.begun"), "payout", PAYOUT, "Its amount is set aside."),
    event(("payout.pending", "pay.payout.waits"), "payout", PAYOUT, "Its rail has it."),
    event(("payout.succeeded", "pay.payout.succeeded"), "payout", PAYOUT, "It was paid out."),
    event(("payout.failed", "pay.payout.failed"), "payout", PAYOUT, "It failed; the amount is back."),
    event(
        ("exchange.executed", "pay.exchange.executed"),
        "exchange",
        EXCHANGE,
        "Paid credit of one currency became credit of another.",
    ),
    event(
        ("dispute_fee.added", "pay.dispute_fee.added"),
        "dispute fee",
        DISPUTE_FEE,
        "What a lost dispute costs on a rail was written down.",
    ),
    event(("sale.paid", "pay.sale.paid"), "sale", SALE, "It was paid before the work, which follows."),
    event(("sale.delivered", "pay.sale.delivered"), "sale", SALE, "What was paid for was handed over."),
    event(("sale.failed", "pay.sale.failed"), "sale", SALE, "Its payment failed; nothing was handed over."),
    event(
        ("sale.owed", "pay.sale.owed"),
        "sale",
        SALE,
        "It was paid, and its work failed for good: the buyer is owed what was paid.",
    ),
];

/// The event of this name.
pub(crate) fn named(name: &str) -> Option<&'static Event> {
    ALL.iter().find(|event| event.name == name)
}

impl Event {
    /// What goes out of a fact's details: the members that are named, null where the fact says nothing. Only
    /// texts, numbers and truths: what is deeper was not looked at for what may leave.
    pub(crate) fn data(&self, details: &Value) -> Value {
        let member = |name: &&str| match details.get(*name) {
            Some(value @ (Value::Bool(_) | Value::Number(_) | Value::String(_))) => value.clone(),
            Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => Value::Null,
        };
        Value::Object(
            self.fields.iter().map(|name| ((*name).to_owned(), member(name))).collect::<Map<_, _>>(),
        )
    }
}

/// The table column by column, as the fan-out joins it: names, facts, members and their values, both empty
/// where every fact counts. An event has a row for each value of its member.
pub(crate) fn columns() -> [Vec<&'static str>; 4] {
    let mut columns: [Vec<&'static str>; 4] = Default::default();
    for event in ALL {
        let (member, values) = event.only.unwrap_or(("", &[""]));
        for value in values {
            for (column, cell) in columns.iter_mut().zip([event.name, event.fact, member, value]) {
                column.push(cell);
            }
        }
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::{ALL, Event, named};
    use serde_json::json;
    use std::collections::BTreeSet;
    use std::path::Path;

    const GUIDE: &str = include_str!("../../../docs/how-to/receive-webhooks.md");

    fn sources(folder: &Path, all: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() && name != "tests" && name != "hooks" {
                sources(&path, all);
            } else if name.ends_with(".rs") && !name.contains("tests") {
                all.push_str(&std::fs::read_to_string(&path).unwrap());
            }
        }
    }

    #[test]
    fn each_event_has_a_name_of_its_own_and_a_fact_that_the_product_publishes() {
        let names: BTreeSet<_> = ALL.iter().map(|event| event.name).collect();
        let facts: BTreeSet<_> = ALL.iter().map(|event| (event.fact, event.only)).collect();
        assert_eq!((names.len(), facts.len()), (ALL.len(), ALL.len()));
        let mut product = String::new();
        sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(".."), &mut product);
        for event in ALL {
            assert!(product.contains(&format!("\"{}\"", event.fact)), "nobody publishes {}", event.fact);
        }
    }

    #[test]
    fn a_fact_becomes_one_event_whatever_it_says_and_every_stage_of_a_deal_has_one() {
        let mut told = BTreeSet::new();
        for event in ALL {
            for value in event.only.map_or(&[""][..], |(_, values)| values) {
                assert!(told.insert((event.fact, *value)), "{} is told twice", event.name);
            }
        }
        let some: BTreeSet<_> =
            ALL.iter().filter(|event| event.only.is_some()).map(|event| event.fact).collect();
        for fact in some {
            assert!(!told.contains(&(fact, "")), "{fact} is told twice");
        }
        // The stages stand in the domain above, which this crate cannot use: its words are read.
        let stages = include_str!("../../outreach/src/deal/mod.rs");
        let words = stages.split_once("fn word(").unwrap().1.split_once("fn label(").unwrap().0;
        let words: Vec<&str> = words.split('"').skip(1).step_by(2).collect();
        assert_eq!(words.len(), 7, "{words:?}");
        for word in words {
            assert!(
                told.contains(&("outreach.deal.moved", word)),
                "nothing is told of a deal that is {word}"
            );
        }
    }

    #[test]
    fn the_specified_events_are_there() {
        for name in [
            "lead.created",
            "lead.enriched",
            "lead.scored",
            "lead.converted",
            "campaign.started",
            "campaign.paused",
            "campaign.completed",
            "reply.received",
            "meeting.booked",
        ] {
            assert!(named(name).is_some(), "{name}");
        }
        assert_eq!(named("leads.lead.created"), None, "our own names are not public");
    }

    #[test]
    fn the_guide_lists_every_event_with_its_fields() {
        let row = |event: &Event| {
            let fields: Vec<String> = event.fields.iter().map(|name| format!("`{name}`")).collect();
            format!("| `{}` | {} | {} | {} |", event.name, event.subject, fields.join(", "), event.says)
        };
        let want: Vec<String> = ALL.iter().map(row).collect();
        let have: Vec<&str> = GUIDE.lines().filter(|line| line.starts_with("| `")).collect();
        assert_eq!(have, want, "the guide's table should be:\n{}", want.join("\n"));
    }

    #[test]
    fn only_named_members_leave_and_each_is_always_there() {
        let reply = named("reply.received").unwrap();
        let details = json!({"lead_id": "l", "intent": "interested", "confidence": 0.9, "needs_person": true,
                             "thread_id": {"deep": "x"}, "from": "a@b.example", "preview": "Dear \u{2026}"});
        assert_eq!(
            reply.data(&details),
            json!({"lead_id": "l", "campaign_id": null, "thread_id": null, "touch_id": null,
                   "intent": "interested", "confidence": 0.9, "needs_person": true})
        );
        assert_eq!(named("campaign.completed").unwrap().data(&json!({"x": 1})), json!({}));
    }
}

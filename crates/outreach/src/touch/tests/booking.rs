//! The address of the booking page in a step's own words.

use super::world::World;
use crate::{
    campaign,
    offer::{Offer, Offers},
    sequence::{self, Reach, Step},
    touch::Mode,
};
use async_trait::async_trait;
use db::Cx;
use jobs::Run;
use std::sync::Arc;
use uuid::Uuid;

/// A booking page, if there is one, with the lead filled in.
struct Page(bool);

#[async_trait]
impl Offers for Page {
    async fn link(&self, _: &mut Cx, lead: Option<Uuid>) -> base::Result<Option<String>> {
        Ok(self.0.then(|| address(lead.expect("a lead"))))
    }

    async fn of(&self, _: &Run, _: Option<Uuid>) -> base::Result<Option<Offer>> {
        Ok(None)
    }
}

fn address(lead: Uuid) -> String {
    format!("https://agency.example/book/anchor?lead={lead}")
}

async fn with(page: bool, body: &str) -> World {
    let w = World::offering(Mode::CoPilot, Arc::new(Page(page))).await;
    let mut cx = w.db.cx(&w.tenant.owner).await;
    let steps = vec![
        Step { body_template: body.to_owned(), ..Step::default() },
        Step { delay_days: 3, ..Step::default() },
    ];
    sequence::save_for(&mut cx, w.campaign.into(), "", steps, Reach::InFlightToo).await.expect("saved");
    let tracking = campaign::Change { tracking: Some(false), ..campaign::Change::default() };
    campaign::edit(&mut cx, w.campaign.into(), &tracking).await.expect("changed");
    cx.commit().await.expect("a commit");
    w.settle().await;
    w
}

const TEXT: &str = "Hi {{first_name}},\n\n{{SMART_PROMPT}}\n\nPick a time here: {{booking_link}}\n\nWe are there on Tuesdays.";

#[tokio::test]
async fn a_booking_link_in_a_steps_text_is_the_pages_address_in_what_is_sent() {
    let w = with(true, TEXT).await;
    w.approve(0).await;
    w.run_s(3_600).await;
    let mails = w.provider.kept();
    let link = address(w.leads[0]);
    assert!(mails[0].text.contains(&format!("Pick a time here: {link}\n")), "{}", mails[0].text);
    assert!(mails[0].html.as_deref().is_none_or(|html| html.contains("/book/anchor?lead=")));
    assert!(!mails[0].text.contains("{{"), "{}", mails[0].text);
    let warned = "select count(*) from control.approval where provenance::text like '%booking_link%'";
    assert_eq!(w.count(warned).await, 0);
}

#[tokio::test]
async fn without_a_page_the_sentence_is_left_out_and_whoever_approves_is_told() {
    let w = with(false, TEXT).await;
    let touch = w.touch(0).await;
    let body = touch.body.unwrap_or_else(|| panic!("no draft: {:?} {:?}", touch.code, touch.detail));
    assert!(
        !body.contains("Pick a time") && !body.contains("{{") && body.contains("We are there on Tuesdays."),
        "{body}"
    );
    let warned = "select count(*) from control.approval where provenance -> 'checks' -> 'warnings' -> 0 ->> 'code' = 'booking_link'
                  and provenance::text like '%There is no booking page%'";
    assert_eq!(w.count(warned).await, 1);
    w.approve(0).await;
    w.run_s(3_600).await;
    assert_eq!(w.provider.kept().len(), 1);
}

#[tokio::test]
async fn a_text_that_is_nothing_without_a_page_is_not_written_and_says_what_is_missing() {
    let w = with(false, "Pick a time here: {{booking_link}}").await;
    w.run_s(3_600).await;
    let touch = w.touch(0).await;
    assert_eq!(
        (touch.state.as_str(), touch.code.as_deref(), touch.enrolment.as_str()),
        ("skipped", Some("content.template"), "paused")
    );
    assert!(touch.detail.is_some_and(|why| why.contains("There is no booking page")));
    assert!(w.provider.kept().is_empty());
}

use super::*;
use crate::button::Button;
use crate::state;

const HOSTILE: &str = "<script>alert(1)</script>\" onmouseover=\"x";

#[test]
fn hostile_text_stays_text_everywhere_in_a_table() {
    let table = Table::new(HOSTILE, [Column::text(HOSTILE).sort(HOSTILE, None)])
        .bulk("b", HOSTILE)
        .row(Row::new().pick(HOSTILE, HOSTILE).link(HOSTILE, HOSTILE))
        .note(HOSTILE)
        .next(Some(HOSTILE.to_owned()));
    let html = table.render().into_string();
    assert!(!html.contains("<script") && !html.contains("\" onmouseover"), "{html}");
}

#[test]
fn a_table_names_itself_its_columns_and_its_order() {
    let table = Table::new(
        "Leads",
        [Column::text("Name"), Column::number("Score").sort("?sort=score", Some(Sorted::Down))],
    )
    .row(["Ada", "91"]);
    let html = table.render().into_string();
    assert!(html.contains("<caption class=\"vh\">Leads</caption>"), "{html}");
    assert!(html.contains("<th scope=\"col\">Name</th>"), "{html}");
    assert!(
        html.contains(
            "<th scope=\"col\" class=\"r\" aria-sort=\"descending\"><a href=\"?sort=score\">Score</a></th>"
        ),
        "{html}"
    );
    assert!(html.contains("<td class=\"r\">91</td>"), "{html}");
    assert!(html.contains("tabindex=\"0\" role=\"group\" aria-label=\"Leads\""), "{html}");
}

#[test]
fn rows_are_chosen_by_boxes_that_belong_to_the_bulk_form_and_name_their_row() {
    let table = Table::new("Leads", ["Name"])
        .bulk("bulk", "/leads/bulk")
        .matching(2_410)
        .hidden("tier", "hot")
        .bulk_act(Button::submit_of("Suppress", "bulk"))
        .row(Row::new().pick("8", "Ada").cell("Ada"));
    let html = table.render().into_string();
    assert!(
        html.contains(
            "<input type=\"checkbox\" name=\"pick\" value=\"8\" form=\"bulk\" aria-label=\"Select Ada\">"
        ),
        "{html}"
    );
    assert!(html.contains("All 2,410 that match"), "{html}");
    assert!(html.contains("<input type=\"hidden\" name=\"tier\" value=\"hot\">"), "{html}");
    let all_here = Table::new("Leads", ["Name"])
        .bulk("b", "/x")
        .matching(1)
        .row(Row::new().pick("8", "Ada").cell("Ada"));
    assert!(!all_here.render().into_string().contains("that match"));
}

#[test]
fn an_empty_table_offers_the_next_step_and_the_way_back() {
    let empty = state::empty("No leads yet", "Import a list.", Some(Button::link("Import", "/leads/import")));
    let html = Table::new("Leads", ["Name"]).empty(empty).first(Some("/leads".into())).render().into_string();
    assert!(
        html.contains("No leads yet") && html.contains("/leads/import") && html.contains("First page"),
        "{html}"
    );
    assert!(!html.contains("<table"), "{html}");
}

#[test]
fn an_unknown_cell_is_a_dash_that_is_read_as_unknown() {
    let html = Table::new("T", ["A"]).row(Row::new().maybe(None::<&str>)).render().into_string();
    assert!(html.contains("aria-label=\"unknown\"") && !html.contains(">0<"), "{html}");
}

use super::*;
use crate::field::{Choice, Field};

#[test]
fn a_field_is_tied_to_its_label_hint_and_error() {
    let form = Form::post("/x", "lead").field(
        Field::email("email", "Work email").hint("We write there.").error(Some("It has no @.")).required(),
    );
    let html = form.render().into_string();
    assert!(html.contains("<label for=\"lead-email\">Work email</label>"), "{html}");
    assert!(
        html.contains("aria-describedby=\"lead-email-err lead-email-hint\" aria-invalid=\"true\""),
        "{html}"
    );
    assert!(html.contains("<span class=\"hint\" id=\"lead-email-hint\">"), "{html}");
    assert!(html.contains("<span class=\"err\" id=\"lead-email-err\">It has no @."), "{html}");
    assert!(
        html.contains("role=\"alert\"")
            && html.contains("<a href=\"#lead-email\">Work email</a>: It has no @."),
        "{html}"
    );
    assert!(html.contains(" required"), "{html}");
}

#[test]
fn a_form_without_problems_has_no_alert() {
    let html = Form::post("/x", "f").field(Field::text("a", "A")).submit("Save").render().into_string();
    assert!(!html.contains("role=\"alert\"") && !html.contains("aria-invalid"), "{html}");
    assert!(html.contains("method=\"post\" action=\"/x\""), "{html}");
}

#[test]
fn hostile_values_stay_values() {
    let bad = "\"><script>x</script>";
    let html = Form::post("/x", "f")
        .field(Field::text("a", bad).value(bad).hint(bad).placeholder(bad).error(Some(bad)))
        .field(Field::area("b", "B", 2).value("</textarea><script>x</script>"))
        .field(Field::select("c", "C", [(bad, bad)]))
        .hidden("d", bad)
        .render()
        .into_string();
    assert!(!html.contains("<script"), "{html}");
    assert!(html.contains("&lt;/textarea&gt;"), "{html}");
}

#[test]
fn a_password_never_returns_to_the_browser() {
    let html = Field::password("p", "Password").value("secret").render().into_string();
    assert!(!html.contains("secret"), "{html}");
}

#[test]
fn a_text_that_begins_with_a_line_break_keeps_it() {
    let html = Field::area("b", "B", 2).value("\nsecond").render().into_string();
    assert!(html.contains(">\n\nsecond</textarea>"), "{html}");
}

#[test]
fn choices_come_as_a_named_group_with_the_present_one_set() {
    let field = Field::radios("mode", "Mode", [Choice::new("a", "A").hint("first"), Choice::new("b", "B")])
        .value("b");
    let html = Form::post("/x", "f").field(field).render().into_string();
    assert!(html.contains("<legend>Mode</legend>"), "{html}");
    assert!(html.contains("id=\"f-mode-1\" name=\"mode\" value=\"b\" checked"), "{html}");
    assert!(!html.contains("value=\"a\" checked"), "{html}");
}

#[test]
fn a_form_with_a_file_says_so() {
    let html = Form::post("/x", "f").line([Field::file("csv", "List", ".csv")]).render().into_string();
    assert!(html.contains("enctype=\"multipart/form-data\""), "{html}");
}

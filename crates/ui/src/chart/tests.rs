use super::*;
use crate::tag::Tone;
use maud::Render;

fn sound(html: &str) {
    assert!(!html.contains("NaN") && !html.contains("inf"), "{html}");
}

#[test]
fn charts_without_data_say_so_instead_of_drawing_zero() {
    let empty = [
        funnel("F", &[]),
        bars("B", Unit::Count, &[]),
        histogram("H", &[]),
        intervals("I", Unit::Share, None, &[]),
        Lines::new("L", Unit::Count, ["1 Nov"])
            .series(Series { label: "a".into(), points: vec![None] })
            .render(),
        Heat::new("T", Unit::Count, ["8"]).render(),
        Dag::new("D").render(),
    ];
    for chart in empty {
        let html = chart.into_string();
        assert!(html.contains("No data in this period yet.") && !html.contains("<svg"), "{html}");
    }
}

#[test]
fn charts_of_zeros_and_unknowns_draw_no_broken_numbers() {
    let zero = [Bar::new("a", 0.0), Bar::new("b", 0.0), Bar::new("c", f64::NAN)];
    sound(&funnel("F", &zero).into_string());
    sound(&histogram("H", &[("0-9".into(), 0)]).into_string());
    sound(
        &Lines::new("L", Unit::Count, ["a", "b"])
            .series(Series::new("s", [0.0, f64::NAN]))
            .render()
            .into_string(),
    );
    sound(&Heat::new("T", Unit::Share, ["a"]).row("r", [Some(0.0)]).row("s", [None]).render().into_string());
    let flat = Interval { label: "x".into(), low: 0.0, mid: 0.0, high: 0.0, count: 0 };
    sound(&intervals("I", Unit::Share, Some(0.0), &[flat]).into_string());
}

#[test]
fn a_single_point_is_a_dot_in_the_middle_and_a_gap_breaks_the_line() {
    let one = Lines::new("L", Unit::Count, ["1 Nov"]).series(Series::new("s", [4.0])).render().into_string();
    assert!(one.contains("<circle class=\"x-1\" cx=\"50.00%\""), "{one}");
    let gap = Series { label: "s".into(), points: vec![Some(1.0), Some(2.0), None, Some(3.0), Some(4.0)] };
    let html = Lines::new("L", Unit::Count, ["a", "b", "c", "d", "e"]).series(gap).render().into_string();
    let path = html.split(" d=\"").nth(1).and_then(|p| p.split('"').next()).expect("a path");
    assert_eq!(path.matches('M').count(), 2, "{path}");
    assert_eq!(path.matches('L').count(), 2, "{path}");
}

#[test]
fn every_drawing_has_its_numbers_in_a_table() {
    let html =
        funnel("Pipeline", &[Bar::new("Prospects", 2_410.0), Bar::new("Scored", 1_880.0)]).into_string();
    assert!(html.contains("<caption class=\"vh\">Pipeline</caption>"), "{html}");
    assert!(
        html.contains("<th scope=\"row\">Scored</th><td class=\"r\">1,880</td><td class=\"r\">78%</td>"),
        "{html}"
    );
    assert!(html.contains("width=\"78.01%\""), "{html}");
}

#[test]
fn negative_values_have_their_ticks_below_zero() {
    let scale = scale::Scale::from_zero([-50.0, 120.0].into_iter(), true);
    assert_eq!(scale.ticks(), vec![-50.0, 0.0, 50.0, 100.0, 150.0]);
    assert!((scale.place(-50.0) - 0.0).abs() < 1e-9 && (scale.place(150.0) - 1.0).abs() < 1e-9);
    assert_eq!(scale::Scale::from_zero([3.0].into_iter(), true).ticks(), vec![0.0, 1.0, 2.0, 3.0]);
}

#[test]
fn units_print_ticks_short_and_values_in_full() {
    assert_eq!(Unit::Count.tick(12_000.0), "12k");
    assert_eq!(Unit::Count.show(12_345.0), "12,345");
    assert_eq!(Unit::Minor(base::Currency::Aud).tick(500.0), "A$5");
    assert_eq!(Unit::Minor(base::Currency::Aud).show(1_840.0), "A$18.40");
    assert_eq!(Unit::Minor(base::Currency::Aud).tick(500_000.0), "A$5k");
    assert_eq!(Unit::Share.show(0.052), "5.2%");
}

#[test]
fn a_graph_stands_in_layers_and_survives_cycles_and_strangers() {
    let graph = Dag::new("G")
        .node(Node::new("a", "First").state(Tone::Good, "done"))
        .node(Node::new("b", "Then"))
        .node(Node::new("c", "Last <b>"))
        .edge("a", "b")
        .edge("b", "c")
        .edge("a", "nowhere");
    let html = graph.clone().render().into_string();
    assert!(html.contains("3 steps, 2 connections"), "{html}");
    assert!(
        html.contains("x=\"2.00\"") && html.contains("x=\"226.00\"") && html.contains("x=\"450.00\""),
        "{html}"
    );
    assert!(html.contains("<td class=\"r\">First</td>") && !html.contains("Last <b>"), "{html}");
    sound(&graph.edge("c", "a").edge("a", "a").render().into_string());
}

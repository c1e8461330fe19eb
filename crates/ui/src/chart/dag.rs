//! Directed graphs without cycles: workflows, drawn in layers from left to right.

use super::scale::at;
use crate::tag::Tone;
use maud::{Markup, Render, html};
use std::collections::HashMap;

/// One step.
#[derive(Clone, Debug, Default)]
pub struct Node {
    /// Unique in the graph.
    pub id: String,
    /// What it does.
    pub label: String,
    /// Its state in words, under the label.
    pub sub: String,
    /// Its state as a colour.
    pub tone: Tone,
    /// Where it is shown in full.
    pub href: Option<String>,
}

impl Node {
    /// A step.
    pub fn new(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self { id: id.into(), label: label.into(), ..Self::default() }
    }

    /// Its state.
    #[must_use]
    pub fn state(mut self, tone: Tone, sub: impl Into<String>) -> Self {
        self.tone = tone;
        self.sub = sub.into();
        self
    }

    /// Where it is shown in full.
    #[must_use]
    pub fn href(mut self, href: impl Into<String>) -> Self {
        self.href = Some(href.into());
        self
    }
}

/// A graph. Edges to unknown steps are left out; a cycle is drawn as far as it goes.
#[derive(Clone, Debug, Default)]
pub struct Dag {
    title: String,
    nodes: Vec<Node>,
    edges: Vec<(String, String)>,
}

const WIDE: f64 = 168.0;
const HIGH: f64 = 52.0;
const GAP_X: f64 = 56.0;
const GAP_Y: f64 = 20.0;
const LABEL_CHARS: usize = 18;

impl Dag {
    /// An empty graph.
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// Adds a step.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.nodes.push(node);
        self
    }

    /// Adds "first, then".
    #[must_use]
    pub fn edge(mut self, first: impl Into<String>, then: impl Into<String>) -> Self {
        self.edges.push((first.into(), then.into()));
        self
    }

    /// Edges as places of nodes.
    fn links(&self) -> Vec<(usize, usize)> {
        let place: HashMap<&str, usize> =
            self.nodes.iter().enumerate().map(|(i, n)| (n.id.as_str(), i)).collect();
        let known = |(a, b): &(String, String)| Some((*place.get(a.as_str())?, *place.get(b.as_str())?));
        self.edges.iter().filter_map(known).filter(|(a, b)| a != b).collect()
    }

    /// The layer of each node: one more than the highest before it. Bounded, so that cycles end.
    fn layers(&self, links: &[(usize, usize)]) -> Vec<usize> {
        let mut layer = vec![0_usize; self.nodes.len()];
        for _ in 0..self.nodes.len() {
            let mut moved = false;
            for (a, b) in links {
                if layer[*b] <= layer[*a] && layer[*a] + 1 < self.nodes.len() {
                    layer[*b] = layer[*a] + 1;
                    moved = true;
                }
            }
            if !moved {
                break;
            }
        }
        layer
    }

    /// The corner of each node and the size of the whole.
    fn places(&self, links: &[(usize, usize)]) -> (Vec<(f64, f64)>, f64, f64) {
        let layer = self.layers(links);
        let depth = layer.iter().max().map_or(0, |l| l + 1);
        let mut columns: Vec<Vec<usize>> = vec![Vec::new(); depth];
        for (node, l) in layer.iter().enumerate() {
            columns[*l].push(node);
        }
        // A node stands at the mean height of those before it, which keeps most edges from crossing.
        let mut rank = vec![0.0_f64; self.nodes.len()];
        for column in &mut columns {
            let mean = |node: usize, rank: &[f64]| {
                let before: Vec<f64> =
                    links.iter().filter(|(_, b)| *b == node).map(|(a, _)| rank[*a]).collect();
                if before.is_empty() { node as f64 } else { before.iter().sum::<f64>() / before.len() as f64 }
            };
            let wanted: HashMap<usize, f64> = column.iter().map(|n| (*n, mean(*n, &rank))).collect();
            column.sort_by(|a, b| wanted[a].total_cmp(&wanted[b]).then(a.cmp(b)));
            let middle = (column.len() as f64 - 1.0) / 2.0;
            for (index, node) in column.iter().enumerate() {
                rank[*node] = index as f64 - middle;
            }
        }
        let tallest = columns.iter().map(Vec::len).max().unwrap_or(0) as f64;
        let height = tallest * (HIGH + GAP_Y) - GAP_Y + 4.0;
        let place = |node: usize| {
            let x = layer[node] as f64 * (WIDE + GAP_X) + 2.0;
            (x, height / 2.0 + rank[node] * (HIGH + GAP_Y) - HIGH / 2.0)
        };
        let width = depth as f64 * (WIDE + GAP_X) - GAP_X + 4.0;
        ((0..self.nodes.len()).map(place).collect(), width, height)
    }

    fn box_of(node: &Node, (x, y): (f64, f64)) -> Markup {
        let middle = if node.sub.is_empty() { 31.0 } else { 22.0 };
        let shape = html! {
            g class={ "node n-" (node.tone.name()) } {
                title { (node.label) @if !node.sub.is_empty() { ": " (node.sub) } }
                rect x=(at(x)) y=(at(y)) width=(at(WIDE)) height=(at(HIGH)) rx="6" {}
                text x=(at(x + 12.0)) y=(at(y + middle)) { (cut(&node.label)) }
                @if !node.sub.is_empty() { text.sub x=(at(x + 12.0)) y=(at(y + 40.0)) { (cut(&node.sub)) } }
            }
        };
        match &node.href {
            Some(href) => html! { a href=(href) { (shape) } },
            None => shape,
        }
    }

    fn list(&self, links: &[(usize, usize)]) -> Markup {
        let rows: Vec<_> = self
            .nodes
            .iter()
            .enumerate()
            .map(|(index, node)| {
                let after: Vec<_> = links
                    .iter()
                    .filter(|(_, b)| *b == index)
                    .map(|(a, _)| self.nodes[*a].label.as_str())
                    .collect();
                let after = if after.is_empty() { "the start".to_owned() } else { after.join(", ") };
                vec![node.label.clone(), node.sub.clone(), after]
            })
            .collect();
        super::numbers(&self.title, &["Step", "State", "After"], &rows)
    }
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LABEL_CHARS {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(LABEL_CHARS - 1).collect();
    short.push('…');
    short
}

impl Render for Dag {
    fn render(&self) -> Markup {
        if self.nodes.is_empty() {
            return super::nothing(&self.title);
        }
        let links = self.links();
        let (places, width, height) = self.places(&links);
        let said = format!("{}: {} steps, {} connections", self.title, self.nodes.len(), links.len());
        let drawing = html! {
            div.scroll tabindex="0" role="region" aria-label=(self.title) {
                svg role="group" aria-label=(said) width=(at(width)) height=(at(height)) viewBox={ "0 0 " (at(width)) " " (at(height)) } {
                    g.dag {
                        @for (a, b) in &links {
                            @let (x1, y1) = (places[*a].0 + WIDE, places[*a].1 + HIGH / 2.0);
                            @let (x2, y2) = (places[*b].0, places[*b].1 + HIGH / 2.0);
                            @let bend = GAP_X * 0.6;
                            path.edge d={ "M" (at(x1)) " " (at(y1)) "C" (at(x1 + bend)) " " (at(y1)) " " (at(x2 - bend)) " " (at(y2)) " " (at(x2 - 6.0)) " " (at(y2)) } {}
                            path.tip d={ "M" (at(x2)) " " (at(y2)) "l-8 -4v8z" } {}
                        }
                        @for (node, place) in self.nodes.iter().zip(&places) { (Self::box_of(node, *place)) }
                    }
                }
            }
        };
        super::figure(&self.title, drawing, self.list(&links))
    }
}

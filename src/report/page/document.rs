//! The frame of every page: its head, with the style, and its foot.

use maud::{DOCTYPE, Markup, PreEscaped, html};

pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");
const STYLE: &str = include_str!("page.css");
const METHOD: &str = "https://arxiv.org/abs/2509.19698";

/// Puts `content` into a page with this title.
pub(super) fn document(title: &str, content: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="generator" content={ "trainable " (VERSION) };
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (content)
                footer {
                    p {
                        "The method: "
                        a href=(METHOD) { "A Unified Noise-Curvature View of Loss of Trainability" } "."
                    }
                }
            }
        }
    }
}

//! Pictures inside the page, and links to files beside it.

use maud::{Markup, PreEscaped, html};

use crate::report::page::pictures::Picture;

/// The smallest scale of a picture; if it needs more room, it scrolls.
const SMALLEST: f64 = 0.75;

/// Renders a picture at its own size or somewhat smaller. If it is still too wide, it scrolls.
pub(super) fn figure(picture: Option<&Picture>, what: &str) -> Markup {
    html! {
        @match picture {
            None => p { "There is nothing to draw: no task was finished, or nothing was probed." },
            Some(Picture { name, svg, width }) => {
                figure {
                    div.scroll tabindex="0" role="img" aria-label=(what) {
                        div.plot style={ "min-width:" (SMALLEST * width) "px;max-width:" (width) "px" } {
                            (PreEscaped(svg))
                        }
                    }
                    @if let Some(name) = name {
                        figcaption { "As files: " (link(name, "svg")) ", " (link(name, "png")) "." }
                    }
                }
            },
        }
    }
}

/// Renders a link to a file beside the page.
fn link(name: &str, extension: &str) -> Markup {
    html! { a href={ (encoded(name)) "." (extension) } { (name) "." (extension) } }
}

/// Encodes a name as part of an address: all but letters, digits and "-._~" become `%XX` (RFC 3986, 2.1).
pub(super) fn encoded(name: &str) -> String {
    let part = |byte: u8| match byte {
        b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    };
    name.bytes().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_any_name_can_be_linked() {
        assert_eq!(encoded("report-accuracies"), "report-accuracies");
        assert_eq!(
            encoded("a: 50% #1 (2)β"),
            "a%3A%2050%25%20%231%20%282%29%CE%B2"
        );
        let link = link("a<b", "svg").into_string();
        assert_eq!(link, "<a href=\"a%3Cb.svg\">a&lt;b.svg</a>");
    }
}

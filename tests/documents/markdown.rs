//! Reads documents in Markdown.

use pulldown_cmark::{CodeBlockKind, Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// What stands between two headings, with the first of them.
#[derive(Debug, Default)]
pub struct Section {
    pub level: Option<HeadingLevel>,
    pub heading: String,
    /// Code blocks with their languages.
    pub blocks: Vec<(String, String)>,
    /// Pieces of code in the text.
    pub codes: Vec<String>,
    /// Targets of links.
    pub links: Vec<String>,
    pub paragraphs: usize,
    pub items: usize,
    pub rows: usize,
    pub emphases: usize,
}

/// Splits a document at its headings. What stands before the first one is a section, too.
pub fn sections(text: &str) -> Vec<Section> {
    let mut sections = vec![Section::default()];
    let (mut in_heading, mut in_block) = (false, false);
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        if let Event::Start(Tag::Heading { level, .. }) = event {
            sections.push(Section { level: Some(level), ..Section::default() });
        }
        let Some(section) = sections.last_mut() else { continue };
        match event {
            Event::Start(Tag::Heading { .. }) => in_heading = true,
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Start(Tag::CodeBlock(kind)) => {
                in_block = true;
                let language = match kind {
                    CodeBlockKind::Fenced(language) => language.to_string(),
                    CodeBlockKind::Indented => String::new(),
                };
                section.blocks.push((language, String::new()));
            }
            Event::End(TagEnd::CodeBlock) => in_block = false,
            Event::Text(text) if in_block => section.blocks.last_mut().unwrap().1.push_str(&text),
            Event::Text(text) if in_heading => section.heading.push_str(&text),
            Event::Code(code) => {
                if in_heading {
                    section.heading.push_str(&code);
                }
                section.codes.push(code.to_string());
            }
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                section.links.push(dest_url.to_string());
            }
            Event::Start(Tag::Paragraph) => section.paragraphs += 1,
            Event::Start(Tag::Item) => section.items += 1,
            Event::Start(Tag::TableRow) => section.rows += 1,
            Event::Start(Tag::Emphasis | Tag::Strong) => section.emphases += 1,
            _ => {}
        }
    }
    sections
}

/// Returns the anchors of a document's headings, as GitHub makes them.
pub fn anchors(sections: &[Section]) -> Vec<String> {
    let mut anchors: Vec<String> = Vec::new();
    for section in sections {
        let kept = section.heading.chars().filter(|&c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        let anchor: String = kept.collect::<String>().to_lowercase().replace(' ', "-");
        let before = anchors.iter().filter(|other| **other == anchor).count();
        anchors.push(if before == 0 { anchor } else { format!("{anchor}-{before}") });
    }
    anchors
}

#[test]
fn anchors_are_those_of_github() {
    let document = "# A `b`, c\n## C++ (`x_y`)\n## 从启动脚本 (`script`)\n## Twice\n## Twice\n";
    let expected = ["", "a-b-c", "c-x_y", "从启动脚本-script", "twice", "twice-1"];
    assert_eq!(anchors(&sections(document)), expected);
}

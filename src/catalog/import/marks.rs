//! Whom a heading or a use is meant for: the clouds and scenarios that a page says in words.

use crate::catalog::{Cloud, Clouds, Scenario, Scenarios};

/// What the words of a use say of clouds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Marks {
    /// The clouds that the row is for, where it says so.
    pub(super) only: Option<Clouds>,
    /// Clouds that it holds for as well.
    pub(super) also: Clouds,
    /// The use without what it says of clouds: rows with the same one are for different clouds.
    pub(super) key: String,
}

/// The clouds that a heading is about; none where it does not say.
pub(super) fn clouds_of_heading(heading: &str) -> Option<Clouds> {
    let text = normal(heading);
    let clouds: Clouds = [
        (text.contains("us government") || text.contains("gcc"), &GOVERNMENT[..]),
        (is_china(&text), &[Cloud::China][..]),
        (text.starts_with("public ") || text.contains("public cloud"), &[Cloud::Public][..]),
    ]
    .into_iter()
    .filter(|(is, _)| *is)
    .flat_map(|(_, clouds)| clouds.iter().copied())
    .collect();
    (!clouds.is_empty()).then_some(clouds)
}

/// The scenarios that a heading and those above it, innermost first, are about; Power Automate's page has the
/// portal and the service where it says nothing.
pub(super) fn scenarios_of<'h>(headings: impl Iterator<Item = &'h str>) -> Scenarios {
    for heading in headings {
        let text = normal(heading);
        if text.contains("mobile app") {
            return Scenarios::from_iter([Scenario::Mobile]);
        }
        if ["desktop", "hosted machine", "machines"].iter().any(|word| text.contains(word)) {
            return Scenarios::from_iter([Scenario::DesktopFlows]);
        }
    }
    Scenarios::from_iter([Scenario::Service])
}

/// What a use says of clouds: mostly in brackets (`US Government - GCC only`, `also valid for GCC`), else in the
/// sentence (`for US government cloud`).
pub(super) fn marks(purpose: &str) -> Marks {
    let text = normal(purpose);
    let mut only = Clouds::empty();
    let mut also = Clouds::empty();
    let mut rest = String::new();
    let mut behind = text.as_str();
    while let Some(open) = behind.find('(') {
        let (before, bracket) = behind.split_at(open);
        rest.push_str(before);
        let end = bracket.find(')').unwrap_or(bracket.len().saturating_sub(1));
        let (inside, after) = bracket.split_at(end + 1);
        let found = clouds_in(inside);
        if found.is_empty() {
            rest.push_str(inside);
        } else if inside.contains("also valid") {
            also = also.union(found);
        } else {
            only = only.union(found);
        }
        behind = after;
    }
    rest.push_str(behind);
    for phrase in
        [" for us government clouds", " for us government cloud", " for the us government cloud"]
    {
        if let Some(at) = rest.find(phrase) {
            rest.replace_range(at..at + phrase.len(), "");
            if only.is_empty() {
                only = only.union(government());
            }
        }
    }
    if only.is_empty() && !text.contains("outside") {
        if text.contains("mooncake") {
            only.insert(Cloud::China);
        }
        if text.contains("us sovereign clouds") {
            only = only.union(government());
            only.insert(Cloud::Public);
        }
    }
    let key: String = rest.chars().filter(char::is_ascii_alphanumeric).collect();
    Marks { only: (!only.is_empty()).then_some(only), also, key }
}

const GOVERNMENT: [Cloud; 3] = [Cloud::Gcc, Cloud::GccHigh, Cloud::Dod];

fn government() -> Clouds {
    GOVERNMENT.into_iter().collect()
}

/// The clouds that a bracket names, the narrowest words first.
fn clouds_in(text: &str) -> Clouds {
    let mut clouds = Clouds::empty();
    let mut text = text.to_owned();
    for (word, cloud) in [
        ("gcc high", Cloud::GccHigh),
        ("gcc-high", Cloud::GccHigh),
        ("gcch", Cloud::GccHigh),
        ("gcc", Cloud::Gcc),
        ("dod", Cloud::Dod),
        ("public", Cloud::Public),
    ] {
        if text.contains(word) {
            clouds.insert(cloud);
            text = text.replace(word, "");
        }
    }
    if is_china(&text) {
        clouds.insert(Cloud::China);
    }
    if clouds.is_empty() && text.contains("us government") {
        clouds = government();
    }
    clouds
}

fn is_china(text: &str) -> bool {
    // Both spellings stand on the page.
    ["21vianet", "21vinaet", "china", "mooncake"].iter().any(|word| text.contains(word))
}

/// Lower case, one blank between words, `US` without dots.
fn normal(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").to_lowercase().replace("u.s.", "us")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(clouds: &[Cloud]) -> Clouds {
        clouds.iter().copied().collect()
    }

    #[test]
    fn uses_say_whom_they_are_for() {
        use Cloud::{China, Dod, Gcc, GccHigh, Public};
        for (purpose, only, also) in [
            ("Access to APIs (U.S. Government - GCC only).", Some(&[Gcc][..]), &[][..]),
            ("Access to APIs (US Government - GCC High only).", Some(&[GccHigh]), &[]),
            ("Access (U.S. Government only).", Some(&[Gcc, GccHigh, Dod]), &[]),
            ("Access (21Vinaet - China only).", Some(&[China]), &[]),
            ("Tables (mandatory for actions)(also valid for GCC).", None, &[Gcc]),
            ("Tables (also valid for public clouds).", None, &[Public]),
            ("Needed for US government cloud (GCC and GCCH).", Some(&[Gcc, GccHigh]), &[]),
            ("Features for US government cloud.", Some(&[Gcc, GccHigh, Dod]), &[]),
            ("Telemetry for users outside EMEA, US government, and Chinese clouds.", None, &[]),
            ("Sends telemetry for the Mooncake region.", Some(&[China]), &[]),
            ("Plain (Content Delivery Network).", None, &[]),
        ] {
            let marks = marks(purpose);
            assert_eq!((marks.only, marks.also), (only.map(set), set(also)), "{purpose}");
        }
        assert_eq!(
            marks("Access to APIs.").key,
            marks("Access to APIs (US Government - DoD only).").key
        );
    }

    #[test]
    fn headings_say_clouds_and_scenarios() {
        let gov = clouds_of_heading("U.S. Government endpoints");
        assert_eq!(gov, Some(set(&GOVERNMENT)));
        assert_eq!(
            clouds_of_heading("Public endpoints for desktop flows runtime"),
            Some(set(&[Cloud::Public]))
        );
        assert_eq!(clouds_of_heading("Global endpoints"), None);
        let of = |headings: &[&str]| scenarios_of(headings.iter().copied()).to_string();
        assert_eq!(
            of(&["Global endpoints", "Desktop flows services required for runtime"]),
            "desktop-flows"
        );
        assert_eq!(
            of(&["Endpoints needed to use Power Automate mobile app", "Required services"]),
            "mobile"
        );
        assert_eq!(of(&["Use the portal"]), "service");
    }
}

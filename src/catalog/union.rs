//! Several lists as one.

use super::{Alternative, Catalog, Endpoint, EndpointIndex, Inbound, Occurrence, sha256_hex};

impl Catalog {
    /// One catalog that requires what any of these does. An endpoint that several list has the rows of all.
    #[must_use]
    pub fn union(catalogs: &[Self]) -> Option<Self> {
        let (first, rest) = catalogs.split_first()?;
        let mut sum = first.clone();
        for other in rest {
            sum.add(other);
        }
        Some(sum)
    }

    fn add(&mut self, other: &Self) {
        let shift = self.sections.len();
        let moved = |occurrence: &Occurrence| Occurrence {
            section: occurrence.section.map(|section| section + shift),
            ..occurrence.clone()
        };
        for section in &other.sections {
            let mut section = section.clone();
            if self.sections.iter().any(|known| known.id == section.id) {
                section.id = format!("{}.{}", other.name, section.id);
            }
            self.sections.push(section);
        }
        let ids_of_alternatives: Vec<(String, Alternative)> = self.with_ids();
        for endpoint in &other.endpoints {
            let occurrences = endpoint.occurrences.iter().map(moved);
            match self.endpoints.iter_mut().find(|known| known.id == endpoint.id) {
                Some(known) => known.occurrences.extend(occurrences),
                None => {
                    let occurrences = occurrences.collect();
                    self.endpoints.push(Endpoint { occurrences, ..endpoint.clone() });
                }
            }
        }
        self.endpoints.sort_by(|a, b| key(a).cmp(&key(b)));
        self.inbound.extend(
            other.inbound.iter().map(|inbound| Inbound {
                occurrence: moved(&inbound.occurrence),
                ..inbound.clone()
            }),
        );
        let others = other.with_ids().into_iter().map(|(id, alternative)| {
            let occurrence = moved(&alternative.occurrence);
            (id, Alternative { occurrence, ..alternative })
        });
        self.alternatives = ids_of_alternatives
            .into_iter()
            .chain(others)
            .filter_map(|(id, alternative)| {
                let endpoint: EndpointIndex = self.find(&id)?;
                Some(Alternative { endpoint, ..alternative })
            })
            .collect();
        self.notes.extend(other.notes.iter().cloned());
        self.warnings.extend(other.warnings.iter().cloned());
        self.name = format!("{}+{}", self.name, other.name);
        self.edition = format!("{}+{}", self.edition, other.edition);
        self.title = match (self.title.take(), &other.title) {
            (Some(own), Some(title)) => Some(format!("{own}, {title}")),
            (own, title) => own.or_else(|| title.clone()),
        };
        self.sha256 = sha256_hex(format!("{}{}", self.sha256, other.sha256).as_bytes());
        self.provenance = None;
    }

    fn with_ids(&self) -> Vec<(String, Alternative)> {
        let id =
            |alternative: &Alternative| self.endpoint(alternative.endpoint).map(|e| e.id.clone());
        self.alternatives.iter().filter_map(|one| Some((id(one)?, one.clone()))).collect()
    }
}

/// The order of a catalog's endpoints.
fn key(endpoint: &Endpoint) -> (Vec<&str>, super::Protocol) {
    (endpoint.pattern.as_str().rsplit('.').collect(), endpoint.protocol)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_union_requires_what_any_does() {
        let old = Catalog::builtin("power-automate@2023-04-17").unwrap();
        let new = Catalog::builtin("power-automate@2026-05-13").unwrap();
        let both = Catalog::union(&[old.clone(), new.clone()]).unwrap();
        for endpoint in old.endpoints().iter().chain(new.endpoints()) {
            let found = both.endpoint(both.find(&endpoint.id).unwrap()).unwrap();
            assert_eq!(found.clouds().union(endpoint.clouds()), found.clouds(), "{}", endpoint.id);
        }
        assert!(both.endpoints().is_sorted_by(|a, b| key(a) <= key(b)));
        let same = Catalog::union(std::slice::from_ref(&new)).unwrap();
        assert_eq!(same.endpoints(), new.endpoints());
        assert!(new.endpoints().is_sorted_by(|a, b| key(a) <= key(b)));
        for alternative in both.alternatives() {
            assert_eq!(
                both.endpoint(alternative.endpoint).unwrap().id,
                "https:*.servicebus.windows.net"
            );
        }
        assert_eq!(both.alternatives().len(), 2);
        assert!(Catalog::union(&[]).is_none());
    }
}

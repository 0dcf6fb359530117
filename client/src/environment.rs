//! The environment variables that the client reads.

/// Environment variables, as they were when the client began. The last one of a name counts.
///
/// A list, because the client looks up a dozen names: a map would add kilobytes to its binary.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Environment(Vec<(String, String)>);

impl Environment {
    /// Returns the variables of this process that are UTF-8.
    pub fn of_this_process() -> Self {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// Returns the value of a variable, or `None` if it is not set.
    pub fn variable(&self, name: &str) -> Option<&str> {
        let mut variables = self.0.iter().rev();
        let (_, value) = variables.find(|(own_name, _)| own_name == name)?;
        Some(value)
    }

    /// Returns the value of a variable, or `None` if it is not set or empty.
    pub fn non_empty(&self, name: &str) -> Option<&str> {
        self.variable(name).filter(|value| !value.is_empty())
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Environment {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(variables: I) -> Self {
        let variables = variables.into_iter();
        Self(
            variables
                .map(|(name, value)| (name.into(), value.into()))
                .collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_variable_of_a_name_counts() {
        let environment: Environment = [("A", "1"), ("B", "2"), ("A", "3")].into_iter().collect();
        assert_eq!(environment.variable("A"), Some("3"));
        assert_eq!(environment.variable("B"), Some("2"));
        assert_eq!(environment.variable("C"), None);
    }
}

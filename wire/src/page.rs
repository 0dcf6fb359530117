//! Lists that come page by page.

use crate::{variable::VariableList, variable::VariablePage, waiter::WaiterList};

/// A page of a list.
pub trait Page: Sized {
    /// Takes out the token with which the request for the next page goes on.
    fn take_token(&mut self) -> Option<String>;

    /// Adds the page that follows.
    fn append(&mut self, next: Self);
}

impl Page for VariableList {
    fn take_token(&mut self) -> Option<String> {
        self.r#continue.take()
    }

    /// A variable that did not fit goes on with the rest of its assertions.
    fn append(&mut self, next: Self) {
        self.revision = next.revision;
        self.r#continue = next.r#continue;
        for variable in next.variables {
            match self.variables.last_mut() {
                Some(last)
                    if (&last.namespace, &last.name) == (&variable.namespace, &variable.name) =>
                {
                    last.assertions.extend(variable.assertions);
                }
                _ => self.variables.push(variable),
            }
        }
    }
}

impl Page for VariablePage {
    fn take_token(&mut self) -> Option<String> {
        self.r#continue.take()
    }

    fn append(&mut self, next: Self) {
        self.assertions.extend(next.assertions);
        self.r#continue = next.r#continue;
    }
}

impl Page for WaiterList {
    fn take_token(&mut self) -> Option<String> {
        self.r#continue.take()
    }

    fn append(&mut self, next: Self) {
        self.revision = next.revision;
        self.waiters.extend(next.waiters);
        self.r#continue = next.r#continue;
    }
}

#[cfg(test)]
mod tests {
    use oncue_language::{Kind, Timestamp};

    use super::*;
    use crate::{Assertion, Variable};

    fn mk_list(names: &[&str], token: Option<&str>) -> VariableList {
        let assertion = Assertion {
            owner: None,
            kind: Kind::Durable,
            object: None,
            value: None,
            since: Timestamp::default(),
            expires: None,
        };
        let variables = names.iter().map(|name| Variable {
            namespace: "shop".parse().unwrap(),
            name: name.parse().unwrap(),
            assertions: vec![assertion.clone()],
        });
        VariableList {
            revision: "e-1".to_owned(),
            variables: variables.collect(),
            r#continue: token.map(str::to_owned),
        }
    }

    #[test]
    fn a_variable_that_did_not_fit_is_one_variable_in_the_end() {
        let mut list = mk_list(&["a", "b"], Some("t"));
        assert_eq!(list.take_token().as_deref(), Some("t"));
        list.append(mk_list(&["b", "c"], None));
        let listed = list.variables.iter();
        let listed: Vec<_> = listed
            .map(|it| (it.name.as_str(), it.assertions.len()))
            .collect();
        assert_eq!(listed, [("a", 1), ("b", 2), ("c", 1)]);
        assert_eq!(list.take_token(), None);
    }
}

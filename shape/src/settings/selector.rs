//! A Kubernetes `LabelSelector`.

/// Labels that a pod must have; every condition must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Selector {
    /// Labels with exactly these values.
    pub(crate) labels: Vec<(String, String)>,
    /// Conditions on labels.
    pub(crate) expressions: Vec<Expression>,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Expression {
    pub(crate) key: String,
    pub(crate) operator: Operator,
    pub(crate) values: Vec<String>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

impl Selector {
    /// Whether the labels meet every condition. As in Kubernetes, `NotIn` holds for a missing label.
    pub(crate) fn matches<'a>(&self, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.labels.iter().all(|(key, value)| label(key) == Some(value))
            && self.expressions.iter().all(|expression| {
                let value = label(&expression.key);
                let listed = value.is_some_and(|value| expression.values.iter().any(|known| known == value));
                match expression.operator {
                    Operator::In => listed,
                    Operator::NotIn => !listed,
                    Operator::Exists => value.is_some(),
                    Operator::DoesNotExist => value.is_none(),
                }
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operators_as_in_kubernetes() {
        let expression = |operator, values: &[&str]| Selector {
            labels: Vec::new(),
            expressions: vec![Expression {
                key: "tier".to_owned(),
                operator,
                values: values.iter().map(|v| (*v).to_owned()).collect(),
            }],
        };
        let gold = |name: &str| (name == "tier").then_some("gold");
        let none = |_: &str| None;
        assert!(expression(Operator::In, &["gold"]).matches(gold));
        assert!(!expression(Operator::In, &["gold"]).matches(none));
        assert!(expression(Operator::NotIn, &["gold"]).matches(none));
        assert!(!expression(Operator::NotIn, &["gold"]).matches(gold));
        assert!(expression(Operator::Exists, &[]).matches(gold));
        assert!(expression(Operator::DoesNotExist, &[]).matches(none));
    }
}

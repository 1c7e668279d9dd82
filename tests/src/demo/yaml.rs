//! A pod as lines of YAML, as kubectl prints it, each line knowing which values it shows.

use serde_json::{Map, Value};
use std::collections::HashSet;

/// A block that only one side has is one line when it is longer than this.
const FOLD: usize = 8;

#[derive(Debug)]
pub(super) struct Line {
    /// What it is compared by: where it stands, and all that it shows, also when it is folded.
    pub(super) key: String,
    /// Where it stands, for people: `spec.containers[main]`.
    pub(super) place: String,
    pub(super) text: String,
    /// How many lines it stands for, where it is folded.
    pub(super) folded: Option<usize>,
    /// The JSON pointers of the values it shows; none for the head of a block.
    pub(super) pointers: Vec<String>,
}

/// Where a value is: by index for the API server, by name for people and for the comparison.
#[derive(Clone, Default)]
struct Place {
    pointer: String,
    name: String,
}

impl Place {
    fn member(&self, key: &str) -> Self {
        let escaped = key.replace('~', "~0").replace('/', "~1");
        let dot = if self.name.is_empty() { "" } else { "." };
        Self { pointer: format!("{}/{escaped}", self.pointer), name: format!("{}{dot}{key}", self.name) }
    }

    /// An item is who it says it is; a word of a list is only its text, wherever it moves.
    fn item(&self, index: usize, item: &Value) -> Self {
        let named = ["mountPath", "name", "containerPort"].into_iter().find_map(|key| item.get(key));
        let name = match named {
            Some(Value::String(name)) => format!("{}[{name}]", self.name),
            Some(other) => format!("{}[{other}]", self.name),
            None if item.is_object() => format!("{}[{index}]", self.name),
            None => self.name.clone(),
        };
        Self { pointer: format!("{}/{index}", self.pointer), name }
    }
}

/// Both pods as lines; a long block that the other has not is folded.
pub(super) fn lines(before: &Value, after: &Value) -> (Vec<Line>, Vec<Line>) {
    let names = |pod| {
        let mut found = HashSet::new();
        collect(pod, &Place::default(), &mut found);
        found
    };
    let print = |pod: &Value, other: HashSet<String>| {
        let mut printer = Printer { other, lines: Vec::new() };
        if let Value::Object(members) = pod {
            printer.mapping(members, &Place::default(), 0);
        }
        printer.lines
    };
    (print(before, names(after)), print(after, names(before)))
}

fn collect(value: &Value, place: &Place, found: &mut HashSet<String>) {
    found.insert(place.name.clone());
    match value {
        Value::Object(members) => {
            members.iter().for_each(|(key, value)| collect(value, &place.member(key), found));
        }
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, item)| collect(item, &place.item(index, item), found));
        }
        _ => {}
    }
}

struct Printer {
    other: HashSet<String>,
    lines: Vec<Line>,
}

impl Printer {
    fn mapping(&mut self, members: &Map<String, Value>, at: &Place, indent: usize) {
        for (key, value) in members {
            let head = format!("{}{}:", " ".repeat(indent), scalar(&Value::String(key.clone())));
            let place = at.member(key);
            match value {
                Value::Object(members) if !members.is_empty() => {
                    let start = self.head(head.clone(), at);
                    self.mapping(members, &place, indent + 2);
                    self.fold(start, &place, &format!("{head} {}", flow(value)));
                }
                Value::Array(items) if !items.is_empty() => {
                    self.head(head, at);
                    self.items(items, &place, indent);
                }
                value => self.leaf(&format!("{head} "), value, &place, at),
            }
        }
    }

    fn items(&mut self, items: &[Value], list: &Place, indent: usize) {
        for (index, item) in items.iter().enumerate() {
            let place = list.item(index, item);
            let dash = format!("{}- ", " ".repeat(indent));
            match item {
                Value::Object(members) if !members.is_empty() => {
                    let start = self.lines.len();
                    self.mapping(members, &place, indent + 2);
                    self.lines[start].text.replace_range(..indent + 2, &dash);
                    self.lines[start].place.clone_from(&list.name);
                    self.fold(start, &place, &format!("{dash}{}", flow(item)));
                }
                item => self.leaf(&dash, item, &place, list),
            }
        }
    }

    /// The head of a block; says where the block begins.
    fn head(&mut self, text: String, at: &Place) -> usize {
        let key = format!("{} {text}", at.name);
        self.lines.push(Line { key, place: at.name.clone(), text, folded: None, pointers: Vec::new() });
        self.lines.len() - 1
    }

    fn leaf(&mut self, head: &str, value: &Value, place: &Place, at: &Place) {
        let text = value.as_str().filter(|text| text.trim_end().contains('\n'));
        let folded = text.map(|text| text.lines().count());
        let shown = if folded.is_some() { "|".to_owned() } else { scalar(value) };
        self.lines.push(Line {
            key: format!("{} {head}{value}", place.name),
            place: at.name.clone(),
            text: format!("{head}{shown}"),
            folded,
            pointers: vec![place.pointer.clone()],
        });
    }

    fn fold(&mut self, start: usize, place: &Place, text: &str) {
        let count = self.lines[start..].iter().map(|line| line.folded.unwrap_or(1)).sum();
        if count <= FOLD || self.other.contains(&place.name) {
            return;
        }
        let block: Vec<Line> = self.lines.drain(start..).collect();
        let place = block.first().map(|line| line.place.clone()).unwrap_or_default();
        self.lines.push(Line {
            key: block.iter().map(|line| line.key.as_str()).collect(),
            place,
            text: text.to_owned(),
            folded: Some(count),
            pointers: block.into_iter().flat_map(|line| line.pointers).collect(),
        });
    }
}

/// A value in one line: what stands for itself bare, the rest quoted as kubectl quotes it.
fn scalar(value: &Value) -> String {
    let text = serde_yaml_ng::to_string(value).unwrap_or_default().trim_end().to_owned();
    let bare = text.trim_matches('\'');
    let a_word_by_its_quotes = bare != text
        && serde_yaml_ng::from_str::<Value>(bare).is_ok_and(|value| !value.is_string() && !value.is_object());
    if a_word_by_its_quotes || text.contains('\n') { value.to_string() } else { text }
}

/// A block in one line.
fn flow(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<String> =
                members.iter().map(|(key, value)| format!("{key}: {}", flow(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        other => scalar(other),
    }
}

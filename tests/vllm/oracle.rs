//! Real vLLM, asked one question at a time: `oracle.py` runs its parser, its configuration and its handshake.

use crate::ending;
use crate::home::Home;
use crate::pair::told;
use serde_json::{Value, json};
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// The process.
pub(crate) struct Oracle {
    child: Child,
    questions: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    log: PathBuf,
}

/// What vLLM said.
#[derive(Clone, Debug)]
pub(crate) struct Verdict(Value);

impl Verdict {
    /// Whether vLLM would go on.
    pub(crate) fn accepted(&self) -> bool {
        self.0["ok"] == true
    }

    /// Its message, in one line, without what pydantic puts around it.
    pub(crate) fn says(&self) -> String {
        let text = self.0["says"].as_str().unwrap_or_default();
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let line = lines.iter().find(|line| line.contains(" [type=")).or(lines.first()).unwrap_or(&"");
        let line = line.strip_prefix("Value error, ").unwrap_or(line);
        line.split(" [type=").next().unwrap_or_default().trim_end().to_owned()
    }

    /// A field of the configuration.
    pub(crate) fn field(&self, name: &str) -> &Value {
        &self.0[name]
    }

    /// In a few words.
    pub(crate) fn short(&self) -> String {
        if !self.accepted() {
            return self.says();
        }
        if let Some(ranks) = self.field("ranks").as_u64() {
            return format!("all {ranks} ranks are there");
        }
        let Some(balancing) = self.field("balancing").as_str() else { return "accepted".to_owned() };
        let number = |name: &str| self.field(name).as_u64().unwrap_or_default();
        let ranks = match (number("rank"), number("local")) {
            (_, 0) => "no rank".to_owned(),
            (first, local) => format!("ranks {first} to {}", first + local - 1),
        };
        let headless = if self.field("headless") == true { ", headless" } else { "" };
        format!("accepted: {ranks} of {}, {balancing}{headless}", self.field("data"))
    }
}

impl Oracle {
    /// Imports vLLM, which takes half a minute.
    pub(crate) fn start(home: &Home) -> Self {
        let log = home.logs().join("oracle.log");
        println!("     importing vLLM; its own words go to `{}`", log.display());
        let mut command = Command::new(home.programs().join("python"));
        home.prepare(&mut command);
        command.arg(Home::oracle()).env("VLLM_LOGGING_LEVEL", "WARNING");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(File::create(&log).unwrap());
        let mut child = command.spawn().expect("Python starts");
        let (questions, answers) = (child.stdin.take(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, questions, answers, log }
    }

    fn ask(&mut self, question: &Value) -> Verdict {
        let mut line = String::new();
        let asked = self.questions.as_mut().unwrap().write_all(format!("{question}\n").as_bytes());
        let read = self.answers.read_line(&mut line).unwrap_or(0);
        if asked.is_err() || read == 0 {
            drop(self.questions.take());
            panic!("the oracle ended, {}; {}", told(self.child.wait().ok()), self.last_words());
        }
        let mut answer: Value = serde_json::from_str(&line).unwrap();
        if let Some(code) = answer["died"].as_i64() {
            let code = ending::code(i32::try_from(code).unwrap());
            answer["says"] = format!("the oracle's process died, exit code {code}").into();
            println!("     the oracle's process died, exit code {code}; {}", self.last_words());
        }
        Verdict(answer)
    }

    fn last_words(&self) -> String {
        let log = std::fs::read(&self.log).unwrap_or_default();
        let lines = ending::lines(&String::from_utf8_lossy(&log));
        format!("`{}` ends with:\n{lines}", self.log.display())
    }

    /// `vllm WORDS…`
    pub(crate) fn serve(&mut self, words: &[String]) -> Verdict {
        self.ask(&json!({"ask": "serve", "words": words}))
    }

    /// A leader, then its workers.
    pub(crate) fn group(&mut self, pods: &[Vec<String>]) -> Verdict {
        self.ask(&json!({"ask": "group", "pods": pods}))
    }

    /// Another question of `oracle.py`.
    pub(crate) fn other(&mut self, question: &Value) -> Verdict {
        self.ask(question)
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        drop(self.questions.take());
        let _ = self.child.wait();
    }
}

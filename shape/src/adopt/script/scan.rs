//! Bytes to statements and words. A script of 12 kB is read for every pod, so that runs of plain
//! bytes are passed in one step and nothing is copied.

use super::vocabulary::is_known;

/// One simple command or keyword.
#[derive(Debug)]
pub(super) struct Statement<'a> {
    /// Its words as written, quotes and all.
    pub(super) words: Vec<&'a str>,
    /// Whether `&&` or `||` stands before it.
    pub(super) is_conditional: bool,
}

/// A statement that no such script contains.
#[derive(Debug)]
pub(super) struct Foreign;

/// Bytes that mean nothing to a scanner of words: most of a script.
static PLAIN: [bool; 256] = {
    let mut plain = [true; 256];
    let special = b" \t\n;&|'\"\\$()<>`";
    let mut at = 0;
    while at < special.len() {
        plain[special[at] as usize] = false;
        at += 1;
    }
    plain
};

/// Commands that only read and print, with what the script's own words for them begin with.
const READERS: [(&str, &str); 10] = [
    ("basename", ""),
    ("cat", ""),
    ("echo", ""),
    ("getent", "hosts"),
    ("cut", "-d"),
    ("vllm", "--version"),
    ("tail", "-1"),
    ("awk", "'{print $NF}'"),
    ("sort", "-V"),
    ("head", "-1"),
];

const KEYWORDS: [&str; 6] = ["if", "elif", "then", "else", "do", "!"];

pub(super) struct Scanner<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    conditional: bool,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, conditional: false }
    }

    pub(super) fn position(&self) -> usize {
        self.at
    }

    pub(super) fn is_at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_plain(&mut self) {
        let plain = self.bytes[self.at..].iter().take_while(|byte| PLAIN[usize::from(**byte)]).count();
        self.at += plain;
    }

    pub(super) fn skip_between_statements(&mut self) {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b';' => self.at += 1,
                b'#' => self.skip_comment(),
                _ => return,
            }
        }
    }

    fn skip_comment(&mut self) {
        self.at = self.text[self.at..].find('\n').map_or(self.bytes.len(), |offset| self.at + offset);
    }

    /// The next statement; a keyword that a command follows stands alone.
    pub(super) fn statement(&mut self) -> Result<Statement<'a>, Foreign> {
        let is_conditional = std::mem::take(&mut self.conditional);
        let mut words = Vec::new();
        while let Some(word) = self.word(false)? {
            words.push(word);
            if words.len() == 1 && KEYWORDS.contains(&word) {
                return Ok(Statement { words, is_conditional });
            }
            if words == ["for"] && self.text[self.at..].trim_start().starts_with("((") {
                words.push(self.arithmetic_header()?);
            }
        }
        match (self.peek(), self.bytes.get(self.at + 1)) {
            (Some(b'&'), Some(b'&')) | (Some(b'|'), Some(b'|')) => {
                self.conditional = true;
                self.at += 2;
            }
            (Some(b'&' | b'|' | b')'), _) => return Err(Foreign),
            _ => {}
        }
        Ok(Statement { words, is_conditional })
    }

    fn arithmetic_header(&mut self) -> Result<&'a str, Foreign> {
        let start = self.at;
        let end = self.text[start..].find("))").ok_or(Foreign)?;
        self.at = start + end + 2;
        Ok(self.text[start..self.at].trim())
    }

    /// The next word of a statement, or `None` at its end.
    fn word(&mut self, inside: bool) -> Result<Option<&'a str>, Foreign> {
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' => self.at += 1,
                b'\\' if self.bytes.get(self.at + 1) == Some(&b'\n') => self.at += 2,
                b'#' => self.skip_comment(),
                _ => break,
            }
        }
        let start = self.at;
        while let Some(byte) = self.peek() {
            match byte {
                b' ' | b'\t' | b'\n' | b';' | b'&' | b'|' => break,
                b')' if inside => break,
                b'\'' => self.single_quoted()?,
                b'"' => self.double_quoted()?,
                b'\\' => self.at = (self.at + 2).min(self.bytes.len()),
                b'$' => self.dollar()?,
                b'(' if self.bytes[start..self.at].ends_with(b"=") => self.array()?,
                // The only redirection: errors of a reader are not printed.
                b'>' if &self.bytes[start..self.at] == b"2" => {
                    let rest = self.text[self.at..].strip_prefix(">/dev/null").ok_or(Foreign)?;
                    if !rest.starts_with([' ', ';', '\n', ')']) {
                        return Err(Foreign);
                    }
                    self.at += ">/dev/null".len();
                }
                b'>' | b'<' | b'(' | b')' | b'`' => return Err(Foreign),
                _ => self.skip_plain(),
            }
        }
        let end = self.at.min(self.bytes.len());
        Ok((end > start).then(|| &self.text[start..end]))
    }

    fn single_quoted(&mut self) -> Result<(), Foreign> {
        let end = self.text[self.at + 1..].find('\'').ok_or(Foreign)?;
        self.at += end + 2;
        Ok(())
    }

    fn double_quoted(&mut self) -> Result<(), Foreign> {
        self.at += 1;
        loop {
            match self.peek().ok_or(Foreign)? {
                b'"' => {
                    self.at += 1;
                    return Ok(());
                }
                b'\\' => self.at = (self.at + 2).min(self.bytes.len()),
                b'$' => self.dollar()?,
                b'`' => return Err(Foreign),
                byte if PLAIN[usize::from(byte)] => self.skip_plain(),
                _ => self.at += 1,
            }
        }
    }

    /// `$NAME`, `${…}`, `$(( … ))` or `$( … )`.
    fn dollar(&mut self) -> Result<(), Foreign> {
        match (self.bytes.get(self.at + 1), self.bytes.get(self.at + 2)) {
            (Some(b'('), Some(b'(')) => {
                let end = self.text[self.at..].find("))").ok_or(Foreign)?;
                let inner = &self.text[self.at + 3..self.at + end];
                if inner.contains(['`', ';', '(']) {
                    return Err(Foreign);
                }
                let end = self.at + end + 2;
                self.at += 3;
                while self.at < end {
                    if self.peek() == Some(b'$') { self.dollar()? } else { self.at += 1 }
                }
                Ok(())
            }
            (Some(b'('), _) => {
                self.at += 2;
                self.substitution()
            }
            (Some(b'{'), _) => self.braced(),
            // The pod's own arguments.
            (Some(b'@' | b'*'), _) => {
                self.at += 2;
                Ok(())
            }
            _ => {
                self.at += 1;
                self.name()
            }
        }
    }

    /// The name of a variable: one of the script's own. Another one carries something that its
    /// author wanted to happen.
    fn name(&mut self) -> Result<(), Foreign> {
        let tail = &self.bytes[self.at..];
        let length = tail.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
        let name = &self.text[self.at..self.at + length];
        self.at += length;
        if is_known(name) { Ok(()) } else { Err(Foreign) }
    }

    /// `${NAME}`, `${#NAME[@]}`, `${!NAME[@]}`, `${NAME[key]}` or `${NAME:-default}`; no operator that
    /// changes a variable.
    fn braced(&mut self) -> Result<(), Foreign> {
        self.at += 2;
        if matches!(self.peek(), Some(b'#' | b'!')) {
            self.at += 1;
        }
        self.name()?;
        if self.peek() == Some(b':') && self.bytes.get(self.at + 1) != Some(&b'-') {
            return Err(Foreign);
        }
        if !matches!(self.peek(), Some(b'}' | b'[' | b':')) {
            return Err(Foreign);
        }
        loop {
            match self.peek().ok_or(Foreign)? {
                b'}' => {
                    self.at += 1;
                    return Ok(());
                }
                b'$' if self.bytes.get(self.at + 1) == Some(&b'(') => return Err(Foreign),
                b'$' => self.dollar()?,
                b'`' | b'\n' => return Err(Foreign),
                _ => self.at += 1,
            }
        }
    }

    /// A list in parentheses: `()` or `("$name")`.
    fn array(&mut self) -> Result<(), Foreign> {
        self.at += 1;
        while self.word(true)?.is_some() {}
        if self.peek() != Some(b')') {
            return Err(Foreign);
        }
        self.at += 1;
        Ok(())
    }

    /// The commands of `$( … )`: each must be one that only reads and prints.
    fn substitution(&mut self) -> Result<(), Foreign> {
        loop {
            let mut words = Vec::new();
            while let Some(word) = self.word(true)? {
                words.push(word);
            }
            let second = words.get(1).copied().unwrap_or_default();
            let reads =
                |(name, begin): &(&str, &str)| words.first() == Some(name) && second.starts_with(begin);
            // `printf` only joins two versions for `sort`.
            let prints = words.first() == Some(&"printf") && second == "'%s\\n%s\\n'";
            if !(READERS.iter().any(reads) || prints || words == ["IFS=,"]) {
                return Err(Foreign);
            }
            match self.peek().ok_or(Foreign)? {
                b')' => {
                    self.at += 1;
                    return Ok(());
                }
                b'|' | b';' => self.at += 1,
                _ => return Err(Foreign),
            }
            if self.peek() == Some(b'|') {
                self.at += 1;
            }
        }
    }
}

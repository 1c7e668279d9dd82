//! Findings in words. `doctor` prints blocks, `run` logs lines.

use super::{Finding, Severity};
use std::fmt;

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        })
    }
}

/// One block a finding, then what was not looked at, then a line that counts.
pub fn blocks(findings: &[Finding], unknown: &[String]) -> String {
    let block = |finding: &Finding| {
        let Finding { code, severity, message, fix, .. } = finding;
        let evidence = one_line(&finding.evidence);
        format!("{severity}: {code}\n  {message}\n  found: {evidence}\n  fix: {fix}\n\n")
    };
    let blocks: String = findings.iter().map(block).collect();
    let unknown: Vec<String> =
        unknown.iter().map(|reason| format!("not known: {}\n", one_line(reason))).collect();
    let gap = if unknown.is_empty() { "" } else { "\n" };
    format!("{blocks}{}{gap}{}\n", unknown.concat(), count(findings))
}

/// A name or a value may hold a line end; what is behind it must not look like a finding.
fn one_line(text: &str) -> String {
    text.replace(char::is_control, " ")
}

/// One line, for a log; what to do, `doctor` says.
pub fn line(finding: &Finding) -> String {
    format!("{} ({}): {}", finding.message, finding.code, one_line(&finding.evidence))
}

/// `1 error, 2 warnings, 0 infos`
pub fn count(findings: &[Finding]) -> String {
    let of = |severity: Severity| {
        let count = findings.iter().filter(|finding| finding.severity == severity).count();
        format!("{count} {severity}{}", if count == 1 { "" } else { "s" })
    };
    [Severity::Error, Severity::Warning, Severity::Info].map(of).join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::Code;
    use super::{Finding, Severity, blocks, line};

    #[test]
    fn a_line_end_in_a_value_makes_no_line() {
        let finding = Finding::new(Code::RdmaOff, Severity::Info, "`X` is `a\nerror: b`", "it is", "no");
        assert!(blocks(&[finding], &[]).contains("found: `X` is `a error: b`\n"));
    }

    #[test]
    fn a_finding_is_a_block_or_a_line() {
        let finding = Finding::new(Code::RdmaOff, Severity::Warning, "`/x` is 1", "it is slow", "make it 2");
        let unknown = ["`/y` cannot be read".to_owned()];
        assert_eq!(
            blocks(std::slice::from_ref(&finding), &unknown),
            "warning: rdma-off\n  it is slow\n  found: `/x` is 1\n  fix: make it 2\n\n\
             not known: `/y` cannot be read\n\n0 errors, 1 warning, 0 infos\n"
        );
        assert_eq!(line(&finding), "it is slow (rdma-off): `/x` is 1");
        assert_eq!(blocks(&[], &[]), "0 errors, 0 warnings, 0 infos\n");
    }
}

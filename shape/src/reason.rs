//! The codes of a verdict: stable names for machines and for documentation.

use crate::unit::Unit;
use std::borrow::Cow;

/// What became of a unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Filled where the pod had none of its members.
    Filled,
    /// The shape's values won.
    Enforced,
    /// Left out, because it could do harm.
    Withheld,
    /// A part of it was left out.
    PartlyWithheld,
    /// The pod's own stays.
    Kept,
    /// The pod's own was replaced.
    Replaced,
    /// What the pod says was carried over.
    Adopted,
}

impl Fate {
    /// Every one.
    pub const ALL: [Fate; 7] = [
        Fate::Filled,
        Fate::Enforced,
        Fate::Withheld,
        Fate::PartlyWithheld,
        Fate::Kept,
        Fate::Replaced,
        Fate::Adopted,
    ];

    /// Its name behind a unit's.
    pub fn name(self) -> &'static str {
        match self {
            Fate::Filled => "filled",
            Fate::Enforced => "enforced",
            Fate::Withheld => "withheld",
            Fate::PartlyWithheld => "partly-withheld",
            Fate::Kept => "kept",
            Fate::Replaced => "replaced",
            Fate::Adopted => "adopted",
        }
    }
}

/// Why a pod is what it is after the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// What became of one unit.
    Unit(Unit, Fate),
    /// The author opted out.
    Skip,
    /// The author may not opt out here.
    SkipRefused,
    /// A pod for Windows nodes.
    Windows,
    /// A pod for another accelerator than NVIDIA's.
    OtherHardware,
    /// No room for the verdict below the API server's limit.
    AnnotationsFull,
    /// A field has the wrong type.
    Unreadable,
    /// None, or more than one container could be the one that runs vLLM.
    NoServingContainer,
    /// Arguments go to the image's own entrypoint.
    ImageEntrypoint,
    /// `vllm` with a path may be another than the one on PATH.
    VllmPath,
    /// Neither `vllm serve` nor `KServe`'s script.
    OtherEntrypoint,
    /// Nothing names a model.
    NoModel,
    /// The annotation with sizes is not what it should be.
    Annotation,
    /// A statement that `KServe`'s script cannot contain.
    ScriptStatement,
    /// The script does not end in `vllm serve`, or bash would change the command.
    ScriptCommand,
    /// A quote is not closed, or bash would expand a word.
    ShellWords,
    /// Arguments that the script does not hand to vLLM.
    ArgumentsNotRead,
    /// Two places may set the same flag.
    ContendingArguments,
    /// A variable that changes what bash does.
    BashEnvironment,
    /// A flag whose value cannot be read here, or that may hide others.
    Argument,
    /// A value that only the running pod knows.
    ValueNotKnown,
    /// The start rank is not the index times the local size.
    StartRank,
    /// TLS flags without both certificate and key.
    TlsIncomplete,
    /// U+0001 in command or arguments.
    ControlCharacter,
}

impl Reason {
    /// Every one about a whole pod.
    pub const OF_PODS: [Reason; 23] = [
        Reason::Skip,
        Reason::SkipRefused,
        Reason::Windows,
        Reason::OtherHardware,
        Reason::AnnotationsFull,
        Reason::Unreadable,
        Reason::NoServingContainer,
        Reason::ImageEntrypoint,
        Reason::VllmPath,
        Reason::OtherEntrypoint,
        Reason::NoModel,
        Reason::Annotation,
        Reason::ScriptStatement,
        Reason::ScriptCommand,
        Reason::ShellWords,
        Reason::ArgumentsNotRead,
        Reason::ContendingArguments,
        Reason::BashEnvironment,
        Reason::Argument,
        Reason::ValueNotKnown,
        Reason::StartRank,
        Reason::TlsIncomplete,
        Reason::ControlCharacter,
    ];

    /// Its name in a verdict.
    pub fn name(self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Reason::Unit(unit, fate) => return Cow::Owned(format!("{}-{}", unit.name(), fate.name())),
            Reason::Skip => "skip",
            Reason::SkipRefused => "skip-refused",
            Reason::Windows => "windows",
            Reason::OtherHardware => "other-hardware",
            Reason::AnnotationsFull => "annotations-full",
            Reason::Unreadable => "unreadable",
            Reason::NoServingContainer => "no-serving-container",
            Reason::ImageEntrypoint => "image-entrypoint",
            Reason::VllmPath => "vllm-path",
            Reason::OtherEntrypoint => "other-entrypoint",
            Reason::NoModel => "no-model",
            Reason::Annotation => "annotation",
            Reason::ScriptStatement => "script-statement",
            Reason::ScriptCommand => "script-command",
            Reason::ShellWords => "shell-words",
            Reason::ArgumentsNotRead => "arguments-not-read",
            Reason::ContendingArguments => "contending-arguments",
            Reason::BashEnvironment => "bash-environment",
            Reason::Argument => "argument",
            Reason::ValueNotKnown => "value-not-known",
            Reason::StartRank => "start-rank",
            Reason::TlsIncomplete => "tls-incomplete",
            Reason::ControlCharacter => "control-character",
        })
    }
}

/// Why a pod is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct NotUnderstood {
    /// Stable reason code.
    pub(crate) code: Reason,
    /// Where, what was found, what to do.
    pub(crate) detail: String,
}

impl NotUnderstood {
    pub(crate) fn new(code: Reason, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

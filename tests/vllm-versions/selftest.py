"""The reader of flags, on a parser whose answers are known: each way in which vLLM has declared a flag, and each thing
that must make an answer unknown. Ends with 1 where it reads something else.
"""

import sys
import tempfile
from pathlib import Path

from flags import Flags

SERVE = """
from vllm.cli_args import make_arg_parser
class ServeSubcommand:
    def subparser_init(self, subparsers):
        serve_parser = subparsers.add_parser("serve")
        serve_parser.add_argument("model_tag", nargs="?")
        return make_arg_parser(serve_parser)
"""
ARGUMENTS = """
import sys
from typing import ClassVar
from .config import Config, Outer
class Base:
    inherited: int = 0
    gone: int = 0
    constant: ClassVar[int] = 0
    @classmethod
    def customize(cls, kwargs):
        del kwargs["gone"]
        kwargs["inherited"]["type"] = str
        return kwargs
    @classmethod
    def add_cli_args(cls, parser):
        kwargs = get_kwargs(cls)
        kwargs = cls.customize(kwargs)
        group = parser.add_argument_group(title="x")
        for key, value in kwargs.items():
            group.add_argument(f"--{key.replace('_', '-')}", **value)
        return parser
class Front(Base):
    own_field: bool = False
    also_gone: int = 0
    @classmethod
    def customize(cls, kwargs):
        kwargs = super().customize(kwargs)
        kwargs.pop("also_gone")
        return kwargs
class Engine:
    @staticmethod
    def add_cli_args(parser, asynchronous_only: bool = False):
        config = get_kwargs(Config)
        parser.add_argument("--literal", "-l", **config["literal"])
        if not ("serve" in sys.argv[1:] and "--help" in sys.argv[1:]):
            parser.add_argument("--not-for-help")
        if "serve" not in sys.argv[1:]:
            parser.add_argument("--not-for-serve")
        if asynchronous_only:
            parser.add_argument("--never")
        for name, kind in [("--listed", str), ("--listed-too", int)]:
            parser.add_argument(name, type=kind)
        MORE
        return parser
def make_arg_parser(parser):
    parser = Front.add_cli_args(parser)
    return Engine.add_cli_args(parser)
def elsewhere(parser):
    parser.add_argument("--unreached")
"""
YES = ("--literal", "-l", "--own-field", "--inherited", "--not-for-help", "--listed", "--listed-too")
NO = ("--gone", "--also-gone", "--constant", "--not-for-serve", "--never", "--unreached", "--kwargs")
# What stands for MORE, a flag, and what is known of it and of one that is nowhere.
CASES = {
    "pass": ("--if", False, False),
    "if some(): parser.add_argument('--if')": ("--if", None, False),
    "parser.add_argument(some())": ("--if", None, None),
    "strange(parser)": ("--if", None, None),
    "for key in get_kwargs(Outer): parser.add_argument(key)": ("--if", None, None),
    "for key, value in get_kwargs(Outer).items(): parser.add_argument(f'--{key}')": ("--if", None, None),
    "current_platform.pre_register_and_update(parser)": ("--if", False, False),
}


def main():
    wrong = []
    for more, (flag, known, of_none) in CASES.items():
        with tempfile.TemporaryDirectory() as work:
            for name, text in {
                "entrypoints/cli/serve.py": SERVE,
                "cli_args.py": ARGUMENTS.replace("MORE", more),
                "config/__init__.py": "from .one import Config\nfrom .two import Outer\n",
                "config/one.py": "class Config:\n    literal: int = 0\n",
                "config/two.py": "from elsewhere import Base\nclass Outer(Base):\n    x: int = 0\n",
            }.items():
                path = Path(work, "vllm", name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text)
            read = Flags(Path(work))
        wanted = {**dict.fromkeys(YES, True), **dict.fromkeys(NO, of_none), flag: known}
        wrong += [
            f"{more}: `{word}`: found {read.accepts(word)}, expected {answer}"
            for word, answer in wanted.items()
            if read.accepts(word) != answer
        ]
        wrong += [] if read.positional == ["model_tag"] else [f"{more}: found {read.positional}"]
    empty = Flags(Path("/nonexistent"))
    wrong += [] if empty.accepts("--literal") is None else ["without sources something is known"]
    print("\n".join(wrong) or f"the reader is right about {len(CASES)} parsers", file=sys.stderr)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Which flags `vllm serve` takes, read from its sources.

Follows the function that builds the parser, from `ServeSubcommand` on, through the functions and methods that it hands
its parser to, and evaluates what it must: names of flags, loops over the fields of a dataclass, conditions on the
command line. What cannot be evaluated makes the answer unknown, never a guess. A platform or a plugin may add flags of
its own; those are not vLLM's.
"""

import ast
import re

from modules import Class, Packages

START = ("vllm.entrypoints.cli.serve", "ServeSubcommand", "subparser_init")
# The command line that conditions are evaluated for.
COMMAND = ["vllm", "serve", "model"]
# Calls that get the parser and are not vLLM's own flags (platform), or only look at it.
PARSER = re.compile("(^|_)(parser|group)$")
OUTSIDE = {"current_platform.pre_register_and_update", "load_general_plugins"}
UNKNOWN = object()


class Fields(dict):
    """What `get_kwargs` gives for a class: one entry a field."""


class Flags:
    """Flags of one vLLM."""

    def __init__(self, folder):
        self.packages = Packages(folder)
        # Option string -> whether it is certain.
        self.options, self.positional, self.unsure = {}, [], []
        module = self.packages.module(START[0])
        found = module.look_up(START[1]) if module else None
        method = Class(*found).method(START[2]) if found else None
        if method is None:
            self.unsure.append(f"no `{'.'.join(START[1:])}`")
        else:
            self.function(*method, Class(*found), {}, True)

    def accepts(self, flag):
        """True, False, or none where that is not known."""
        if self.options.get(flag):
            return True
        return None if flag in self.options or self.unsure else False

    def function(self, module, owner, node, cls, given, certain):
        """Follows a function's body, for what it returns. It stands in the class `owner`, and was called on `cls`."""
        walk = Walk(self, module, owner, cls, node, given)
        walk.body(node.body, certain)
        return walk.returned


class Walk:
    """One call of one function."""

    def __init__(self, flags, module, owner, cls, node, given):
        self.flags, self.module, self.owner, self.cls = flags, module, owner, cls
        self.results, self.returned = {}, UNKNOWN
        arguments = node.args
        names = [argument.arg for argument in arguments.posonlyargs + arguments.args]
        self.names = {
            name: self.value(default) for name, default in zip(reversed(names), reversed(arguments.defaults))
        }
        self.names |= {
            a.arg: self.value(d) for a, d in zip(arguments.kwonlyargs, arguments.kw_defaults) if d is not None
        }
        self.names |= given

    def body(self, statements, certain):
        for statement in statements:
            self.statement(statement, certain)

    def statement(self, node, certain):
        match node:
            case ast.If():
                self.calls(node.test, certain)
                truth = self.value(node.test)
                if truth is UNKNOWN:
                    self.body(node.body, False)
                    self.body(node.orelse, False)
                else:
                    self.body(node.body if truth else node.orelse, certain)
            case ast.For():
                self.loop(node, certain)
            case ast.With():
                self.body(node.body, certain)
            case ast.Try():
                self.body(node.body, certain)
                self.body(node.orelse + node.finalbody, certain)
            case ast.Delete():
                for target in node.targets:
                    self.drop(target)
            case ast.Return(value=value) if value:
                self.calls(value, certain)
                self.returned = self.value(value)
            case ast.While() | ast.Match():
                self.calls(node, False)
            case (
                ast.Assign(targets=[ast.Name(id=name)], value=value)
                | ast.AnnAssign(target=ast.Name(id=name), value=value)
            ) if value:
                self.calls(value, certain)
                self.names[name] = self.value(value)
            case ast.Assign(targets=[ast.Subscript(value=ast.Name(id=name), slice=key)], value=value):
                self.calls(value, certain)
                if isinstance(self.names.get(name), Fields) and isinstance(self.value(key), str):
                    self.names[name].setdefault(self.value(key), UNKNOWN)
            case ast.FunctionDef() | ast.ClassDef() | ast.Import() | ast.ImportFrom():
                pass
            case _:
                self.calls(node, certain)

    def loop(self, node, certain):
        match node.iter, node.target:
            case ast.Call(func=ast.Attribute(value=over, attr="items"), args=[]), ast.Tuple(
                elts=[ast.Name(id=key), ast.Name(id=value)]
            ):
                fields = self.value(over)
                if isinstance(fields, Fields):
                    for name, field in fields.items():
                        self.names |= {key: name, value: field}
                        self.body(node.body, certain)
                    return
            case (ast.List() | ast.Tuple()) as over, ast.Name() | ast.Tuple():
                for item in over.elts:
                    self.bind(node.target, item)
                    self.body(node.body, certain)
                return
        if any(isinstance(inner, ast.Attribute) and inner.attr == "add_argument" for inner in ast.walk(node)):
            self.flags.unsure.append(
                f"{self.module.name}:{node.lineno}: `for {ast.unparse(node.target)} in {ast.unparse(node.iter)}`"
            )

    def bind(self, target, item):
        """`a, b = item`, as a loop does it."""
        if isinstance(target, ast.Name):
            self.names[target.id] = self.value(item)
        elif isinstance(item, (ast.List, ast.Tuple)) and len(item.elts) == len(target.elts):
            for inner, value in zip(target.elts, item.elts):
                self.bind(inner, value)

    def drop(self, target):
        """`del kwargs["field"]`."""
        if isinstance(target, ast.Subscript):
            fields, key = self.value(target.value), self.value(target.slice)
            if isinstance(fields, Fields) and isinstance(key, str):
                fields.pop(key, None)

    def calls(self, node, certain):
        """All calls in an expression, the inner ones first."""
        for inner in ast.iter_child_nodes(node):
            self.calls(inner, certain)
        if isinstance(node, ast.Call):
            self.results[id(node)] = self.call(node, certain)

    def call(self, call, certain):
        """Flags that are added, and calls of vLLM's own that may add some."""
        if isinstance(call.func, ast.Attribute) and call.func.attr == "add_argument":
            self.add(call, certain)
            return UNKNOWN
        if isinstance(call.func, ast.Attribute) and call.func.attr == "pop" and call.args:
            fields, key = self.value(call.func.value), self.value(call.args[0])
            if isinstance(fields, Fields) and isinstance(key, str):
                fields.pop(key, None)
        target = self.target(call.func)
        if target:
            module, owner, node, cls = target
            given = [self.value(argument) for argument in call.args]
            names = [argument.arg for argument in node.args.posonlyargs + node.args.args]
            if owner is not None and names[:1] in (["self"], ["cls"]):
                names = names[1:]
            named = dict(zip(names, given)) | {
                word.arg: self.value(word.value) for word in call.keywords if word.arg
            }
            return self.flags.function(module, owner, node, cls, named, certain)
        if self.hands_parser(call) and ast.unparse(call.func) not in OUTSIDE:
            self.flags.unsure.append(
                f"{self.module.name}:{call.lineno}: `{ast.unparse(call.func)}` gets the parser"
            )
        return UNKNOWN

    def hands_parser(self, call):
        return any(
            isinstance(value, ast.Name) and PARSER.search(value.id)
            for value in [*call.args, *(word.value for word in call.keywords)]
        )

    def target(self, func):
        """The function of vLLM that is called, where it is one that flags can come from."""
        match func:
            case ast.Name(id=name):
                found = self.module.look_up(name)
                if found and isinstance(found[1], ast.FunctionDef) and "parser" in ast.unparse(found[1].args):
                    return found[0], None, found[1], None
            case ast.Attribute(value=ast.Name(id="cls" | "self"), attr=name) if self.cls:
                method = self.cls.method(name)
                return (*method, self.cls) if method else None
            case ast.Attribute(value=ast.Call(func=ast.Name(id="super")), attr=name) if self.cls:
                method = self.cls.method(name, beyond=self.owner)
                return (*method, self.cls) if method else None
            case ast.Attribute(value=ast.Name(id=name), attr=attribute):
                found = self.module.look_up(name)
                if found and isinstance(found[1], ast.ClassDef):
                    cls = Class(*found)
                    method = cls.method(attribute)
                    return (*method, cls) if method else None
        return None

    def add(self, call, certain):
        words = [self.value(argument) for argument in call.args if not isinstance(argument, ast.Starred)]
        if not words or UNKNOWN in words:
            self.flags.unsure.append(f"{self.module.name}:{call.lineno}: `{ast.unparse(call)[:80]}`")
        for word in words:
            if isinstance(word, str) and word.startswith("-"):
                self.flags.options[word] = certain or self.flags.options.get(word, False)
            elif isinstance(word, str):
                self.flags.positional.append(word)

    def value(self, node):
        """What an expression is, as far as it is known."""
        match node:
            case ast.Constant(value=value):
                return value
            case ast.Name(id=name):
                return self.names.get(name, UNKNOWN)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self.value(item) for item in items]
            case ast.JoinedStr(values=parts):
                texts = [
                    self.value(part.value if isinstance(part, ast.FormattedValue) else part) for part in parts
                ]
                return "".join(texts) if all(isinstance(text, str) for text in texts) else UNKNOWN
            case ast.Subscript(
                value=ast.Attribute(value=ast.Name(id="sys"), attr="argv"),
                slice=ast.Slice(lower=ast.Constant(value=first), upper=None),
            ):
                return COMMAND[first:]
            case ast.Attribute(value=ast.Name(id="sys"), attr="argv"):
                return COMMAND
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                value = self.value(operand)
                return UNKNOWN if value is UNKNOWN else not value
            case ast.BoolOp(op=op, values=values):
                return self.either([self.value(value) for value in values], isinstance(op, ast.Or))
            case ast.Compare(left=left, ops=[ast.In() | ast.NotIn() as op], comparators=[right]):
                left, right = self.value(left), self.value(right)
                if UNKNOWN in (left, right) or not isinstance(right, (list, Fields)):
                    return UNKNOWN
                return (left in right) == isinstance(op, ast.In)
            case ast.Call(func=ast.Attribute(value=text, attr="replace"), args=[old, new]):
                words = [self.value(word) for word in (text, old, new)]
                return (
                    words[0].replace(*words[1:]) if all(isinstance(word, str) for word in words) else UNKNOWN
                )
            case ast.Call(func=ast.Name(id="get_kwargs"), args=[ast.Name(id=name)]):
                return self.fields(name)
            case ast.Call():
                return self.results.get(id(node), UNKNOWN)
        return UNKNOWN

    @staticmethod
    def either(values, decides):
        """`or` where `decides` is true, else `and`."""
        known = [value for value in values if value is not UNKNOWN]
        if any(bool(value) == decides for value in known):
            return decides
        return UNKNOWN if len(known) < len(values) else not decides

    def fields(self, name):
        found = self.module.look_up(name)
        cls = (
            self.cls
            if name == "cls"
            else Class(*found)
            if found and isinstance(found[1], ast.ClassDef)
            else None
        )
        return Fields(cls.fields()) if cls and cls.whole else UNKNOWN

"""`atalanta config`: what holds and who said so, what is wrong, and a file to begin with. Main entry: `config_app`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from atalanta.cli.endings import errors_reported, tell, writing_stdout
from atalanta.errors import InputError

if TYPE_CHECKING:
    from atalanta.config import Loaded

__all__ = ["config_app", "request"]

config_app = typer.Typer(
    name="config",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="The configuration: what holds and who said so, what is wrong, a file to begin with.",
)

Profile = Annotated[
    str | None,
    typer.Option(help="In place of ATALANTA_PROFILE: atalanta.PROFILE.yaml too.", show_default=False),
]
Debug = Annotated[
    bool,
    typer.Option(
        "--debug", envvar="ATALANTA_DEBUG", help="Show the traceback of an error.", show_envvar=False
    ),
]
#: In `diff`, the name of no profile.
_NONE = "-"


def request(file: Path | None, profile: str | None, settings: list[str]) -> None:
    """Hand on what the command line says of the configuration; read when a room first asks.

    Raises:
        InputError: a setting that is not KEY=VALUE.
    """
    if file is not None or profile is not None or settings:
        from atalanta import config

        config.request(file=file, profile=profile, overrides=_settings(settings))


def _settings(words: list[str]) -> Mapping[str, Any]:
    from atalanta.config.reading import read_scalar

    found: dict[str, Any] = {}
    for word in words:
        key, equals, text = word.partition("=")
        if not equals or not key.strip():
            raise InputError(f"[cli.config] --set {word!r}: write KEY=VALUE, as in --set buffers.limit=64MiB")
        try:
            found[key.strip()] = read_scalar(text)
        except ValueError as error:
            raise InputError(f"[cli.config] --set {word!r}: the value is not YAML: {error}") from None
    return found


def _loaded(file: Path | None = None, profile: str | None = None) -> Loaded:
    """The configuration as the options before the command and those of the command say."""
    from atalanta import config
    from atalanta.config.process import asked

    given = {name: value for name, value in {"file": file, "profile": profile}.items() if value is not None}
    return config.load(**{**asked(), **given})


@config_app.command()
def show(
    origin: Annotated[bool, typer.Option("--origin", help="Say behind each value who set it.")] = False,
    profile: Profile = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON document and nothing else.")
    ] = False,
    debug: Debug = False,
) -> None:
    """Print the configuration in force, as YAML that can be read again."""
    with errors_reported(debug):
        loaded = _loaded(profile=profile)
        from atalanta.config.writing import as_yaml, texts

        values = texts(loaded.value)
        with writing_stdout():
            if as_json:
                from atalanta.cli.document import dumps

                origins = {key: str(found) for key, _, found in loaded.items()}
                document = {"command": "config show", "profile": loaded.profile, "values": values}
                typer.echo(dumps({**document, "origins": origins}))
            else:
                remark = (lambda key: str(loaded.origin(key))) if origin else (lambda _: "")
                typer.echo(as_yaml(values, remark), nl=False)


@config_app.command()
def check(
    file: Annotated[
        Path | None, typer.Argument(help="A file; without it, all that are in force.", show_default=False)
    ] = None,
    profile: Profile = None,
    debug: Debug = False,
) -> None:
    """Say all that is wrong with the configuration, a line for each; the exit code is then 2."""
    with errors_reported(debug):
        loaded = _loaded(file, profile)
        for note in _notes():
            tell(note)
        from atalanta.cli.config_rooms import problems_of_rooms

        if wrong := problems_of_rooms(loaded):
            from atalanta.config import ConfigError

            raise ConfigError(wrong)
        with writing_stdout():
            read = ", ".join(loaded.sources) or "nothing is set: all is as the package has it"
            typer.echo(f"right: {read}")


def _notes() -> list[str]:
    """What is no error, and perhaps not what was meant."""
    from atalanta.config.search import FILE, misnamed_files
    from atalanta.config.variables import unknown_variables

    notes = [f"[config] {path} is not read: only {FILE} is" for path in misnamed_files()]
    for name in unknown_variables():
        told = f"sets nothing{_perhaps(name)} (options: ATALANTA_SECTION__OPTION)"
        notes.append(f"[config] the variable {name} {told}")
    return notes


def _perhaps(name: str) -> str:
    """What a variable that nothing reads was perhaps to be."""
    from atalanta.config.options import options
    from atalanta.config.variables import NAMED, OTHERS, PREFIX
    from atalanta.config.wording import did_you_mean

    known = [f"{PREFIX}{option.key.upper().replace('.', '__')}" for option in options()]
    within = [variable for variable in known if variable.startswith(f"{name}__")]
    if within:
        return (
            f": {name.removeprefix(PREFIX).lower()} is a section; name an option of it, such as {within[0]}"
        )
    return did_you_mean(name, [*NAMED, *OTHERS, *known])


@config_app.command()
def schema(debug: Debug = False) -> None:
    """Print the JSON Schema of a configuration file, by which editors complete and check."""
    with errors_reported(debug):
        import json

        from atalanta.config.schema import json_schema

        with writing_stdout():
            typer.echo(json.dumps(json_schema(), indent=2))


@config_app.command()
def diff(
    first: Annotated[str, typer.Argument(help="A profile; - for none.", metavar="PROFILE_A")],
    second: Annotated[str, typer.Argument(help="Another profile.", metavar="PROFILE_B")],
    debug: Debug = False,
) -> None:
    """Print what differs between two profiles, and who says so."""
    with errors_reported(debug):
        one, other = (_of_profile(name) for name in (first, second))
        with writing_stdout():
            for line in _differences(one, other):
                typer.echo(line)


def _of_profile(name: str) -> Loaded:
    import os

    from atalanta import config
    from atalanta.config.process import asked
    from atalanta.config.variables import PROFILE

    environment = {key: value for key, value in os.environ.items() if key != PROFILE}
    given = {**asked(), "profile": None if name == _NONE else name}
    return config.load(**given, environment=environment)


def _differences(one: Loaded, other: Loaded) -> list[str]:
    from atalanta.config.options import flattened
    from atalanta.config.writing import scalar_text, texts

    before, after = (flattened(texts(loaded.value)) for loaded in (one, other))
    lines = []
    for key in dict.fromkeys([*before, *after]):
        if before.get(key, ...) == after.get(key, ...):
            continue
        name = ".".join(key)
        sides = [
            f"{scalar_text(values[key])} ({loaded.origin(name)})" if key in values else "nothing"
            for values, loaded in ((before, one), (after, other))
        ]
        lines.append(f"{name}: {sides[0]} -> {sides[1]}")
    return lines


@config_app.command()
def init(
    file: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("atalanta.yaml"),
    debug: Debug = False,
) -> None:
    """Write a file in which every option stands, commented out, with what it is for; overwrites nothing."""
    with errors_reported(debug):
        from atalanta.config.writing import template

        text = template()
        try:
            stream = file.open("x", encoding="utf-8")
        except FileExistsError:
            raise InputError(
                f"[cli.config] {file} is there already: name another file, or move it away"
            ) from None
        try:
            with stream:
                stream.write(text)
        except OSError:
            file.unlink()
            raise
        tell(f"wrote {file}")

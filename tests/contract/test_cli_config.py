"""`atalanta config` as a user meets it: exit codes, streams, and that what is printed can be read again."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import atalanta
from atalanta import config
from atalanta.cli.app import app
from atalanta.config.options import options


@pytest.fixture
def run(tmp_path, monkeypatch):
    """The command in a folder of its own, where nothing is configured."""
    monkeypatch.chdir(tmp_path)
    for name in ("ATALANTA_CALIBRATION", "ATALANTA_ISA", "ATALANTA_THREADS", "ATALANTA_DEBUG"):
        monkeypatch.delenv(name, raising=False)

    def command(*words, code=0, **environment):
        config.forget()
        result = CliRunner(env=environment).invoke(app, [str(word) for word in words])
        assert code == result.exit_code, result.output
        return result

    return command


def write(name, text):
    Path(name).write_text(text, encoding="utf-8")


def test_what_is_shown_can_be_read_again(run):
    """Durations and sizes with their units; the word off in quotes, for other readers of YAML."""
    write(
        "atalanta.yaml",
        "buffers: {limit: 64MiB}\nmarket: {tolerance: 1e-4}\nrouter: {pins: {price: cpu:one}}",
    )
    shown = run("config", "show").stdout
    assert "  limit: 64MiB\n" in shown
    assert '  guard: "off"\n' in shown
    write("again.yaml", shown)
    loaded = config.load(environment={})
    assert loaded.value == config.load(file=Path("again.yaml"), environment={}).value


def test_show_says_who_set_a_value(run):
    """Behind each value: the file, the variable, the option, or default."""
    write("atalanta.yaml", "market:\n  rate: 0.04\n")
    words = ("--set", "buffers.limit=1GiB", "config", "show", "--origin")
    shown = run(*words, ATALANTA_THREADS="2").stdout
    assert "  rate: 0.04  # atalanta.yaml:2:3\n" in shown
    assert "  threads: 2  # ATALANTA_THREADS\n" in shown
    assert "  limit: 1GiB  # --set buffers.limit\n" in shown
    assert "  isa: null  # default\n" in shown
    write("again.yaml", shown)
    assert 0.04 == config.load(file=Path("again.yaml"), environment={}).value.market.rate


def test_show_as_a_document(run):
    """Values as a file would have them, and the origin of each."""
    write("atalanta.prod.yaml", "market: {rate: 0.04}")
    told = json.loads(run("config", "show", "--json", "--profile", "prod").stdout)
    assert ("prod", 0.04) == (told["profile"], told["values"]["market"]["rate"])
    assert "1m" == told["values"]["reliability"]["breakers"]["database"]["window"]
    assert "atalanta.prod.yaml:1:10" == told["origins"]["market.rate"]


def test_check_of_what_is_right(run):
    """What was read; or that nothing is set."""
    assert "right: nothing is set: all is as the package has it\n" == run("config", "check").stdout
    write("atalanta.yaml", "market: {rate: 0.04}")
    assert "right: atalanta.yaml\n" == run("config", "check").stdout
    write("other.yaml", "market: {rate: 0.05}")
    assert "right: other.yaml\n" == run("config", "check", "other.yaml").stdout


def test_check_tells_every_error_on_a_line_of_its_own(run):
    """On stderr, in the form editors jump to; the exit code is 2."""
    write("bad.yaml", "market: {rate: much}\nmachine:\n  threads: 0\n  thread: 1\n")
    result = run("config", "check", "bad.yaml", code=2)
    assert "" == result.stdout
    first, *lines = result.stderr.splitlines()
    assert "[config] 3 errors" == first
    assert all(re.match(r"bad.yaml:\d+:\d+: [a-z.]+: .+", line) for line in lines)
    assert ["1", "3", "4"] == [line.split(":")[1] for line in lines]


def test_check_asks_the_rooms(run):
    """What the file says well and no room can do: each with its line and with what there is."""
    write(
        "atalanta.yaml",
        "machine:\n  isa: altivec\n"
        "router:\n  pins: {matrix: cpu, price: cpu, add: gpu:float64, exp: cpu:one}\n  tolerances: {matmul: 1e-30}\n"
        "bench:\n  against: [jax, quantlip]\n",
    )
    result = run("config", "check", code=2)
    assert "" == result.stdout
    number, *lines = result.stderr.splitlines()
    assert "[config] 6 errors" == number
    for start, known in (
        ("atalanta.yaml:2:3: machine.isa: not an instruction set that this machine can run", "choose one of"),
        (
            "atalanta.yaml:4:10: router.pins.matrix: target of matmul is 'cpu', which has several",
            "cpu:float32",
        ),
        ("atalanta.yaml:4:23: router.pins.price: target of price is 'cpu', which has several", "cpu:pool"),
        ("atalanta.yaml:4:35: router.pins.add: target of add is 'gpu:float64', which is none of", "cpu:one"),
        ("atalanta.yaml:5:16: router.tolerances.matmul: it is below", "give that or more"),
        ("atalanta.yaml:7:3: bench.against: there is no such peer (known: all, jax", "quantlib"),
    ):
        assert any(line.startswith(start) and known in line for line in lines), (start, lines)
    assert (
        "[config] atalanta.yaml:7:3: bench.against: there is no such peer"
        in run("bench", "--quick", code=2).stderr
    )


def test_check_of_what_rooms_can_do(run):
    """A whole file of it is right."""
    name = [row["name"] for row in atalanta.cpu_features()["available"] if row["supported"]][-1]
    write(
        "atalanta.yaml",
        f"machine: {{isa: {name}}}\nrouter: {{pins: {{pricing: cpu:pool, vector: cpu:one, matrix: gpu:float32}}}}\n"
        "bench: {against: [all, jax]}\n",
    )
    assert "right: atalanta.yaml\n" == run("config", "check").stdout


def test_every_command_tells_what_is_wrong(run):
    """Not only check; one error is one line."""
    write("atalanta.yaml", "market: {rat: 0.04}")
    for words in (("demo", "--replay", "0.2"), ("doctor",), ("config", "show"), ("config", "diff", "-", "-")):
        (line,) = run(*words, code=2).stderr.splitlines()
        assert line.startswith(
            "[config] atalanta.yaml:1:10: market.rat: there is no such option; did you mean"
        )


def test_check_notes_what_sets_nothing(run):
    """A variable that nothing reads, and a file of another ending."""
    write("atalanta.yml", "market: {rate: 0.04}")
    result = run("config", "check", ATALANTA_THREDS="3")
    assert "[config] atalanta.yml is not read: only atalanta.yaml is" in result.stderr
    assert (
        "[config] the variable ATALANTA_THREDS sets nothing; did you mean ATALANTA_THREADS?" in result.stderr
    )
    for name, told in (
        ("ATALANTA_MARKET", ": market is a section; name an option of it, such as ATALANTA_MARKET__RATE"),
        ("ATALANTA_MARKET_RATE", "; did you mean ATALANTA_MARKET__RATE?"),
    ):
        assert f"the variable {name} sets nothing{told} " in run("config", "check", **{name: "1"}).stderr


def test_options_before_the_command(run):
    """A file, a profile and single values, for every command."""
    write("desk.yaml", "market: {rate: 0.04}")
    write("desk.prod.yaml", "market: {borrow: 0.01}")
    words = ("--config", "desk.yaml", "--profile", "prod", "--set", "market.tolerance=fast")
    shown = run(*words, "config", "show", "--origin").stdout
    assert "rate: 0.04  # desk.yaml:1:10" in shown
    assert "borrow: 0.01  # desk.prod.yaml:1:10" in shown
    assert "tolerance: fast  # --set market.tolerance" in shown
    told = json.loads(run("--set", "machine.threads=1", "doctor", "--json").stdout)
    assert told["passed"]


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("market.rate", "[cli.config] --set 'market.rate': write KEY=VALUE, as in --set buffers.limit=64MiB"),
        ("=3", "[cli.config] --set '=3': write KEY=VALUE"),
        ("bench.sizes=[1", "[cli.config] --set 'bench.sizes=[1': the value is not YAML"),
        (
            "market.rat=1",
            "[config] --set market.rat: market.rat: there is no such option; did you mean rate?",
        ),
    ],
)
def test_a_setting_that_is_none(run, setting, told):
    """It is told which."""
    assert run("--set", setting, "config", "show", code=2).stderr.startswith(told)


def test_diff_of_two_profiles(run):
    """What differs, both values, and who says so; - is no profile."""
    write("atalanta.yaml", "market: {rate: 0.04}\nrouter: {pins: {price: cpu:one}}")
    write("atalanta.dev.yaml", "machine: {threads: 1}")
    write(
        "atalanta.prod.yaml", "machine: {threads: 8}\nbuffers: {limit: 8GiB}\nrouter: {pins: {price: null}}"
    )
    assert [
        "machine.threads: 1 (atalanta.dev.yaml:1:11) -> 8 (atalanta.prod.yaml:1:11)",
        "buffers.limit: null (default) -> 8GiB (atalanta.prod.yaml:2:11)",
        "router.pins.price: cpu:one (atalanta.yaml:2:17) -> nothing",
    ] == run("config", "diff", "dev", "prod").stdout.splitlines()
    assert "" == run("config", "diff", "prod", "prod").stdout
    assert 3 == len(run("config", "diff", "-", "prod").stdout.splitlines())
    run("config", "diff", "dev", "nix", code=2)


def test_diff_does_not_look_at_the_variable_of_the_profile(run):
    """The two that are named are compared, whatever is in force."""
    write("atalanta.dev.yaml", "machine: {threads: 1}")
    told = run("config", "diff", "-", "dev", ATALANTA_PROFILE="dev").stdout
    assert "machine.threads: null (default) -> 1 (atalanta.dev.yaml:1:11)\n" == told


def test_init_writes_a_file_in_which_every_option_stands(run):
    """It sets nothing; with the marks of comments taken away it says what holds anyway."""
    result = run("config", "init")
    assert "wrote atalanta.yaml\n" == result.stderr
    assert (("atalanta.yaml",), {}) == (
        config.load(environment={}).sources,
        config.load(environment={}).origins,
    )
    text = Path("atalanta.yaml").read_text(encoding="utf-8")
    write("all.yaml", re.sub(r"^(\s*)# (?!#)", r"\1", text.partition("\n\n")[2], flags=re.MULTILINE))
    loaded = config.load(file=Path("all.yaml"), environment={})
    assert config.load(environment={}).value == loaded.value
    named = {one.key for one in options() if ".NAME." not in one.key}
    said = set(loaded.origins)
    assert {key for key in named if key in said or any(name.startswith(f"{key}.") for name in said)} == named
    assert " ".join(text.replace("##", " ").split()).count("Use when") >= len(named)
    assert 80 >= max(map(len, text.splitlines()))


def test_init_overwrites_nothing(run):
    """Somebody's file stays as it is; another name will do."""
    write("atalanta.yaml", "market: {rate: 0.04}")
    assert "atalanta.yaml is there already: name another file" in run("config", "init", code=2).stderr
    assert "market: {rate: 0.04}" == Path("atalanta.yaml").read_text(encoding="utf-8")
    run("config", "init", "other.yaml")
    assert "no such file" in run("config", "init", "nowhere/other.yaml", code=2).stderr.lower()


def test_the_schema_for_editors(run):
    """Every option with its description and default, none required, nothing else allowed."""
    schema = json.loads(run("config", "schema").stdout)
    for option in options():
        place = schema
        for word in option.key.split("."):
            while "$ref" in place or "anyOf" in place:
                place = place["anyOf"][0] if "anyOf" in place else _followed(schema, place["$ref"])
            assert "required" not in place
            if word == "NAME":
                place = place["additionalProperties"]
            else:
                assert place.get("additionalProperties") is False
                place = place["properties"][word]
        assert "default" in place
        assert re.search(r"\. Use when .+\.$", place["description"])
        assert option.reloadable is place.get("reloadable", False)


def _followed(schema, reference):
    place = schema
    for word in reference.removeprefix("#/").split("/"):
        place = place[word]
    return place


def test_the_schema_agrees_with_the_check(run):
    """What the one takes the other takes, and what it refuses is refused."""
    jsonschema = pytest.importorskip("jsonschema")
    from atalanta.config.reading import Layer, read_text

    schema = json.loads(run("config", "schema").stdout)
    for text, right in [
        ("machine: {threads: 3, isa: avx2}\nmarket:\n", True),
        ("buffers: {limit: 1.5GiB, guard: 9}\nbench: {sizes: [1], against: [jax]}", True),
        ("router: {pins: {price: null, matrix: cpu:one}, deterministic: true}", True),
        ("reliability: {breakers: {mine: {window: 1h30m, ratio: null}}}", True),
        ("market: {tolerance: 1e-4, rate: -0.01}", True),
        ("machine: {threads: 0}", False),
        ("machine: {thread: 1}", False),
        ("buffers: {limit: 64}", False),
        ("market: {tolerance: exact}", False),
        ("router: {pins: {prise: cpu}}", False),
        ("reliability: {breakers: {mine: {window: 5 minutes}}}", False),
        ("devices: {allowed: [gpux]}", False),
    ]:
        values = read_text(text, Layer("text")).values
        assert right is jsonschema.Draft202012Validator(schema).is_valid(values), text
        write("text.yaml", text)
        run("config", "check", "text.yaml", code=0 if right else 2)


def test_the_demo_is_not_led_astray(run):
    """Its market's truth is known: no rate of a configuration stands in for it."""
    write("atalanta.yaml", "market: {rate: 0.5, borrow: 0.5}")
    assert json.loads(run("demo", "--replay", 0.2, "--json").stdout)["passed"]


def test_the_report_of_a_chain_names_the_rate(run, tmp_path):
    """Among what was assumed, with the place that said so."""
    from atalanta.cli.output import write_rows
    from tests.cli_reports import market

    write_rows(market(), tmp_path / "quotes.csv")
    write("atalanta.yaml", "market: {rate: 0.03}")
    notes = json.loads(run("chain", "quotes.csv", "--json").stdout)["notes"]
    assert "rate 0.03 by the configuration: atalanta.yaml:1:10" in notes

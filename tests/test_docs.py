"""The documentation is true: what it tells one to type works, and nothing public is left out.

What is promised: every marked block of the README runs, in order, in an empty folder, and prints
what the README shows; every command, option, setting, error code and exit status is documented;
every path and link leads somewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from lineseal.commandline import document as commands_page
from lineseal.commandline.exit_codes import Exit, exit_for
from lineseal.commandline.program import COMMAND_GROUP
from lineseal.queries import rules_page
from lineseal.schemas import errors
from lineseal.schemas.errors import LinesealError
from lineseal.settings import document as settings_page
from tests import readme

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    path
    for path in ROOT.rglob("*.md")
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)
ERRORS_PAGE = (ROOT / "docs" / "errors.md").read_text("utf-8")
REGENERATE = "the page is old: run 'make docs'"


def test_what_the_readme_says_works(tmp_path: Path) -> None:
    """A newcomer who types every block gets what the page shows."""
    page = readme.README.read_text("utf-8")

    outputs = list(readme.play(page, tmp_path))

    assert outputs
    for block, printed in outputs:
        assert readme.lasting(block.text) == readme.lasting(printed), REGENERATE


def test_the_readme_counts_the_lines_one_adds() -> None:
    """The number in "lines added" is the difference of the two scripts, indentation apart."""
    page = readme.README.read_text("utf-8")
    before, after = (
        [line.strip() for line in block.text.splitlines() if line.strip()]
        for block in readme.blocks(page)
        if block.argument == "train.py"
    )

    assert set(before) <= set(after)
    assert f"{NUMBERS[len(after) - len(before)]} lines added" in page


NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


def test_every_command_is_in_the_reference() -> None:
    """docs/commands.md is what the commands say of themselves."""
    shipped = (ROOT / "docs" / "commands.md").read_text("utf-8")

    assert shipped == commands_page.render(), REGENERATE


@pytest.mark.parametrize("name", sorted(entry.name for entry in entry_points(group=COMMAND_GROUP)))
def test_every_command_explains_itself_and_its_options(name: str) -> None:
    """No command or sub-command without a sentence, no option of its own without one.

    Options that ``emit`` derives from a body's model are named and typed by the contract; there
    an example stands instead.
    """
    for words, command in commands_page.commands(name):
        silent = {option.name or "" for option in commands_page.options(command) if not option.help}
        derived = {option for option in silent if option.startswith("field__")}

        assert (command.help or "").strip(), f"lineseal {words} says nothing"
        assert not silent - derived, f"lineseal {words} does not explain {silent - derived}"
        assert command.epilog or not derived, f"lineseal {words} gives no example"


def test_every_setting_is_in_the_reference() -> None:
    """docs/configuration.md is what the settings say of themselves."""
    shipped = (ROOT / "docs" / "configuration.md").read_text("utf-8")

    assert shipped == settings_page.render(), REGENERATE


def test_every_rule_is_in_the_reference() -> None:
    """docs/rules.md is what the rules say of themselves."""
    shipped = (ROOT / "docs" / "rules.md").read_text("utf-8")

    assert shipped == rules_page.render_rules(), REGENERATE


def test_the_rule_of_ones_own_works(tmp_path: Path) -> None:
    """Who follows docs/detections.md gets the alert that the page shows."""
    page = (ROOT / "docs" / "detections.md").read_text("utf-8")

    (output,) = readme.play(page, tmp_path)

    assert readme.lasting(output[1]).endswith(readme.lasting(output[0].text))


def error_classes() -> list[type[LinesealError]]:
    """Return every error class of ours."""
    found = [value for value in vars(errors).values() if isinstance(value, type)]
    return [cls for cls in found if issubclass(cls, LinesealError)]


def error_rows() -> dict[str, tuple[str, str, str, str]]:
    """Return the rows of the error tables: code to meaning, what to do, retry, exit."""
    rows = re.findall(
        r"^\| `([A-Z_]+)` \| (.+) \| (.+) \| (yes|no) \| (\d+) \|$", ERRORS_PAGE, re.MULTILINE
    )
    return {code: (meaning, advice, retry, status) for code, meaning, advice, retry, status in rows}


def test_exactly_the_codes_that_exist_are_documented() -> None:
    """No code is missing and none is invented."""
    assert set(error_rows()) == {cls.code for cls in error_classes()}


@pytest.mark.parametrize("cls", error_classes(), ids=[cls.code for cls in error_classes()])
def test_a_code_is_documented_as_it_behaves(cls: type[LinesealError]) -> None:
    """Retry and exit status on the page are those of the class."""
    _, _, retry, status = error_rows()[cls.code]
    error = cls.__new__(cls)  # some need more than a message

    assert retry == ("yes" if cls.retryable else "no")
    assert int(status) == exit_for(error)


def test_every_exit_status_is_documented() -> None:
    """The table of statuses holds all of ours."""
    documented = {int(status) for status in re.findall(r"^\| (\d+) \| ", ERRORS_PAGE, re.MULTILINE)}

    assert documented >= {int(status) for status in Exit}


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page: Path) -> None:
    """Files exist, and so do the headings that links name."""
    for target, anchor in links(page):
        assert target.exists(), f"{page.name} links to {target}"
        assert not anchor or anchor in anchors(target), f"{page.name} links to #{anchor}"


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files and anchors that a page links to within the project."""
    for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not link.startswith(("https://", "http://", "mailto:")):
            path, _, anchor = link.partition("#")
            yield (page.parent / path).resolve() if path else page, anchor


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    headings = re.findall(r"^#+ (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *ROOT.glob("*/README.md")], ids=lambda page: page.parent.name
)
def test_every_path_in_a_where_to_look_table_exists(page: Path) -> None:
    """Tables that say where to look name files and folders that are there."""
    rows = re.findall(r"^\| .+ \| (.*`.+) \|$", page.read_text("utf-8"), re.MULTILINE)
    paths = [path for row in rows for path in re.findall(r"`([\w./-]+(?:/|\.\w+))`", row)]

    for path in paths:
        assert (page.parent / path).exists() or (ROOT / path).exists(), f"no {path}"

"""The page in a real browser, without a network."""

import re
import shutil
import subprocess

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=2000",
    "--proxy-server=127.0.0.1:9",  # nobody listens there: every request would fail loudly
    "--dump-dom",
]


def _open(page, profile):
    """Return the document after its script has run, and what the console said."""
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={profile}", page.as_uri()]
    answer = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert answer.returncode == 0, answer.stderr
    return answer.stdout, re.findall(r".*CONSOLE.*", answer.stderr)


def test_the_console_stays_silent_and_the_script_runs(study, tmp_path):
    document, console = _open(study / "report.html", tmp_path / "profile")
    assert console == []
    assert document.count('<label class="chooser">') == 2
    assert len(re.findall(r"<details[^>]* hidden", document)) == 4 + 3

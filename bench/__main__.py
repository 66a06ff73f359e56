"""`make bench`: measures everything in one go on one machine, and writes docs/performance.md."""

from __future__ import annotations

import compileall
import shutil
import tempfile
from pathlib import Path

import click

import pulumi_anchorbrowser
from bench import machine
from bench.api import api_in_its_own_process
from bench.cells import FULL, QUICK, Cell, Size
from bench.page import PAGE, render
from bench.results import FOLDER, PUBLISHED, Results
from bench.sections import SECTIONS


@click.command()
@click.option("--quick", is_flag=True, help="50 batches, one repeat: to see that it works. Nothing is published.")
@click.option("--only", type=click.Choice(list(SECTIONS)), help="This section alone. Nothing is published.")
@click.option("--fresh", is_flag=True, help="Measure everything anew, also what an interrupted run has measured.")
@click.option("--render", "only_render", is_flag=True, help="Measure nothing; render the published run anew.")
def main(quick: bool, only: str | None, fresh: bool, only_render: bool) -> None:
    """Measure ours against a plain provider, a script, the engine alone and the physical limit."""
    if only_render:
        if not PUBLISHED.exists():
            raise click.ClickException("nothing has been published yet: run it without --render")
        render(Results.read(PUBLISHED), PAGE)
        return
    if shutil.which("pulumi") is None:
        raise click.ClickException("there is no Pulumi CLI on PATH, and a rehearsal would measure something else")
    path = FOLDER / f"{'quick' if quick else 'run'}.json"
    if fresh:
        path.unlink(missing_ok=True)
    results = Results(path, machine.describe())
    # As pip does with what it installs. Compiled anew in each command, ours would take half a second longer.
    compileall.compile_dir(Path(pulumi_anchorbrowser.__file__).parent, quiet=1)
    measure(results, QUICK if quick else FULL, only)
    is_published = not quick and only is None
    if is_published:
        results.write(PUBLISHED)
    page = PAGE if is_published else FOLDER / "performance.md"
    render(results, page)
    click.echo(f"Written: {page}")


def measure(results: Results, size: Size, only: str | None = None) -> None:
    """Measure every cell of this size, or of one section of it, that has no result yet."""
    cells = [cell for name, section in SECTIONS.items() if only in {None, name} for cell in section(size)]
    with api_in_its_own_process() as api:
        for number, cell in enumerate(cells, 1):
            if results.has(cell):
                continue
            click.echo(f"{number} of {len(cells)}: {_told(cell)}")
            with tempfile.TemporaryDirectory(prefix="bench-") as folder:
                results.add(cell, cell.measure(api, Path(folder)))


def _told(cell: Cell) -> str:
    labels = ", ".join(f"{name} {value}" for name, value in cell.labels.items())
    return f"{cell.section}, {labels}, repeat {cell.repeat}"


if __name__ == "__main__":
    main()

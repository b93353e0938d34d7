import html
import json
import re
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

import pytest
from report_tables import HOSTILE, write_tables

from cotrain.report import write_report
from cotrain.report._metrics import key_figures

VOID = {"meta", "br", "img", "link", "input", "hr"}


class Reader(HTMLParser):
    """What a browser would load, and whether tags nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name in ("href", "src", "xlink:href", "data", "srcset", "action"):
                (self.links if tag == "a" else self.loads).append(value)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    """A study whose task names attack the page, with gaps in its scores, and its report."""
    folder = tmp_path_factory.mktemp("hostile")
    tables = write_tables(
        folder, len(HOSTILE), names=HOSTILE, affinity=True, labels=True, auxiliary=True, missing=0.1
    )
    findings = tables.load()
    write_report(findings, folder / "reports")
    return findings, folder / "reports"


def test_the_page_is_well_formed_and_ids_are_unique(hostile):
    _, folder = hostile
    page = Reader((folder / "report.html").read_text())
    assert page.open == []
    assert len(page.ids) == len(set(page.ids))


def test_the_page_loads_nothing(hostile):
    _, folder = hostile
    text = (folder / "report.html").read_text()
    page = Reader(text)
    assert "script" not in page.tags
    assert all(target.startswith(("#", "data:image/png;base64,")) for target in page.loads)
    assert {target[1:] for target in page.loads if target.startswith("#")} <= set(page.ids)
    assert {target[1:] for target in re.findall(r"url\((#[^)]+)\)", text)} <= set(page.ids)
    assert "@import" not in text
    papers = ("2010.15413", "2109.04617", "2303.14582", "2512.24866")
    outside = [link for link in page.links if not link.startswith("#")]
    assert sorted(outside) == sorted(f"https://arxiv.org/abs/{paper}" for paper in papers)
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)


def test_hostile_names_are_shown_and_do_nothing(hostile):
    findings, folder = hostile
    text = (folder / "report.html").read_text()
    page = Reader(text)
    assert "<script" not in text
    for name in findings.tasks:
        assert name in page.text
        assert html.escape(name, quote=False) in text or html.escape(name) in text.replace(
            "&#34;", "&quot;"
        ).replace("&#39;", "&#x27;")


def test_the_end_of_the_colours_of_exchange_rates_is_stated(hostile):
    findings, folder = hostile
    rates = findings.exchange_rates["exchange_rate"]
    stated = re.search(
        r"Colours end at −([\d.]+) and \1; (\d+) cells? lies? beyond",
        (folder / "report.html").read_text(),
    )
    assert (rates.abs() > float(stated[1])).sum() == int(stated[2])


def test_the_measures_stand_beside_their_costs(hostile):
    findings, folder = hostile
    section = (folder / "report.html").read_text().split('id="measures"')[1].split("</section>")[0]
    text = Reader(section).text
    assert findings.costs["measure"].tolist() == ["affinity", "surrogate relevance", "statTAG"]
    for row in ("affinity220.51.50", "surrogate relevance8008,0001,600", "statTAG2004,000800"):
        assert row in text
    assert "Spearman correlation over the pairs" in text
    assert 'id="figure-affinity"' in section


def test_what_each_grouping_costs_stands_beside_the_comparison(hostile):
    _, folder = hostile
    section = (folder / "report.html").read_text().split('id="comparison"')[1]
    text = Reader(section.split("</section>")[0]).text
    for row in ("recommended324,0001.25", "all together112,0000.500"):
        assert row in text


def test_every_figure_has_a_title(hostile):
    _, folder = hostile
    text = (folder / "report.html").read_text()
    names = sorted(path.stem for path in (folder / "figures").glob("*.svg"))
    assert names == [
        "affinity",
        "affinity_steps",
        "comparison",
        "exchange_rates",
        "front",
        "learning_curves",
        "next_labels",
        "pairwise",
        "predictions",
        "relevance",
        "search",
        "single_against_together",
    ]
    for name in names:
        ET.parse(folder / "figures" / f"{name}.svg")
        inline = text.split(f'id="figure-{name}"')[1].split("</figure>")[0]
        title = re.search(r"<figcaption>([^<]{10,})</figcaption>", inline)[1]
        assert f'<svg role="img" aria-label="{title}"' in inline


def test_the_same_findings_give_the_same_bytes(hostile, tmp_path):
    findings, folder = hostile
    stale = tmp_path / "figures" / "of_an_earlier_report.svg"
    stale.parent.mkdir()
    stale.write_text("<svg/>")
    write_report(findings, tmp_path)

    def contents(root):
        return {p.relative_to(root): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    assert contents(tmp_path) == contents(folder)


def test_metrics_are_those_of_the_tables(hostile):
    findings, folder = hostile
    figures = json.loads((folder / "metrics.json").read_text())
    verdicts = findings.relevance["verdict"]
    assert figures["relevance_helps"] == (verdicts == "helps").sum()
    assert figures["relevance_undecided"] == (verdicts == "undecided").sum()
    table = findings.comparison
    row = table[(table["score"] == "log_loss") & (table["grouping"] == "single-task")].iloc[0]
    assert figures["test_gain_over_single_task"] == row["difference"]
    assert figures["test_gain_over_single_task_low"] == row["low"]
    assert figures["test_gain_over_clustering"] is None
    table = findings.task_comparison
    alone = table[(table["score"] == "log_loss") & (table["grouping"] == "single-task")]
    assert figures["test_worst_task_single_task"] == alone["mean"].max()  # a loss
    assert figures["test_worst_task_single_task"] > alone["mean"].min()
    assert figures["n_tasks"] == len(HOSTILE)
    assert figures["reliability"] == findings.overview.reliability
    always = findings.negative_transfer.set_index("predictor").loc["always"]
    assert figures["negative_transfer_always_f1"] == always["f1"]
    assert figures["negative_transfer_always_mcc"] is None


def test_metrics_have_the_same_keys_in_every_study(hostile, make_tables):
    findings, _ = hostile
    other = make_tables(2, kind="real", baselines=(), effect=0.0).load()
    assert list(key_figures(other)) == list(key_figures(findings))


@pytest.mark.parametrize(
    ("n_tasks", "options"),
    [
        (1, {}),
        (3, {"kind": "real", "n_groups": 1, "effect": 0.0, "n_levels": 1}),
        (2, {"missing": 1.0, "baselines": ()}),
    ],
    ids=["one task", "nothing decided", "no scores"],
)
def test_poor_studies_have_a_report_too(make_tables, tmp_path, n_tasks, options):
    write_report(make_tables(n_tasks, **options).load(), tmp_path)
    text = (tmp_path / "report.html").read_text()
    page = Reader(text)
    assert page.open == []
    assert "nan" not in re.sub(r"<svg.*?</svg>", "", text, flags=re.DOTALL).lower()
    json.loads((tmp_path / "metrics.json").read_text())


@pytest.mark.slow
@pytest.mark.parametrize("n_tasks", [30, 244])
def test_large_studies_stay_readable(make_tables, tmp_path, n_tasks):
    findings = make_tables(n_tasks).load()
    write_report(findings, tmp_path)
    page = Reader((tmp_path / "report.html").read_text())
    assert all(task in page.text for task in findings.tasks)
    assert ("The figure shows 30 of 244 tasks" in page.text) == (n_tasks == 244)
    assert (tmp_path / "report.html").stat().st_size < 3_000_000

"""The report page: what it says, that it is safe, and that it works in a browser."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
import webdriver

from barkcluster import (
    FamiliarityModel,
    Session,
    cli,
    estimate_tempo,
    synthetic,
    write_session,
)
from barkcluster.display.report.contents import report_on, report_on_itself
from barkcluster.display.report.page import report_html, write_report

HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)>\"'&\u202e"


def make_model():
    return FamiliarityModel(scales=(0.5, 3.0), random_state=0)


@pytest.fixture(scope="module")
def report():
    session, _ = synthetic.make_session(0.75, random_state=3)
    return report_on_itself(session, make_model())


@pytest.fixture(scope="module")
def hostile():
    session, _ = synthetic.make_session(0.3, random_state=4, surprises=False)
    model = FamiliarityModel(scales=(0.5, 2.0), random_state=0)
    return report_on_itself(Session(session.frames, name=HOSTILE), model)


@pytest.fixture(scope="module")
def page(tmp_path_factory, report, hostile):
    path = tmp_path_factory.mktemp("report") / "report.html"
    write_report([report, hostile], path)
    return path


@pytest.fixture(scope="module")
def browser(page):
    if webdriver.missing():
        pytest.skip(f"needs {webdriver.missing()}")
    with webdriver.browser() as window:
        yield window


def data_in(html):
    return [json.loads(text) for text in re.findall(
        r'<script type="application/json">(.*?)</script>', html, re.DOTALL)]


@pytest.mark.slow
def test_the_rest_is_judged_by_the_beginning(report):
    assert report.learned_s == pytest.approx(0.4 * 45)
    assert report.timeline.times[0] > report.learned_s
    familiarity = [moment.familiarity for moment in report.moments]
    assert familiarity == sorted(familiarity)
    assert familiarity[0] == report.timeline.familiarity.min()


def test_the_page_holds_the_numbers_of_the_report(report):
    (data,) = data_in(report_html([report]))
    np.testing.assert_allclose(data["familiarity"], report.timeline.familiarity, rtol=5e-3)
    by_scale = np.array(data["by_scale"], dtype=float).T
    np.testing.assert_allclose(by_scale, report.timeline.by_scale, rtol=5e-3)
    assert data["by_scale"][1][0] is None        # a window of 3 s was not full yet
    assert data["duration"] == report.session.duration


@pytest.mark.slow
def test_nothing_is_loaded_from_elsewhere(report, hostile):
    html = report_html([report, hostile])
    assert not re.search(r"""(?:src|href)=["'](?!#)""", html)
    assert "http://" not in html and "https://" not in html
    assert "default-src 'none'" in html


def test_hostile_names_stay_text(hostile):
    html = report_html([hostile])
    assert "<img" not in html
    assert "document.title='owned'</script>" not in html
    assert html.count("<script") == html.count("</script>") == 2


def test_a_long_timeline_keeps_its_strangest_moment(report):
    n = 50_001
    familiarity = np.random.default_rng(0).uniform(0.1, 1.0, size=n)
    familiarity[33_333] = 0.0007
    timeline = replace(report.timeline, times=np.arange(1.0, n + 1) / 10, familiarity=familiarity,
                       by_scale=np.tile(familiarity[:, None], 2))
    (data,) = data_in(report_html([replace(report, timeline=timeline)]))
    assert len(data["times"]) < 20_001
    assert min(data["familiarity"]) == 0.0007
    assert data["strangest"] == pytest.approx(3333.4)
    # The chart breaks its line, as at a pause, where rows are 1.5 steps apart and more.
    assert np.diff(data["times"]).max() < 1.5 * data["step"]


def test_short_sessions_do_without_map_motifs_and_tempo(rng):
    short = Session(rng.normal(-40, 5, size=(450, 25)), name="")
    html = report_html([report_on_itself(short, FamiliarityModel(scales=(0.5,)))])
    for text in ("too short for a map", "too short for a tempo", "Nothing recurs"):
        assert text in html


def test_another_session_is_judged_by_what_was_learned(rng):
    heard = Session(rng.normal(-40, 5, size=(1500, 25)), name="heard")
    louder = np.asarray(heard.frames).copy()
    louder[600:, 11:13] += 25.0
    model = FamiliarityModel(scales=(0.5,)).fit(heard)
    report = report_on(Session(louder[:1200]), model, "heard")
    assert report.learned_s == 0
    assert report.moments[0].start > 5.4
    assert "louder at 1.5 kHz to 2 kHz" in report.moments[0].because


def test_no_sessions_is_an_error():
    with pytest.raises(ValueError, match="at least one"):
        report_html([])


@pytest.mark.slow
def test_command_writes_a_page(tmp_path, monkeypatch, capsys):
    session, _ = synthetic.make_session(0.5, random_state=3)
    monkeypatch.chdir(tmp_path)
    write_session(session, "jam.txt")
    write_session(session.between(5, 15), "now.txt")
    assert cli.main(["report", "jam.txt", "now.txt", "-o", "own.html", "--scales", "0.5"]) == 0
    assert cli.main(["report", "now.txt", "--train", "jam.txt", "-o", "r.html", "--scales",
                     "0.5,2"]) == 0
    assert "2 sessions" in capsys.readouterr().out
    assert len(data_in((tmp_path / "own.html").read_text("utf-8"))) == 2
    assert "learned of <bdi>" in (tmp_path / "r.html").read_text("utf-8")


@pytest.mark.parametrize("width", [360, 1200])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_opens_without_complaint(browser, page, width, scheme):
    browser.size(width, 900)
    browser.scheme(scheme)
    browser.open(page)
    assert browser.log() == []
    assert browser.run("return document.title") == "2 sessions: familiarity"
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    assert browser.run("return charts.length") == 2
    ink = browser.run("return getComputedStyle(document.body).color")
    assert (min(map(int, re.findall(r"\d+", ink))) > 128) == (scheme == "dark")
    drawn = browser.run("""const c = document.querySelector("canvas");
        const d = c.getContext("2d").getImageData(0, 0, c.width, c.height).data;
        return new Set(new Uint32Array(d.buffer)).size""")
    assert drawn > 50


def test_buttons_and_keys_zoom_and_read(browser, page):
    browser.size(1200, 900)
    browser.open(page)
    span = "return charts[0].view[1] - charts[0].view[0]"
    whole = browser.run(span)
    browser.run("document.querySelector('[data-act=in]').click()")
    assert browser.run(span) == pytest.approx(whole / 2)
    browser.run("document.querySelector('canvas').focus()")
    browser.press("+")
    assert browser.run(span) == pytest.approx(whole / 4)
    browser.press("0")
    assert browser.run(span) == pytest.approx(whole)
    browser.press("\ue011")                      # Home
    read = "return document.querySelector('output').textContent"
    assert browser.run(read).startswith("0:18.5: familiarity ")
    browser.press("\ue014", "\ue014")            # right, right
    assert browser.run("return charts[0].cursor") > 0
    assert "not known yet" in browser.run(read)


def test_a_moment_in_a_table_is_shown_in_the_chart(browser, page, report):
    browser.size(1200, 900)
    browser.open(page)
    browser.run("document.querySelector('button.time').click()")
    at = browser.run("return charts[0].data.times[charts[0].cursor]")
    assert at == pytest.approx(report.moments[0].stop, abs=0.06)
    start, stop = browser.run("return charts[0].view")
    assert start <= report.moments[0].start and report.moments[0].stop <= stop
    assert stop - start < report.session.duration


def test_dragging_moves_and_clicking_reads(browser, page):
    browser.size(1200, 900)
    browser.open(page)
    browser.run("""charts[0].look(25, 35);
        charts[0].canvas.scrollIntoView({block: "center", behavior: "instant"})""")
    x, y = browser.run("""const b = charts[0].canvas.getBoundingClientRect();
        return [Math.round(b.left + b.width / 2), Math.round(b.top + b.height / 2)]""")
    browser.drag((x, y), (x - 100, y), (x - 200, y))
    start, stop = browser.run("return charts[0].view")
    assert start > 26 and stop - start == pytest.approx(10)
    browser.drag((x, y))
    at = browser.run("return charts[0].data.times[charts[0].cursor]")
    assert at == pytest.approx((start + stop) / 2, abs=0.8)


def test_the_theme_can_be_changed(browser, page):
    browser.size(1200, 900)
    browser.scheme("light")
    browser.open(page)
    back = "return getComputedStyle(document.body).backgroundColor"
    before = browser.run(back)
    browser.run("document.getElementById('theme').click()")
    assert browser.run(back) != before


def test_everything_that_acts_has_a_name(browser, page):
    browser.open(page)
    nodes = browser.devtools("Accessibility.getFullAXTree")["nodes"]
    acting = [node for node in nodes if not node["ignored"]
              and node["role"]["value"] in {"button", "link", "application", "img", "table"}]
    assert len(acting) > 10
    assert all(node.get("name", {}).get("value") for node in acting)


def test_on_a_phone_the_reasons_stand_below_and_a_moment_is_chosen(browser, page, report):
    browser.size(390, 900)
    browser.open(page)
    assert browser.run("return document.documentElement.scrollWidth <= innerWidth")
    rows = browser.run("""const all = document.querySelectorAll("table.moments tbody tr");
        return [...all].map((r) => [r.querySelector(".why").getBoundingClientRect().top,
            r.querySelector("button").getBoundingClientRect().bottom])""")
    assert rows
    assert all(why >= when for why, when in rows)
    said = browser.run("return document.querySelector('output').textContent")
    assert said.startswith("The least familiar moment: 0:")


def test_moments_that_are_not_strange_are_not_called_so(report):
    usual = replace(report.moments[0], familiarity=0.3)
    html = report_html([replace(report, moments=[usual])])
    assert "Nothing was below 0.05: the least familiar moment" in html
    assert all(m.familiarity < 0.05 for m in report.moments) or len(report.moments) == 1


@pytest.mark.slow
def test_a_name_that_is_not_utf_8_does_not_end_the_work(report, tmp_path):
    session = Session(report.session.frames, name="caf\udce9")
    write_report([replace(report, session=session)], tmp_path / "report.html")
    assert "caf?" in (tmp_path / "report.html").read_text("utf-8")


def test_tempi_say_what_they_are_of(report):
    tempo = estimate_tempo(synthetic.make_session(0.5, random_state=4, tempo=124.0)[0])
    html = report_html([replace(report, tempo=tempo, tempi=[(0.0, 20.0, tempo)] * 2)])
    assert "The whole session: 123 beats per minute, with a confidence of 0." in html
    assert "The tempo of parts of the session, each estimated from that part alone" in html
    assert "<dt>tempo</dt><dd>123 bpm</dd>" in html
    silent = report_html([replace(report, tempo=estimate_tempo(np.full((2000, 25), -100.0)))])
    assert "has no beat that could be found" in silent and "<dt>tempo</dt><dd>–</dd>" in silent


def test_long_names_wrap_on_a_phone(browser, report, tmp_path):
    named = [replace(report, session=Session(report.session.frames, name=letter * 200),
                     learned_from=letter * 200) for letter in "ab"]
    for reports in (named[:1], named):
        write_report(reports, tmp_path / "long.html")
        browser.size(390, 900)
        browser.open(tmp_path / "long.html")
        assert browser.run("return innerWidth === 390 && "
                           "document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_whose_times_are_those_of_what_was_learned_is_said(rng, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("monday", "tuesday"):
        frames = rng.normal(-40, 6, size=(600, 25))
        write_session(Session(frames, name=name), f"{name}.txt")
    words = ["report", "monday.txt", "-o", "r.html", "--scales", "0.5", "--train"]
    for train, more in ((["monday.txt"], False), (["monday.txt", "tuesday.txt"], True)):
        assert cli.main([*words, *train]) == 0
        html = (tmp_path / "r.html").read_text("utf-8")
        assert ("times of what was learned count on from one to the next" in html) == more

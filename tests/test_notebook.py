"""What results show in a notebook, and as a DataFrame."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from barkcluster import FamiliarityModel, Session, Timeline, find_motifs, synthetic
from barkcluster._extras import install_command

HOSTILE = "<script>alert(1)</script> & \udce9.wav"


@pytest.fixture(scope="module")
def results():
    session, known = synthetic.make_session(1, random_state=0)
    model = FamiliarityModel("kmeans", scales=(0.5, 2.0), random_state=0).fit(
        session.between(0, known.clean_stop))
    return {"session": session, "timeline": model.timeline(session),
            "explanation": model.explain(session, 40.0), "motifs": find_motifs(session)}


@pytest.mark.slow
@pytest.mark.parametrize("name, shown", [
    ("session", "1:00.0"), ("timeline", "mean familiarity"), ("explanation", "0:40.0"),
    ("motifs", "occurrences")])
def test_a_notebook_shows_a_small_drawing(results, name, shown):
    html = results[name]._repr_html_()
    assert shown in html
    assert len(html) < 100_000
    drawing = ET.fromstring(re.search(r"<svg.*</svg>", html, re.DOTALL)[0])
    assert drawing.get("aria-label")
    assert not re.search(r"(href|src)=.(?!data:image/png)", html)  # nothing is loaded


def test_names_are_shown_and_not_obeyed():
    html = Session(np.full((300, 25), -40.0), name=HOSTILE)._repr_html_()
    assert "<script" not in html
    html.encode("utf-8")


@pytest.mark.parametrize("shown", [
    Session(np.empty((0, 25))), Session(np.full((1, 25), -40.0)),
    Session(np.full((300, 25), -40.0), gaps=[(200, 6000)]),
    Timeline(np.empty(0), np.empty(0), np.empty((0, 1)), np.array([1.0])),
    Timeline(np.array([1.0]), np.array([0.5]), np.array([[0.5]]), np.array([1.0])),
    find_motifs(np.full((1000, 25), -40.0)),
], ids=["no frame", "a frame", "a gap", "no row", "a row", "no motif"])
def test_what_holds_little_is_shown_as_well(shown):
    assert shown._repr_html_().startswith("<div")


@pytest.mark.slow
def test_a_timeline_is_a_data_frame(results):
    pytest.importorskip("pandas")
    timeline = results["timeline"]
    frame = timeline.to_frame()
    assert list(frame.columns) == ["familiarity", "scale_0.5s", "scale_2s"]
    assert frame.index.name == "time_s"
    np.testing.assert_array_equal(frame.index, timeline.times)
    np.testing.assert_array_equal(frame["scale_2s"], timeline.by_scale[:, 1])


def test_hints_name_what_works_here(monkeypatch, tmp_path):
    folder = re.fullmatch(r"pip install '(.*)\[plot\]'", install_command("plot"))[1]
    monkeypatch.chdir(folder)
    assert install_command("plot") == "pip install '.[plot]'"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("barkcluster._extras._sources", lambda: None)
    assert install_command("plot") == "pip install 'barkcluster[plot]'"
